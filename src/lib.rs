//! wxgate stands between WeChat and a company's own programs.

pub mod assets;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod net;
pub mod simulator;
pub mod store;
pub mod tasks;
pub mod telemetry;
pub mod wechat;
