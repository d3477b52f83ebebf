//! Media: list, show, and make one of any size without an upload.

use actix_web::HttpRequest;
use actix_web::web::{Bytes, Data, Json, Path};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::{self, check_length};
use crate::simulator::cgi_bin::media::kinds::{self, Kind};
use crate::simulator::cgi_bin::media::store::Medium;
use crate::simulator::clock::Moment;
use crate::simulator::content::Content;
use crate::simulator::platform::Platform;

/// Bytes of a medium.
const MOST_BYTES: u64 = 1_024 * 1_024 * 1_024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMedium {
    app_id: String,
    bytes: u64,
    #[serde(default = "jpeg")]
    content_type: String,
    /// Absent, what the content type says.
    kind: Option<Kind>,
    #[serde(default)]
    permanent: bool,
}

fn jpeg() -> String {
    "image/jpeg".to_owned()
}

/// Makes a medium of so many bytes, of which the one at `i` is `i` modulo 251.
pub(super) async fn create(platform: Data<Platform>, body: Bytes) -> Result<Json<Value>, AdminError> {
    let new: NewMedium = input::body(&body)?;
    check_length("content_type", &new.content_type, 128)?;
    let printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if !new.content_type.bytes().all(printable) {
        return Err(AdminError::Invalid("content_type is printable ASCII".into()));
    }
    if new.bytes > MOST_BYTES {
        return Err(AdminError::Invalid(format!("bytes is at most {MOST_BYTES}")));
    }
    let content = Content::pattern(new.bytes);
    let sha256 = content.sha256();
    let (kind, extension) = kinds::of_content_type(&new.content_type);
    let (now, mut world) = (platform.clock.now(), platform.world());
    let world = &mut *world;
    let app = world
        .apps
        .get_mut(&new.app_id)
        .ok_or(AdminError::NotFound("app"))?;
    let medium = Medium {
        id: world.random.word(64),
        kind: new.kind.unwrap_or(kind),
        content,
        content_type: new.content_type,
        extension,
        sha256,
        created: now,
        permanent: new.permanent,
        name: String::new(),
        described: None,
        url: None,
    };
    let shown = view(&app.id, &medium, now);
    app.media.add(medium, now);
    Ok(Json(shown))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    app_id: Option<String>,
    limit: Option<usize>,
}

/// The media of an app or of all, of each app the newest first.
pub(super) async fn list(platform: Data<Platform>, request: HttpRequest) -> Result<Json<Value>, AdminError> {
    let Wanted { app_id, limit } = input::query(request.query_string())?;
    let (now, world) = (platform.clock.now(), platform.world());
    let apps = world.apps.values();
    let media: Vec<Value> = apps
        .filter(|app| app_id.as_ref().is_none_or(|id| *id == app.id))
        .flat_map(|app| {
            app.media
                .all()
                .into_iter()
                .map(|medium| view(&app.id, medium, now))
        })
        .take(limit.unwrap_or(100).min(1_000))
        .collect();
    Ok(Json(json!({"media": media})))
}

/// One medium, be it that it is gone.
pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let (now, world) = (platform.clock.now(), platform.world());
    let mut media = world.apps.values().flat_map(|app| {
        let media = app.media.all().into_iter();
        media.map(|medium| (app.id.as_str(), medium))
    });
    let found = media.find(|(_, medium)| medium.id == *path);
    let (app_id, medium) = found.ok_or(AdminError::NotFound("medium"))?;
    Ok(Json(view(app_id, medium, now)))
}

fn view(app_id: &str, medium: &Medium, now: Moment) -> Value {
    json!({
        "media_id": medium.id,
        "app_id": app_id,
        "kind": medium.kind,
        "content_type": medium.content_type,
        "bytes": medium.content.len(),
        "sha256": medium.sha256,
        "name": medium.name,
        "permanent": medium.permanent,
        "created_at": medium.created.seconds(),
        "gone": medium.gone(now),
    })
}
