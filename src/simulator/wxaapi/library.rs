//! `GET /wxaapi/newtmpl/getcategory`, `getpubtemplatetitles`, `getpubtemplatekeywords`: the public template library.

use serde::Serialize;

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::template_library::{CATEGORIES, LIBRARY, find};
use crate::simulator::world::Desk;

/// WeChat: titles of one call.
const MOST_TITLES: usize = 30;

#[derive(Serialize)]
struct Body<T> {
    errcode: i32,
    errmsg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    data: Vec<T>,
}

#[derive(Serialize)]
struct Category {
    id: u32,
    name: &'static str,
}

#[derive(Serialize)]
struct Title {
    tid: u32,
    #[serde(rename = "title")]
    name: &'static str,
    r#type: u32,
    /// WeChat: documented as a number, shown as a text.
    #[serde(rename = "categoryId")]
    category_id: String,
}

#[derive(Serialize)]
struct Keyword {
    kid: usize,
    name: &'static str,
    example: &'static str,
    rule: &'static str,
}

fn body<T: Serialize>(count: Option<usize>, data: Vec<T>) -> Success {
    Success::json(&Body {
        errcode: 0,
        errmsg: "ok",
        count,
        data,
    })
}

/// The categories of the app.
#[expect(clippy::unnecessary_wraps, reason = "an endpoint answers so")]
pub(crate) fn categories(_: &mut Desk<'_>) -> Answer {
    let data = CATEGORIES.iter().map(|(id, name)| Category { id: *id, name });
    Ok(body(None, data.collect()))
}

/// Titles of some categories. WeChat: 200016 to 200019 for the parameters; the sample has `ids` in quotation marks.
pub(crate) fn titles(desk: &mut Desk<'_>) -> Answer {
    let number = |name: &str| desk.call.param(name)?.parse::<usize>().ok();
    let ids = desk.call.param("ids");
    let ids = ids.ok_or_else(|| Refusal::of(errcode::LIBRARY_NO_IDS))?;
    let ids = ids.trim_matches('"').split(',').map(str::parse);
    let ids: Vec<u32> = ids
        .collect::<Result<_, _>>()
        .map_err(|_| Refusal::of(errcode::LIBRARY_IDS))?;
    let start = number("start").ok_or_else(|| Refusal::of(errcode::LIBRARY_START))?;
    let limit = number("limit").filter(|limit| (1..=MOST_TITLES).contains(limit));
    let limit = limit.ok_or_else(|| Refusal::of(errcode::LIBRARY_LIMIT))?;
    let of_ids: Vec<_> = LIBRARY
        .iter()
        .filter(|public| ids.contains(&public.category))
        .collect();
    let data = of_ids.iter().skip(start).take(limit).map(|public| Title {
        tid: public.tid,
        name: public.title,
        r#type: public.term.number(),
        category_id: public.category.to_string(),
    });
    Ok(body(Some(of_ids.len()), data.collect()))
}

/// The lines of a template. WeChat: 200014 for an unknown one.
pub(crate) fn keywords(desk: &mut Desk<'_>) -> Answer {
    let tid = desk.call.param("tid").and_then(|tid| tid.parse().ok());
    let public = tid.and_then(find);
    let public = public.ok_or_else(|| Refusal::of(errcode::LIBRARY_UNKNOWN))?;
    let lines = public.keywords.iter().enumerate();
    let data: Vec<_> = lines
        .map(|(index, line)| Keyword {
            kid: index + 1,
            name: line.0,
            example: line.1,
            rule: line.2,
        })
        .collect();
    Ok(body(Some(data.len()), data))
}
