//! Replies as WeChat takes them: in answer to a push, and as customer-service messages.

use serde_json::{Map, Value, json};

use super::super::payload::Format;
use super::super::xml::{allowed, cdata};
use super::Reply;

impl Reply {
    /// The reply as the answer to a push. `to` is the person's openid, `from` the account's original id. (被动回复用户消息.)
    ///
    /// In JSON the members are the same, and `Articles` is an array of articles. (微信云托管, 消息推送回复.)
    #[must_use]
    pub fn render(&self, format: Format, to: &str, from: &str, created_at: i64) -> String {
        let mut members = Map::new();
        for (name, value) in [
            ("ToUserName", json!(allowed(to))),
            ("FromUserName", json!(allowed(from))),
            ("CreateTime", json!(created_at)),
            ("MsgType", json!(self.name())),
        ] {
            members.insert(name.to_owned(), value);
        }
        self.add_content(&mut members);
        match format {
            Format::Json => Value::Object(members).to_string(),
            Format::Xml => {
                let mut xml = String::new();
                element(&mut xml, "xml", &Value::Object(members));
                xml
            }
        }
    }

    /// The body of `POST /cgi-bin/message/custom/send`; nothing for what is no message. (客服消息.)
    ///
    /// There news have one article, the first.
    #[must_use]
    pub fn custom_message(&self, openid: &str) -> Option<Value> {
        let content = match self {
            Self::Text { content } => json!({ "content": allowed(content) }),
            Self::Image { media_id } | Self::Voice { media_id } => json!({ "media_id": media_id }),
            Self::Video {
                media_id,
                thumb_media_id,
                title,
                description,
            } => object([
                ("media_id", Some(media_id)),
                ("thumb_media_id", thumb_media_id.as_ref()),
                ("title", title.as_ref()),
                ("description", description.as_ref()),
            ]),
            Self::Music {
                title,
                description,
                music_url,
                hq_music_url,
                thumb_media_id,
            } => {
                // What a passive reply may leave out has to be there.
                let url = music_url.as_ref().or(hq_music_url.as_ref());
                let nothing = String::new();
                object([
                    ("title", Some(title.as_ref().unwrap_or(&nothing))),
                    ("description", Some(description.as_ref().unwrap_or(&nothing))),
                    ("musicurl", Some(url.unwrap_or(&nothing))),
                    (
                        "hqmusicurl",
                        Some(hq_music_url.as_ref().or(url).unwrap_or(&nothing)),
                    ),
                    ("thumb_media_id", Some(thumb_media_id)),
                ])
            }
            Self::News { articles } => {
                let article = articles.first()?;
                let nothing = String::new();
                let article = object([
                    ("title", Some(&article.title)),
                    (
                        "description",
                        Some(article.description.as_ref().unwrap_or(&nothing)),
                    ),
                    ("url", Some(&article.url)),
                    ("picurl", Some(article.pic_url.as_ref().unwrap_or(&nothing))),
                ]);
                json!({ "articles": [article] })
            }
            Self::TransferCustomerService { .. } => return None,
        };
        let name = self.name();
        Some(json!({ "touser": openid, "msgtype": name, name: content }))
    }

    /// `MsgType`, and `type` in our JSON.
    fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image",
            Self::Voice { .. } => "voice",
            Self::Video { .. } => "video",
            Self::Music { .. } => "music",
            Self::News { .. } => "news",
            Self::TransferCustomerService { .. } => "transfer_customer_service",
        }
    }

    fn add_content(&self, members: &mut Map<String, Value>) {
        let (name, value) = match self {
            Self::Text { content } => ("Content", json!(allowed(content))),
            Self::Image { media_id } => ("Image", object([("MediaId", Some(media_id))])),
            Self::Voice { media_id } => ("Voice", object([("MediaId", Some(media_id))])),
            Self::Video {
                media_id,
                title,
                description,
                ..
            } => {
                let video = [
                    ("MediaId", Some(media_id)),
                    ("Title", title.as_ref()),
                    ("Description", description.as_ref()),
                ];
                ("Video", object(video))
            }
            Self::Music {
                title,
                description,
                music_url,
                hq_music_url,
                thumb_media_id,
            } => {
                let music = [
                    ("Title", title.as_ref()),
                    ("Description", description.as_ref()),
                    ("MusicUrl", music_url.as_ref()),
                    ("HQMusicUrl", hq_music_url.as_ref()),
                    ("ThumbMediaId", Some(thumb_media_id)),
                ];
                ("Music", object(music))
            }
            Self::News { articles } => {
                members.insert("ArticleCount".to_owned(), json!(articles.len()));
                let articles = articles.iter().map(|article| {
                    object([
                        ("Title", Some(&article.title)),
                        ("Description", article.description.as_ref()),
                        ("PicUrl", article.pic_url.as_ref()),
                        ("Url", Some(&article.url)),
                    ])
                });
                ("Articles", articles.collect())
            }
            Self::TransferCustomerService { kf_account: None } => return,
            Self::TransferCustomerService { kf_account } => {
                ("TransInfo", object([("KfAccount", kf_account.as_ref())]))
            }
        };
        members.insert(name.to_owned(), value);
    }
}

/// An object of those members that have a value.
fn object<const N: usize>(members: [(&str, Option<&String>); N]) -> Value {
    let given = members
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    Value::Object(
        given
            .map(|(name, value)| (name.to_owned(), json!(allowed(value))))
            .collect(),
    )
}

