//! `/v1/oauth`: web pages in WeChat send their users here, and get them back with a one-time code.

use actix_web::cookie::time::Duration as Age;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::domain::return_url::MAX_LENGTH;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Query;
use crate::service::oauth::STATE_LIFETIME;
use crate::service::records::OauthScope;
use crate::state::State;

/// What the browser is known by between leaving and coming back. The prefix binds it to this host and to TLS; without
/// TLS, which is for loopback only, it is not to be had. (RFC 6265bis, 4.1.3.)
const COOKIE: &str = "__Host-wxgate-oauth";
const LOOPBACK_COOKIE: &str = "wxgate-oauth";

/// Send a user to WeChat's authorize page
///
/// A page in WeChat opens this address. The user comes back to `redirect` with `code`, which works once and for one
/// minute as the account of login type 103, or with `error`: `access_denied`, `snapshot_user`,
/// `temporarily_unavailable`, `server_error` or `login_expired`. 网页授权.
#[utoipa::path(
    tag = "Login",
    params(
        ("app" = String, Path, description = "the official account's name in the configuration"),
        ("redirect" = String, Query, description = "the page to come back to, of server.public_url or cors.origins"),
        ("scope" = Option<String>, Query, description = "snsapi_base (default) or snsapi_userinfo"),
    ),
    responses(
        (status = 303, description = "to WeChat's page"),
        (status = 400, description = "redirect or scope is not acceptable", body = ErrorBody),
        (status = 404, description = "there is no such official account", body = ErrorBody),
        (status = 503, description = "server.public_url is not set, or the store cannot be reached", body = ErrorBody),
    )
)]
#[get("/v1/oauth/{app}/authorize")]
pub(super) async fn authorize(
    state: web::Data<State>,
    app: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::read(&request)?;
    let redirect = query.once("redirect", MAX_LENGTH)?;
    let scope = match query.at_most_once("scope", 32)?.as_deref() {
        None | Some("snsapi_base") => OauthScope::Base,
        Some("snsapi_userinfo") => OauthScope::UserInfo,
        Some(_) => {
            let text = "scope must be snsapi_base or snsapi_userinfo".to_owned();
            return Err(ApiError::Invalid(vec![text]));
        }
    };
    let secure = state.oauth.has_tls();
    let known = browser(&request, secure);
    let begun = state
        .oauth
        .authorize(&app, &redirect, scope, known.as_deref())
        .await?;
    let mut response = see_other(&begun.location);
    let cookie = Cookie::build(cookie_name(secure), begun.browser)
        .path("/")
        .http_only(true)
        .secure(secure)
        // The way back is a navigation from another site, with which Strict sends nothing.
        .same_site(SameSite::Lax)
        .max_age(Age::seconds(
            i64::try_from(STATE_LIFETIME.as_secs()).unwrap_or_default(),
        ))
        .finish();
    response.add_cookie(&cookie).map_err(|_| ApiError::Internal)?;
    Ok(response)
}

/// Take a user back from WeChat's authorize page
///
/// WeChat opens this address; nobody else needs it.
#[utoipa::path(
    tag = "Login",
    params(
        ("app" = String, Path),
        ("code" = Option<String>, Query, description = "WeChat's code; absent if the user refused"),
        ("state" = String, Query),
    ),
    responses(
        (status = 303, description = "to the page that asked, with code or error; or to WeChat once more"),
        (status = 400, description = "the state is not of this browser, or over", body = ErrorBody),
        (status = 404, description = "there is no such official account", body = ErrorBody),
        (status = 503, description = "the store cannot be reached", body = ErrorBody),
    )
)]
#[get("/v1/oauth/{app}/callback")]
pub(super) async fn callback(
    state: web::Data<State>,
    app: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::read(&request)?;
    let given = query.once("state", 128)?;
    let code = query.at_most_once("code", 512)?.map(|code| code.parse());
    let code = code
        .transpose()
        .map_err(|_| ApiError::Invalid(vec!["code is malformed".to_owned()]))?;
    let browser = browser(&request, state.oauth.has_tls()).unwrap_or_default();
    let location = state.oauth.callback(&app, &given, &browser, code).await?;
    Ok(see_other(&location))
}

fn cookie_name(secure: bool) -> &'static str {
    if secure { COOKIE } else { LOOPBACK_COOKIE }
}

fn browser(request: &HttpRequest, secure: bool) -> Option<String> {
    let cookie = request.cookie(cookie_name(secure))?;
    Some(cookie.value().to_owned())
}

/// Neither the address nor what it carries is for caches, or for the sites that come after.
fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}
