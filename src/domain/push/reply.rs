//! Replies: what they may be, and their forms for WeChat. Which reply an event gets is not decided here.

mod fill;
mod render;
mod split;

use serde::{Deserialize, Serialize};
use url::Url;

use super::xml::is_allowed;

/// WeChat shows no text of more bytes. (Measured; not documented.)
pub const MAX_TEXT: usize = 2048;
/// How many messages a reply may become: after one message of a person's WeChat takes five.
pub const MAX_PARTS: usize = 5;
/// WeChat shows no more articles than this.
pub const MAX_ARTICLES: usize = 8;

const MAX_ID: usize = 128;
const MAX_TITLE: usize = 512;
const MAX_URL: usize = 2048;

/// A reply to a person.
///
/// Texts and ids may have placeholders such as `{openid}`; see [`Reply::fill`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// 文本. Links in `<a href="…">` work.
    Text {
        /// The text. A long one becomes several messages.
        content: String,
    },
    /// 图片.
    Image {
        /// A temporary or permanent material of the account's.
        media_id: String,
    },
    /// 语音.
    Voice {
        /// A material of the account's.
        media_id: String,
    },
    /// 视频.
    Video {
        /// A material of the account's.
        media_id: String,
        /// Its picture; only customer-service messages have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumb_media_id: Option<String>,
        /// Its title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// What it shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
    /// 音乐.
    Music {
        /// Its title.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// What it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        music_url: Option<String>,
        /// Where it is in high quality, for people in a Wi-Fi.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hq_music_url: Option<String>,
        /// Its picture.
        thumb_media_id: String,
    },
    /// 图文.
    News {
        /// What can be read. In answer to a message WeChat shows one, else eight.
        articles: Vec<Article>,
    },
    /// 转发到客服: people of the company's answer.
    TransferCustomerService {
        /// Who of them; anybody if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kf_account: Option<String>,
    },
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Article {
    /// Its title.
    pub title: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pic_url: Option<String>,
    /// Where it is.
    pub url: String,
}

/// Why a reply cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{member}` {problem}")]
pub struct Malformed {
    /// What is wrong.
    pub member: &'static str,
    /// In which way.
    pub problem: Problem,
}

/// In which way a member is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing, or blanks alone. WeChat tells the person that the account is out of order.
    #[error("is empty")]
    Empty,
    /// More than WeChat takes.
    #[error("is too long")]
    Long,
    /// A character that XML cannot express, or a blank in an id or address.
    #[error("has a character that is not allowed")]
    Character,
    /// No address of a page.
    #[error("is no http or https address")]
    Address,
}

impl Reply {
    /// Whether WeChat will take it. For a reply with placeholders the values are not known yet: what comes out of
    /// [`Self::fill`] is to be checked again.
    ///
    /// # Errors
    /// The first member that is wrong.
    pub fn check(&self) -> Result<(), Malformed> {
        match self {
            Self::Text { content } => text("content", content, MAX_TEXT * MAX_PARTS),
            Self::Image { media_id } | Self::Voice { media_id } => id("media_id", media_id),
            Self::Video {
                media_id,
                thumb_media_id,
                title,
                description,
            } => {
                id("media_id", media_id)?;
                optional(thumb_media_id.as_ref(), |value| id("thumb_media_id", value))?;
                optional(title.as_ref(), |value| text("title", value, MAX_TITLE))?;
                optional(description.as_ref(), |value| text("description", value, MAX_TEXT))
            }
            Self::Music {
                title,
                description,
                music_url,
                hq_music_url,
                thumb_media_id,
            } => {
                optional(title.as_ref(), |value| text("title", value, MAX_TITLE))?;
                optional(description.as_ref(), |value| text("description", value, MAX_TEXT))?;
                optional(music_url.as_ref(), |value| address("music_url", value))?;
                optional(hq_music_url.as_ref(), |value| address("hq_music_url", value))?;
                id("thumb_media_id", thumb_media_id)
            }
            Self::News { articles } => {
                let problem = match articles.len() {
                    0 => Some(Problem::Empty),
                    1..=MAX_ARTICLES => None,
                    _ => Some(Problem::Long),
                };
                problem.map_or(Ok(()), |problem| wrong("articles", problem))?;
                articles.iter().try_for_each(Article::check)
            }
            Self::TransferCustomerService { kf_account } => {
                optional(kf_account.as_ref(), |value| id("kf_account", value))
            }
        }
    }

    /// Whether a mini program can answer a push with it. All else has to be a customer-service message.
    #[must_use]
    pub fn for_mini(&self) -> bool {
        matches!(self, Self::TransferCustomerService { .. })
    }

    /// Whether a mini program can send it as a customer-service message.
    #[must_use]
    pub fn for_mini_later(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Image { .. })
    }
}

impl Article {
    fn check(&self) -> Result<(), Malformed> {
        text("title", &self.title, MAX_TITLE)?;
        optional(self.description.as_ref(), |value| {
            text("description", value, MAX_TEXT)
        })?;
        optional(self.pic_url.as_ref(), |value| address("pic_url", value))?;
        address("url", &self.url)
    }
}

fn optional(value: Option<&String>, check: impl Fn(&str) -> Result<(), Malformed>) -> Result<(), Malformed> {
    value.map_or(Ok(()), |value| check(value))
}

