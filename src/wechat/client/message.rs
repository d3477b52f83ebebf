//! `/cgi-bin/message`: what an account writes to its users. (客服消息)

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Client, call};
use crate::wechat::error::Result;

impl Client {
    /// `POST /cgi-bin/message/custom/send`: a customer-service message, which names its receiver itself. It is not known
    /// whether one whose answer is lost was sent. (发送客服消息)
    ///
    /// # Errors
    /// 45015 if the user has done nothing for too long or follows no more, 45047 if enough was sent since.
    pub async fn send_custom_message(&self, token: &SecretString, message: &Value) -> Result<()> {
        let request = self
            .http
            .post(self.url("cgi-bin/message/custom/send"))
            .query(&[("access_token", token.expose_secret())])
            .json(message);
        call(request, token).await.map(drop)
    }
}
