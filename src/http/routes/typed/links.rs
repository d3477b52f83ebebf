//! `/v1/apps/{app}/links`: links that open a mini program from outside WeChat.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Asked, body};
use crate::http::error::{ApiError, ErrorBody};
use crate::service::typed::Link;
use crate::state::State;

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::routes) struct LinkBody<'a> {
    /// Its kind, as it was asked for.
    #[schema(example = "scheme")]
    r#type: &'a str,
    /// The link.
    #[schema(example = "weixin://dl/business/?t=XTSkBZlzqmn")]
    link: &'a str,
}

/// Make a link that opens a mini program
///
/// `type` is `scheme` (加密scheme码; needs `POST /wxa/generatescheme`) or `url_link` (加密URL Link; needs
/// `POST /wxa/generate_urllink`). A link ends at `expire_time`, or after `expire_interval` days; after 30 if neither is
/// there.
#[utoipa::path(
    tag = "Typed calls",
    params(("app" = String, Path, description = "the mini program's name")),
    request_body(content = Object, description = "`type`; `path`, `query`, `env_version`, `expire_time` (seconds) or `expire_interval` (days, 1 to 30)", example = json!({"type": "scheme", "path": "/pages/index/index", "query": "id=1", "expire_interval": 7})),
    responses(
        (status = 200, description = "made", body = LinkBody),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 401, description = "no key, or not a good one", body = ErrorBody),
        (status = 403, description = "the key does not allow the call", body = ErrorBody),
        (status = 404, description = "no such app", body = ErrorBody),
        (status = 429, description = "the caller's rate, or WeChat's quota", body = ErrorBody),
        (status = 502, description = "WeChat refuses; see errcode", body = ErrorBody),
        (status = 503, description = "WeChat does not answer", body = ErrorBody),
    )
)]
#[post("/v1/apps/{app}/links")]
pub(in crate::http::routes) async fn create(
    state: Data<State>,
    app: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let asked = Asked::of(&request, &app)?;
    let link: Link = body(&request, payload).await?;
    let kind = link.r#type;
    asked.demand(kind.path())?;
    let made = state.typed.link(asked.app, &asked.behalf(), link).await?;
    Ok(HttpResponse::Ok().json(LinkBody {
        r#type: kind.as_str(),
        link: &made,
    }))
}
