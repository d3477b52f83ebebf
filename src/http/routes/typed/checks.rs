//! `/v1/apps/{app}/checks/…`: whether what users write and show is acceptable. For callers, and for users about themselves.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::opened::NO_STORE;
use super::{Asked, behalf, fields};
use crate::config::App;
use crate::domain::ids::{OpenId, UserId};
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Fields;
use crate::http::{caller, signed_in};
use crate::service::records::Scope;
use crate::service::relay::{Behalf, Party};
use crate::service::typed::{MEDIA_PATH, TEXT_PATH};
use crate::state::State;

/// Who asks: a caller about anybody, or a user.
enum Asker<'a> {
    Caller(Asked<'a>),
    User {
        id: UserId,
        app: &'a App,
        openid: OpenId,
    },
}

/// A check of media that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct BegunBody {
    /// WeChat's id of it. Its result has the same one.
    #[schema(example = "60f96f1d-3845297a-1976a3ae")]
    trace_id: String,
}

/// What a check of a text found.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct TextBody {
    /// `suggest` (`pass`, `review`, `risky`) and WeChat's `label`.
    #[schema(value_type = Object, example = json!({"suggest": "risky", "label": 20001}))]
    result: Value,
    /// What each of WeChat's strategies says.
    #[schema(value_type = Vec<Object>)]
    detail: Value,
    /// WeChat's id of the check.
    trace_id: String,
}

/// What is known of a check of media.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct MediaBody<'a> {
    /// WeChat's id of it.
    trace_id: &'a str,
    /// `pending` until WeChat says something, then `done`, or `failed` if WeChat could not check it.
    #[schema(example = "done")]
    status: &'a str,
    /// `suggest` (`pass`, `review`, `risky`) and WeChat's `label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// What each of WeChat's strategies says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    detail: Option<Value>,
    /// Why it failed: -1008 if WeChat could not fetch the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    errcode: Option<Value>,
}

impl<'a> Asker<'a> {
    async fn of(
        state: &State,
        request: &'a HttpRequest,
        app: &str,
        path: &'static str,
    ) -> Result<Self, ApiError> {
        if caller::key(request).is_some() {
            let asked = Asked::of(request, app)?;
            asked.demand(path)?;
            return Ok(Self::Caller(asked));
        }
        let claims = signed_in::authenticate(request)?;
        if claims.scope != Scope::User {
            return Err(ApiError::Forbidden("this is for users and callers".to_owned()));
        }
        // Users are many, and cost nothing to make.
        state.typed.count(&claims.sub)?;
        let app = caller::app(request, app)?;
        let openid = state.mini_program.openid(&claims.sub, app.name.as_str()).await?;
        let stranger = || ApiError::Forbidden("the user has never logged in at this app".to_owned());
        Ok(Self::User {
            id: claims.sub,
            app,
            openid: openid.ok_or_else(stranger)?,
        })
    }

    fn app(&self) -> &'a App {
        match self {
            Self::Caller(asked) => asked.app,
            Self::User { app, .. } => app,
        }
    }

    fn behalf(&self, request: &HttpRequest) -> Behalf {
        match self {
            Self::Caller(asked) => asked.behalf(),
            Self::User { id, .. } => behalf(request, Party::User(id.clone())),
        }
    }

    /// Whose content is checked: a user's own, whatever the body says.
    fn about(&self, fields: &mut Fields) -> Option<OpenId> {
        match self {
            Self::Caller(_) => fields.parse("openid", 64),
            Self::User { .. } if fields.has("openid") => {
                fields.problem("openid is the signed-in user's own: leave it out".to_owned())
            }
            Self::User { openid, .. } => Some(openid.clone()),
        }
    }
}

