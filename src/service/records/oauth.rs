//! Authorizations of web pages: those under way, and the codes that they ended with.

use serde::{Deserialize, Serialize};

use super::stored_in;
use crate::domain::ids::{AppId, AppName, OpenId, UnionId};
use crate::domain::time::Timestamp;
use crate::service::seal::Sealed;
use crate::store::{Collection, Record};

/// An authorization under way: what its `state` stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OauthState {
    /// The random part of the state.
    pub id: String,
    /// The official account.
    pub app: AppName,
    /// Where the user goes in the end.
    pub redirect: String,
    /// What is asked for.
    pub scope: OauthScope,
    /// How many authorizations went before that came to nothing.
    #[serde(default)]
    pub attempt: u32,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When WeChat sent the user back.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
    /// The digest of the code that WeChat sent along; none if the user refused.
    #[serde(default)]
    pub code: Option<String>,
    /// What it came to.
    #[serde(default)]
    pub outcome: Option<OauthOutcome>,
}

/// What is asked of the user. (网页授权, scope.)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OauthScope {
    /// The openid, without asking.
    #[default]
    #[serde(rename = "snsapi_base")]
    Base,
    /// Nickname and picture too.
    #[serde(rename = "snsapi_userinfo")]
    UserInfo,
}

impl OauthScope {
    /// As WeChat writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "snsapi_base",
            Self::UserInfo => "snsapi_userinfo",
        }
    }
}

/// What an authorization came to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OauthOutcome {
    /// A one-time code of ours, for the case that the browser asks again.
    Code(Sealed),
    /// An error that the page is told.
    Failed(String),
    /// WeChat did not know its code any more.
    Spent,
}

stored_in!(
    OauthState,
    Collection {
        name: "oauth_states",
        indexes: &[],
        expires: Some("expires_at"),
    }
);

/// A one-time code of ours: who WeChat says the user is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OauthCode {
    /// The digest of the code.
    pub id: String,
    /// The official account.
    pub app: AppName,
    /// WeChat's id of it.
    pub app_id: AppId,
    /// The user within the account.
    pub openid: OpenId,
    /// The user within the Open Platform account.
    #[serde(default)]
    pub unionid: Option<UnionId>,
    /// What the user is called.
    #[serde(default)]
    pub nickname: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

stored_in!(
    OauthCode,
    Collection {
        name: "oauth_codes",
        indexes: &[],
        expires: Some("expires_at"),
    }
);
