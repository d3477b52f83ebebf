//! Whose request it is: the peer's address, or what trusted proxies say. Not who the user is.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

/// So many hops are looked at.
const HOPS: usize = 32;
/// So many peers are warned of.
const STRANGERS: usize = 32;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    /// The client; `None` if the transport has no addresses.
    pub ip: Option<IpAddr>,
    /// Whether a peer that is not trusted says that it forwards. `ip` is then that peer, which may stand for many
    /// clients, so limits per address must not apply.
    pub forwarded_by_untrusted: bool,
}

/// The right-most address that is not a trusted proxy.
///
/// A proxy appends the address it was called from, so only what trusted proxies appended can be believed; all to
/// the left of it may be made up. What is not an address ends the search at the proxy that passed it on.
#[must_use]
pub fn client_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let Some(peer) = peer.map(|ip| ip.to_canonical()) else {
        return ClientAddress { ip: None, forwarded_by_untrusted: false };
    };
    if !headers.contains_key(X_FORWARDED_FOR) {
        return ClientAddress { ip: Some(peer), forwarded_by_untrusted: false };
    }
    if !is_trusted(peer, trusted) {
        return ClientAddress { ip: Some(peer), forwarded_by_untrusted: true };
    }
    let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
    let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut client = peer;
    for hop in hops.take(HOPS) {
        let Some(ip) = parse(hop) else { break };
        client = ip;
        if !is_trusted(ip, trusted) {
            break;
        }
    }
    ClientAddress { ip: Some(client), forwarded_by_untrusted: false }
}

fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&ip))
}

/// An address as proxies write it: bare, with a port, or in brackets.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}

/// Peers that were already warned of. It stops growing, so that a flood fills neither memory nor log.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    seen: Mutex<Vec<IpAddr>>,
}

impl Strangers {
    /// Warns of this peer, once.
    pub(super) fn warn(&self, peer: IpAddr) {
        if self.is_new(peer) {
            tracing::warn!(
                %peer,
                "{peer} sends X-Forwarded-For but is not a trusted proxy; if it is yours, set server.trusted_proxies = [\"{peer}\"]"
            );
        }
    }

    fn is_new(&self, peer: IpAddr) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = seen.len() < STRANGERS && !seen.contains(&peer);
        if is_new {
            seen.push(peer);
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stranger_is_named_once_and_their_number_is_bounded() {
        let strangers = Strangers::default();
        assert!(strangers.is_new([10, 0, 0, 1].into()));
        assert!(!strangers.is_new([10, 0, 0, 1].into()));
        let named = (2..=255).filter(|last| strangers.is_new([10, 0, 0, *last].into())).count();
        assert_eq!(named, STRANGERS - 1);
    }
}
