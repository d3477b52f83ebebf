//! What is done with a call before it is sent: which credential it gets, and what a caller must have been given for it.
//! Pure.

use crate::domain::api_path::ApiTarget;
use crate::service::records::{Caller, Grant};

/// It shows queries, bodies and answers of any call of the app, whoever made it. (查询 rid 信息.)
const RID: &str = "/cgi-bin/openapi/rid/get";

/// What is done with a call, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It gets the app's access_token, as nearly all do.
    Token,
    /// It is answered with the ticket that we hold.
    Ticket,
    /// It proves itself by the AppSecret, which takes the place of what the caller wrote.
    Secret(Proof),
    /// It carries the credential of a person's web page, which is not ours. (网页授权.)
    Foreign,
    /// It would make an access_token that knocks ours out, or have ours taken for dead.
    Refused,
}

/// How a call carries the AppSecret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// `appid` and `secret` in the query. (小程序登录, 网页授权.)
    Query,
    /// `appid` and `appsecret` in the body. (重置 API 调用次数.)
    Body,
}

impl Treatment {
    /// Of calls of this path, as it is compared.
    #[must_use]
    pub fn of(path: &str) -> Self {
        match path {
            "/cgi-bin/ticket/getticket" => Self::Ticket,
            "/sns/jscode2session" | "/sns/oauth2/access_token" => Self::Secret(Proof::Query),
            "/cgi-bin/clear_quota/v2" => Self::Secret(Proof::Body),
            "/sns/userinfo" | "/sns/auth" | "/sns/oauth2/refresh_token" => Self::Foreign,
            "/cgi-bin/token" | "/cgi-bin/stable_token" => Self::Refused,
            // None of these takes an app's access_token: all would call it dead. (网页授权, 小程序登录.)
            path if path.starts_with("/sns/") => Self::Refused,
            _ => Self::Token,
        }
    }
}

/// Whether the caller may make this call. What shows session_keys needs `--session-key` too, and what uses the AppSecret
/// or shows others' calls a pattern of its own: nobody is to get that by a wildcard.
#[must_use]
pub fn permits(caller: &Caller, method: &str, target: &ApiTarget) -> bool {
    let path = target.decoded();
    let may_call = match Treatment::of(path) {
        Treatment::Refused => false,
        _ if path == RID => caller.names(method, path),
        Treatment::Secret(_) => caller.names(method, path),
        Treatment::Token | Treatment::Ticket | Treatment::Foreign => caller.allows(method, path),
    };
    may_call && (!shows_session_key(path) || caller.has(Grant::SessionKey))
}

/// Whether the answer has a user's session_key in it. (小程序登录, 重置登录态.)
fn shows_session_key(path: &str) -> bool {
    matches!(path, "/sns/jscode2session" | "/wxa/resetusersessionkey")
}
