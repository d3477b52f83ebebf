//! WeChat's own paths at the root, for SDKs that are told another host and, as AppSecret, a caller's key. It speaks as
//! WeChat does (status 200, errcode and errmsg) and has no rules of its own: what may be called and how is decided where
//! it is for `/v1/apps/{app}/api`.

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::config::App;
use crate::domain::api_path::ApiTarget;
use crate::http::audited;
use crate::http::caller::Known;
use crate::http::edge::body::{self, BodyError};
use crate::http::relaying::{self, Begun, Failed};
use crate::service::aliases::{self, LIFETIME};
use crate::service::callers;
use crate::service::records::Caller;
use crate::service::relay::figures::Reason;
use crate::service::relay::{self, Answer, Party, Proof, Treatment, permits};
use crate::state::State;

/// A refusal in WeChat's words. (全局返回码.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal(i64, &'static str);

/// Where a caller's key is exchanged.
const TOKENS: [&str; 2] = ["/cgi-bin/token", "/cgi-bin/stable_token"];

const SYSTEM_ERROR: Refusal = Refusal(-1, "system error");
const TOKEN_DEAD: Refusal = Refusal(40001, "invalid credential, access_token is invalid or not latest");
const BAD_GRANT: Refusal = Refusal(40002, "invalid grant_type");
const BAD_APP: Refusal = Refusal(40013, "invalid appid");
const BAD_TOKEN: Refusal = Refusal(40014, "invalid access_token");
const BAD_URL: Refusal = Refusal(40066, "invalid url");
const BAD_ARGUMENTS: Refusal = Refusal(40097, "invalid args");
const BAD_SECRET: Refusal = Refusal(40125, "invalid appsecret");
const NO_TOKEN: Refusal = Refusal(41001, "access_token missing");
const NO_APP: Refusal = Refusal(41002, "appid missing");
const NO_SECRET: Refusal = Refusal(41004, "appsecret missing");
const TOKEN_EXPIRED: Refusal = Refusal(42001, "access_token expired");
const WANTS_GET: Refusal = Refusal(43001, "require GET method");
const WANTS_POST: Refusal = Refusal(43002, "require POST method");
const EMPTY_BODY: Refusal = Refusal(44002, "empty post data");
const TOO_LARGE: Refusal = Refusal(45001, "media size out of limit");
const TOO_OFTEN: Refusal = Refusal(
    45011,
    "api minute-quota reach limit must slower retry next minute",
);
const BAD_JSON: Refusal = Refusal(47001, "data format error");
const UNAUTHORIZED: Refusal = Refusal(48001, "api unauthorized");

/// Serves WeChat's paths that begin with one of these words.
pub(in crate::http) fn serve_under<'a>(
    config: &mut ServiceConfig,
    prefixes: impl IntoIterator<Item = &'a String>,
) {
    let words: Vec<_> = prefixes.into_iter().map(String::as_str).collect();
    if !words.is_empty() {
        let first = words.join("|");
        config.service(web::resource(format!("/{{first:{first}}}/{{path:.*}}")).to(serve));
    }
}

async fn serve(state: web::Data<State>, request: HttpRequest, payload: web::Payload) -> HttpResponse {
    match answer(&state, &request, payload.into_inner()).await {
        Ok(response) => response,
        Err(Refusal(errcode, errmsg)) => said(&json!({"errcode": errcode, "errmsg": errmsg})),
    }
}

async fn answer(state: &State, request: &HttpRequest, mut payload: Payload) -> Result<HttpResponse, Refusal> {
    let target = ApiTarget::parse(request.uri().path(), request.uri().query()).map_err(|_| BAD_ARGUMENTS)?;
    let treatment = Treatment::of(target.decoded());
    // Strangers send small bodies only, and soon.
    let (caller, app, read) = match treatment {
        Treatment::Foreign => return foreign(state, request, target).await,
        Treatment::Refused if TOKENS.contains(&target.decoded()) => {
            let body = small(state, request, &mut payload).await?;
            return alias(state, request, &target, &body);
        }
        Treatment::Refused => return Err(BAD_URL),
        Treatment::Secret(Proof::Query) => {
            let (caller, app) = by_key(state, target.param("appid"), target.param("secret"))?;
            (caller, app, None)
        }
        Treatment::Secret(Proof::Body) => {
            let body = small(state, request, &mut payload).await?;
            let (caller, app) = proven(state, &target, &body)?;
            (caller, app, Some(Begun::Whole(body)))
        }
        Treatment::Token | Treatment::Ticket => {
            let (caller, app) = bearer(state, &target)?;
            (caller, app, None)
        }
    };
    admit(state, request, &caller, app)?;
    if !permits(&caller, request.method().as_str(), &target) {
        audited::refused(state, request, (&app.name, &caller.id), target.decoded());
        return Err(UNAUTHORIZED);
    }
    let begun = match read {
        Some(begun) => begun,
        None => relaying::begin(state, request, &mut payload).await?,
    };
    let call = (app.app_id.clone(), Party::Caller(caller.id.clone()), target);
    let answer = relaying::relay(state, request, payload, begun, call).await?;
    handed_on(state, request, answer)
}

/// The body of somebody who is not known yet.
async fn small(state: &State, request: &HttpRequest, payload: &mut Payload) -> Result<Bytes, Refusal> {
    let limit = state.config.server.limits.body;
    Ok(body::read(request, payload, limit).await.map_err(Failed::from)?)
}

