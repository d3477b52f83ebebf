//! Where requests may go whose addresses others chose: public addresses of the internet and nowhere else. Who may choose
//! them, and what is sent, is not known here.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why nothing is sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Another scheme than http and https.
    #[error("the address must begin with http:// or https://")]
    Scheme,
    /// There is a user name or a password in it.
    #[error("the address must have no user name and no password")]
    UserInfo,
    /// There is a part behind `#`, which is never sent.
    #[error("the address must have no part behind #")]
    Fragment,
    /// It names no host, or a port that nobody listens on.
    #[error("the address must name a host and a port that exist")]
    Host,
    /// It is, or resolves to, an address that is not public.
    #[error("the address is not on the public internet")]
    NotPublic,
}

/// Networks of IPv4 that are not the public internet (IANA IPv4 Special-Purpose Address Registry), with the length of
/// their prefixes.
const SPECIAL_V4: &[(Ipv4Addr, u32)] = &[
    // This network, private networks, and those between carriers and their customers.
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Protocols, documentation, relays of 6to4 (deprecated), benchmarks.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, class E and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
    // Public by its number, but inside Azure it is the host that hands out a machine's secrets.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
];

/// Networks within `2000::/3` that are not the public internet. `2001::/23` has Teredo, benchmarks and ORCHIDs.
const SPECIAL_V6: &[(Ipv6Addr, u32)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The endings of names that mean something on one machine or in one network only (RFC 6761, RFC 6762, RFC 8375; `.internal`
/// is reserved by ICANN).
const LOCAL_ENDINGS: &[&str] = &[".localhost", ".local", ".internal", ".home.arpa"];

/// Whether this is an address of the public internet.
///
/// An IPv6 address that carries an IPv4 address somewhere else (v4-mapped, 6to4, NAT64) is as public as that one.
#[must_use]
pub fn is_public(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(addr: Ipv4Addr) -> bool {
    !SPECIAL_V4
        .iter()
        .any(|(network, length)| (addr.to_bits() ^ network.to_bits()) >> (32 - length) == 0)
}

fn is_public_v6(addr: Ipv6Addr) -> bool {
    let segments = addr.segments();
    // v4-mapped; the well-known prefix of NAT64 (its local one, 64:ff9b:1::/48, says nothing about where it leads); 6to4.
    if let [0, 0, 0, 0, 0, 0xffff, high, low]
    | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
    | [0x2002, high, low, ..] = segments
    {
        return is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    // Only 2000::/3 was given out as global unicast. Everything else is left out by that alone: ::, ::1, v4-compatible
    // addresses, fc00::/7, fe80::/10, fec0::/10, ff00::/8.
    segments[0] >> 13 == 0b001
        && !SPECIAL_V6
            .iter()
            .any(|(network, length)| (addr.to_bits() ^ network.to_bits()) >> (128 - length) == 0)
}

/// Whether a request may go to this address, as far as the address itself tells; what a name resolves to is judged when
/// it is connected to.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_url(url: &Url, private_allowed: bool) -> Result<(), Forbidden> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Forbidden::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Forbidden::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(Forbidden::Fragment);
    }
    if url.port() == Some(0) {
        return Err(Forbidden::Host);
    }
    let public = match url.host() {
        None => return Err(Forbidden::Host),
        // `Url` has read every spelling of an address by now: 2130706433, 0x7f.1, 127.1, full-width digits.
        Some(Host::Ipv4(v4)) => is_public_v4(v4),
        Some(Host::Ipv6(v6)) => is_public_v6(v6),
        Some(Host::Domain(name)) => is_public_name(name),
    };
    if public || private_allowed {
        Ok(())
    } else {
        Err(Forbidden::NotPublic)
    }
}

fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.contains('.') && !LOCAL_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Finds the addresses of a name.
pub(super) trait LookUp:
    Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync + 'static
{
}

impl<F> LookUp for F where F: Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync + 'static
{}

/// Asks the system.
pub(super) fn look_up(name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    async move {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|addr| addr.ip()).collect())
    }
    .boxed()
}

/// A resolver that gives public addresses only.
pub(super) struct PublicOnly<L>(L);

impl<L: LookUp> PublicOnly<L> {
    pub(super) fn new(look_up: L) -> Self {
        Self(look_up)
    }
}

impl<L: LookUp> Resolve for PublicOnly<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let found = looking.await?;
            let public: Vec<_> = found.into_iter().filter(|addr| is_public(*addr)).collect();
            if public.is_empty() {
                return Err(Forbidden::NotPublic.into());
            }
            // Port 0 stands for the URL's.
            let addrs: Addrs = Box::new(public.into_iter().map(|addr| SocketAddr::new(addr, 0)));
            Ok(addrs)
        })
    }
}

/// Whether a request failed because the name that it was for has no public address.
#[must_use]
pub fn is_refusal(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<Forbidden>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public() {
        let special = "0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 \
            127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 \
            192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 \
            255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 \
            64:ff9b::127.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 \
            2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe:: 3fff::1 3fff:fff::1 \
            4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 febf::1 fec0::1 feff::1 ff02::1";
        for addr in special.split_whitespace() {
            assert!(!is_public(addr.parse().unwrap()), "{addr}");
        }
    }

    #[test]
    fn addresses_that_are_public() {
        let public = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 \
            168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 \
            192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:200::1 \
            2001:4860:4860::8888 2002:808:808::1 240e::1 2606:4700:4700::1111 3ffe::1";
        for addr in public.split_whitespace() {
            assert!(is_public(addr.parse().unwrap()), "{addr}");
        }
    }

    #[test]
    fn what_an_address_must_not_have_whatever_is_allowed() {
        for (url, why) in [
            ("ftp://example.com/", Forbidden::Scheme),
            ("file:///etc/passwd", Forbidden::Scheme),
            ("http://user@example.com/", Forbidden::UserInfo),
            ("http://:secret@example.com/", Forbidden::UserInfo),
            ("https://example.com/#", Forbidden::Fragment),
            ("https://example.com/a#b", Forbidden::Fragment),
            ("https://example.com:0/", Forbidden::Host),
        ] {
            let url = url.parse().unwrap();
            assert_eq!(check_url(&url, false), Err(why), "{url}");
            assert_eq!(check_url(&url, true), Err(why), "{url}");
        }
    }

    #[test]
    fn private_addresses_are_a_matter_of_the_configuration() {
        for url in [
            "http://127.0.0.1:8080/hook",
            "http://localhost/",
            "http://receiver:80/",
            "http://[::1]/",
        ] {
            let url = url.parse().unwrap();
            assert_eq!(check_url(&url, false), Err(Forbidden::NotPublic), "{url}");
            assert_eq!(check_url(&url, true), Ok(()), "{url}");
        }
        for url in [
            "https://example.com/hook?a=b",
            "http://example.com.:8443/",
            "http://1.1.1.1/",
        ] {
            assert_eq!(check_url(&url.parse().unwrap(), false), Ok(()), "{url}");
        }
    }
}
