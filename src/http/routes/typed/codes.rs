//! `/v1/apps/{app}/codes/wxacode`: mini-program codes.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, post};

use super::{Asked, body};
use crate::http::error::{ApiError, ErrorBody};
use crate::service::typed::{CODE_PATH, WxaCode};
use crate::state::State;

/// Make a mini-program code
///
/// 不限制的小程序码. Pictures are kept for an hour in each process; equal requests make one call. Needs
/// `POST /wxa/getwxacodeunlimit`.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the mini program's name")),
    request_body(content = Object, description = "`scene` (1 to 32 characters); `page`, `check_path`, `env_version`, `width` (280 to 1280), `auto_color`, `line_color`, `is_hyaline`", example = json!({"scene": "id=1", "page": "pages/index/index", "width": 430})),
    responses(
        (status = 200, description = "the picture", content_type = "image/jpeg", body = Vec<u8>),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 429, description = "the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode (41030: no such page)", body = ErrorBody),
        (status = 503, description = "WeChat does not answer", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/codes/wxacode")]
pub(in crate::http::routes) async fn wxacode(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::of(&request, &app)?;
    asked.demand(CODE_PATH)?;
    let code: WxaCode = body(&request, payload).await?;
    let picture = state.typed.wxacode(asked.app, &asked.behalf(), &code).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, picture.kind))
        .insert_header((CACHE_CONTROL, "private, max-age=3600"))
        .body(picture.bytes))
}
