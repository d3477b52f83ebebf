//! Mini-program codes.

use reqwest::Method;
use serde_json::{Value, json};

use super::support::{MINI, OFFICIAL, Sim, without_rid};

const UNLIMITED: &str = "/wxa/getwxacodeunlimit";
const LIMITED: &str = "/wxa/getwxacode";
const SQUARE: &str = "/cgi-bin/wxaapp/createwxaqrcode";

/// What a call is answered with: content type, `Num-Used`, body.
struct Code {
    content_type: String,
    used: Option<String>,
    body: Vec<u8>,
}

impl Code {
    fn refusal(&self) -> (i64, String) {
        assert_eq!(self.content_type, "application/json; encoding=utf-8");
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        let errmsg = body["errmsg"].as_str().expect("a text");
        let errcode = body["errcode"].as_i64().expect("a number");
        (errcode, without_rid(errmsg).to_owned())
    }

    /// Format and width of the picture, which is decoded as a whole.
    fn picture(&self) -> (image::ImageFormat, u32) {
        let format = image::guess_format(&self.body).expect("a picture");
        let picture = image::load_from_memory(&self.body).expect("a whole picture");
        assert_eq!(picture.width(), picture.height());
        (format, picture.width())
    }
}

async fn ask(sim: &Sim, app_id: &str, path: &str, body: &Value) -> Code {
    let token = sim.stable(app_id, false).await.token();
    let path = format!("{path}?access_token={token}");
    let response = sim.request(Method::POST, &path).json(body).send().await;
    let response = response.expect("an answer");
    assert_eq!(response.status(), 200);
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().expect("a text").to_owned())
    };
    let (content_type, used) = (header("content-type").expect("a type"), header("num-used"));
    let body = response.bytes().await.expect("a body").to_vec();
    Code {
        content_type,
        used,
        body,
    }
}

#[tokio::test]
async fn a_code_is_a_picture_of_the_requested_width() {
    let sim = Sim::start();
    let usual = ask(&sim, MINI, UNLIMITED, &json!({"scene": "a=1"})).await;
    assert_eq!(usual.picture(), (image::ImageFormat::Jpeg, 430));
    assert_eq!(usual.content_type, "image/jpeg");
    assert_eq!(usual.used, None);
    let same = ask(&sim, MINI, UNLIMITED, &json!({"scene": "a=1"})).await;
    assert_eq!(same.body, usual.body);
    let other = ask(&sim, MINI, UNLIMITED, &json!({"scene": "a=2"})).await;
    assert_ne!(other.body, usual.body);
    let wide = json!({"scene": "a=1", "width": 1_280, "is_hyaline": true, "line_color": {"r": "10", "g": 20, "b": 30}});
    let wide = ask(&sim, MINI, UNLIMITED, &wide).await;
    assert_eq!(wide.content_type, "image/png");
    assert_eq!(wide.picture(), (image::ImageFormat::Png, 1_280));
    let picture = image::load_from_memory(&wide.body).expect("a picture").to_rgba8();
    let inked = picture.pixels().filter(|pixel| pixel.0[3] > 0);
    assert!(inked.clone().count() > 1_000);
    assert!(inked.clone().all(|pixel| pixel.0 == [10, 20, 30, 255]));
    let body = json!({"path": "pages/index?a=1", "width": 280});
    for path in [LIMITED, SQUARE] {
        let code = ask(&sim, MINI, path, &body).await;
        assert_eq!(code.picture(), (image::ImageFormat::Jpeg, 280), "{path}");
    }
}

#[tokio::test]
async fn scenes_pages_and_sizes_are_checked() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"pages": ["pages/index"]})).await;
    for (body, errcode) in [
        (json!({}), 40_169),
        (json!({"scene": ""}), 40_169),
        (json!({"scene": "x".repeat(33)}), 40_169),
        (json!({"scene": "a%20b"}), 40_129),
        (json!({"scene": "中"}), 40_129),
        (json!({"scene": "a", "page": "/pages/index"}), 41_030),
        (json!({"scene": "a", "page": "pages/index?b=1"}), 41_030),
        (json!({"scene": "a", "page": "pages/other"}), 41_030),
        (json!({"scene": "a", "width": 279}), 40_097),
        (json!({"scene": "a", "width": 1_281}), 40_097),
        (
            json!({"scene": "a", "line_color": {"r": 256, "g": 0, "b": 0}}),
            40_097,
        ),
        (json!({"scene": "a", "env_version": "beta"}), 40_097),
    ] {
        let refused = ask(&sim, MINI, UNLIMITED, &body).await.refusal();
        assert_eq!(refused.0, errcode, "{body}");
    }
    let all = "!#$&'()*+,/:;=?@-._~";
    for body in [
        json!({"scene": all, "page": "pages/index"}),
        json!({"scene": "a", "page": "pages/other", "check_path": false}),
    ] {
        ask(&sim, MINI, UNLIMITED, &body).await.picture();
    }
    let refused = ask(&sim, OFFICIAL, UNLIMITED, &json!({"scene": "a"}))
        .await
        .refusal();
    assert_eq!(refused.0, 48_001);
    // A form is no JSON.
    let token = sim.stable(MINI, false).await.token();
    let path = format!("{UNLIMITED}?access_token={token}");
    let form = sim.request(Method::POST, &path).body("scene=a");
    assert_eq!(sim.send(form).await.errcode(), 47_001);
}

#[tokio::test]
async fn codes_of_a_path_are_counted_together() {
    let sim = Sim::start();
    sim.switch(MINI, json!({"most_codes": 3})).await;
    let path = json!({"path": "pages/index?a=1"});
    for (number, kind) in ["1", "2", "3"].into_iter().zip([LIMITED, SQUARE, LIMITED]) {
        let code = ask(&sim, MINI, kind, &path).await;
        assert_eq!(code.used.as_deref(), Some(number));
    }
    for kind in [LIMITED, SQUARE] {
        let refused = ask(&sim, MINI, kind, &path).await.refusal();
        assert_eq!(refused, (45_029, "qrcode count out of limit".to_owned()));
    }
    ask(&sim, MINI, UNLIMITED, &json!({"scene": "a"})).await.picture();
    let long = |length: usize| json!({"path": "p".repeat(length)});
    sim.switch(MINI, json!({"most_codes": 100_000})).await;
    for (kind, body, errcode) in [
        (LIMITED, json!({}), 40_159),
        (LIMITED, long(1_025), 40_159),
        (SQUARE, long(129), 40_159),
        (
            LIMITED,
            json!({"path": "pages/index?a=1&scancode_time=2"}),
            85_096,
        ),
    ] {
        assert_eq!(ask(&sim, MINI, kind, &body).await.refusal().0, errcode, "{body}");
    }
    assert_eq!(
        ask(&sim, MINI, LIMITED, &long(1_024)).await.used.as_deref(),
        Some("4")
    );
}