/// Check a text
///
/// 文本内容安全识别, for mini programs. For callers that may `POST /wxa/msg_sec_check`, and for users, 30 times a minute,
/// about what they write themselves.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the mini program's name")),
    request_body(content = Object, description = "`content` (up to 2500 characters), `scene` (1 profile, 2 comment, 3 forum, 4 social log); `title`, `nickname`, `signature` (scene 1); callers: `openid` of who wrote it, lately in the mini program", example = json!({"content": "What a day", "scene": 2})),
    responses(
        (status = 200, description = "what WeChat says of it", body = TextBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call, or the user is not known at the app", body = ErrorBody),
        (status = 404, description = "no such mini program", body = ErrorBody),
        (status = 429, description = "the user's or the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode (61010: the user was not there within two hours)", body = ErrorBody),
        (status = 503, description = "WeChat does not answer", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/checks/text")]
pub(in crate::http::routes) async fn text(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let asker = Asker::of(&state, &request, &app, TEXT_PATH).await?;
    let mut fields = fields(&request, payload).await?;
    let openid = asker.about(&mut fields);
    let check = fields.rest();
    let (openid, check) = fields.finish(openid.zip(check))?;
    let typed = &state.typed;
    let found = typed
        .check_text(asker.app(), &asker.behalf(&request), &openid, check)
        .await?;
    Ok(private(&found))
}

/// Begin a check of a picture or sound
///
/// 音视频内容安全识别, for mini programs. WeChat fetches the file and tells its result within half an hour, by the event
/// `wxa_media_check` and by `GET …/checks/media/{trace_id}`. For callers that may `POST /wxa/media_check_async`, and for
/// users, 30 times a minute, about what they show themselves.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the mini program's name")),
    request_body(content = Object, description = "`media_url`, `media_type` (1 sound, 2 picture), `scene`; callers: `openid`", example = json!({"media_url": "https://www.example.com/a.jpg", "media_type": 2, "scene": 1})),
    responses(
        (status = 202, description = "begun", body = BegunBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call, or the user is not known at the app", body = ErrorBody),
        (status = 404, description = "no such mini program", body = ErrorBody),
        (status = 429, description = "the user's or the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat does not answer", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/checks/media")]
pub(in crate::http::routes) async fn media(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let asker = Asker::of(&state, &request, &app, MEDIA_PATH).await?;
    let mut fields = fields(&request, payload).await?;
    let openid = asker.about(&mut fields);
    let check = fields.rest();
    let (openid, check) = fields.finish(openid.zip(check))?;
    let typed = &state.typed;
    let trace_id = typed
        .check_media(asker.app(), &asker.behalf(&request), &openid, check)
        .await?;
    Ok(HttpResponse::Accepted().json(BegunBody { trace_id }))
}

/// Ask what a check of media found
///
/// Known for a day. Users see checks of their own.
#[utoipa::path(
    tag = "Typed calls",
    params(
        ("app" = String, Path, description = "the mini program's name"),
        ("trace_id" = String, Path, description = "as it was answered"),
    ),
    responses(
        (status = 200, description = "what is known", body = MediaBody),
        (status = 401, description = "no token or key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call, or the user is not known at the app", body = ErrorBody),
        (status = 404, description = "no such mini program, or no such check", body = ErrorBody),
        (status = 503, description = "the store is away", body = ErrorBody),
    )
)]
#[get("/v1/apps/{app}/checks/media/{trace_id}")]
pub(in crate::http::routes) async fn media_result(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (app, trace_id) = path.into_inner();
    let asker = Asker::of(&state, &request, &app, MEDIA_PATH).await?;
    let own = match &asker {
        Asker::Caller(_) => None,
        Asker::User { openid, .. } => Some(openid),
    };
    let check = state.typed.media_check(asker.app(), &trace_id, own).await?;
    let found: Option<Value> = check.found.and_then(|json| serde_json::from_str(&json).ok());
    let member = |name: &str| found.as_ref().and_then(|found| found.get(name)).cloned();
    let errcode = member("errcode").filter(|errcode| errcode.as_i64() != Some(0));
    let status = match (&found, &errcode) {
        (None, _) => "pending",
        (Some(_), None) => "done",
        (Some(_), Some(_)) => "failed",
    };
    Ok(private(&MediaBody {
        trace_id: &trace_id,
        status,
        result: member("result"),
        detail: member("detail"),
        errcode,
    }))
}

fn private(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(body)
}