fn text(member: &'static str, value: &str, most: usize) -> Result<(), Malformed> {
    if value.trim().is_empty() {
        wrong(member, Problem::Empty)
    } else if value.len() > most {
        wrong(member, Problem::Long)
    } else if !value.chars().all(is_allowed) {
        wrong(member, Problem::Character)
    } else {
        Ok(())
    }
}

fn id(member: &'static str, value: &str) -> Result<(), Malformed> {
    text(member, value, MAX_ID)?;
    if value.contains(char::is_whitespace) {
        return wrong(member, Problem::Character);
    }
    Ok(())
}

fn address(member: &'static str, value: &str) -> Result<(), Malformed> {
    text(member, value, MAX_URL)?;
    if value.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return wrong(member, Problem::Character);
    }
    // Url alone would take `HTTPS:host` as well, which WeChat need not.
    let is_absolute = value.starts_with("https://") || value.starts_with("http://");
    if !is_absolute || Url::parse(value).is_err() {
        return wrong(member, Problem::Address);
    }
    Ok(())
}

fn wrong(member: &'static str, problem: Problem) -> Result<(), Malformed> {
    Err(Malformed { member, problem })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(reply: &Value) -> Result<(), String> {
        let reply: Reply = serde_json::from_value(reply.clone()).map_err(|error| error.to_string())?;
        reply.check().map_err(|error| error.to_string())
    }

    #[test]
    fn replies_have_the_documented_json() {
        for reply in [
            json!({"type": "text", "content": "x"}),
            json!({"type": "image", "media_id": "x"}),
            json!({"type": "voice", "media_id": "x"}),
            json!({"type": "video", "media_id": "x", "thumb_media_id": "x", "title": "x", "description": "x"}),
            json!({"type": "video", "media_id": "x"}),
            json!({"type": "music", "title": "x", "description": "x", "music_url": "http://a", "hq_music_url":
                   "https://a", "thumb_media_id": "x"}),
            json!({"type": "music", "thumb_media_id": "x"}),
            json!({"type": "news", "articles": [{"title": "x", "description": "x", "pic_url": "https://a",
                   "url": "https://a"}]}),
            json!({"type": "transfer_customer_service", "kf_account": "test1@test"}),
            json!({"type": "transfer_customer_service"}),
        ] {
            let read: Reply = serde_json::from_value(reply.clone()).unwrap();
            assert_eq!(read.check(), Ok(()), "{reply}");
            assert_eq!(json!(read), reply);
        }
        for wrong in [
            json!({"type": "text"}),
            json!({"type": "text", "content": "x", "contents": "x"}),
            json!({"type": "text", "content": 1}),
            json!({"type": "mpnews", "media_id": "x"}),
            json!({"content": "x"}),
            json!({"type": "news", "articles": [{"title": "x", "url": "https://a", "picurl": "https://a"}]}),
            json!({"type": "transfer_customer_service", "kf": "x"}),
        ] {
            assert!(serde_json::from_value::<Reply>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_wechat_would_not_show_is_refused() {
        let article = |url: &str| json!({"title": "x", "url": url});
        let news = |articles: Vec<Value>| json!({"type": "news", "articles": articles});
        for (reply, error) in [
            (json!({"type": "text", "content": ""}), "`content` is empty"),
            (json!({"type": "text", "content": " \n"}), "`content` is empty"),
            (
                json!({"type": "text", "content": "a\u{8}"}),
                "`content` has a character that is not allowed",
            ),
            (
                json!({"type": "text", "content": "a\u{fffe}"}),
                "`content` has a character that is not allowed",
            ),
            (
                json!({"type": "text", "content": "a".repeat(10_241)}),
                "`content` is too long",
            ),
            (json!({"type": "image", "media_id": ""}), "`media_id` is empty"),
            (
                json!({"type": "image", "media_id": "a b"}),
                "`media_id` has a character that is not allowed",
            ),
            (
                json!({"type": "voice", "media_id": "a".repeat(129)}),
                "`media_id` is too long",
            ),
            (
                json!({"type": "video", "media_id": "x", "title": ""}),
                "`title` is empty",
            ),
            (
                json!({"type": "music", "thumb_media_id": ""}),
                "`thumb_media_id` is empty",
            ),
            (
                json!({"type": "music", "thumb_media_id": "x", "music_url": "x"}),
                "`music_url` is no http or https address",
            ),
            (news(vec![]), "`articles` is empty"),
            (news(vec![article("https://a"); 9]), "`articles` is too long"),
            (
                news(vec![article("javascript:alert(1)")]),
                "`url` is no http or https address",
            ),
            (
                news(vec![article("//a.example")]),
                "`url` is no http or https address",
            ),
            (
                news(vec![article("https://")]),
                "`url` is no http or https address",
            ),
            (
                news(vec![article("https://a/\nb")]),
                "`url` has a character that is not allowed",
            ),
            (
                json!({"type": "transfer_customer_service", "kf_account": " "}),
                "`kf_account` is empty",
            ),
        ] {
            assert_eq!(checked(&reply), Err(error.to_owned()), "{reply}");
        }
        assert_eq!(
            checked(&json!({"type": "text", "content": "a".repeat(10_240)})),
            Ok(())
        );
        assert_eq!(
            checked(&news(vec![article("https://a/{openid}?q={content}"); 8])),
            Ok(())
        );
    }
}