/// `GET /cgi-bin/token` and `POST /cgi-bin/stable_token`: the caller's key for an alias. (获取接口调用凭据.)
fn alias(
    state: &State,
    request: &HttpRequest,
    target: &ApiTarget,
    body: &[u8],
) -> Result<HttpResponse, Refusal> {
    let names = ["appid", "secret", "grant_type"];
    let [id, key, grant] = match (target.decoded(), request.method().as_str()) {
        ("/cgi-bin/token", "GET") => names.map(|name| target.param(name)),
        ("/cgi-bin/token", _) => return Err(WANTS_GET),
        (_, "POST") => {
            let body = object(body)?;
            names.map(|name| text(&body, name))
        }
        _ => return Err(WANTS_POST),
    };
    let (caller, app) = by_key(state, id, key)?;
    if grant.as_deref() != Some("client_credential") {
        return Err(BAD_GRANT);
    }
    admit(state, request, &caller, app)?;
    let alias = state.aliases.make(&caller.id, &app.app_id);
    Ok(said(&json!({
        "access_token": alias.expose_secret(),
        "expires_in": LIFETIME.as_secs(),
    })))
}

/// Whose alias the call carries, and for which app.
fn bearer<'a>(state: &'a State, target: &ApiTarget) -> Result<(Arc<Caller>, &'a App), Refusal> {
    let alias = target.token().filter(|token| !token.is_empty()).ok_or(NO_TOKEN)?;
    let (caller, app) = state.aliases.read(alias).map_err(|refused| match refused {
        aliases::Refused::Unknown => BAD_TOKEN,
        aliases::Refused::Expired => TOKEN_EXPIRED,
        aliases::Refused::Ended => TOKEN_DEAD,
    })?;
    let app = state.config.apps.with_id(app.as_str()).ok_or(BAD_TOKEN)?;
    if !caller.may_use(&app.name) {
        return Err(TOKEN_DEAD);
    }
    Ok((caller, app))
}

/// Whose key the call carries in the AppSecret's place, in its body as documented or in its query as in WeChat's own example.
fn proven<'a>(state: &'a State, target: &ApiTarget, body: &[u8]) -> Result<(Arc<Caller>, &'a App), Refusal> {
    let body = object(body).unwrap_or_default();
    let member = |name| text(&body, name).or_else(|| target.param(name));
    by_key(state, member("appid"), member("appsecret"))
}

fn by_key(state: &State, id: Option<String>, key: Option<String>) -> Result<(Arc<Caller>, &App), Refusal> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let id = given(id).ok_or(NO_APP)?;
    let key = given(key).ok_or(NO_SECRET)?;
    let app = state.config.apps.with_id(&id).ok_or(BAD_APP)?;
    let caller = state.callers.authenticate(&key).map_err(|_| BAD_SECRET)?;
    // To a caller of other apps this one's secret is as unknown as to anybody.
    if !caller.may_use(&app.name) {
        return Err(BAD_SECRET);
    }
    Ok((caller, app))
}

/// A call with the credential of a person's page: none of ours goes with it. (网页授权.)
async fn foreign(state: &State, request: &HttpRequest, target: ApiTarget) -> Result<HttpResponse, Refusal> {
    if request.method() != "GET" {
        return Err(WANTS_GET);
    }
    let id = target.param("appid");
    let app = match &id {
        Some(id) => state.config.apps.with_id(id),
        None => state.config.apps.for_callbacks(),
    };
    let app = app.ok_or(BAD_APP)?;
    // What is ours and was taken for theirs by mistake goes no further.
    let given = target.params().map(|(_, value)| value);
    if given
        .chain(target.token().map(str::to_owned))
        .any(|value| is_ours(&value))
    {
        return Err(BAD_TOKEN);
    }
    let call = (app.app_id.clone(), Party::Nobody, target);
    let answer = relaying::relay(state, request, Payload::None, Begun::Whole(Bytes::new()), call).await?;
    // What is dead here is the person's token, which we know nothing of.
    Ok(relaying::respond(state, request, in_shape(answer)?))
}

fn is_ours(value: &str) -> bool {
    value.starts_with(callers::PREFIX) || value.starts_with(aliases::PREFIX)
}

/// The platform's answer, but for what only concerns our own token: SDKs that hear of a dead one fetch another for ever.
fn handed_on(state: &State, request: &HttpRequest, answer: Answer) -> Result<HttpResponse, Refusal> {
    if answer.is_dead_token() {
        return Err(SYSTEM_ERROR);
    }
    Ok(relaying::respond(state, request, in_shape(answer)?))
}

/// WeChat answers with status 200; what does not, comes from something in front of it.
fn in_shape(answer: Answer) -> Result<Answer, Refusal> {
    match answer.status {
        200 => Ok(answer),
        400..500 => Err(BAD_URL),
        _ => Err(SYSTEM_ERROR),
    }
}

fn admit(state: &State, request: &HttpRequest, caller: &Caller, app: &App) -> Result<(), Refusal> {
    request.extensions_mut().insert(Known(caller.id.clone()));
    state.callers.note_use(&caller.id);
    state.callers.count(caller).map_err(|_| {
        state.relay.figures().refused(&app.name, Reason::Limited);
        TOO_OFTEN
    })
}

fn object(body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Err(EMPTY_BODY);
    }
    serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or(BAD_JSON)
}

fn text(object: &Value, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(str::to_owned)
}

fn said(body: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json; encoding=utf-8")
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body.to_string())
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Body(BodyError::TooLarge { .. }) => TOO_LARGE,
            Failed::Header | Failed::Method | Failed::Relay(relay::Error::Ambiguous(_)) => BAD_ARGUMENTS,
            Failed::Relay(relay::Error::NotRelayed) => UNAUTHORIZED,
            // Why our own credentials are refused is the operator's matter, not the SDK's.
            Failed::Relay(_) | Failed::Body(_) | Failed::Left => SYSTEM_ERROR,
        }
    }
}
