//! `/cgi-bin/message`: what an account writes to its users. (客服消息)

use secrecy::SecretString;
use serde_json::Value;

use super::Client;
use crate::domain::ids::AppId;
use crate::wechat::error::Result;

impl Client {
    /// `POST /cgi-bin/message/custom/send`: a customer-service message, which names its receiver itself. It is not known
    /// whether one whose answer is lost was sent. (发送客服消息)
    ///
    /// # Errors
    /// 45015 if the user has done nothing for too long or follows no more, 45047 if enough was sent since.
    pub async fn send_custom_message(
        &self,
        app: &AppId,
        token: &SecretString,
        message: &Value,
    ) -> Result<()> {
        let answer = self
            .post(app, token, "cgi-bin/message/custom/send", message)
            .await;
        answer.map(drop)
    }
}
