//! Which of the company's services makes a request: the key it carries, and whether that allows what is asked for. What
//! calls WeChat's API has is not known here.
//!
//! A key comes as `Authorization: Bearer` and in no other way: not as a cookie, which browsers send by themselves, and
//! not in the address, which logs keep.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};

use super::audited::{self, Actor};
use super::error::ApiError;
use super::signed_in;
use crate::config::App;
use crate::domain::ids::{AppName, CallerId};
use crate::service::callers::PREFIX;
use crate::service::records::{Caller, Grant, Scope};
use crate::state::State;

/// Left with a request for its line in the log.
#[derive(Debug, Clone)]
pub(super) struct Known(pub(super) CallerId);

/// The app of this name, if this request is of somebody who manages its webhooks and rules for replies: an administrator, or a caller
/// that was made with `--webhooks` for it. What it changes is noted for the audit.
///
/// # Errors
/// 401 without a good token or key, 403 for users and for callers that may not, 404 if there is no such app.
pub(super) fn managed(request: &HttpRequest, app: &str) -> Result<AppName, ApiError> {
    if key(request).is_some() {
        let caller = authenticate(request)?;
        let app = look_for(request, app)?;
        audited::mark(request, Actor::caller(&caller, &app));
        permit(&caller, &app)?;
        demand(&caller, Grant::Webhooks)?;
        return Ok(app);
    }
    let claims = signed_in::authenticate(request)?;
    match claims.scope {
        Scope::Admin => {
            let app = look_for(request, app)?;
            let actor = Actor {
                app: app.clone(),
                caller: None,
                user: Some(claims.sub),
            };
            audited::mark(request, actor);
            Ok(app)
        }
        Scope::User => Err(ApiError::Forbidden(
            "this is for administrators, and for callers with --webhooks".to_owned(),
        )),
    }
}

/// Who follows the events of the app of this name by this request, and the app.
///
/// # Errors
/// 401 without a good key, 403 for callers that may not, 404 if there is no such app.
pub(super) fn follower(request: &HttpRequest, app: &str) -> Result<(Arc<Caller>, AppName), ApiError> {
    permitted(request, app, Grant::Events)
}

/// Whose call of WeChat's API this request asks for, if its caller may make it, and the app. The path is decoded and has no query.
///
/// # Errors
/// 401 without a good key, 403 for callers that may not, 404 if there is no such app.
pub(super) fn allowed(
    request: &HttpRequest,
    app: &str,
    method: &str,
    path: &str,
) -> Result<(Arc<Caller>, AppName), ApiError> {
    let (caller, app) = of_app(request, app)?;
    if caller.allows(method, path) {
        return Ok((caller, app));
    }
    Err(ApiError::Forbidden(format!(
        "the key was made without --allow '{method} {path}'"
    )))
}

/// A request to a path below `/v1/apps/{app}`, of a caller that may have the access_token of this app; what it changes is noted
/// for the audit. As the first of a handler's arguments it is looked at before anything of the body is read.
#[derive(Debug, Clone)]
pub(super) struct RawToken {
    /// The app.
    pub(super) app: AppName,
}

impl FromRequest for RawToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.match_info().get("app").unwrap_or_default();
        ready(of_app(request, app).and_then(|(caller, app)| {
            audited::mark(request, Actor::caller(&caller, &app));
            demand(&caller, Grant::RawToken)?;
            Ok(Self { app })
        }))
    }
}

/// The caller of this request, which may do this with the app of this name, and the app.
fn permitted(request: &HttpRequest, app: &str, grant: Grant) -> Result<(Arc<Caller>, AppName), ApiError> {
    let (caller, app) = of_app(request, app)?;
    demand(&caller, grant)?;
    Ok((caller, app))
}

/// The caller of this request, which may use the app of this name, and the app.
fn of_app(request: &HttpRequest, app: &str) -> Result<(Arc<Caller>, AppName), ApiError> {
    let caller = authenticate(request)?;
    let app = look_for(request, app)?;
    permit(&caller, &app)?;
    Ok((caller, app))
}

/// Whether the caller may use this app.
///
/// # Errors
/// 403 if not.
pub(super) fn permit(caller: &Caller, app: &AppName) -> Result<(), ApiError> {
    if caller.may_use(app) {
        return Ok(());
    }
    Err(ApiError::Forbidden("the key is not for this app".to_owned()))
}

/// Whether the caller was given this.
///
/// # Errors
/// 403 if not.
pub(super) fn demand(caller: &Caller, grant: Grant) -> Result<(), ApiError> {
    if caller.has(grant) {
        return Ok(());
    }
    Err(ApiError::Forbidden(format!(
        "the key was made without {}",
        grant.option()
    )))
}

/// Whose key the request carries, if that is good now and within its rate.
///
/// # Errors
/// 401 without a good key, 429 above its rate.
pub(super) fn authenticate(request: &HttpRequest) -> Result<Arc<Caller>, ApiError> {
    let state = request.app_data::<web::Data<State>>().ok_or(ApiError::Internal)?;
    let key =
        key(request).ok_or_else(|| ApiError::Unauthorized("the key of a caller is required".to_owned()))?;
    let caller = state.callers.authenticate(key)?;
    request.extensions_mut().insert(Known(caller.id.clone()));
    state.callers.count(&caller).map_err(ApiError::Limited)?;
    Ok(caller)
}

/// What the request carries as a caller's key, good or not. Of two headers neither is taken: whoever is in between
/// could have read the other one.
pub(super) fn key(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    if request
        .headers()
        .get("token")
        .is_some_and(|token| !token.is_empty())
    {
        return None;
    }
    let (scheme, key) = value.to_str().ok()?.trim().split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && key.starts_with(PREFIX)).then_some(key)
}

fn look_for(request: &HttpRequest, name: &str) -> Result<AppName, ApiError> {
    app(request, name).map(|app| app.name.clone())
}

/// The app of this name.
///
/// # Errors
/// 404 if there is none.
pub(super) fn app<'a>(request: &'a HttpRequest, name: &str) -> Result<&'a App, ApiError> {
    let state = request.app_data::<web::Data<State>>().ok_or(ApiError::Internal)?;
    let missing = || ApiError::NotFound("there is no such app".to_owned());
    state.config.apps.named(name).ok_or_else(missing)
}
