//! The store: one suite of cases that every engine passes, a model that both are compared with, and what is
//! particular to each engine.

mod cases;
mod conformance;
mod model;
mod mongo;
mod mongo_faults;
mod property;
mod sqlite;
mod sqlite_files;
mod stage;
