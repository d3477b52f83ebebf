//! Keeps web pages of other hosts away from the admin API. There is no login: whoever reaches the port as
//! a program may use it.

use std::net::{IpAddr, SocketAddr};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, ORIGIN};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::error::AdminError;

/// The hosts the admin API may be called by.
///
/// A page whose name is made to resolve to this machine (DNS rebinding) still sends its own name as Host,
/// and a page elsewhere sends its own Origin; neither gets through.
#[derive(Debug)]
pub(crate) struct Guard {
    bound: IpAddr,
    names: Vec<String>,
}

impl Guard {
    /// Admits loopback, the bound address and these names.
    pub(crate) fn new(bound: SocketAddr, names: Vec<String>) -> Self {
        Self {
            bound: bound.ip(),
            names,
        }
    }

    fn admits(&self, host: &str) -> bool {
        let name = without_port(host);
        let literal = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        if let Ok(address) = literal.parse::<IpAddr>() {
            // An address in Host cannot be the result of rebinding a name, so a simulator that listens
            // on every address may be called by any of them.
            return address.is_loopback() || address == self.bound || self.bound.is_unspecified();
        }
        name.eq_ignore_ascii_case("localhost")
            || self
                .names
                .iter()
                .any(|admitted| admitted.eq_ignore_ascii_case(name))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Refuses requests that a page of another host may have made.
pub(crate) async fn check(
    guard: Data<Guard>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap_or("?"))
    };
    let host = header(HOST).unwrap_or_default();
    if !guard.admits(host) {
        return Err(AdminError::Forbidden("this Host may not call the simulator's admin API").into());
    }
    if let Some(origin) = header(ORIGIN) {
        let authority = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        if !authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host)) {
            return Err(AdminError::Forbidden("pages of another origin may not call the admin API").into());
        }
    }
    next.call(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_the_bound_address_and_named_hosts_are_admitted() {
        let guard = Guard::new("10.0.0.5:3001".parse().unwrap(), vec!["sim.internal".into()]);
        for host in [
            "localhost:3001",
            "127.0.0.1",
            "[::1]:3001",
            "10.0.0.5:3001",
            "SIM.internal:80",
        ] {
            assert!(guard.admits(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example:3001",
            "10.0.0.6:3001",
            "sim.internal.x",
        ] {
            assert!(!guard.admits(host), "{host}");
        }
    }

    #[test]
    fn any_address_is_admitted_when_all_are_bound_but_no_name() {
        let guard = Guard::new("0.0.0.0:3001".parse().unwrap(), Vec::new());
        assert!(guard.admits("172.17.0.2:3001"));
        assert!(!guard.admits("evil.example:3001"));
    }
}
