//! `/cgi-bin`: what an account writes to its users, and its menu. (客服消息, 自定义菜单)

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

    /// `POST /cgi-bin/menu/create`: puts a menu in the place of the account's. (创建接口)
    ///
    /// # Errors
    /// 40015 to 40028, 40054 and 40055 if there is something wrong with a button.
    pub async fn create_menu(&self, app: &AppId, token: &SecretString, menu: &Value) -> Result<()> {
        let answer = self.post(app, token, "cgi-bin/menu/create", menu).await;
        answer.map(drop)
    }
}
