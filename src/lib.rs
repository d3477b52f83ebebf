//! wxgate stands between WeChat and a company's own programs.

pub mod assets;
pub mod clock;
pub mod domain;
pub mod store;
