//! `POST /wxa/media_check_async`: whether a picture or a sound is acceptable (音视频内容安全识别). The answer comes later, as
//! the event `wxa_media_check`. Nothing is fetched: the address stands for the content.

use serde_json::{Value, json};

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// Begins a check. WeChat: 40004 for a media type, 40129 for a scene, 40003 and 61010 for the user.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let invalid = || Refusal::of(errcode::INVALID_ARGUMENTS);
    let url = body.get("media_url").and_then(Value::as_str).unwrap_or_default();
    if !matches!(body.get("media_type").and_then(Value::as_u64), Some(1 | 2)) {
        return Err(Refusal::of(errcode::INVALID_MEDIA_TYPE));
    }
    if body.get("version").and_then(Value::as_u64) != Some(2) {
        return Err(invalid());
    }
    super::check_scene(body, 1..=4)?;
    let user = super::recent_visitor(desk, body)?;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(invalid());
    }
    let trace_id = desk.random.request_id(desk.now);
    let finding = desk.app.checks.find(&[url]);
    let mut event = json!({
        "type": "wxa_media_check",
        "appid": desk.app.id,
        "trace_id": trace_id,
        "version": 2,
        "detail": [],
        "errcode": finding.errcode,
        "errmsg": "ok",
    });
    if finding.errcode == 0 {
        event["detail"] = json!([super::model(&finding)]);
        event["result"] = json!({"suggest": finding.suggest, "label": finding.label});
    } else {
        event["errmsg"] = "download failed".into();
    }
    desk.cause(user, event);
    Ok(Success::json(
        &json!({"errcode": 0, "errmsg": "ok", "trace_id": trace_id}),
    ))
}
