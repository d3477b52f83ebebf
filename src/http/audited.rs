//! Notes for the audit of what is changed with us: whoever acts is left with the request, and noted when it has been
//! answered. Calls of WeChat's API are noted where they are made.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, web};

use super::edge::request_id::RequestId;
use crate::domain::ids::{AppName, CallerId, UserId};
use crate::domain::state_change::changes_state;
use crate::service::audit::Entry;
use crate::service::records::Caller;
use crate::state::State;

/// Who acts on an app by a request.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) app: AppName,
    pub(super) caller: Option<CallerId>,
    pub(super) user: Option<UserId>,
}

impl Actor {
    /// A caller.
    pub(super) fn caller(caller: &Caller, app: &AppName) -> Self {
        Self {
            app: app.clone(),
            caller: Some(caller.id.clone()),
            user: None,
        }
    }
}

/// Has the request noted, if it is one that changes something. Those that are refused from here on are noted as well.
pub(super) fn mark(request: &HttpRequest, actor: Actor) {
    request.extensions_mut().insert(actor);
}

/// Notes a call of WeChat's API that somebody who is known may not make.
pub(super) fn refused(
    state: &State,
    request: &HttpRequest,
    (app, caller): (&AppName, &CallerId),
    path: &str,
) {
    let method = request.method().as_str();
    if !changes_state(method, path) {
        return;
    }
    state.audit.note(Entry {
        at: state.audit.now(),
        caller: Some(caller.clone()),
        user: None,
        app: app.clone(),
        method: method.to_owned(),
        path: path.to_owned(),
        status: 403,
        errcode: None,
        rid: None,
        request_id: RequestId::text_of(request),
    });
}

/// The layer around routes that change something with us.
pub(super) async fn note<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let response = next.call(request).await?;
    let request = response.request();
    let actor = request.extensions().get::<Actor>().cloned();
    let state = request.app_data::<web::Data<State>>();
    if let (Some(actor), Some(state)) = (actor, state)
        && changes_state(request.method().as_str(), request.path())
    {
        state.audit.note(Entry {
            at: state.audit.now(),
            caller: actor.caller,
            user: actor.user,
            app: actor.app,
            method: request.method().to_string(),
            path: request.path().to_owned(),
            status: response.status().as_u16(),
            errcode: None,
            rid: None,
            request_id: RequestId::text_of(request),
        });
    }
    Ok(response)
}
