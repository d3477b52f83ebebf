//! Delivers pushes: posts them, again if need be, and settles what came of them.

use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use actix_web::web::Data;
use futures_util::FutureExt as _;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, Response};
use secrecy::ExposeSecret as _;

use super::act::Replies;
use super::begin::Parcel;
use super::evaluate::{Ground, Verdict, evaluate};
use super::records::{Delivery, Kind, Outcome, Report};
use super::server::{Alarm, Letter, Sealed};
use super::settings::{PushFormat, Rules};
use crate::simulator::platform::Platform;
use crate::simulator::settings::AppKind;

/// Bytes of an answer that are read.
const MOST_ANSWER: usize = 64 * 1_024;

/// WeChat's words to the user of an account whose server is out of order.
const ACCOUNT_BROKEN: &str = "该公众号提供的服务出现故障，请稍后再试";
/// And of a mini program's customer service.
const MINI_BROKEN: &str = "该小程序客服暂时无法提供服务，请稍后再试";

/// How often and how patiently a push is delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How long the server may take.
    pub(crate) timeout: Duration,
    /// Deliveries in all.
    pub(crate) deliveries: u32,
    /// How long after a failure the next begins.
    pub(crate) retry_after: Duration,
    /// Whether bad answers are failures like none.
    pub(crate) retry_bad_answers: bool,
}

impl From<&Rules> for Pace {
    fn from(rules: &Rules) -> Self {
        Self {
            timeout: Duration::from_millis(rules.timeout_ms.into()),
            deliveries: rules.deliveries,
            retry_after: Duration::from_millis(rules.retry_after_ms.into()),
            retry_bad_answers: rules.retry_bad_answers,
        }
    }
}

/// Delivers a push to the end and tells how it went.
pub(crate) async fn carry(platform: Data<Platform>, parcel: Parcel) -> Report {
    let Some(rules) = admit(&platform, &parcel) else {
        return turned_away(&platform, parcel);
    };
    let (deliveries, verdict) = attempts(&platform, &parcel, Pace::from(&rules)).await;
    settle(&platform, parcel, &rules, deliveries, verdict)
}

/// The rules of the app's server, unless nothing is pushed to it now.
fn admit(platform: &Platform, parcel: &Parcel) -> Option<Rules> {
    let (now, mut world) = (platform.clock.now(), platform.world());
    let app = world.apps.get_mut(&parcel.app_id)?;
    let rules = app.server.as_ref()?.settings.rules.clone();
    (!app.alarms.blocks(now)).then_some(rules)
}

fn turned_away(platform: &Platform, parcel: Parcel) -> Report {
    let mut world = platform.world();
    let configured = world
        .apps
        .get(&parcel.app_id)
        .is_some_and(|app| app.server.is_some());
    let mut report = parcel.report;
    report.outcome = if configured {
        Outcome::Lost
    } else {
        Outcome::Unconfigured
    };
    world.pushes.settle(&report);
    report
}

/// Notes that a push is not delivered at all.
pub(crate) fn give_up(platform: &Platform, parcel: Parcel, reason: &str) {
    let mut report = parcel.report;
    report.outcome = Outcome::Lost;
    report.reason = Some(reason.to_owned());
    platform.world().pushes.settle(&report);
}

/// Delivers until an answer is good or there were enough deliveries.
pub(crate) async fn attempts(platform: &Platform, parcel: &Parcel, pace: Pace) -> (Vec<Delivery>, Verdict) {
    let mut deliveries = Vec::new();
    loop {
        let turn = parcel.turn + deliveries.len();
        let Some((sealed, ground, format)) = seal(platform, parcel, turn) else {
            let gone = "the app has no server any more".to_owned();
            return (deliveries, Verdict::Failed(Alarm::Connect, gone));
        };
        let begun = Instant::now();
        let answer = post(&platform.client, &sealed, format, pace.timeout).await;
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, verdict) = match answer {
            Ok((status, body)) => (Some(status), evaluate(&ground, status, &body)),
            Err((alarm, text)) => (None, Verdict::Failed(alarm, text)),
        };
        let error = match &verdict {
            Verdict::Failed(alarm, _) => Some(*alarm),
            _ => None,
        };
        deliveries.push(Delivery {
            status,
            millis,
            error,
        });
        let bad_answer = matches!(error, Some(Alarm::Status | Alarm::Answer));
        let enough = deliveries.len() >= usize::try_from(pace.deliveries).unwrap_or(usize::MAX);
        if error.is_none() || enough || (bad_answer && !pace.retry_bad_answers) {
            return (deliveries, verdict);
        }
        sleep(pace.retry_after).await;
    }
}

