//! The HTTP edge around a small app of our own, over real sockets. No routes of the program.

mod answers;
mod bodies;
mod framing;
mod peers;
mod slow;
mod support;
