//! The messages a user can send, as WeChat pushes them (接收普通消息, 接收消息).

use serde_json::{Map, Value};

use super::act::{Act, Effect, Replies, Scene};
use super::conversation::Action;
use super::fields::{Field, Or, fill};
use crate::simulator::settings::AppKind;

const TEXT: &[Field] = &[
    Field("content", "Content", Or::Must),
    Field("bizmsgmenuid", "bizmsgmenuid", Or::Absent),
    Field("business_id", "BusinessId", Or::Absent),
];
const IMAGE: &[Field] = &[
    Field(
        "pic_url",
        "PicUrl",
        Or::Text("http://mmbiz.qpic.cn/mmbiz_jpg/simulated/0"),
    ),
    Field("media_id", "MediaId", Or::Media),
];
const VOICE: &[Field] = &[
    Field("media_id", "MediaId", Or::Media),
    Field("format", "Format", Or::Text("amr")),
    Field("recognition", "Recognition", Or::Absent),
    Field("media_id_16k", "MediaId16K", Or::Absent),
];
const VIDEO: &[Field] = &[
    Field("media_id", "MediaId", Or::Media),
    Field("thumb_media_id", "ThumbMediaId", Or::Media),
];
const LOCATION: &[Field] = &[
    Field("x", "Location_X", Or::Number(23.134_521)),
    Field("y", "Location_Y", Or::Number(113.358_803)),
    Field("scale", "Scale", Or::Number(20.0)),
    Field("label", "Label", Or::Text("位置信息")),
];
const LINK: &[Field] = &[
    Field("title", "Title", Or::Text("公众平台官网链接")),
    Field("description", "Description", Or::Text("公众平台官网链接")),
    Field("url", "Url", Or::Text("https://mp.weixin.qq.com/")),
];
const CARD: &[Field] = &[
    Field("title", "Title", Or::Text("simulated")),
    Field("app_id", "AppId", Or::Absent),
    Field("page_path", "PagePath", Or::Text("pages/index/index")),
    Field(
        "thumb_url",
        "ThumbUrl",
        Or::Text("http://mmbiz.qpic.cn/simulated/0"),
    ),
    Field("thumb_media_id", "ThumbMediaId", Or::Media),
];

/// A message of a user, or why there is none.
pub(super) fn act(given: &Map<String, Value>, scene: &mut Scene<'_>) -> Result<Act, String> {
    let kind = given.get("type").and_then(Value::as_str).unwrap_or("text");
    let fields = match (kind, scene.kind) {
        ("text", _) => TEXT,
        ("image", _) => IMAGE,
        ("voice", AppKind::Official) => VOICE,
        ("video" | "shortvideo", AppKind::Official) => VIDEO,
        ("location", AppKind::Official) => LOCATION,
        ("link", AppKind::Official) => LINK,
        ("miniprogrampage", AppKind::Mini) => CARD,
        _ => {
            let text = "type is text, image, voice, video, shortvideo, location or link; of a mini program text, \
                        image or miniprogrampage; push others as raw members";
            return Err(text.into());
        }
    };
    let mut members = scene.head(given)?;
    members.insert("MsgType".into(), kind.into());
    let mut body = fill(given, fields, scene.random)?;
    if kind == "miniprogrampage" && !body.contains_key("AppId") {
        body.insert("AppId".into(), scene.app_id.into());
    }
    // WeChat: extra members (MsgDataId, Idx) stand behind the id, but no reader may depend on it.
    members.extend(body);
    members.insert("MsgId".into(), scene.message_id(given)?);
    let mut shown = given.clone();
    shown.entry("type").or_insert_with(|| kind.into());
    Ok(Act {
        members,
        replies: Replies::ToMessage,
        effect: Effect {
            // Who writes to an account follows it; somebody who unfollowed it cannot write.
            follows: (scene.kind == AppKind::Official).then_some(true),
            action: Some(Action::Message),
        },
        shown: shown.into(),
    })
}
