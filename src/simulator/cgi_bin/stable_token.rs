//! `POST /cgi-bin/stable_token`: the same token to everybody who asks.

use serde_json::Value;

use crate::simulator::credential::{Claim, TokenBody, admit};
use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::world::Visit;

/// Answers the current token and what remains of it, or replaces it if forced.
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let body = visit.call.json()?;
    let force = match body.get("force_refresh") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(force)) => *force,
        Some(_) => return Err(Refusal::of(errcode::MALFORMED_BODY)),
    };
    let mut desk = Claim::in_body(body)?.prove(visit, "client_credential")?;
    admit(&mut desk)?;
    let lifetime = desk.app.switches.token_seconds;
    let (token, expires_in) = desk
        .tokens
        .stable(&desk.app.id, lifetime, force, desk.now, desk.random);
    Ok(Success::json(&TokenBody {
        access_token: &token,
        expires_in,
    }))
}
