//! `/wxaapi/newtmpl/addtemplate`, `deltemplate` and `gettemplate`: the app's own templates of subscribe messages.

use serde::Serialize;
use serde_json::Value;

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::subscriptions::{Keyword, Template};
use crate::simulator::template_library;
use crate::simulator::world::Desk;

/// WeChat: so many lines at most.
const MOST_LINES: usize = 5;
/// WeChat: characters of a description.
const MOST_DESCRIPTION: usize = 15;

/// WeChat: `errmsg` stands first in these two answers.
#[derive(Serialize)]
struct Changed {
    errmsg: &'static str,
    errcode: i32,
    #[serde(rename = "priTmplId", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Serialize)]
struct Listed<'a> {
    errcode: i32,
    errmsg: &'static str,
    data: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    pri_tmpl_id: &'a str,
    title: &'a str,
    content: String,
    example: String,
    r#type: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keyword_enum_value_list: Vec<Values<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Values<'a> {
    keyword_code: String,
    enum_value_list: &'a [String],
}

/// Takes a template out of the library. WeChat: 200014, 200020, 200021, 200022, 200012.
pub(crate) fn add(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let tid = body.get("tid").and_then(number);
    let public = tid
        .and_then(|tid| template_library::find(u32::try_from(tid).ok()?))
        .ok_or_else(|| Refusal::of(errcode::LIBRARY_UNKNOWN))?;
    let kids = body.get("kidList").and_then(Value::as_array);
    let kids: Option<Vec<usize>> = kids.and_then(|kids| kids.iter().map(number).collect());
    let kids = kids.filter(|kids| (2..=MOST_LINES).contains(&kids.len()));
    let id = desk.random.word(43);
    let template = kids.and_then(|kids| public.choose(id.clone(), &kids));
    let template = template.ok_or_else(|| Refusal::of(errcode::LIBRARY_KEYWORDS))?;
    let description = body.get("sceneDesc").and_then(Value::as_str).unwrap_or_default();
    if description.chars().count() > MOST_DESCRIPTION {
        return Err(Refusal::of(errcode::LIBRARY_DESCRIPTION));
    }
    desk.app.subscriptions.add(template)?;
    Ok(changed(Some(id)))
}

/// WeChat shows numbers as texts here and there.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => usize::try_from(value.as_u64()?).ok(),
    }
}

fn changed(id: Option<String>) -> Success {
    Success::json(&Changed {
        errmsg: "ok",
        errcode: 0,
        id,
    })
}

/// Removes one. WeChat: 200002 without an id, 200014 for an unknown one.
pub(crate) fn remove(desk: &mut Desk<'_>) -> Answer {
    let id = desk.call.json()?.get("priTmplId").and_then(Value::as_str);
    let id = id.ok_or_else(|| Refusal::of(errcode::LIBRARY_PARAMETERS))?;
    if desk.app.subscriptions.remove(id) {
        return Ok(changed(None));
    }
    Err(Refusal::of(errcode::LIBRARY_UNKNOWN))
}

/// All of them.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn list(desk: &mut Desk<'_>) -> Answer {
    let data = desk.app.subscriptions.templates().iter().map(shown).collect();
    Ok(Success::json(&Listed {
        errcode: 0,
        errmsg: "ok",
        data,
    }))
}

fn shown(template: &Template) -> Shown<'_> {
    let lines = |value: fn(&Keyword) -> String| -> String {
        let line = |keyword: &Keyword| format!("{}:{}\n", keyword.name, value(keyword));
        template.keywords.iter().map(line).collect()
    };
    let listed = template
        .keywords
        .iter()
        .filter(|keyword| !keyword.key.values.is_empty());
    Shown {
        pri_tmpl_id: &template.id,
        title: &template.title,
        content: lines(|keyword| format!("{{{{{}.DATA}}}}", keyword.key.code)),
        example: lines(|keyword| keyword.example.clone()),
        r#type: template.term.number(),
        keyword_enum_value_list: listed
            .map(|keyword| Values {
                keyword_code: format!("{}.DATA", keyword.key.code),
                enum_value_list: &keyword.key.values,
            })
            .collect(),
    }
}
