//! What the services' errors become.

use std::time::Duration;

use super::ApiError;
use crate::http::edge::body::BodyError;
use crate::service::users::LinkError;
use crate::service::{
    StoreError, accounts, callback, codes, credentials, jsapi, login, mini_program, oauth, password_check,
    passwords, push, relay, sessions,
};
use crate::telemetry::Chain;

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        store_failed(&error)
    }
}

/// A store that is away comes back; a document that it refuses or that cannot be read is our fault.
fn store_failed(error: &StoreError) -> ApiError {
    tracing::error!(error = %Chain(error), "the store failed a request");
    if error.may_pass() {
        ApiError::Unavailable("the store does not answer", Duration::from_secs(2))
    } else {
        ApiError::Internal
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { .. } => Self::TooLarge,
            BodyError::TimedOut => Self::TooSlow,
            BodyError::Broken(_) => Self::Invalid(vec!["the body did not arrive whole".to_owned()]),
            BodyError::Busy => busy(),
        }
    }
}

impl From<callback::Error> for ApiError {
    fn from(error: callback::Error) -> Self {
        match error {
            callback::Error::NoApp => no_app(),
            callback::Error::Refused => Self::Forbidden("Error! No Auth".to_owned()),
        }
    }
}

impl From<push::Error> for ApiError {
    fn from(error: push::Error) -> Self {
        match error {
            push::Error::NoApp => no_app(),
            push::Error::Refused => Self::Forbidden("Error! No Auth".to_owned()),
            push::Error::Malformed(error) => Self::Invalid(vec![error.to_string()]),
            push::Error::Store(error) => store_failed(&error),
            push::Error::Slow => Self::Unavailable("the push was not stored in time", Duration::from_secs(1)),
        }
    }
}

impl From<jsapi::Error> for ApiError {
    fn from(error: jsapi::Error) -> Self {
        match error {
            jsapi::Error::NoApp => no_app(),
            jsapi::Error::ForeignHost => {
                Self::Forbidden("the URL's host is not in js_domains of this official account".to_owned())
            }
            jsapi::Error::Credentials(error) => error.into(),
        }
    }
}

impl From<credentials::Error> for ApiError {
    fn from(error: credentials::Error) -> Self {
        let waiting = "WeChat gives no token or ticket at the moment";
        match error {
            credentials::Error::NoApp => no_app(),
            credentials::Error::NoToken(error) => (*error).clone().into(),
            credentials::Error::Platform(error) => match error.errcode() {
                Some(errcode) if errcode != -1 => Self::Upstream(errcode),
                _ => Self::Unavailable(waiting, Duration::from_secs(2)),
            },
            credentials::Error::Spent(wait) => Self::Unavailable(waiting, wait),
            credentials::Error::Slow => Self::Unavailable(waiting, Duration::from_secs(2)),
            credentials::Error::StillDead => Self::Unavailable(waiting, Duration::from_secs(30)),
            credentials::Error::Store(error) => store_failed(&error),
            credentials::Error::Sealed(_) => Self::Internal,
        }
    }
}

impl From<relay::Error> for ApiError {
    fn from(error: relay::Error) -> Self {
        match error {
            relay::Error::NoApp => no_app(),
            relay::Error::NotRelayed => {
                Self::Forbidden("GET /v1/apps/{app}/access_token has the access_token".to_owned())
            }
            relay::Error::Busy => {
                Self::Unavailable("too many calls of this app are under way", Duration::from_secs(1))
            }
            relay::Error::Resting(rest) => Self::Unavailable("WeChat has failed too often lately", rest),
            relay::Error::Credentials(error) => error.into(),
            relay::Error::Platform(error) => {
                let text = if error.may_have_arrived() {
                    "WeChat did not answer as it should; it may have carried out the call"
                } else {
                    "WeChat cannot be reached"
                };
                Self::Unavailable(text, Duration::from_secs(2))
            }
            relay::Error::Ambiguous(text) => Self::Invalid(vec![text]),
            // It is busy. (全局返回码.)
            relay::Error::Refused(-1) => Self::Unavailable("WeChat is busy", Duration::from_secs(2)),
            // Its quota of the day or the minute. (全局返回码.)
            relay::Error::Refused(45009 | 45011) => Self::Limited(Duration::from_secs(60)),
            relay::Error::Refused(errcode) => Self::Upstream(errcode),
        }
    }
}

