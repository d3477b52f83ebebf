//! Which addresses others can reach, and which address reaches a server on this machine. Nothing is bound here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Exit, output};

/// Refuses to listen where others can reach a command that guards nothing, unless that is wanted.
pub(super) fn check(key: &str, listen: SocketAddr, expose: bool) -> Result<(), Exit> {
    if expose || listen.ip().is_loopback() {
        return Ok(());
    }
    output::error(format_args!(
        "{key} is {listen}, which others can reach, and nothing here guards against them; --expose allows it"
    ));
    Err(Exit::Usage)
}

/// The address under which this machine reaches what listens on `listen`.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_reached_over_loopback() {
        for (listen, reached) in [
            ("0.0.0.0:3000", "127.0.0.1:3000"),
            ("[::]:3000", "[::1]:3000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("10.0.0.5:80", "10.0.0.5:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), reached);
        }
    }
}
