//! Checks of media whose result comes later.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::time::Timestamp;
use crate::store::{Collection, Record};

/// A check of a picture or sound. (音视频内容安全识别)
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MediaCheck {
    /// The AppID and WeChat's `trace_id` of it.
    pub id: String,
    /// The fingerprint of whose content it is; none as long as only the result is here.
    #[serde(default)]
    pub subject: Option<String>,
    /// What WeChat found, in JSON: `result`, `detail`, `errcode`. None as long as it is not here.
    #[serde(default)]
    pub found: Option<String>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

stored_in!(
    MediaCheck,
    Collection {
        name: "media_checks",
        indexes: &[],
        expires: Some("expires_at"),
    }
);
