//! wxgate stands between WeChat and a company's own programs.

pub mod clock;
pub mod domain;
pub mod simulator;
pub mod store;
