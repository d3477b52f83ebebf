//! `/cgi-bin`: credentials, messages, questions about the network, and what official accounts have: menus, media,
//! templates, QR codes, users; also the older mini-program codes.

pub(crate) mod callback;
pub(crate) mod material;
pub(crate) mod media;
pub(crate) mod menu;
pub(crate) mod message;
pub(crate) mod qrcode;
pub(crate) mod quota;
pub(crate) mod rid;
pub(crate) mod shorten;
pub(crate) mod stable_token;
pub(crate) mod tags;
pub(crate) mod template;
pub(crate) mod ticket;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod wxaapp;
