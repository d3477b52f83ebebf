//! `GET /cgi-bin/token`: a new classic token at every call.

use crate::simulator::credential::{Claim, TokenBody, admit};
use crate::simulator::reply::{Answer, Success};
use crate::simulator::world::Visit;

/// Issues a token; its predecessor lives on for the app's overlap.
pub(crate) fn serve(visit: Visit<'_>) -> Answer {
    let mut desk = Claim::in_query(visit.call)?.prove(visit, "client_credential")?;
    admit(&mut desk)?;
    let overlap = desk.app.switches.overlap_seconds;
    let lifetime = desk.app.switches.token_seconds;
    let token = desk
        .tokens
        .classic(&desk.app.id, lifetime, overlap, desk.now, desk.random);
    Ok(Success::json(&TokenBody {
        access_token: &token,
        expires_in: i64::from(lifetime),
    }))
}
