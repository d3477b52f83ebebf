//! The API's own description, made from the handlers themselves.

use actix_web::App;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;

use super::routes;

/// What the handlers do not say.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "wxgate",
        description = "The gateway between WeChat and a company's own programs. Errors have the shape of ErrorBody; \
                       every answer carries X-Request-Id.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "WeChat", description = "What WeChat's servers call"),
        (name = "Login", description = "Logins and our own tokens"),
        (name = "Users", description = "What users see and change of themselves"),
        (name = "Compatibility", description = "The founding documents' own routes, in their own shapes"),
        (name = "Rooms", description = "The list that signed-in users share"),
        (name = "Events", description = "What WeChat pushes, for the company's own programs"),
        (name = "Gateway", description = "Tokens and calls of WeChat's API, for the company's own services"),
        (name = "JS-SDK", description = "Signatures for pages"),
        (name = "Operations", description = "For operators and their machines")
    )
)]
struct Description;

/// The description of every route.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, api) = App::new()
        .into_utoipa_app()
        .openapi(Description::openapi())
        .configure(routes::all)
        .split_for_parts();
    api
}
