//! Whether what users write and show is acceptable. (文本内容安全识别, 音视频内容安全识别) Texts are judged at once; what a
//! check of media found comes later, as an event.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::problems::{Problems, put};
use super::{Error, Typed, of_kind};
use crate::config::{App, AppKind};
use crate::domain::ids::OpenId;
use crate::service::records::MediaCheck;
use crate::service::relay::{self, Behalf};
use crate::wechat;

/// The API for texts.
pub const TEXT_PATH: &str = "/wxa/msg_sec_check";
/// The API for media.
pub const MEDIA_PATH: &str = "/wxa/media_check_async";

/// A text to be checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckText {
    content: String,
    scene: u8,
    title: Option<String>,
    nickname: Option<String>,
    signature: Option<String>,
}

/// A picture or sound to be checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckMedia {
    media_url: String,
    media_type: u8,
    scene: u8,
}

impl Typed {
    /// What WeChat says of a text that `openid` wrote: `result`, `detail`, `trace_id`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check_text(
        &self,
        app: &App,
        behalf: &Behalf,
        openid: &OpenId,
        check: CheckText,
    ) -> Result<Map<String, Value>, Error> {
        of_kind(app, AppKind::Mini)?;
        let body = check.body(openid)?;
        let mut answer = self.relay.ask(&app.app_id, behalf, TEXT_PATH, &body).await?;
        answer.retain(|name, _| matches!(name.as_str(), "result" | "detail" | "trace_id"));
        if !answer.get("result").is_some_and(Value::is_object) {
            return Err(unusable("it has no result"));
        }
        Ok(answer)
    }

    /// Begins a check of what `openid` shows, and gives the id of it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn check_media(
        &self,
        app: &App,
        behalf: &Behalf,
        openid: &OpenId,
        check: CheckMedia,
    ) -> Result<String, Error> {
        of_kind(app, AppKind::Mini)?;
        let body = check.body(openid)?;
        let answer = self.relay.ask(&app.app_id, behalf, MEDIA_PATH, &body).await?;
        let trace_id = answer.get("trace_id").and_then(Value::as_str);
        let trace_id = trace_id.ok_or_else(|| unusable("it has no trace_id"))?;
        self.checks.begin(app, trace_id, openid).await?;
        Ok(trace_id.to_owned())
    }

    /// What is known of a check of media: of anybody's, or of this user's alone.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn media_check(
        &self,
        app: &App,
        trace_id: &str,
        of: Option<&OpenId>,
    ) -> Result<MediaCheck, Error> {
        let check = self.checks.find(app, trace_id).await?;
        let theirs = |check: &MediaCheck| of.is_none_or(|openid| self.checks.is_of(app, check, openid));
        check.filter(theirs).ok_or(Error::NoCheck)
    }
}

fn unusable(what: &'static str) -> Error {
    relay::Error::from(wechat::Error::Unusable(what)).into()
}

impl CheckText {
    fn body(self, openid: &OpenId) -> Result<Value, Error> {
        let mut problems = Problems::default();
        problems.text("content", &self.content, 2500);
        scene(&mut problems, self.scene);
        let further = [
            ("title", &self.title),
            ("nickname", &self.nickname),
            ("signature", &self.signature),
        ];
        for (name, text) in further {
            if let Some(text) = text {
                problems.text(name, text, 512);
            }
        }
        problems.demand(
            self.signature.is_none() || self.scene == 1,
            "signature is for scene 1, a profile",
        );
        let mut body = json!({
            "version": 2,
            "openid": openid,
            "scene": self.scene,
            "content": self.content,
        });
        if let Some(members) = body.as_object_mut() {
            put(members, "title", self.title);
            put(members, "nickname", self.nickname);
            put(members, "signature", self.signature);
        }
        problems.finish(body)
    }
}

impl CheckMedia {
    fn body(self, openid: &OpenId) -> Result<Value, Error> {
        let mut problems = Problems::default();
        problems.address("media_url", &self.media_url, 2048);
        problems.demand(
            matches!(self.media_type, 1 | 2),
            "media_type must be 1 (sound) or 2 (picture)",
        );
        scene(&mut problems, self.scene);
        problems.finish(json!({
            "version": 2,
            "openid": openid,
            "scene": self.scene,
            "media_url": self.media_url,
            "media_type": self.media_type,
        }))
    }
}

fn scene(problems: &mut Problems, scene: u8) {
    problems.demand(
        (1..=4).contains(&scene),
        "scene must be 1 (profile), 2 (comment), 3 (forum) or 4 (social log)",
    );
}
