//! The user of a request, by `Authorization: Bearer`. Other carriers and ended sessions are not known here yet.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use crate::domain::ids::UserId;
use crate::http::error::ApiError;
use crate::state::State;

/// Who asks.
#[derive(Debug)]
pub(super) struct SignedIn {
    /// Our id of the user.
    pub(super) user: UserId,
}

impl FromRequest for SignedIn {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let claims = request
            .app_data::<web::Data<State>>()
            .zip(token)
            .and_then(|(state, token)| state.tokens.verify(token).ok());
        ready(match claims {
            Some(claims) => Ok(Self { user: claims.sub }),
            None => Err(ApiError::Unauthorized(
                "the token is missing or not valid".to_owned(),
            )),
        })
    }
}
