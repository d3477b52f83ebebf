//! Mini-program codes, of which there may be any number. (获取不限制的小程序码) WeChat makes the same picture of the same
//! parameters, so pictures are kept for an hour, and equal requests at one time make one call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::problems::Problems;
use super::{Error, Typed, of_kind};
use crate::config::{App, AppKind};
use crate::domain::ids::AppId;
use crate::domain::time::Timestamp;
use crate::service::relay::{self, Behalf};
use crate::wechat;

/// The API.
pub const CODE_PATH: &str = "/wxa/getwxacodeunlimit";

/// How long a picture is kept.
const KEPT: Duration = Duration::from_secs(60 * 60);
/// How many bytes of pictures are kept.
const ROOM: u64 = 32 * 1024 * 1024;

/// A code to be made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WxaCode {
    scene: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_path: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_color: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_color: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_hyaline: Option<bool>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Color {
    r: u8,
    g: u8,
    b: u8,
}

/// A picture of a code.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its content type.
    pub kind: String,
    /// The file.
    pub bytes: Bytes,
    made_at: Timestamp,
}

/// What was made lately.
pub(super) struct Pictures(Cache<(AppId, String), Picture>);

impl Default for Pictures {
    fn default() -> Self {
        let weight = |(_, parameters): &(AppId, String), picture: &Picture| {
            u32::try_from(parameters.len() + picture.bytes.len()).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(ROOM)
            .weigher(weight)
            .time_to_live(KEPT);
        Self(cache.build())
    }
}

impl Typed {
    /// The picture of a code.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn wxacode(&self, app: &App, behalf: &Behalf, code: &WxaCode) -> Result<Picture, Error> {
        of_kind(app, AppKind::Mini)?;
        let body = code.body()?;
        let key = (app.app_id.clone(), body.to_string());
        let now = self.clock.now();
        // The cache measures by a clock that nobody turns.
        let old = |picture: &Picture| now.since(picture.made_at) >= KEPT;
        if self.pictures.0.get(&key).await.as_ref().is_some_and(old) {
            self.pictures.0.invalidate(&key).await;
        }
        let picture = async {
            let (kind, bytes) = self.relay.fetch(&app.app_id, behalf, CODE_PATH, &body).await?;
            if !kind.starts_with("image/") {
                return Err(wechat::Error::Unusable("it is no picture").into());
            }
            let made_at = now;
            Ok(Picture { kind, bytes, made_at })
        };
        let picture = self.pictures.0.try_get_with(key, picture).await;
        picture.map_err(|error: Arc<relay::Error>| Error::Relay((*error).clone()))
    }
}

impl WxaCode {
    fn body(&self) -> Result<Value, Error> {
        let mut problems = Problems::default();
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'()*+,/:;=?@-._~".contains(&byte);
        problems.demand(
            (1..=32).contains(&self.scene.len()) && self.scene.bytes().all(usual),
            "scene must have 1 to 32 letters, digits and !#$&'()*+,/:;=?@-._~",
        );
        if let Some(page) = &self.page {
            problems.page("page", page);
            problems.demand(
                !page.starts_with('/') && !page.contains('?'),
                "page must have no / at its beginning and no query: what it is to know goes into scene",
            );
        }
        if let Some(version) = &self.env_version {
            let known = ["release", "trial", "develop"];
            problems.demand(
                known.contains(&version.as_str()),
                "env_version must be release, trial or develop",
            );
        }
        if let Some(width) = self.width {
            problems.demand((280..=1280).contains(&width), "width must be 280 to 1280");
        }
        problems.finish(json!(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_within_wechats_bounds() {
        let fine =
            |code: Value| serde_json::from_value::<WxaCode>(code).is_ok_and(|code| code.body().is_ok());
        assert!(fine(json!({"scene": "a=1&b=2"})));
        assert!(fine(
            json!({"scene": "1", "page": "pages/a/b", "width": 280, "line_color": {"r": 0, "g": 0, "b": 255}})
        ));
        for odd in [
            json!({}),
            json!({"scene": ""}),
            json!({"scene": "a b"}),
            json!({"scene": "100%"}),
            json!({"scene": "x".repeat(33)}),
            json!({"scene": "1", "page": "/pages/a"}),
            json!({"scene": "1", "page": "pages/a?b=1"}),
            json!({"scene": "1", "width": 279}),
            json!({"scene": "1", "width": 1281}),
            json!({"scene": "1", "env_version": "beta"}),
            json!({"scene": "1", "line_color": {"r": 256, "g": 0, "b": 0}}),
            json!({"scene": "1", "colour": true}),
        ] {
            assert!(!fine(odd.clone()), "{odd}");
        }
    }
}
