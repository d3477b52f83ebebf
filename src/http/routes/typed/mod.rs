//! Calls of WeChat's API with a form of their own, for what mini programs and pages need directly. (docs/api.md, Typed routes.)

pub(super) mod checks;
pub(super) mod codes;
pub(super) mod links;
pub(super) mod messages;
pub(super) mod qrcodes;

use std::sync::Arc;

use actix_web::web::{Data, Payload};
use actix_web::{FromRequest as _, HttpRequest};
use serde::de::DeserializeOwned;

use crate::config::App;
use crate::domain::api_path::ApiTarget;
use crate::http::audited;
use crate::http::caller;
use crate::http::edge::request_id::RequestId;
use crate::http::error::ApiError;
use crate::http::extract::Fields;
use crate::http::relaying;
use crate::service::records::Caller;
use crate::service::relay::{Behalf, Party, permits};
use crate::state::State;

/// A caller and the app that it asks about.
struct Asked<'a> {
    request: &'a HttpRequest,
    caller: Arc<Caller>,
    app: &'a App,
}

impl<'a> Asked<'a> {
    /// Who asks about the app of this name.
    fn of(request: &'a HttpRequest, app: &str) -> Result<Self, ApiError> {
        let caller = caller::authenticate(request)?;
        let app = caller::app(request, app)?;
        caller::permit(&caller, &app.name)?;
        Ok(Self { request, caller, app })
    }

    /// Whether the caller's `--allow` has the API that is called underneath.
    fn demand(&self, path: &'static str) -> Result<(), ApiError> {
        if permits(&self.caller, "POST", &ApiTarget::fixed(path)) {
            return Ok(());
        }
        if let Some(state) = self.request.app_data::<Data<State>>() {
            audited::refused(state, self.request, (&self.app.name, &self.caller.id), path);
        }
        Err(ApiError::Forbidden(format!("the key does not allow POST {path}")))
    }

    fn behalf(&self) -> Behalf {
        behalf(self.request, Party::Caller(self.caller.id.clone()))
    }
}

/// Whose request this is, for the call underneath, which may take its time.
fn behalf(request: &HttpRequest, party: Party) -> Behalf {
    if let Some(state) = request.app_data::<Data<State>>() {
        relaying::be_patient(state, request);
    }
    Behalf {
        party,
        request_id: RequestId::text_of(request),
    }
}

/// The members of a request's body, read when it is known who asks.
async fn fields(request: &HttpRequest, payload: Payload) -> Result<Fields, ApiError> {
    Fields::from_request(request, &mut payload.into_inner()).await
}

/// A request's body, which knows by itself how it is written.
async fn body<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<T, ApiError> {
    let mut fields = fields(request, payload).await?;
    let read = fields.rest();
    fields.finish(read)
}
