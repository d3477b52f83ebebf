//! What is counted of the calls of WeChat's API.

use std::time::Duration;

use crate::domain::ids::AppName;

/// Counts.
#[derive(Debug, Default)]
pub struct Figures;

impl Figures {
    /// A call has ended.
    pub fn record(&self, _app: &AppName, _path: &str, _errcode: Option<i64>, _took: Duration) {}
}
