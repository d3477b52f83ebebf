//! The normalised event.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::ids::{AppId, AppName};

/// Message or event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody wrote.
    Message,
    /// Something happened.
    Event,
}

/// What WeChat pushed, in one form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Ours.
    pub id: String,
    /// The app.
    pub app: AppName,
    /// WeChat's id of it.
    pub app_id: AppId,
    /// Message or event.
    pub kind: Kind,
    /// Which.
    pub r#type: String,
    /// Who.
    pub openid: Option<String>,
    /// `EventKey`.
    pub key: Option<String>,
    /// The rest.
    pub data: Map<String, Value>,
}
