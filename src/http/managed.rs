//! The app whose webhooks and rules for replies a request manages, by somebody who may. What is managed is not known here.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::caller;
use super::error::ApiError;
use crate::domain::ids::AppName;

/// A request to a path below `/v1/apps/{app}`, of an administrator or of a caller that may manage this app. As the first
/// of a handler's arguments it is looked at before anything of the body is read.
#[derive(Debug, Clone)]
pub(super) struct Managed {
    /// The app.
    pub(super) app: AppName,
}

impl FromRequest for Managed {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.match_info().get("app").unwrap_or_default();
        ready(caller::managed(request, app).map(|app| Self { app }))
    }
}
