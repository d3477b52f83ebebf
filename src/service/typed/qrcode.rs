//! QR codes of official accounts that carry a scene. (生成带参数的二维码)

use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use super::problems::Problems;
use super::{Error, Typed, of_kind};
use crate::config::{App, AppKind};
use crate::service::relay::{self, Behalf};
use crate::wechat;

/// The API.
pub const QR_PATH: &str = "/cgi-bin/qrcode/create";

/// The longest life of a code that has an end, in seconds.
const LONGEST: u32 = 2_592_000;

/// What a code stands for.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Scene {
    /// A number.
    Number(u32),
    /// A text.
    Text(String),
}

/// A code to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QrCode {
    scene: Scene,
    #[serde(default)]
    permanent: bool,
    expire_seconds: Option<u32>,
}

impl Typed {
    /// A code: `ticket`, `url`, `expire_seconds` and `picture`, the address of its picture.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn qrcode(
        &self,
        app: &App,
        behalf: &Behalf,
        code: QrCode,
    ) -> Result<Map<String, Value>, Error> {
        of_kind(app, AppKind::Official)?;
        let body = code.body()?;
        let mut answer = self.relay.ask(&app.app_id, behalf, QR_PATH, &body).await?;
        let ticket = answer.get("ticket").and_then(Value::as_str).map(str::to_owned);
        let ticket = ticket.ok_or_else(|| relay::Error::from(wechat::Error::Unusable("it has no ticket")))?;
        answer.retain(|name, _| matches!(name.as_str(), "ticket" | "url" | "expire_seconds"));
        answer.insert(
            "picture".to_owned(),
            picture(&self.platform.mp_url, &ticket).into(),
        );
        Ok(answer)
    }
}

/// Where anybody gets the picture. (通过ticket换取二维码)
fn picture(mp_url: &Url, ticket: &str) -> String {
    let mut url = mp_url.clone();
    url.set_path(&format!(
        "{}/cgi-bin/showqrcode",
        mp_url.path().trim_end_matches('/')
    ));
    url.query_pairs_mut().clear().append_pair("ticket", ticket);
    url.to_string()
}

impl QrCode {
    fn body(self) -> Result<Value, Error> {
        let mut problems = Problems::default();
        let mut body = Map::new();
        let (action, scene) = match (&self.scene, self.permanent) {
            (Scene::Number(number), false) => {
                problems.demand(*number > 0, "scene must not be 0");
                ("QR_SCENE", json!({"scene_id": number}))
            }
            (Scene::Number(number), true) => {
                problems.demand(
                    (1..=100_000).contains(number),
                    "scene must be 1 to 100000 for a permanent code",
                );
                ("QR_LIMIT_SCENE", json!({"scene_id": number}))
            }
            (Scene::Text(text), permanent) => {
                problems.line("scene", text, 64);
                let action = if permanent {
                    "QR_LIMIT_STR_SCENE"
                } else {
                    "QR_STR_SCENE"
                };
                (action, json!({"scene_str": text}))
            }
        };
        match (self.permanent, self.expire_seconds) {
            (true, Some(_)) => problems.note("a permanent code has no expire_seconds"),
            (true, None) => {}
            (false, seconds) => {
                // Without it WeChat's codes last a minute, for which nobody makes them.
                let seconds = seconds.unwrap_or(LONGEST);
                problems.demand(
                    (30..=LONGEST).contains(&seconds),
                    "expire_seconds must be 30 to 2592000",
                );
                body.insert("expire_seconds".to_owned(), seconds.into());
            }
        }
        body.insert("action_name".to_owned(), action.into());
        body.insert("action_info".to_owned(), json!({"scene": scene}));
        problems.finish(body.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: Value) -> Option<Value> {
        serde_json::from_value::<QrCode>(code).ok()?.body().ok()
    }

    #[test]
    fn a_scene_is_a_number_or_a_text() {
        let made = |code| body(code).unwrap()["action_name"].as_str().unwrap().to_owned();
        assert_eq!(made(json!({"scene": 123})), "QR_SCENE");
        assert_eq!(
            made(json!({"scene": "123", "expire_seconds": 60})),
            "QR_STR_SCENE"
        );
        assert_eq!(
            made(json!({"scene": 100_000, "permanent": true})),
            "QR_LIMIT_SCENE"
        );
        assert_eq!(
            made(json!({"scene": "门店", "permanent": true})),
            "QR_LIMIT_STR_SCENE"
        );
        assert_eq!(body(json!({"scene": 1})).unwrap()["expire_seconds"], 2_592_000);
        for odd in [
            json!({}),
            json!({"scene": 0}),
            json!({"scene": -1}),
            json!({"scene": 1.5}),
            json!({"scene": ""}),
            json!({"scene": "x".repeat(65)}),
            json!({"scene": 100_001, "permanent": true}),
            json!({"scene": 1, "permanent": true, "expire_seconds": 60}),
            json!({"scene": 1, "expire_seconds": 2_592_001}),
            json!({"scene": 1, "more": 1}),
        ] {
            assert!(body(odd.clone()).is_none(), "{odd}");
        }
    }

    #[test]
    fn the_pictures_address_has_the_ticket_encoded() {
        let mp_url = "https://mp.weixin.qq.com".parse().unwrap();
        assert_eq!(
            picture(&mp_url, "gQ+/=="),
            "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQ%2B%2F%3D%3D"
        );
    }
}
