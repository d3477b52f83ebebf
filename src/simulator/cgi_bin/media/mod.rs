//! `/cgi-bin/media`: files that are kept for three days (临时素材), and pictures for articles. Permanent ones are in
//! `material`.

pub(crate) mod kinds;
pub(crate) mod store;

use serde_json::json;

use crate::simulator::call::Call;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::intake::Part;
use crate::simulator::reply::{Answer, Refusal, Reply, Success, refuse};
use crate::simulator::settings::AppKind;
use crate::simulator::world::{Desk, World};
use kinds::Kind;
use store::Medium;

/// Where the videos of the simulator are downloaded.
pub(crate) const VIDEO_PAGE: &str = "/mp/simulated_video";

/// WeChat writes it with a small d.
const DISPOSITION: &str = "Content-disposition";

/// `POST /cgi-bin/media/upload`.
pub(crate) fn upload(desk: &mut Desk<'_>) -> Answer {
    let kind = kind(desk)?;
    // WeChat: mini programs upload pictures alone.
    if desk.app.kind == AppKind::Mini && kind != Kind::Image {
        return refuse(errcode::INVALID_MEDIA_TYPE);
    }
    let part = file(desk.call)?;
    let format = kinds::check(kind, false, part, desk.app.switches.media_bytes)?;
    let medium = taken(desk, kind, part, format);
    let id = medium.id.clone();
    desk.app.media.add(medium, desk.now);
    Ok(Success::json(&json!({
        "type": kind.name(),
        "media_id": id,
        "created_at": desk.now.seconds(),
    })))
}

/// `GET /cgi-bin/media/get`. WeChat: of a video, where it can be downloaded.
pub(crate) fn get(desk: &mut Desk<'_>) -> Answer {
    let medium = temporary(desk)?;
    if medium.kind == Kind::Video {
        let url = video_url(desk.call, &medium.id);
        return Ok(Success::json(&json!({"video_url": url})));
    }
    Ok(sent(medium))
}

/// `GET /cgi-bin/media/get/jssdk`: voice messages in the form that pages record.
pub(crate) fn get_voice(desk: &mut Desk<'_>) -> Answer {
    let medium = temporary(desk)?;
    if medium.kind != Kind::Voice {
        return refuse(errcode::INVALID_MEDIA_ID);
    }
    let name = attached(&format!("{}.speex", medium.id));
    Ok(Success::file("voice/speex", medium.content.clone()).with_header(DISPOSITION, name))
}

/// `POST /cgi-bin/media/uploadimg`: a picture that articles may show. It is not kept.
pub(crate) fn upload_inline(desk: &mut Desk<'_>) -> Answer {
    let part = file(desk.call)?;
    let format = kinds::check_inline(part, desk.app.switches.media_bytes)?;
    let url = picture_url(desk, format.extension);
    Ok(Success::json(&json!({"url": url})))
}

/// The video of any app that the query names.
pub(crate) fn video(world: &World, call: &Call, now: Moment) -> Reply {
    let id = call.param("media_id").unwrap_or_default();
    let medium = world.apps.values().find_map(|app| app.media.get(&id, now));
    match medium {
        Some(medium) if medium.kind == Kind::Video => {
            Reply::file(medium.content_type.clone(), medium.content.clone())
        }
        _ => Reply::page(404, "404 Not Found"),
    }
}

fn temporary<'a>(desk: &'a Desk<'_>) -> Result<&'a Medium, Refusal> {
    let id = desk.call.param("media_id");
    let id = id.ok_or_else(|| Refusal::of(errcode::MEDIA_ID_MISSING))?;
    let medium = desk.app.media.get(&id, desk.now);
    medium
        .filter(|medium| !medium.permanent)
        .ok_or_else(|| Refusal::of(errcode::INVALID_MEDIA_ID))
}

/// The `type` of the query. WeChat: 40004.
pub(super) fn kind(desk: &Desk<'_>) -> Result<Kind, Refusal> {
    let kind = desk.call.param("type").and_then(|name| Kind::parse(&name));
    kind.ok_or_else(|| Refusal::of(errcode::INVALID_MEDIA_TYPE))
}

/// The file of a form. WeChat: the field is `media` and has the name of a file, else 41005.
pub(super) fn file(call: &Call) -> Result<&Part, Refusal> {
    let part = call.form.as_ref().and_then(|form| form.part("media"));
    part.filter(|part| part.filename.as_ref().is_some_and(|name| !name.is_empty()))
        .ok_or_else(|| Refusal::of(errcode::MEDIA_MISSING))
}

/// A file that was uploaded, as a medium that goes by itself.
pub(super) fn taken(desk: &mut Desk<'_>, kind: Kind, part: &Part, format: &kinds::Format) -> Medium {
    Medium {
        id: desk.random.word(64),
        kind,
        content: part.content.clone(),
        content_type: format.content_type.to_owned(),
        extension: format.extension,
        sha256: part.sha256.clone(),
        created: desk.now,
        permanent: false,
        name: part.filename.clone().unwrap_or_default(),
        described: None,
        url: None,
    }
}

/// A medium as a download.
pub(super) fn sent(medium: &Medium) -> Success {
    let name = attached(&medium.filename());
    Success::file(medium.content_type.clone(), medium.content.clone()).with_header(DISPOSITION, name)
}

fn attached(filename: &str) -> String {
    format!("attachment; filename=\"{filename}\"")
}

/// Where a video can be downloaded.
pub(super) fn video_url(call: &Call, id: &str) -> String {
    format!("http://{}{VIDEO_PAGE}?media_id={id}", call.host)
}

/// Where WeChat shows a picture.
pub(super) fn picture_url(desk: &mut Desk<'_>, extension: &str) -> String {
    let name = desk.random.word(86);
    format!("http://mmbiz.qpic.cn/mmbiz_{extension}/{name}/0")
}
