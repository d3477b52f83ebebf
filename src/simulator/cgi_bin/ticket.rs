//! `GET /cgi-bin/ticket/getticket`: the ticket that pages or cards are signed with.

use serde::Serialize;

use crate::simulator::errcode;
use crate::simulator::reply::{Answer, Refusal, Success};
use crate::simulator::settings::TicketExpires;
use crate::simulator::tickets::{LIFETIME, TicketKind};
use crate::simulator::world::Desk;

#[derive(Serialize)]
struct TicketBody<'a> {
    errcode: i32,
    errmsg: &'static str,
    ticket: &'a str,
    expires_in: i64,
}

/// Answers the ticket of the wanted type.
///
/// WeChat: the same one for 7200 seconds, and `expires_in` is 7200 all that time.
pub(crate) fn serve(desk: &mut Desk<'_>) -> Answer {
    let kind = desk.call.param("type").and_then(|name| TicketKind::parse(&name));
    let kind = kind.ok_or_else(|| Refusal::of(errcode::INVALID_ARGUMENTS))?;
    let shown = desk.app.switches.ticket_expires;
    let (ticket, remaining) = desk.app.tickets.ticket(kind, desk.now, desk.random);
    let expires_in = match shown {
        TicketExpires::Fixed => i64::from(LIFETIME),
        TicketExpires::Remaining => remaining,
    };
    Ok(Success::json(&TicketBody {
        errcode: 0,
        errmsg: "ok",
        ticket,
        expires_in,
    }))
}