/// What is sent now, and what its answer is held against.
fn seal(platform: &Platform, parcel: &Parcel, turn: usize) -> Option<(Sealed, Ground, PushFormat)> {
    let (now, mut world) = (platform.clock.now(), platform.world());
    let world = &mut *world;
    let app = world.apps.get(&parcel.app_id)?;
    let server = app.server.as_ref()?;
    let url = match parcel.urls.len() {
        0 => None,
        many => parcel.urls.get(turn % many).map(String::as_str),
    };
    let letter = Letter {
        app_id: &app.id,
        account: &app.account,
        sender: &parcel.sender,
        plain: &parcel.plain,
        url,
        forged: Some(&parcel.forged),
    };
    let sealed = server.seal(letter, now, &mut world.random);
    let settings = &server.settings;
    let ground = Ground {
        kind: app.kind,
        app_id: app.id.clone(),
        account: app.account.clone(),
        sender: parcel.sender.clone(),
        mode: settings.mode,
        format: settings.format,
        token: settings.token.expose_secret().to_owned(),
        key: sealed.key.clone(),
        replies: parcel.replies,
        media: app.switches.media_ids.clone().map(|known| {
            let uploaded = app.media.ids(now).map(str::to_owned);
            known.into_iter().chain(uploaded).collect()
        }),
    };
    Some((sealed, ground, settings.format))
}

/// One POST, of which everything together may take this long.
async fn post(
    client: &Client,
    sealed: &Sealed,
    format: PushFormat,
    timeout: Duration,
) -> Result<(u16, Vec<u8>), (Alarm, String)> {
    let content_type = match format {
        PushFormat::Xml => "text/xml",
        PushFormat::Json => "application/json",
    };
    let request = client
        .post(&sealed.url)
        .header(USER_AGENT, "Mozilla/4.0")
        .header(CONTENT_TYPE, content_type)
        .timeout(timeout)
        .body(sealed.body.clone());
    let failed = |error: &reqwest::Error| {
        let (alarm, text) = if error.is_connect() {
            (Alarm::Connect, "there was no connection")
        } else if error.is_timeout() {
            (Alarm::Timeout, "there was no answer in time")
        } else {
            (Alarm::Cut, "the connection ended before the answer")
        };
        (alarm, text.to_owned())
    };
    let response = request.send().await.map_err(|error| failed(&error))?;
    let status = response.status().as_u16();
    let body = read(response).await.map_err(|error| failed(&error))?;
    let body = body.ok_or((
        Alarm::Answer,
        format!("the answer has more than {MOST_ANSWER} bytes"),
    ))?;
    Ok((status, body))
}

/// An answer's body; `None` if it is too long.
pub(crate) async fn read(mut response: Response) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > MOST_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

/// Notes what came of a push, and shows the user what there is to see.
fn settle(
    platform: &Platform,
    parcel: Parcel,
    rules: &Rules,
    deliveries: Vec<Delivery>,
    verdict: Verdict,
) -> Report {
    let (now, mut world) = (platform.clock.now(), platform.world());
    let world = &mut *world;
    let mut report = parcel.report;
    let mut kind = AppKind::Official;
    if let Some(app) = world.apps.get_mut(&parcel.app_id) {
        kind = app.kind;
        let errors = deliveries.iter().filter_map(|delivery| delivery.error);
        errors.for_each(|alarm| app.alarms.count(alarm));
        let failed = matches!(verdict, Verdict::Failed(..));
        app.alarms
            .settle(failed, rules.fail_limit, rules.block_seconds, now);
    }
    report.deliveries = deliveries;
    let place = (parcel.app_id.as_str(), report.user.clone());
    let mut show = |kind, content| {
        let push_id = Some(report.push_id.as_str());
        world
            .transcript
            .add((place.0, &place.1), kind, push_id, content, now);
    };
    match verdict {
        Verdict::Accepted => report.outcome = Outcome::Accepted,
        Verdict::Replied(reply) => {
            show(Kind::Reply, reply.clone());
            report.outcome = Outcome::Replied;
            report.reply = Some(reply);
        }
        Verdict::Ignored(reply, reason) => {
            report.outcome = Outcome::Ignored;
            report.reply = Some(reply);
            report.reason = Some(reason.to_owned());
        }
        Verdict::Failed(_, reason) => {
            if parcel.replies != Replies::None {
                let text = match kind {
                    AppKind::Official => ACCOUNT_BROKEN,
                    AppKind::Mini => MINI_BROKEN,
                };
                show(Kind::System, serde_json::json!({"type": "text", "content": text}));
                report.system_message = Some(text);
            }
            report.outcome = Outcome::Failed;
            report.reason = Some(reason);
        }
    }
    world.pushes.settle(&report);
    report
}

/// What a verification of a server came to.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Verified {
    /// Whether the echo was exact.
    pub(crate) ok: bool,
    status: Option<u16>,
    millis: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
}

/// WeChat: the echo must come back exactly within five seconds.
pub(crate) async fn verify(client: &Client, url: &str, echo: &str, timeout: Duration) -> Verified {
    let begun = Instant::now();
    let asked = client
        .get(url)
        .header(USER_AGENT, "Mozilla/4.0")
        .timeout(timeout)
        .send();
    let answer = asked
        .then(async |answer| match answer {
            Ok(response) => {
                let status = response.status().as_u16();
                read(response).await.map(|body| (status, body))
            }
            Err(error) => Err(error),
        })
        .await;
    let (status, problem) = match answer {
        Err(error) if error.is_timeout() => (None, Some("请求URL超时")),
        Err(_) => (None, Some("the url cannot be reached")),
        Ok((status, body)) if body.as_deref() == Some(echo.as_bytes()) && status == 200 => {
            (Some(status), None)
        }
        Ok((status, _)) => (Some(status), Some("token验证失败")),
    };
    Verified {
        ok: problem.is_none(),
        status,
        millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        problem,
    }
}