/// Writes an element. Texts are CDATA, numbers bare, entries of a list `item`s.
fn element(xml: &mut String, name: &str, value: &Value) {
    xml.extend(["<", name, ">"]);
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| element(xml, name, value)),
        Value::Array(values) => values.iter().for_each(|value| element(xml, "item", value)),
        Value::String(text) => xml.push_str(&cdata(text)),
        number => xml.push_str(&number.to_string()),
    }
    xml.extend(["</", name, ">"]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::payload::Payload;
    use super::*;

    fn reply(json: Value) -> Reply {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn replies_are_written_as_documented() {
        let news = reply(json!({"type": "news", "articles": [
            {"title": "t1", "description": "d1", "pic_url": "https://p", "url": "https://u"},
            {"title": "t2", "url": "https://u2"}
        ]}));
        assert_eq!(
            news.render(Format::Xml, "o1", "gh_1", 12_345_678),
            "<xml><ToUserName><![CDATA[o1]]></ToUserName><FromUserName><![CDATA[gh_1]]></FromUserName>\
             <CreateTime>12345678</CreateTime><MsgType><![CDATA[news]]></MsgType><ArticleCount>2</ArticleCount>\
             <Articles><item><Title><![CDATA[t1]]></Title><Description><![CDATA[d1]]></Description>\
             <PicUrl><![CDATA[https://p]]></PicUrl><Url><![CDATA[https://u]]></Url></item><item>\
             <Title><![CDATA[t2]]></Title><Url><![CDATA[https://u2]]></Url></item></Articles></xml>"
        );
        assert_eq!(
            news.render(Format::Json, "o1", "gh_1", 1),
            r#"{"ToUserName":"o1","FromUserName":"gh_1","CreateTime":1,"MsgType":"news","ArticleCount":2,"Articles":[{"Title":"t1","Description":"d1","PicUrl":"https://p","Url":"https://u"},{"Title":"t2","Url":"https://u2"}]}"#
        );
        let video = reply(json!({"type": "video", "media_id": "m", "thumb_media_id": "t", "title": "T"}));
        assert!(
            video.render(Format::Xml, "o", "g", 1).ends_with(
                "<Video><MediaId><![CDATA[m]]></MediaId><Title><![CDATA[T]]></Title></Video></xml>"
            )
        );
        let transfer = reply(json!({"type": "transfer_customer_service"}));
        let rendered = transfer.render(Format::Xml, "o", "g", 1);
        assert!(rendered.ends_with("<MsgType><![CDATA[transfer_customer_service]]></MsgType></xml>"));
    }

    #[test]
    fn text_cannot_leave_its_element() {
        let text = reply(json!({"type": "text", "content": "a]]></Content><x>\u{8}&amp;]]>\u{fffe}]]"}));
        for format in [Format::Xml, Format::Json] {
            let rendered = text.render(format, "o]]>1", "g\u{0}\"h", 1);
            let read = Payload::parse(rendered.as_bytes()).unwrap();
            assert_eq!(read.members.len(), 5, "{rendered}");
            assert_eq!(read.text("Content").unwrap(), "a]]></Content><x>&amp;]]>]]");
            assert_eq!(read.text("ToUserName").unwrap(), "o]]>1");
            assert_eq!(read.text("FromUserName").unwrap(), "g\"h");
        }
    }

    #[test]
    fn customer_service_messages_are_written_as_documented() {
        for (ours, theirs) in [
            (json!({"type": "text", "content": "c"}), json!({"content": "c"})),
            (
                json!({"type": "image", "media_id": "m"}),
                json!({"media_id": "m"}),
            ),
            (
                json!({"type": "voice", "media_id": "m"}),
                json!({"media_id": "m"}),
            ),
            (
                json!({"type": "video", "media_id": "m", "thumb_media_id": "t", "description": "d"}),
                json!({"media_id": "m", "thumb_media_id": "t", "description": "d"}),
            ),
            (
                json!({"type": "music", "music_url": "https://m", "thumb_media_id": "t"}),
                json!({"title": "", "description": "", "musicurl": "https://m", "hqmusicurl": "https://m",
                       "thumb_media_id": "t"}),
            ),
            (
                json!({"type": "news", "articles": [{"title": "1", "url": "https://1"}, {"title": "2", "url": "https://2"}]}),
                json!({"articles": [{"title": "1", "description": "", "url": "https://1", "picurl": ""}]}),
            ),
        ] {
            let name = ours["type"].as_str().unwrap().to_owned();
            let expected = json!({"touser": "o1", "msgtype": name, name: theirs});
            assert_eq!(reply(ours).custom_message("o1"), Some(expected));
        }
        assert_eq!(
            reply(json!({"type": "transfer_customer_service"})).custom_message("o1"),
            None
        );
    }

    proptest! {
        #[test]
        fn any_text_arrives(text in any::<String>(), is_xml: bool) {
            let format = if is_xml { Format::Xml } else { Format::Json };
            let rendered = Reply::Text { content: text.clone() }.render(format, "o1", "gh_1", 1);
            let read = Payload::parse(rendered.as_bytes()).unwrap();
            prop_assert_eq!(read.text("Content").unwrap(), allowed(&text));
            prop_assert_eq!(read.members.len(), 5);
        }

        #[test]
        fn brackets_arrive(text in "[]>\\[<a\r\n]{0,40}") {
            let rendered = Reply::Text { content: text.clone() }.render(Format::Xml, "o1", "gh_1", 1);
            let read = Payload::parse(rendered.as_bytes()).unwrap();
            prop_assert_eq!(read.text("Content").unwrap(), text);
        }
    }
}
