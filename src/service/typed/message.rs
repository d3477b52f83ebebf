//! Messages to one user: subscribe messages, template messages, customer-service messages. (订阅消息, 模板消息, 客服消息)

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::problems::{Problems, put};
use super::{Error, Typed, of_kind};
use crate::config::{App, AppKind};
use crate::domain::ids::{AppId, OpenId};
use crate::service::relay::Party;

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
pub struct Template {
    touser: OpenId,
    template_id: String,
    url: Option<String>,
    miniprogram: Option<MiniProgram>,
    client_msg_id: Option<String>,
    data: Map<String, Value>,
}

/// A customer-service message: its content is the member that `msgtype` names.
#[derive(Debug, Deserialize)]
pub struct Custom {
    touser: OpenId,
    msgtype: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// A mini program to which a message leads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MiniProgram {
    appid: AppId,
    pagepath: Option<String>,
}

/// What the content of a customer-service message may have: for official accounts, for mini programs, which members it
/// needs, and which it can have besides.
struct Form(&'static str, bool, bool, &'static [&'static str], &'static [&'static str]);

/// (发送客服消息)
const FORMS: [Form; 12] = [
    Form("text", true, true, &["content"], &[]),
    Form("image", true, true, &["media_id"], &[]),
    Form("voice", true, false, &["media_id"], &[]),
    Form("video", true, false, &["media_id", "thumb_media_id"], &["title", "description"]),
    Form(
        "music",
        true,
        false,
        &["musicurl", "thumb_media_id"],
        &["title", "description", "hqmusicurl"],
    ),
    Form("news", true, false, &["articles"], &[]),
    Form("mpnews", true, false, &["media_id"], &[]),
    Form("mpnewsarticle", true, false, &["article_id"], &[]),
    Form("msgmenu", true, false, &["list"], &["head_content", "tail_content"]),
    Form("wxcard", true, false, &["card_id"], &[]),
    Form(
        "miniprogrampage",
        true,
        true,
        &["title", "pagepath", "thumb_media_id"],
        &["appid"],
    ),
    Form("link", false, true, &["title", "description", "url", "thumb_url"], &[]),
];

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
    pub async fn send(&self, app: &App, party: &Party, message: Message) -> Result<Option<Value>, Error> {
        let path = message.path(app.kind);
        let body = message.body(app)?;
        let mut answer = self.relay.ask(&app.app_id, party, path, &body).await?;
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

impl Custom {
    fn body(mut self, kind: AppKind) -> Result<Value, Error> {
        let mut problems = Problems::default();
        let for_kind = |form: &&Form| match kind {
            AppKind::Official => form.1,
            AppKind::Mini => form.2,
        };
        let Some(form) = FORMS.iter().filter(for_kind).find(|form| form.0 == self.msgtype) else {
            let known: Vec<_> = FORMS.iter().filter(for_kind).map(|form| form.0).collect();
            problems.note(format!("msgtype must be one of {}", known.join(", ")));
            return problems.finish(Value::Null);
        };
        let mut body = Map::new();
        body.insert("touser".to_owned(), self.touser.to_string().into());
        body.insert("msgtype".to_owned(), form.0.into());
        match self.rest.remove(form.0) {
            Some(Value::Object(content)) => {
                form.check(&mut problems, &content);
                body.insert(form.0.to_owned(), content.into());
            }
            _ => problems.note(format!("{} must be an object", form.0)),
        }
        if let Some(account) = self.rest.remove("customservice") {
            let name = only_text(&account, "kf_account");
            match name.filter(|_| kind == AppKind::Official) {
                Some(name) => problems.line("customservice.kf_account", name, 128),
                None => problems.note("customservice must be {\"kf_account\": …}, and is for official accounts"),
            }
            body.insert("customservice".to_owned(), account);
        }
        if let Some(context) = self.rest.remove("aimsgcontext") {
            let known = [json!({"is_ai_msg": 0}), json!({"is_ai_msg": 1})];
            problems.demand(
                known.contains(&context),
                "aimsgcontext must be {\"is_ai_msg\": 1} or {\"is_ai_msg\": 0}",
            );
            body.insert("aimsgcontext".to_owned(), context);
        }
        for name in self.rest.keys() {
            problems.note(format!("a message of this msgtype has no member {name:?}"));
        }
        problems.finish(body.into())
    }
}

impl Form {
    fn check(&self, problems: &mut Problems, content: &Map<String, Value>) {
        let Self(kind, _, _, needed, possible) = self;
        for name in needed.iter().filter(|name| !content.contains_key(**name)) {
            problems.note(format!("{kind}.{name} is missing"));
        }
        for (name, value) in content {
            let at = format!("{kind}.{name}");
            if !needed.contains(&name.as_str()) && !possible.contains(&name.as_str()) {
                problems.note(format!("{kind} has no member {name:?}"));
                continue;
            }
            match (name.as_str(), value) {
                // One since 2018: more are refused with 45008. (发送客服消息)
                ("articles", Value::Array(articles)) if articles.len() == 1 => {
                    let names = ["title", "description", "url", "picurl"];
                    texts(problems, "news.articles.0", &articles[0], &names);
                }
                ("list", Value::Array(items)) if (1..=10).contains(&items.len()) => {
                    for (index, item) in items.iter().enumerate() {
                        texts(problems, &format!("msgmenu.list.{index}"), item, &["id", "content"]);
                    }
                }
                ("articles", _) => problems.note("news.articles must be a list of one article"),
                ("list", _) => problems.note("msgmenu.list must be a list of 1 to 10 choices"),
                ("content" | "head_content" | "tail_content", Value::String(text)) => {
                    problems.text(&at, text, 2048);
                }
                ("url" | "musicurl" | "hqmusicurl" | "thumb_url", Value::String(text)) => {
                    problems.address(&at, text, 1024);
                }
                (_, Value::String(text)) => problems.text(&at, text, 1024),
                _ => problems.note(format!("{at} must be a text")),
            }
        }
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

/// The one member of an object, which is a text.
fn only_text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get(name)?.as_str()
}

/// An object of texts under these names and no others.
fn texts(problems: &mut Problems, at: &str, value: &Value, names: &[&str]) {
    let fine = value.as_object().is_some_and(|members| {
        let known = |(name, value): (&String, &Value)| {
            let text = value.as_str().filter(|text| text.chars().count() <= 1024);
            names.contains(&name.as_str()) && text.is_some()
        };
        members.iter().all(known) && members.contains_key(names[0])
    });
    if !fine {
        problems.note(format!(
            "{at} must be an object of texts with the members {}",
            names.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(kind: AppKind, message: Value) -> Result<Value, String> {
        let message: Custom = serde_json::from_value(message).unwrap();
        message.body(kind).map_err(|error| error.to_string())
    }

    #[test]
    fn a_customer_service_message_is_handed_on_as_it_is() {
        for message in [
            json!({"touser": "o1", "msgtype": "text", "text": {"content": "中\n文"}}),
            json!({"touser": "o1", "msgtype": "news", "news": {"articles": [{"title": "a", "url": "https://a.example/"}]}}),
            json!({"touser": "o1", "msgtype": "msgmenu", "msgmenu": {"list": [{"id": "1", "content": "a"}]}, "customservice": {"kf_account": "a@b"}}),
            json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}, "aimsgcontext": {"is_ai_msg": 1}}),
        ] {
            assert_eq!(custom(AppKind::Official, message.clone()), Ok(message));
        }
    }

    #[test]
    fn what_wechat_would_not_take_is_told_before() {
        let odd = [
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "voice", "voice": {"media_id": "m"}}), "msgtype must be one of"),
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "text"}), "text must be an object"),
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "text", "text": {"content": ""}}), "text.content must have"),
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "text", "text": {"content": "a", "x": 1}}), "no member \"x\""),
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}, "image": {}}), "no member \"image\""),
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "link", "link": {"title": "a", "description": "b", "url": "javascript:1", "thumb_url": "https://a.example"}}), "link.url must be"),
            (AppKind::Official, json!({"touser": "o1", "msgtype": "news", "news": {"articles": [{"title": "a"}, {"title": "b"}]}}), "list of one"),
            (AppKind::Official, json!({"touser": "o1", "msgtype": "video", "video": {"media_id": "m"}}), "thumb_media_id is missing"),
            (AppKind::Mini, json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}, "customservice": {"kf_account": "a"}}), "customservice"),
        ];
        for (kind, message, expected) in odd {
            let problem = custom(kind, message).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn a_subscribe_message_leads_where_its_kind_of_app_can() {
        let body = |kind, change: Value| {
            let mut message = json!({"touser": "o1", "template_id": "t", "data": {"thing1": {"value": "a"}}});
            message.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            serde_json::from_value::<Subscribe>(message).unwrap().body(kind)
        };
        assert!(body(AppKind::Mini, json!({"page": "index?a=1", "lang": "en_US"})).is_ok());
        assert!(body(AppKind::Official, json!({"page": "https://a.example/"})).is_ok());
        assert!(body(AppKind::Official, json!({"miniprogram": {"appid": "wx1", "pagepath": "a"}})).is_ok());
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
