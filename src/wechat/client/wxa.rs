//! `/wxa`: a mini program's users: phone numbers and session keys. (手机号快速验证, 小程序登录.)

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::{Client, call, integer, text};
use crate::domain::ids::{AppId, LoginCode, OpenId};
use crate::wechat::error::{Error, Result};

/// A user's phone number, proven by WeChat.
#[derive(Clone)]
pub struct PhoneNumber {
    /// As WeChat shows it: with a country code outside mainland China.
    pub phone: String,
    /// Without the country code.
    pub pure: String,
    /// The country code, without `+`.
    pub country_code: String,
}

/// A phone number is nobody's business in a log.
impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneNumber(..)")
    }
}

impl Client {
    /// `POST /wxa/business/getuserphonenumber`: exchanges the phone number button's code, which works once.
    pub async fn phone_number(
        &self,
        app: &AppId,
        token: &SecretString,
        code: &LoginCode,
    ) -> Result<PhoneNumber> {
        let body = json!({"code": code});
        let answer = self
            .post(app, token, "wxa/business/getuserphonenumber", &body)
            .await?;
        phone(&answer)
    }

    /// `GET /wxa/checksession`: whether `signature` was made with the user's current session_key. Errcode 87009 says
    /// that it was not.
    pub async fn check_session(&self, token: &SecretString, openid: &OpenId, signature: &str) -> Result<()> {
        self.session_call("wxa/checksession", token, openid, signature)
            .await?;
        Ok(())
    }

    /// `GET /wxa/resetusersessionkey`: a new session_key in the place of the current one, which dies.
    pub async fn reset_session(
        &self,
        token: &SecretString,
        openid: &OpenId,
        signature: &str,
    ) -> Result<SecretString> {
        let answer = self
            .session_call("wxa/resetusersessionkey", token, openid, signature)
            .await?;
        let key = text(&answer, "session_key").filter(|text| !text.is_empty());
        Ok(key.ok_or(Error::Unusable("it has no session_key"))?.into())
    }

    async fn session_call(
        &self,
        path: &str,
        token: &SecretString,
        openid: &OpenId,
        signature: &str,
    ) -> Result<Map<String, Value>> {
        let query = [
            ("access_token", token.expose_secret()),
            ("openid", openid.as_str()),
            ("signature", signature),
            ("sig_method", "hmac_sha256"),
        ];
        call(self.http.get(self.url(path)).query(&query), token).await
    }
}

fn phone(answer: &Map<String, Value>) -> Result<PhoneNumber> {
    let missing = || Error::Unusable("it has no phone number");
    let info = answer.get("phone_info").and_then(Value::as_object);
    let info = info.ok_or_else(missing)?;
    let filled = |name| text(info, name).filter(|text| !text.is_empty());
    // The country code is documented as a text and shown as a number in older samples.
    let country_code = match info.get("countryCode") {
        Some(Value::String(code)) => code.trim_start_matches('+').to_owned(),
        Some(code) => integer(code).ok_or_else(missing)?.to_string(),
        None => return Err(missing()),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let pure = filled("purePhoneNumber")
        .ok_or_else(missing)?
        .replace([' ', '-'], "");
    if !digits(&pure) || !digits(&country_code) {
        return Err(Error::Unusable("its phone number is no number"));
    }
    Ok(PhoneNumber {
        phone: filled("phoneNumber").unwrap_or(&pure).to_owned(),
        pure,
        country_code,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(info: &str) -> Option<(String, String)> {
        let answer = format!(r#"{{"phone_info":{info}}}"#);
        let phone = phone(&serde_json::from_str(&answer).unwrap()).ok()?;
        Some((phone.country_code, phone.pure))
    }

    #[test]
    fn the_country_code_may_be_a_number() {
        let number = || Some(("86".to_owned(), "13800138000".to_owned()));
        assert_eq!(
            read(r#"{"purePhoneNumber":"13800138000","countryCode":"86"}"#),
            number()
        );
        assert_eq!(
            read(r#"{"purePhoneNumber":"13800138000","countryCode":86}"#),
            number()
        );
        for odd in [
            "{}",
            "null",
            r#"{"purePhoneNumber":"","countryCode":"86"}"#,
            r#"{"purePhoneNumber":"1","countryCode":null}"#,
            r#"{"purePhoneNumber":"186****5613","countryCode":"86"}"#,
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
