//! The pages that the platform shows to people in WeChat, in a look of our own. They are no API: no JSON, no errcode.

mod authorize;
mod page;

use std::borrow::Cow;

use actix_web::http::Method;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::cgi_bin::{media, qrcode};
use super::clock::Moment;
use super::content::Content;
use super::reply::Reply;
use super::world::World;

/// The page that asks for consent.
const AUTHORIZE: &str = "/connect/oauth2/authorize";
/// The picture of a QR code, which WeChat has on another host.
const SHOW_QR_CODE: &str = "/cgi-bin/showqrcode";
/// The style sheet of all pages: inline styles are forbidden to them.
const STYLE: &str = "/connect/simulated.css";

/// Who opens the pages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    /// The user; absent, the first one there is.
    pub(crate) user: Option<usize>,
    /// What the user does when asked.
    pub(crate) decision: Decision,
    /// Whether WeChat shows the asking page as a snapshot, to a virtual user.
    pub(crate) snapshot: bool,
}

/// What a user does when asked for consent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    /// Sees the page and presses a button.
    #[default]
    Ask,
    /// Has allowed it already: there is no page.
    Allow,
    /// Refuses at once.
    Refuse,
}

/// Serves a page; `None` if the call is for none. A browser gets them: no other method makes a code.
pub(crate) fn serve(world: &mut World, call: &Call, now: Moment) -> Option<Reply> {
    match call.path.as_str() {
        AUTHORIZE | STYLE if call.method != Method::GET => Some(Reply::page(405, "405 Not Allowed")),
        AUTHORIZE => Some(authorize::serve(world, call, now)),
        SHOW_QR_CODE if call.method == Method::GET => Some(qrcode::show(world, call, now)),
        media::VIDEO_PAGE => Some(media::video(world, call, now)),
        STYLE => Some(written("text/css", include_str!("simulated.css").to_owned())),
        _ => None,
    }
}

fn written(content_type: &'static str, text: String) -> Reply {
    Reply {
        status: 200,
        content_type: Cow::Borrowed(content_type),
        location: None,
        headers: Vec::new(),
        body: text.into_bytes().into(),
        errcode: None,
    }
}

fn redirect(location: String) -> Reply {
    Reply {
        status: 302,
        content_type: Cow::Borrowed("text/plain"),
        location: Some(location),
        headers: Vec::new(),
        body: Content::default(),
        errcode: None,
    }
}
