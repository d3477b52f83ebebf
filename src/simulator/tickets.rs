//! The JS-SDK and card tickets of one app. A ticket lives its own life: no token's end touches it.

use serde::{Deserialize, Serialize};

use super::clock::Moment;
use super::random::Random;

/// Seconds that a ticket lives.
pub(crate) const LIFETIME: u32 = 7_200;

/// What a ticket signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TicketKind {
    /// Pages that use the JS-SDK.
    Jsapi,
    /// Cards and coupons.
    WxCard,
}

impl TicketKind {
    /// The kind named by the parameter `type`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "jsapi" => Some(Self::Jsapi),
            "wx_card" => Some(Self::WxCard),
            _ => None,
        }
    }
}

/// The tickets of one app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tickets {
    jsapi: Option<Ticket>,
    wx_card: Option<Ticket>,
}

#[derive(Debug, Clone)]
struct Ticket {
    text: String,
    expires: Moment,
}

impl Tickets {
    /// The ticket and the seconds that remain of it.
    ///
    /// WeChat: calls within the life of a ticket answer the same one.
    pub(crate) fn ticket(&mut self, kind: TicketKind, now: Moment, random: &mut Random) -> (&str, i64) {
        let place = self.place(kind);
        if place.as_ref().is_none_or(|ticket| ticket.expires <= now) {
            *place = None;
        }
        let ticket = place.get_or_insert_with(|| Ticket {
            text: random.word(86),
            expires: now.plus(LIFETIME),
        });
        (&ticket.text, now.seconds_until(ticket.expires))
    }

    /// The ticket that works now, if one was ever asked for.
    pub(crate) fn current(&self, kind: TicketKind, now: Moment) -> Option<&str> {
        let place = match kind {
            TicketKind::Jsapi => &self.jsapi,
            TicketKind::WxCard => &self.wx_card,
        };
        place
            .as_ref()
            .filter(|ticket| ticket.expires > now)
            .map(|ticket| ticket.text.as_str())
    }

    /// Ends the ticket before its time; answers whether there was one.
    pub(crate) fn expire(&mut self, kind: TicketKind) -> bool {
        self.place(kind).take().is_some()
    }

    fn place(&mut self, kind: TicketKind) -> &mut Option<Ticket> {
        match kind {
            TicketKind::Jsapi => &mut self.jsapi,
            TicketKind::WxCard => &mut self.wx_card,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_stays_the_same_for_its_life_and_kinds_differ() {
        let (mut tickets, mut random, now) = (Tickets::default(), Random::seeded(1), Moment(0));
        let first = tickets.ticket(TicketKind::Jsapi, now, &mut random).0.to_owned();
        assert_eq!(
            tickets.ticket(TicketKind::Jsapi, now.plus(7_199), &mut random),
            (first.as_str(), 1)
        );
        assert_ne!(tickets.ticket(TicketKind::WxCard, now, &mut random).0, first);
        assert_ne!(
            tickets.ticket(TicketKind::Jsapi, now.plus(7_200), &mut random).0,
            first
        );
        assert!(tickets.expire(TicketKind::Jsapi));
        assert_eq!(tickets.current(TicketKind::Jsapi, now), None);
    }
}
