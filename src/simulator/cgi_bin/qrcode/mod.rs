//! `/cgi-bin/qrcode/create` and `/cgi-bin/showqrcode`: QR codes of official accounts with a scene of their own
//! (生成带参数的二维码).

pub(crate) mod store;

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use qrcode::{Color, QrCode as Modules};
use serde_json::{Map, Value, json};

use crate::simulator::call::Call;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Reply, Success, refuse};
use crate::simulator::world::{Desk, World};
use store::Scene;

/// WeChat: seconds that a code lives at most, and if nothing is said.
const LONGEST: u32 = 2_592_000;
const USUAL: u32 = 60;
/// The largest number in a permanent code.
const LAST_PERMANENT: u32 = 100_000;
/// Characters of a text in a code.
const MOST_TEXT: usize = 64;
/// Pixels of a picture's side.
const SIDE: u32 = 430;
/// Light modules around the dark ones (ISO/IEC 18004).
const MARGIN: usize = 4;

/// `POST /cgi-bin/qrcode/create`.
pub(crate) fn create(desk: &mut Desk<'_>) -> Answer {
    let body = desk.call.json()?;
    let (temporary, named) = match body.get("action_name").and_then(Value::as_str) {
        Some("QR_SCENE") => (true, false),
        Some("QR_STR_SCENE") => (true, true),
        Some("QR_LIMIT_SCENE") => (false, false),
        Some("QR_LIMIT_STR_SCENE") => (false, true),
        _ => return refuse(errcode::INVALID_ACTION_NAME),
    };
    let scene = scene(body, named, if temporary { u32::MAX } else { LAST_PERMANENT });
    let scene = scene.ok_or_else(|| Refusal::of(errcode::INVALID_ACTION_INFO))?;
    let seconds = body.get("expire_seconds").and_then(Value::as_u64);
    let seconds = seconds.map_or(USUAL, |seconds| {
        u32::try_from(seconds).unwrap_or(LONGEST).min(LONGEST)
    });
    let until = temporary.then(|| desk.now.plus(seconds));
    let code = desk.app.qr_codes.make(scene, until, desk.random);
    let code = code.ok_or_else(|| Refusal::of(errcode::TOO_MANY_CODES))?;
    let mut shown = json!({"ticket": code.ticket});
    if temporary {
        shown["expire_seconds"] = seconds.into();
    }
    shown["url"] = code.url.as_str().into();
    Ok(Success::json(&shown))
}

fn scene(body: &Map<String, Value>, named: bool, most: u32) -> Option<Scene> {
    let scene = &body.get("action_info")?["scene"];
    if named {
        let text = scene["scene_str"].as_str()?;
        let fine = (1..=MOST_TEXT).contains(&text.chars().count());
        return fine.then(|| Scene::Text(text.to_owned()));
    }
    let number = &scene["scene_id"];
    let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
    let number = u32::try_from(number).ok()?;
    (1..=most).contains(&number).then_some(Scene::Number(number))
}

/// `GET /cgi-bin/showqrcode`: the picture of a code of any account. WeChat: no token; 404 for a bad ticket.
pub(crate) fn show(world: &World, call: &Call, now: Moment) -> Reply {
    let ticket = call.param("ticket").unwrap_or_default();
    let code = world
        .apps
        .values()
        .find_map(|app| app.qr_codes.find(&ticket, now));
    let Some(picture) = code.and_then(|code| picture(&code.url)) else {
        return Reply::page(404, "404 Not Found");
    };
    Reply::file("image/jpg", picture)
}

/// A text as a QR code in a JPEG.
pub(crate) fn picture(text: &str) -> Option<Vec<u8>> {
    let modules = Modules::new(text).ok()?;
    let width = modules.width() + 2 * MARGIN;
    let scale = (SIDE as usize / width).max(1);
    let offset = (SIDE as usize - (width * scale).min(SIDE as usize)) / 2 + MARGIN * scale;
    let module = |pixel: u32| (pixel as usize).checked_sub(offset).map(|pixel| pixel / scale);
    let dark =
        |x: usize, y: usize| x < modules.width() && y < modules.width() && modules[(x, y)] == Color::Dark;
    let drawn = GrayImage::from_fn(SIDE, SIDE, |x, y| match (module(x), module(y)) {
        (Some(x), Some(y)) if dark(x, y) => Luma([0]),
        _ => Luma([255]),
    });
    let mut bytes = Vec::new();
    let drawn = DynamicImage::ImageLuma8(drawn);
    drawn
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg)
        .ok()?;
    Some(bytes)
}