impl From<login::Error> for ApiError {
    fn from(error: login::Error) -> Self {
        match error {
            login::Error::NoApp => no_app(),
            login::Error::CodeUsed => login_refused(40163),
            login::Error::Platform(error) => match error.errcode() {
                // The code is wrong, used, or blocked with its user. (小程序登录)
                Some(errcode @ (40029 | 40163 | 40226)) => login_refused(errcode),
                Some(45011) => Self::Limited(Duration::from_secs(60)),
                Some(-1) | None => {
                    tracing::warn!(%error, "a login code could not be exchanged");
                    Self::LoginUnavailable
                }
                Some(errcode) => {
                    tracing::error!(%error, "WeChat refuses our logins; `wxgate check` says more");
                    Self::Upstream(errcode)
                }
            },
            login::Error::Password(error) => error.into(),
            login::Error::MiniProgram(mini_program::Error::Platform(error))
                if matches!(error.errcode(), Some(40029 | 40163)) =>
            {
                login_refused(error.errcode().unwrap_or_default())
            }
            login::Error::MiniProgram(error) => error.into(),
            login::Error::BrokenOff => Self::LoginUnavailable,
            login::Error::Store(error) => error.into(),
            login::Error::Restless => Self::Unavailable("the user is being changed", Duration::from_secs(1)),
            login::Error::Signing(error) => {
                tracing::error!(%error, "a token could not be signed");
                Self::Internal
            }
        }
    }
}

impl From<passwords::Error> for ApiError {
    fn from(error: passwords::Error) -> Self {
        match error {
            passwords::Error::Busy => busy(),
            passwords::Error::Unreadable | passwords::Error::Parameters | passwords::Error::Thread => {
                tracing::error!(%error, "a password could not be hashed or compared");
                Self::Internal
            }
        }
    }
}

impl From<passwords::Unacceptable> for ApiError {
    fn from(error: passwords::Unacceptable) -> Self {
        Self::Invalid(vec![error.to_string()])
    }
}

impl From<password_check::Error> for ApiError {
    fn from(error: password_check::Error) -> Self {
        match error {
            password_check::Error::Wrong => Self::Unauthorized(error.to_string()),
            password_check::Error::Limited(wait) => Self::Limited(wait),
            password_check::Error::Busy | password_check::Error::BrokenOff => busy(),
            password_check::Error::Store(error) => error.into(),
            password_check::Error::Unreadable => {
                tracing::error!(%error, "a password could not be checked");
                Self::Internal
            }
        }
    }
}

impl From<accounts::Error> for ApiError {
    fn from(error: accounts::Error) -> Self {
        match error {
            accounts::Error::Password(error) => error.into(),
            accounts::Error::Hash(error) => error.into(),
            // Who asks is known; what they may do is not proven. With 401 a client would think that its token is old.
            accounts::Error::Proof(password_check::Error::Wrong) => {
                Self::Forbidden("what should prove it is wrong".to_owned())
            }
            accounts::Error::Proof(error) => error.into(),
            accounts::Error::Link(error) => error.into(),
            accounts::Error::Store(error) => error.into(),
        }
    }
}

impl From<LinkError> for ApiError {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Taken | LinkError::Bounds => Self::Conflict(error.to_string()),
            // The token is good, but whose it was is gone.
            LinkError::NoUser => Self::InvalidToken,
            LinkError::NoIdentity => Self::NotFound(error.to_string()),
            LinkError::Store(error) => error.into(),
        }
    }
}

