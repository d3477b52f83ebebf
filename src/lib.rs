//! wxgate stands between WeChat and a company's own programs.
//!
//! In reading order: [`domain`] holds the pure rules; [`wechat`] calls the platform; [`store`] keeps documents;
//! [`service`] has the use cases; [`http`] is the API; [`app`] puts them together from a [`config`]. [`assets`]
//! serves the site's files, and [`simulator`] is a WeChat of our own that shares nothing with the rest.

pub mod app;
pub mod assets;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod histogram;
pub mod http;
pub mod net;
pub mod service;
pub mod simulator;
pub mod state;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod wechat;
