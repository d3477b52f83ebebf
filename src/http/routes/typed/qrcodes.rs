//! `/v1/apps/{app}/qrcodes`: QR codes of official accounts that carry a scene.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, body};
use crate::http::error::{ApiError, ErrorBody};
use crate::service::typed::{QR_PATH, QrCode};
use crate::state::State;

/// A QR code.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct QrCodeBody {
    /// WeChat's ticket for the picture.
    ticket: String,
    /// What the code says, for those who draw it themselves.
    #[schema(example = "http://weixin.qq.com/q/kZgfwMTm72WWPkovabbI")]
    url: String,
    /// How long it is good for; absent for permanent codes.
    expire_seconds: Option<u32>,
    /// Where anybody gets the picture.
    #[schema(example = "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQH47j")]
    picture: String,
}

/// Make a QR code with a scene
///
/// 带参数的二维码, of official accounts. Whoever scans it causes the event `SCAN`, or `subscribe` with the key
/// `qrscene_…`. A number of 32 bits or a text of up to 64 characters; permanent codes have numbers up to 100000, and an
/// account has 100000 of them in all. Needs `POST /cgi-bin/qrcode/create`.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the account's name")),
    request_body(content = Object, description = "`scene` (a number or a text); `permanent`, or `expire_seconds` (30 to 2592000, which it is if absent)", example = json!({"scene": "table-7", "expire_seconds": 604_800})),
    responses(
        (status = 200, description = "made", body = QrCodeBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 429, description = "the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode (45029: too many permanent codes)", body = ErrorBody),
        (status = 503, description = "WeChat does not answer", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/qrcodes")]
pub(in crate::http::routes) async fn create(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::of(&request, &app)?;
    asked.demand(QR_PATH)?;
    let code: QrCode = body(&request, payload).await?;
    let made = state.typed.qrcode(asked.app, &asked.behalf(), code).await?;
    Ok(HttpResponse::Ok().json(made))
}