impl From<codes::Error> for ApiError {
    fn from(error: codes::Error) -> Self {
        match error {
            codes::Error::Limited(wait) => Self::Limited(wait),
            codes::Error::NotConfigured => {
                Self::Unavailable("codes.url is not configured", Duration::from_secs(60))
            }
            codes::Error::NotTaken(wait) => Self::Unavailable("the code could not be sent", wait),
            codes::Error::Store(error) => error.into(),
        }
    }
}

impl From<codes::Refused> for ApiError {
    fn from(error: codes::Refused) -> Self {
        match error {
            codes::Refused::Wrong => Self::Unauthorized(error.to_string()),
            codes::Refused::Store(error) => error.into(),
        }
    }
}

pub(super) fn busy() -> ApiError {
    ApiError::Unavailable("the server is busy", Duration::from_secs(1))
}

fn no_app() -> ApiError {
    ApiError::NotFound("there is no such app".to_owned())
}

/// The text of founding document 003, letter for letter.
fn login_refused(errcode: i64) -> ApiError {
    ApiError::Unauthorized(format!("openid acquisition failed ,errcode:{errcode}"))
}

impl From<sessions::Error> for ApiError {
    fn from(error: sessions::Error) -> Self {
        match error {
            sessions::Error::Refused | sessions::Error::Overtaken => Self::InvalidToken,
            sessions::Error::TooMany(wait) => Self::Limited(wait),
            sessions::Error::Store(error) => error.into(),
            sessions::Error::Signing(error) => {
                tracing::error!(%error, "a token could not be signed");
                Self::Internal
            }
        }
    }
}

impl From<oauth::Error> for ApiError {
    fn from(error: oauth::Error) -> Self {
        match error {
            oauth::Error::NoApp => no_app(),
            oauth::Error::NoAddress => {
                tracing::error!("an authorization needs server.public_url, which is not set");
                Self::Unavailable("server.public_url is not set", Duration::from_secs(300))
            }
            oauth::Error::Redirect(error) => Self::Invalid(vec![error.to_string()]),
            oauth::Error::State => {
                let text = "the authorization is over, or was begun in another browser: open the page again";
                Self::Invalid(vec![text.to_owned()])
            }
            oauth::Error::Store(error) => error.into(),
            oauth::Error::BrokenOff => {
                Self::Unavailable("the authorization was broken off", Duration::from_secs(1))
            }
        }
    }
}

impl From<mini_program::Error> for ApiError {
    fn from(error: mini_program::Error) -> Self {
        match error {
            mini_program::Error::NoApp => no_app(),
            mini_program::Error::SessionExpired => Self::SessionKeyExpired,
            mini_program::Error::Malformed => {
                Self::Invalid(vec!["encryptedData or iv is not what WeChat gives".to_owned()])
            }
            mini_program::Error::ForeignApp => {
                Self::Invalid(vec!["encryptedData was made for another app".to_owned()])
            }
            mini_program::Error::OddPhone => {
                tracing::error!("WeChat writes a phone number in a way that is not known here");
                Self::Internal
            }
            mini_program::Error::Credentials(error) => error.into(),
            mini_program::Error::Platform(error) => match error.errcode() {
                // Unknown, expired or used. (手机号快速验证)
                Some(40029 | 40163) => Self::Invalid(vec!["code is not valid, or not any more".to_owned()]),
                Some(45011) => Self::Limited(Duration::from_secs(60)),
                Some(errcode) if errcode != -1 => {
                    tracing::error!(%error, "WeChat refuses a call about a user");
                    Self::Upstream(errcode)
                }
                _ => {
                    tracing::warn!(%error, "WeChat could not be asked about a user");
                    Self::Unavailable("WeChat does not answer", Duration::from_secs(2))
                }
            },
            mini_program::Error::Store(error) => error.into(),
        }
    }
}
