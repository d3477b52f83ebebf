//! wxgate stands between WeChat and a company's own programs.

pub mod app;
pub mod assets;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod net;
pub mod service;
pub mod simulator;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod wechat;
