//! `/sns/oauth2` and `/sns/userinfo`: web pages in WeChat. (网页授权.)

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{AppCredentials, Client, call, integer, text};
use crate::domain::ids::{LoginCode, OpenId, UnionId};
use crate::wechat::error::{Error, Result};

/// What the code of the authorize page stands for.
#[derive(Debug, Clone)]
pub struct OauthToken {
    /// The user within the app.
    pub openid: OpenId,
    /// The user within the Open Platform account; only with scope `snsapi_userinfo`.
    pub unionid: Option<UnionId>,
    /// What was granted; several are separated by commas.
    pub scope: String,
    /// For [`Client::user_info`], and for nothing that an app's own token is for.
    pub access_token: SecretString,
    /// Whether this is the virtual user of a snapshot page, of whom nothing may be kept. (快照页)
    pub is_snapshot: bool,
}

/// How a user appears to others.
#[derive(Debug, Clone, Default)]
pub struct UserInfo {
    /// What the user is called.
    pub nickname: Option<String>,
    /// The user within the Open Platform account.
    pub unionid: Option<UnionId>,
}

impl Client {
    /// `GET /sns/oauth2/access_token`: exchanges the authorize page's code, which works once.
    pub async fn oauth_token(&self, app: &AppCredentials, code: &LoginCode) -> Result<OauthToken> {
        let query = [
            ("appid", app.app_id.as_str()),
            ("secret", app.secret.expose_secret()),
            ("code", code.as_str()),
            ("grant_type", "authorization_code"),
        ];
        let request = self.http.get(self.url("sns/oauth2/access_token")).query(&query);
        token(&call(request, &app.secret).await?)
    }

    /// `GET /sns/userinfo`: the user who granted `snsapi_userinfo`. `access_token` is of [`Self::oauth_token`].
    pub async fn user_info(&self, access_token: &SecretString, openid: &OpenId) -> Result<UserInfo> {
        let query = [
            ("access_token", access_token.expose_secret()),
            ("openid", openid.as_str()),
            ("lang", "zh_CN"),
        ];
        let request = self.http.get(self.url("sns/userinfo")).query(&query);
        let answer = call(request, access_token).await?;
        let filled = |name| {
            text(&answer, name)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        Ok(UserInfo {
            nickname: filled("nickname"),
            unionid: text(&answer, "unionid").and_then(|text| text.parse().ok()),
        })
    }
}

fn token(answer: &Map<String, Value>) -> Result<OauthToken> {
    let openid = text(answer, "openid").and_then(|text| text.parse().ok());
    let access_token = text(answer, "access_token").filter(|text| (1..=2048).contains(&text.len()));
    Ok(OauthToken {
        openid: openid.ok_or(Error::Unusable("it has no openid"))?,
        unionid: text(answer, "unionid").and_then(|text| text.parse().ok()),
        scope: text(answer, "scope").unwrap_or_default().to_owned(),
        access_token: access_token
            .ok_or(Error::Unusable("it has no access_token"))?
            .into(),
        // Absent for real users. Whatever else is there but 0 is taken for a virtual one, who must not be kept.
        is_snapshot: answer
            .get("is_snapshotuser")
            .is_some_and(|value| integer(value) != Some(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_user_is_recognised_in_whatever_form() {
        let is_snapshot = |member: &str| {
            let answer = format!(r#"{{"access_token":"t","openid":"o"{member}}}"#);
            token(&serde_json::from_str(&answer).unwrap())
                .unwrap()
                .is_snapshot
        };
        assert!(!is_snapshot(""));
        assert!(!is_snapshot(r#","is_snapshotuser":0"#));
        for member in ["1", "\"1\"", "true"] {
            assert!(
                is_snapshot(&format!(r#","is_snapshotuser":{member}"#)),
                "{member}"
            );
        }
        assert!(token(&Map::new()).is_err());
    }
}
