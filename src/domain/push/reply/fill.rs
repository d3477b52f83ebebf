//! Placeholders in replies.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::super::event::Event;
use super::super::payload::text_of;
use super::super::xml::allowed;
use super::{Article, Reply};

/// What stays as it is in any part of an address.
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Reply {
    /// Puts what the event says in place of `{openid}`, `{content}`, `{key}`, `{app}`, `{type}`, `{created_at}` and the
    /// names of members of `data`, also of inner ones (`{scan_code_info.scan_result}`).
    ///
    /// What the event does not have becomes nothing. `{{` and `}}` stand for braces; braces around anything but a name
    /// stay. What is put in is not looked through again. In addresses it is percent-encoded.
    #[must_use]
    pub fn fill(&self, event: &Event) -> Self {
        let text = |template: &String| filled(template, |name| value(event, name));
        let address = |template: &String| {
            let encoded = |name: &str| utf8_percent_encode(&value(event, name), IN_ADDRESS).to_string();
            filled(template, encoded)
        };
        match self {
            Self::Text { content } => Self::Text {
                content: text(content),
            },
            Self::Image { media_id } => Self::Image {
                media_id: text(media_id),
            },
            Self::Voice { media_id } => Self::Voice {
                media_id: text(media_id),
            },
            Self::Video {
                media_id,
                thumb_media_id,
                title,
                description,
            } => Self::Video {
                media_id: text(media_id),
                thumb_media_id: thumb_media_id.as_ref().map(text),
                title: title.as_ref().map(text),
                description: description.as_ref().map(text),
            },
            Self::Music {
                title,
                description,
                music_url,
                hq_music_url,
                thumb_media_id,
            } => Self::Music {
                title: title.as_ref().map(text),
                description: description.as_ref().map(text),
                music_url: music_url.as_ref().map(address),
                hq_music_url: hq_music_url.as_ref().map(address),
                thumb_media_id: text(thumb_media_id),
            },
            Self::News { articles } => {
                let articles = articles.iter().map(|article| Article {
                    title: text(&article.title),
                    description: article.description.as_ref().map(text),
                    pic_url: article.pic_url.as_ref().map(address),
                    url: address(&article.url),
                });
                Self::News {
                    articles: articles.collect(),
                }
            }
            Self::TransferCustomerService { kf_account } => Self::TransferCustomerService {
                kf_account: kf_account.as_ref().map(text),
            },
        }
    }
}

/// `template` with its placeholders replaced, in one pass.
fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(place) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(place);
        filled.push_str(before);
        if from.starts_with("{{") || from.starts_with("}}") {
            filled.push_str(&from[..1]);
            rest = &from[2..];
        } else if let Some(name) = name(from) {
            filled.push_str(&value(name));
            rest = &from[name.len() + 2..];
        } else {
            filled.push_str(&from[..1]);
            rest = &from[1..];
        }
    }
    filled + rest
}

/// The name in the braces with which `from` begins, if it is one.
fn name(from: &str) -> Option<&str> {
    let (name, _) = from.strip_prefix('{')?.split_once('}')?;
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.');
    (!name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

/// What a name stands for, without characters that no reply can have.
fn value(event: &Event, name: &str) -> String {
    let value = match name {
        "openid" => event.openid.clone(),
        "key" => event.key.clone(),
        "app" => Some(event.app.to_string()),
        "type" => Some(event.r#type.clone()),
        "created_at" => Some(event.created_at.to_string()),
        _ => member(event, name),
    };
    allowed(&value.unwrap_or_default()).into_owned()
}

fn member(event: &Event, path: &str) -> Option<String> {
    let mut names = path.split('.');
    let first = event.data.get(names.next()?)?;
    let found = names.try_fold(first, |object, name| object.get(name))?;
    match found {
        Value::Bool(value) => Some(value.to_string()),
        scalar => text_of(scalar).map(std::borrow::Cow::into_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::push::payload::Payload;

    fn event(content: &str) -> Event {
        let body = json!({
            "MsgType": "text", "FromUserName": "o1", "CreateTime": 7, "Content": content, "EventKey": "k", "Idx": 2,
            "ScanCodeInfo": {"ScanResult": "r"}, "Yes": true, "Nothing": null
        });
        let payload = Payload::parse(body.to_string().as_bytes()).unwrap();
        let (app, app_id) = ("shop".parse().unwrap(), "wx1".parse().unwrap());
        Event::normalise(&app, &app_id, "evt_1".to_owned(), 0, payload).unwrap()
    }

    fn text(template: &str, content: &str) -> String {
        let reply = Reply::Text {
            content: template.to_owned(),
        };
        match reply.fill(&event(content)) {
            Reply::Text { content } => content,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn placeholders_are_filled_once() {
        for (template, expected) in [
            (
                "{openid} {key} {app} {type} {created_at} {idx} {yes}",
                "o1 k shop text 7 2 true",
            ),
            ("你说：{content}！", "你说：hi {openid} {{}}！"),
            ("{scan_code_info.scan_result}", "r"),
            (
                "[{unknown}{nothing}{scan_code_info}{scan_code_info.x}{idx.x}{.}]",
                "[]",
            ),
            ("{{openid}} {{{openid}}} }}{{ {{", "{openid} {o1} }{ {"),
            (
                "{\"a\": 1} {} { } {Openid} { openid } { {openid",
                "{\"a\": 1} {} { } {Openid} { openid } { {openid",
            ),
            ("}", "}"),
            ("", ""),
        ] {
            assert_eq!(text(template, "hi {openid} {{}}"), expected, "{template}");
        }
    }

    #[test]
    fn characters_that_no_reply_can_have_are_left_out() {
        assert_eq!(text("{content}", "a\u{8}b\u{ffff}c\n"), "abc\n");
    }

    #[test]
    fn values_in_addresses_are_encoded() {
        let article = Article {
            title: "{content}".to_owned(),
            description: None,
            pic_url: Some("https://a.example/{openid}.png".to_owned()),
            url: "https://a.example/?q={content}&o={openid}".to_owned(),
        };
        let reply = Reply::News {
            articles: vec![article],
        };
        let Reply::News { articles } = reply.fill(&event("a&o=x #é/..")) else {
            panic!("news stay news");
        };
        assert_eq!(articles[0].title, "a&o=x #é/..");
        assert_eq!(articles[0].pic_url.as_deref(), Some("https://a.example/o1.png"));
        assert_eq!(
            articles[0].url,
            "https://a.example/?q=a%26o%3Dx%20%23%C3%A9%2F..&o=o1"
        );
    }
}
