//! The founding documents' own routes, in their own shapes (000 and 002). What they do is what the routes under `/v1` do.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, post, web};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::opened::carry;
use super::rooms::RoomBody;
use super::sessions::header_token;
use super::token::{MAX_SECRET, visitor};
use crate::domain::identity::IdentityId;
use crate::http::client_ip::ClientIp;
use crate::http::cookies;
use crate::http::error::ApiError;
use crate::http::extract::Fields;
use crate::http::signed_in::{SignedIn, authenticate};
use crate::service::login::LoggedIn;
use crate::service::rooms::PAGE;
use crate::state::State;

/// The codes of the two documents.
const DONE: i64 = 0;
const FAILED: i64 = -1;
const NOT_REFRESHED: i64 = 1;
const NO_TOKEN: i64 = 401;

/// Register (founding document 000)
#[utoipa::path(
    tag = "Compatibility",
    responses((status = 200, description = "`{code:0, msg, token, refreshToken, userInfo}`, or `{code:-1, msg}`"))
)]
#[post("/api/user/register")]
pub(super) async fn register(
    state: web::Data<State>,
    client: ClientIp,
    fields: Result<Fields, ApiError>,
    request: HttpRequest,
) -> HttpResponse {
    let registered = async {
        let (name, password) = name_and_password(fields?)?;
        let id = IdentityId::named(&name).ok_or_else(wrong_name)?;
        let user = state.accounts.register(&id, password).await?;
        let logged_in = state.login.registered(user, &visitor(&request, client)).await?;
        Ok(entered(&request, &state, &name, &logged_in))
    };
    registered.await.unwrap_or_else(|error| failed(&error, FAILED))
}

/// Log in (founding document 000)
#[utoipa::path(
    tag = "Compatibility",
    responses((status = 200, description = "`{code:0, msg, token, refreshToken, userInfo}`, or `{code:-1, msg}`"))
)]
#[post("/api/user/login")]
pub(super) async fn log_in(
    state: web::Data<State>,
    client: ClientIp,
    fields: Result<Fields, ApiError>,
    request: HttpRequest,
) -> HttpResponse {
    enter(&state, client, fields, &request).await
}

/// Log in (founding document 002)
#[utoipa::path(
    tag = "Compatibility",
    responses((status = 200, description = "`{code:0, msg, token, refreshToken, userInfo}`, or `{code:-1, msg}`"))
)]
#[post("/user/login")]
pub(super) async fn log_in_to_rooms(
    state: web::Data<State>,
    client: ClientIp,
    fields: Result<Fields, ApiError>,
    request: HttpRequest,
) -> HttpResponse {
    enter(&state, client, fields, &request).await
}

async fn enter(
    state: &State,
    client: ClientIp,
    fields: Result<Fields, ApiError>,
    request: &HttpRequest,
) -> HttpResponse {
    let logged_in = async {
        let (name, password) = name_and_password(fields?)?;
        let logged_in = state
            .login
            .password(&name, password, &visitor(request, client))
            .await?;
        Ok(entered(request, state, &name, &logged_in))
    };
    logged_in.await.unwrap_or_else(|error| failed(&error, FAILED))
}

fn name_and_password(mut fields: Fields) -> Result<(String, SecretString), ApiError> {
    let name = fields.text("username", 512);
    let password = fields.text("password", MAX_SECRET).map(SecretString::from);
    fields.finish(name.zip(password))
}

fn wrong_name() -> ApiError {
    ApiError::Invalid(vec!["username字段不合法".to_owned()])
}

fn entered(request: &HttpRequest, state: &State, name: &str, logged_in: &LoggedIn) -> HttpResponse {
    let LoggedIn { opened, user } = logged_in;
    let mut response = HttpResponse::Ok().json(json!({
        "code": DONE,
        "msg": "ok",
        "token": opened.access.token,
        "refreshToken": opened.refresh.expose_secret(),
        "userInfo": {
            "id": user.id,
            "username": name.trim(),
            "nickname": user.nickname,
            "avatar": user.avatar,
        },
    }));
    carry(request, state, &mut response, opened, false);
    response
}

/// Get the next tokens (founding document 002)
#[utoipa::path(
    tag = "Compatibility",
    params(("refresh-token" = String, Header)),
    responses((status = 200, description = "`{code:0, token}` with both tokens in the headers, or `{code:1, msg}`"))
)]
#[post("/user/refreshToken")]
pub(super) async fn refresh(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let refreshed = async {
        let token = header_token(&request)?
            .ok_or_else(|| ApiError::Unauthorized("a refresh token is required".to_owned()))?;
        let opened = state.refresh.run(&token).await?.opened;
        let mut response = HttpResponse::Ok().json(json!({"code": DONE, "token": opened.access.token}));
        carry(&request, &state, &mut response, &opened, false);
        Ok(response)
    };
    refreshed
        .await
        .unwrap_or_else(|error: ApiError| failed(&error, NOT_REFRESHED))
}

/// List the rooms (founding document 002)
#[utoipa::path(
    tag = "Compatibility",
    responses(
        (status = 200, description = "`{code:0, data:[…]}`"),
        (status = 401, description = "`{code:401, msg}`"),
    )
)]
#[get("/getAllRoomInfo")]
pub(super) async fn rooms(
    state: web::Data<State>,
    signed_in: Result<SignedIn, ApiError>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    match signed_in {
        Ok(_) => {
            let page = state.rooms.list(PAGE, None).await?;
            let rooms: Vec<_> = page.rooms.iter().map(RoomBody::from).collect();
            Ok(HttpResponse::Ok().json(json!({"code": DONE, "data": rooms})))
        }
        Err(error) => refused(&request, error, NO_TOKEN, "token 过期，或失效"),
    }
}

/// The refusal of what is not open under `/api` (founding document 000): without a token it is not even said what is
/// there.
pub(super) fn guard_api(request: &HttpRequest) -> Option<HttpResponse> {
    if !request.path().starts_with("/api/") {
        return None;
    }
    let error = authenticate(request).err()?;
    let refused = refused(request, error, FAILED, "token验证失败");
    Some(refused.unwrap_or_else(|error| failed(&error, FAILED)))
}

/// The answer to a request without a good token. What else is wrong with a request keeps its own shape.
fn refused(request: &HttpRequest, error: ApiError, code: i64, text: &str) -> Result<HttpResponse, ApiError> {
    if error.status_code() != StatusCode::UNAUTHORIZED {
        return Err(error);
    }
    let mut response = HttpResponse::Unauthorized().json(json!({"code": code, "msg": text}));
    if matches!(error, ApiError::StaleCookie) {
        cookies::clear(request, &mut response);
    }
    Ok(response)
}

/// The documents answer 200 to whoever fails; what is not the client's fault keeps its status.
fn failed(error: &ApiError, code: i64) -> HttpResponse {
    let status = match error.status_code() {
        status if status.is_server_error() => status,
        _ => StatusCode::OK,
    };
    HttpResponse::build(status).json(json!({"code": code, "msg": error.to_string()}))
}
