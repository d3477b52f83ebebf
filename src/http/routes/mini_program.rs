//! What a mini program brings of its signed-in user: phone number, encrypted and signed data, the state of the session_key.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, post, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::opened::NO_STORE;
use super::users::{AccountBody, account};
use crate::config::AppKind;
use crate::domain::identity::IdentityId;
use crate::domain::ids::LoginCode;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Fields;
use crate::http::signed_in::SignedIn;
use crate::state::State;

/// The longest encrypted data: WeChat's has a few hundred bytes.
const MAX_DATA: usize = 32 * 1024;

/// The mini program the user logged in at; for other logins the first one.
fn app(state: &State, signed_in: &SignedIn) -> Result<String, ApiError> {
    let named = state.config.apps.named(&signed_in.app);
    let mini = named.filter(|app| app.kind == AppKind::Mini);
    let app = mini.or_else(|| state.config.apps.first(AppKind::Mini));
    app.map(|app| app.name.to_string())
        .ok_or_else(|| ApiError::NotFound("there is no such app".to_owned()))
}

/// The code of a phone number button.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PhoneBody {
    /// `e.detail.code` of `bindgetphonenumber`. It works once, and is not the code of `wx.login`.
    code: String,
}

/// Add the phone number that WeChat has proven
///
/// Whoever had proven it before is the same person: the two users become one. 手机号快速验证.
#[utoipa::path(
    tag = "Users",
    request_body = PhoneBody,
    responses(
        (status = 200, description = "the account as it is now", body = AccountBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no good token, or WeChat refuses the code", body = ErrorBody),
        (status = 502, description = "WeChat refuses us; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat or the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/user/phone")]
pub(super) async fn phone(
    state: web::Data<State>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let code = fields.parse::<LoginCode>("code", 512);
    let code = fields.finish(code)?;
    let app = app(&state, &signed_in)?;
    let phone = state.mini_program.phone(&app, &code).await?;
    let user = state
        .users
        .link(&signed_in.user, &IdentityId::from(&phone))
        .await?;
    account(&state, user).await
}

/// Data that WeChat has encrypted for the mini program.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EncryptedBody {
    /// In base64, as WeChat gives it.
    #[serde(rename = "encryptedData")]
    encrypted_data: String,
    /// In base64.
    iv: String,
}

/// Open encrypted data
///
/// With the user's latest session_key or the one before. 开放数据解密.
#[utoipa::path(
    tag = "Users",
    request_body = EncryptedBody,
    responses(
        (status = 200, description = "what it says, the watermark checked", body = Object),
        (status = 400, description = "wrong parameters, or data of another app", body = ErrorBody),
        (status = 401, description = "no good token, or (10012) the session_key does not fit any more: call wx.login again", body = ErrorBody),
    )
)]
#[post("/v1/user/decrypt")]
pub(super) async fn decrypt(
    state: web::Data<State>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let data = fields.text("encryptedData", MAX_DATA);
    let iv = fields.text("iv", 64);
    let (data, iv) = fields.finish(data.zip(iv))?;
    let app = app(&state, &signed_in)?;
    let opened = state
        .mini_program
        .decrypt(&signed_in.user, &app, &data, &iv)
        .await?;
    Ok(private(&Value::Object(opened)))
}

/// Data that WeChat has signed for the mini program.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RawDataBody {
    /// As WeChat gives it, byte for byte.
    #[serde(rename = "rawData")]
    raw_data: String,
    /// SHA-1 of it and the session_key, in hexadecimal digits.
    signature: String,
}

/// A yes or a no.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ResultBody {
    result: bool,
}

/// Check signed data
///
/// 数据签名校验.
#[utoipa::path(
    tag = "Users",
    request_body = RawDataBody,
    responses(
        (status = 200, description = "whether WeChat has signed it for this user", body = ResultBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no good token, or (10012) there is no session_key: call wx.login again", body = ErrorBody),
    )
)]
#[post("/v1/user/raw-data")]
pub(super) async fn raw_data(
    state: web::Data<State>,
    signed_in: SignedIn,
    mut fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let raw = fields.text("rawData", MAX_DATA);
    let signature = fields.text("signature", 64);
    let (raw, signature) = fields.finish(raw.zip(signature))?;
    let app = app(&state, &signed_in)?;
    let checked = state
        .mini_program
        .check_raw(&signed_in.user, &app, &raw, &signature);
    Ok(private(&ResultBody {
        result: checked.await?,
    }))
}

/// Ask WeChat whether the session_key is still good
///
/// 检验登录态.
#[utoipa::path(
    tag = "Users",
    responses(
        (status = 200, description = "whether it is", body = ResultBody),
        (status = 401, description = "no good token", body = ErrorBody),
        (status = 502, description = "WeChat refuses us; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat or the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/user/session-key/check")]
pub(super) async fn check_session(
    state: web::Data<State>,
    signed_in: SignedIn,
) -> Result<HttpResponse, ApiError> {
    let app = app(&state, &signed_in)?;
    let result = state.mini_program.check_session(&signed_in.user, &app).await?;
    Ok(private(&ResultBody { result }))
}

/// Have WeChat replace the session_key
///
/// 重置登录态.
#[utoipa::path(
    tag = "Users",
    responses(
        (status = 204, description = "it is replaced; the new one stays here"),
        (status = 401, description = "no good token, or (10012) the session_key is not the latest: call wx.login again", body = ErrorBody),
        (status = 502, description = "WeChat refuses us; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat or the store cannot be reached", body = ErrorBody),
    )
)]
#[post("/v1/user/session-key/reset")]
pub(super) async fn reset_session(
    state: web::Data<State>,
    signed_in: SignedIn,
) -> Result<HttpResponse, ApiError> {
    let app = app(&state, &signed_in)?;
    state.mini_program.reset_session(&signed_in.user, &app).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn private(body: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, NO_STORE))
        .json(body)
}
