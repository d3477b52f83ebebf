//! What no route takes: the site's files, else 405 for a known path, else 404.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::OpenApi;

use super::compat::guard_api;
use crate::http::error::ApiError;
use crate::state::State;

/// Which methods each path of the API takes.
pub(in crate::http) struct MethodTable(Vec<(Pattern, String)>);

/// The paths that take HEAD as well, which the description does not say: balancers ask with it.
const WITH_HEAD: [&str; 2] = ["/healthz", "/readyz"];

/// A path of the API: literal segments, and `None` for a parameter.
type Pattern = Vec<Option<String>>;

impl MethodTable {
    /// The table of all routes that the description has.
    pub(in crate::http) fn new(api: &OpenApi) -> Self {
        let row = |(path, item): (&String, &utoipa::openapi::PathItem)| {
            let methods = [
                ("GET", &item.get),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            let mut methods: Vec<_> = methods
                .into_iter()
                .filter(|(_, op)| op.is_some())
                .map(|(name, _)| name)
                .collect();
            if WITH_HEAD.contains(&path.as_str()) {
                methods.push("HEAD");
            }
            let segments = path
                .split('/')
                .map(|part| (!part.starts_with('{')).then(|| part.to_owned()));
            (segments.collect(), methods.join(", "))
        };
        Self(api.paths.paths.iter().map(row).collect())
    }

    /// The methods that this path takes, if it is one of the API's.
    fn allowed(&self, path: &str) -> Option<&str> {
        // The description and its page are not in the description.
        if path == "/openapi.json" || path.starts_with("/docs/") {
            return Some("GET");
        }
        let matches = |pattern: &Pattern| {
            let mut parts = path.split('/');
            pattern.iter().all(|segment| match (segment, parts.next()) {
                (Some(literal), Some(part)) => literal == part,
                (None, Some(part)) => !part.is_empty(),
                (_, None) => false,
            }) && parts.next().is_none()
        };
        self.0
            .iter()
            .find(|(pattern, _)| matches(pattern))
            .map(|(_, methods)| methods.as_str())
    }
}

/// Answers what no route takes.
pub(in crate::http) async fn fallback(
    state: web::Data<State>,
    methods: web::Data<MethodTable>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if let Some(refused) = guard_api(&request) {
        return Ok(refused);
    }
    if let Some(allowed) = methods.allowed(request.path()) {
        return Err(ApiError::MethodNotAllowed(allowed.to_owned()));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads && let Some(file) = state.assets.serve(request.path(), request.headers()).await {
        return Ok(file);
    }
    Err(ApiError::NotFound("there is nothing at this path".to_owned()))
}
