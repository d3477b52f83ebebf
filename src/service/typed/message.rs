//! Messages to one user: subscribe messages, template messages, customer-service messages. (订阅消息, 模板消息, 客服消息)

use serde::Deserialize;
use serde_json::{Map, Value};

use super::custom::Custom;
use super::problems::{Problems, put};
use super::{Error, Typed, of_kind};
use crate::config::{App, AppKind};
use crate::domain::ids::{AppId, OpenId};
use crate::service::relay::Behalf;

/// A message.
#[derive(Debug)]
pub enum Message {
    /// What the user has subscribed to.
    Subscribe(Subscribe),
    /// What a service account tells its followers.
    Template(Template),
    /// An answer to somebody who was here lately.
    Custom(Custom),
}

/// A subscribe message. A mini program's leads to a page of it; an official account's to an address or a mini program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    touser: OpenId,
    template_id: String,
    page: Option<String>,
    miniprogram: Option<MiniProgram>,
    miniprogram_state: Option<String>,
    lang: Option<String>,
    data: Map<String, Value>,
}

/// A template message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are WeChat's names")]
pub struct Template {
    touser: OpenId,
    template_id: String,
    url: Option<String>,
    miniprogram: Option<MiniProgram>,
    client_msg_id: Option<String>,
    data: Map<String, Value>,
}

/// A mini program to which a message leads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MiniProgram {
    appid: AppId,
    pagepath: Option<String>,
}

impl Message {
    /// The API for template messages.
    pub const TEMPLATE_PATH: &'static str = "/cgi-bin/message/template/send";
    /// The API for customer-service messages.
    pub const CUSTOM_PATH: &'static str = "/cgi-bin/message/custom/send";

    /// The API for subscribe messages of an app of this kind.
    #[must_use]
    pub fn subscribe_path(kind: AppKind) -> &'static str {
        match kind {
            AppKind::Mini => "/cgi-bin/message/subscribe/send",
            AppKind::Official => "/cgi-bin/message/subscribe/bizsend",
        }
    }

    fn path(&self, kind: AppKind) -> &'static str {
        match self {
            Self::Subscribe(_) => Self::subscribe_path(kind),
            Self::Template(_) => Self::TEMPLATE_PATH,
            Self::Custom(_) => Self::CUSTOM_PATH,
        }
    }

    fn body(self, app: &App) -> Result<Value, Error> {
        match self {
            Self::Subscribe(message) => message.body(app.kind),
            Self::Template(message) => {
                of_kind(app, AppKind::Official)?;
                message.body()
            }
            Self::Custom(message) => message.body(app.kind),
        }
    }
}

impl Typed {
    /// Sends a message. Its number, if WeChat gives one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(&self, app: &App, behalf: &Behalf, message: Message) -> Result<Option<Value>, Error> {
        let path = message.path(app.kind);
        let body = message.body(app)?;
        let mut answer = self.relay.ask(&app.app_id, behalf, path, &body).await?;
        // Subscribe messages have one now and then, which no document mentions.
        Ok(answer.remove("msgid").filter(Value::is_number))
    }
}

impl Subscribe {
    fn body(self, kind: AppKind) -> Result<Value, Error> {
        let mut problems = Problems::default();
        let mut body = addressed(&mut problems, &self.touser, &self.template_id, &self.data);
        match kind {
            AppKind::Mini => {
                problems.demand(
                    self.miniprogram.is_none(),
                    "miniprogram is for messages of official accounts",
                );
                if let Some(page) = &self.page {
                    problems.page("page", page);
                }
                one_of(
                    &mut problems,
                    "miniprogram_state",
                    self.miniprogram_state.as_deref(),
                    &["developer", "trial", "formal"],
                );
                one_of(
                    &mut problems,
                    "lang",
                    self.lang.as_deref(),
                    &["zh_CN", "en_US", "zh_HK", "zh_TW"],
                );
            }
            AppKind::Official => {
                problems.demand(
                    self.miniprogram_state.is_none() && self.lang.is_none(),
                    "miniprogram_state and lang are for messages of mini programs",
                );
                if let Some(page) = &self.page {
                    problems.address("page", page, 1024);
                }
            }
        }
        put(&mut body, "page", self.page);
        put(&mut body, "miniprogram_state", self.miniprogram_state);
        put(&mut body, "lang", self.lang);
        put(
            &mut body,
            "miniprogram",
            self.miniprogram.map(|app| app.body(&mut problems)),
        );
        problems.finish(body.into())
    }
}

impl Template {
    fn body(self) -> Result<Value, Error> {
        let mut problems = Problems::default();
        let mut body = addressed(&mut problems, &self.touser, &self.template_id, &self.data);
        if let Some(url) = &self.url {
            problems.address("url", url, 1024);
        }
        if let Some(id) = &self.client_msg_id {
            problems.line("client_msg_id", id, 64);
        }
        put(&mut body, "url", self.url);
        put(&mut body, "client_msg_id", self.client_msg_id);
        put(
            &mut body,
            "miniprogram",
            self.miniprogram.map(|app| app.body(&mut problems)),
        );
        problems.finish(body.into())
    }
}

impl MiniProgram {
    fn body(self, problems: &mut Problems) -> Value {
        let mut body = Map::new();
        body.insert("appid".to_owned(), self.appid.to_string().into());
        if let Some(page) = &self.pagepath {
            problems.page("miniprogram.pagepath", page);
        }
        put(&mut body, "pagepath", self.pagepath);
        body.into()
    }
}

fn addressed(
    problems: &mut Problems,
    touser: &OpenId,
    template_id: &str,
    data: &Map<String, Value>,
) -> Map<String, Value> {
    problems.line("template_id", template_id, 128);
    problems.places(data);
    let mut body = Map::new();
    body.insert("touser".to_owned(), touser.to_string().into());
    body.insert("template_id".to_owned(), template_id.into());
    body.insert("data".to_owned(), data.clone().into());
    body
}

fn one_of(problems: &mut Problems, name: &str, value: Option<&str>, known: &[&str]) {
    if value.is_some_and(|value| !known.contains(&value)) {
        problems.note(format!("{name} must be one of {}", known.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subscribe_message_leads_where_its_kind_of_app_can() {
        let body = |kind, change: Value| {
            let mut message = json!({"touser": "o1", "template_id": "t", "data": {"thing1": {"value": "a"}}});
            message
                .as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            serde_json::from_value::<Subscribe>(message).unwrap().body(kind)
        };
        assert!(body(AppKind::Mini, json!({"page": "index?a=1", "lang": "en_US"})).is_ok());
        assert!(body(AppKind::Official, json!({"page": "https://a.example/"})).is_ok());
        assert!(
            body(
                AppKind::Official,
                json!({"miniprogram": {"appid": "wx1", "pagepath": "a"}})
            )
            .is_ok()
        );
        for (kind, change) in [
            (AppKind::Mini, json!({"miniprogram": {"appid": "wx1"}})),
            (AppKind::Mini, json!({"lang": "fr"})),
            (AppKind::Mini, json!({"data": {}})),
            (AppKind::Mini, json!({"data": {"thing1": {"value": 1}}})),
            (AppKind::Mini, json!({"data": {"thing1": {"value": "a", "x": 1}}})),
            (AppKind::Official, json!({"page": "index"})),
            (AppKind::Official, json!({"lang": "en_US"})),
        ] {
            assert!(body(kind, change.clone()).is_err(), "{change}");
        }
        let unknown = json!({"touser": "o1", "template_id": "t", "data": {}, "x": 1});
        assert!(serde_json::from_value::<Subscribe>(unknown).is_err());
    }
}
