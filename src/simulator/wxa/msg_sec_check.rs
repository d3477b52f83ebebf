//! `POST /wxa/msg_sec_check`: whether a text is acceptable (文本内容安全识别).

use serde_json::{Value, json};

use crate::simulator::checks::{Finding, Suggest};
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Desk;

/// WeChat: characters of a text.
const MOST_TEXT: usize = 2_500;

/// Checks a text. WeChat: a call without a version is of the first one, which knows neither users nor scenes.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let first = match body.get("version") {
        None => true,
        Some(version) if *version == 1 || *version == "1" => true,
        Some(version) if *version == 2 || *version == "2" => false,
        Some(_) => return Err(Refusal::of(errcode::INVALID_ARGUMENTS)),
    };
    if !first {
        super::check_scene(body, 1..=4)?;
        super::recent_visitor(desk, body)?;
    }
    if text("content").is_empty() {
        return Err(Refusal::of(errcode::INVALID_ARGUMENTS));
    }
    if text("content").chars().count() > MOST_TEXT {
        return Err(Refusal::of(errcode::CONTENT_SIZE));
    }
    let texts = ["content", "title", "nickname", "signature"].map(text);
    let finding = desk.app.checks.find(&texts);
    if first {
        return match finding.suggest {
            Suggest::Risky => Err(Refusal::of(errcode::RISKY_CONTENT)),
            Suggest::Pass | Suggest::Review => Ok(Success::ok()),
        };
    }
    let trace_id = desk.random.request_id(desk.now);
    Ok(Success::json(&json!({
        "errcode": 0,
        "errmsg": "ok",
        "result": {"suggest": finding.suggest, "label": finding.label},
        "detail": [super::model(&finding), keyword(&finding)],
        "trace_id": trace_id,
    })))
}

fn keyword(finding: &Finding) -> Value {
    let mut shown = json!({
        "strategy": "keyword", "errcode": 0, "suggest": finding.suggest, "label": finding.label,
    });
    if let Some(keyword) = &finding.keyword {
        shown["level"] = 20.into();
        shown["keyword"] = keyword.as_str().into();
    }
    shown
}
