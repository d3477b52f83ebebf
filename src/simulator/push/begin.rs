//! A push begins: something happens between a user and an app, is remembered, and becomes a parcel to deliver.

use serde_json::{Map, Value};

use super::act::{Act, Doing, Replies, Scene};
use super::records::{Kind, Outcome, Report};
use super::server::Forged;
use super::settings::{Hazards, PushFormat};
use super::write;
use crate::simulator::cgi_bin::qrcode::store::{QrCodes, Scene as Scanned};
use crate::simulator::clock::Moment;
use crate::simulator::settings::AppKind;
use crate::simulator::world::World;

/// Bytes of a push before encryption.
const MOST_BODY: usize = 256 * 1_024;

/// How a push differs from what is usual.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// It happened so many seconds ago.
    pub(crate) age_seconds: u32,
    /// In the place of the app's own.
    pub(crate) hazards: Option<Hazards>,
    /// What is wrong with it on purpose.
    pub(crate) forged: Forged,
    /// Addresses in the place of the configured one, taken in turn.
    pub(crate) urls: Vec<String>,
    /// One of many: neither logged nor in the transcript.
    pub(crate) unlogged: bool,
}

/// A push on its way.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// The app.
    pub(crate) app_id: String,
    /// Who the push is from: the user, as the app knows them, but for what comes from the platform itself.
    pub(crate) sender: String,
    /// The body before any encryption, the same at every delivery.
    pub(crate) plain: String,
    /// What may be answered.
    pub(crate) replies: Replies,
    /// What is wrong with it on purpose.
    pub(crate) forged: Forged,
    /// Addresses in the place of the configured one.
    pub(crate) urls: Vec<String>,
    /// Which of them is next.
    pub(crate) turn: usize,
    /// What is known of it so far.
    pub(crate) report: Report,
}

impl Parcel {
    /// The same push, for the address that so many turns come later.
    pub(crate) fn copy_to(&self, turns: usize) -> Self {
        let mut copy = self.clone();
        copy.turn += turns;
        copy
    }
}

/// Lets it happen. The user is known to the app from here on.
pub(crate) fn begin(
    world: &mut World,
    app_id: &str,
    user: usize,
    doing: &Doing<'_>,
    manner: Manner,
    now: Moment,
) -> Result<Parcel, String> {
    let World {
        apps,
        users,
        identities,
        random,
        pushes,
        transcript,
        ..
    } = world;
    let app = apps.get_mut(app_id).ok_or("there is no such app")?;
    let user_id = users.get(user).ok_or("there is no such user")?.id.clone();
    let openid = identities.openid(app_id, &user_id);
    let scanned = match doing {
        Doing::Event(given) => Some(app.qr_codes.scanned(given, now)?),
        _ => None,
    };
    let scanned = scanned.as_ref().map(Doing::Event);
    let doing = scanned.as_ref().unwrap_or(doing);
    let talk = app.conversations.entry(user).or_default();
    let rules = app.server.as_ref().map(|server| &server.settings);
    let format = rules.map_or(PushFormat::Xml, |settings| settings.format);
    let at = Moment(now.0 - i64::from(manner.age_seconds) * 1_000);
    let scene = &mut Scene {
        kind: app.kind,
        app_id,
        account: &app.account,
        openid: &openid,
        follows: talk.follows,
        format,
        at,
        id: pushes.message_id(now),
        random,
    };
    let Act {
        mut members,
        replies,
        effect,
        shown,
    } = scene.act(doing)?;
    let gone = talk.follows == Some(false) && app.kind == AppKind::Official;
    let needs_following = effect.action.is_some() && effect.follows != Some(true);
    if gone && (needs_following || matches!(doing, Doing::Message(_))) {
        return Err("the user does not follow the account any more".into());
    }
    let hazards = manner.hazards.or(rules.map(|settings| settings.rules.hazards));
    let hazards = hazards.unwrap_or_default();
    hazards.spoil(&mut members, format);
    let plain = match doing {
        Doing::Text(text) => (*text).to_owned(),
        _ => write::payload(&members, format, hazards.blanks),
    };
    if plain.len() > MOST_BODY {
        return Err(format!("a push has at most {MOST_BODY} bytes"));
    }
    let how = || (scene_of(&members, &app.qr_codes), at);
    app.fans.note(user, talk.follows, effect.follows, how);
    talk.follows = effect.follows.or(talk.follows);
    if let Some(action) = effect.action {
        talk.act(action, now);
    }
    app.openids.insert(openid.clone(), user);
    if let Doing::Event(given) = doing {
        app.subscriptions.hear(user, given);
    }
    let mut report = Report {
        push_id: String::new(),
        app_id: app_id.to_owned(),
        user: user_id,
        openid: openid.clone(),
        time: now.seconds(),
        msg_id: id_of(&members),
        body: plain.clone(),
        copy_of: None,
        deliveries: Vec::new(),
        outcome: Outcome::Pending,
        reply: None,
        reason: None,
        system_message: None,
    };
    if !manner.unlogged {
        report = pushes.begin(report);
        let kind = match members.get("MsgType") {
            Some(kind) if kind != "event" => Kind::Message,
            _ => Kind::Event,
        };
        let push_id = Some(report.push_id.as_str());
        transcript.add((app_id, &report.user), kind, push_id, shown, now);
    }
    let sender = members.get("FromUserName").and_then(Value::as_str);
    let sender = sender.unwrap_or(&openid).to_owned();
    Ok(Parcel {
        app_id: app_id.to_owned(),
        sender,
        plain,
        replies,
        forged: manner.forged,
        urls: manner.urls,
        turn: 0,
        report,
    })
}

/// The same push once more, with a log entry of its own.
pub(crate) fn copy(world: &mut World, parcel: &Parcel) -> Parcel {
    let mut copy = parcel.clone();
    copy.report.copy_of = Some(parcel.report.push_id.clone());
    copy.report = world.pushes.begin(copy.report);
    copy
}

/// The code that somebody scanned who follows from here on.
fn scene_of(members: &Map<String, Value>, codes: &QrCodes) -> Option<Scanned> {
    let text = |name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default();
    let told = text("EventKey").strip_prefix("qrscene_")?;
    Some(codes.scene_of(told, text("Ticket")))
}

fn id_of(members: &Map<String, Value>) -> Option<String> {
    let id = members.get("MsgId").or_else(|| members.get("MsgID"))?;
    Some(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
}
