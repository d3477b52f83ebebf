//! `/sns`: the mini-program login, and web pages in WeChat.

pub(crate) mod auth;
pub(crate) mod jscode2session;
pub(crate) mod oauth2;
pub(crate) mod userinfo;
