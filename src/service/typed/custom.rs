//! Customer-service messages: which forms there are, for which apps, and what each must have. (客服消息)

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Error;
use super::problems::Problems;
use crate::config::AppKind;
use crate::domain::ids::OpenId;

/// A customer-service message: its content is the member that `msgtype` names.
#[derive(Debug, Deserialize)]
pub struct Custom {
    touser: OpenId,
    msgtype: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// What the content of a customer-service message may have: for official accounts, for mini programs, which members it
/// needs, and which it can have besides.
struct Form(
    &'static str,
    bool,
    bool,
    &'static [&'static str],
    &'static [&'static str],
);

/// (发送客服消息)
const FORMS: [Form; 12] = [
    Form("text", true, true, &["content"], &[]),
    Form("image", true, true, &["media_id"], &[]),
    Form("voice", true, false, &["media_id"], &[]),
    Form(
        "video",
        true,
        false,
        &["media_id", "thumb_media_id"],
        &["title", "description"],
    ),
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
    Form(
        "msgmenu",
        true,
        false,
        &["list"],
        &["head_content", "tail_content"],
    ),
    Form("wxcard", true, false, &["card_id"], &[]),
    Form(
        "miniprogrampage",
        true,
        true,
        &["title", "pagepath", "thumb_media_id"],
        &["appid"],
    ),
    Form(
        "link",
        false,
        true,
        &["title", "description", "url", "thumb_url"],
        &[],
    ),
];

impl Custom {
    pub(super) fn body(mut self, kind: AppKind) -> Result<Value, Error> {
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
                None => {
                    problems.note("customservice must be {\"kf_account\": …}, and is for official accounts");
                }
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
                        texts(
                            problems,
                            &format!("msgmenu.list.{index}"),
                            item,
                            &["id", "content"],
                        );
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
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "voice", "voice": {"media_id": "m"}}),
                "msgtype must be one of",
            ),
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "text"}),
                "text must be an object",
            ),
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "text", "text": {"content": ""}}),
                "text.content must have",
            ),
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "text", "text": {"content": "a", "x": 1}}),
                "no member \"x\"",
            ),
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}, "image": {}}),
                "no member \"image\"",
            ),
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "link", "link": {"title": "a", "description": "b", "url": "javascript:1", "thumb_url": "https://a.example"}}),
                "link.url must be",
            ),
            (
                AppKind::Official,
                json!({"touser": "o1", "msgtype": "news", "news": {"articles": [{"title": "a"}, {"title": "b"}]}}),
                "list of one",
            ),
            (
                AppKind::Official,
                json!({"touser": "o1", "msgtype": "video", "video": {"media_id": "m"}}),
                "thumb_media_id is missing",
            ),
            (
                AppKind::Mini,
                json!({"touser": "o1", "msgtype": "text", "text": {"content": "a"}, "customservice": {"kf_account": "a"}}),
                "customservice",
            ),
        ];
        for (kind, message, expected) in odd {
            let problem = custom(kind, message).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
