//! `/cgi-bin/template`: which templates an account has (模板消息). They are sent in `message`.

mod industries;
pub(crate) mod store;

use serde_json::{Map, Value, json};

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success, refuse};
use crate::simulator::world::Desk;
use store::Template;

/// `POST /cgi-bin/template/api_set_industry`.
pub(crate) fn set_industry(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let number = |name: &str| {
        let value = body.get(name)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        let number = usize::try_from(number).ok()?;
        industries::names(number).map(|_| number)
    };
    let both = number("industry_id1").zip(number("industry_id2"));
    let both = both.ok_or_else(|| Refusal::of(errcode::INVALID_ARGUMENTS))?;
    desk.app.templates.set_industries(both, desk.now)?;
    Ok(Success::ok())
}

/// `GET /cgi-bin/template/get_industry`.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn industry(desk: &mut Desk<'_>) -> Answer {
    let (first, second) = desk.app.templates.industries();
    let shown = |number| {
        let (first, second) = industries::names(number).unwrap_or_default();
        json!({"first_class": first, "second_class": second})
    };
    Ok(Success::json(&json!({
        "primary_industry": shown(first),
        "secondary_industry": shown(second),
    })))
}

/// `POST /cgi-bin/template/api_add_template`: from the library, of which every number exists here.
pub(crate) fn add(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let short = text(body, "template_id_short");
    if short.is_empty() {
        return refuse(errcode::INVALID_TEMPLATE);
    }
    let keywords = body.get("keyword_name_list").and_then(Value::as_array);
    let keywords: Vec<&str> = keywords.into_iter().flatten().filter_map(Value::as_str).collect();
    let template = desk.app.templates.add(short, &keywords, desk.random)?;
    Ok(Success::json(
        &json!({"errcode": 0, "errmsg": "ok", "template_id": template.id}),
    ))
}

/// `GET /cgi-bin/template/get_all_private_template`.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn list(desk: &mut Desk<'_>) -> Answer {
    let (first, second) = industries::names(desk.app.templates.industries().0).unwrap_or_default();
    let shown = |template: &Template| {
        json!({
            "template_id": template.id,
            "title": template.title,
            "primary_industry": first,
            "deputy_industry": second,
            "content": template.content,
            "example": "",
        })
    };
    let templates: Vec<Value> = desk.app.templates.all().iter().map(shown).collect();
    Ok(Success::json(&json!({"template_list": templates})))
}

/// `POST /cgi-bin/template/del_private_template`.
pub(crate) fn delete(desk: &mut Desk<'_>) -> Answer {
    let id = text(desk.call.json()?, "template_id");
    if desk.app.templates.remove(id) {
        return Ok(Success::ok());
    }
    refuse(errcode::INVALID_TEMPLATE)
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> &'a str {
    body.get(name).and_then(Value::as_str).unwrap_or_default()
}
