//! Builds every HTTP client, so that none is without timeouts, follows redirects or uses a proxy by accident. What is sent
//! is not known here.

pub mod guard;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

pub use guard::{Forbidden, check_url, is_public};

/// How long an idle connection is kept for the next call. Shorter than the five seconds after which common servers
/// close theirs: a call that meets a closing connection is lost, and an exchange of a login code is never repeated.
const IDLE: Duration = Duration::from_secs(4);
/// How many connections to one receiver of webhooks are kept for that time: as many as are in use at once.
const WEBHOOK_CONNECTIONS: usize = 64;
/// How many connections for calls of the company's services are kept: as many as are in use at once.
const RELAY_CONNECTIONS: usize = 256;

/// A client for one peer whose address the operator chose.
///
/// It does not follow redirects (a redirect would carry the query, and with it secrets, elsewhere), uses no
/// proxy of the environment and does not repeat requests. Mozilla's roots are built in and join the system's,
/// so that it works in an image without certificates.
///
/// # Errors
/// If the TLS library cannot be set up.
pub fn client(connect_timeout: Duration, timeout: Duration) -> reqwest::Result<Client> {
    builder(connect_timeout, timeout).build()
}

/// A client for calls and answers of any length to one peer whose address the operator chose: as [`client`], but whoever
/// sends says how long it may take.
///
/// # Errors
/// If the TLS library cannot be set up.
pub fn relay_client(connect_timeout: Duration) -> reqwest::Result<Client> {
    unhurried(connect_timeout)
        .pool_max_idle_per_host(RELAY_CONNECTIONS)
        .build()
}

/// A client for receivers whose addresses others chose: as [`client`], and unless `private_allowed` it connects to
/// public addresses only.
///
/// Names are judged by what they resolve to, and the connection is made to the very addresses that were judged, so a
/// name that resolves differently the next time gains nothing. Addresses that stand in the URL itself are never
/// resolved: whoever uses this client calls [`check_url`] before every request.
///
/// # Errors
/// If the TLS library cannot be set up.
pub fn webhook_client(
    private_allowed: bool,
    connect_timeout: Duration,
    timeout: Duration,
) -> reqwest::Result<Client> {
    let builder = builder(connect_timeout, timeout).pool_max_idle_per_host(WEBHOOK_CONNECTIONS);
    if private_allowed {
        return builder.build();
    }
    guarded(builder, guard::PublicOnly::new(guard::look_up))
}

fn guarded<L: guard::LookUp>(
    builder: ClientBuilder,
    resolver: guard::PublicOnly<L>,
) -> reqwest::Result<Client> {
    builder.dns_resolver(Arc::new(resolver)).build()
}

fn builder(connect_timeout: Duration, timeout: Duration) -> ClientBuilder {
    unhurried(connect_timeout).timeout(timeout).read_timeout(timeout)
}

/// All but the limits of time.
fn unhurried(connect_timeout: Duration) -> ClientBuilder {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok());
    #[expect(clippy::disallowed_methods, reason = "this is where clients are built")]
    Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(32)
        .pool_idle_timeout(IDLE)
        .tls_certs_merge(roots)
        .user_agent(concat!("wxgate/", env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;
    use tokio::net::TcpListener;

    use super::*;

    /// A name that is public whenever somebody looks before using it, and this machine when it is used.
    #[tokio::test]
    async fn a_name_that_changes_its_address_is_never_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let resolver = guard::PublicOnly::new(move |_name: String| {
            let answer: &[&str] = match count.fetch_add(1, Ordering::Relaxed) % 4 {
                0 => &["127.0.0.1"],
                1 => &["::ffff:127.0.0.1", "127.0.0.1"],
                2 => &["169.254.169.254", "::1", "127.0.0.1"],
                _ => &["64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0"],
            };
            let answer: Vec<IpAddr> = answer.iter().map(|ip| ip.parse().unwrap()).collect();
            async move { Ok(answer) }.boxed()
        });
        let limit = Duration::from_secs(5);
        let client = guarded(builder(limit, limit), resolver).unwrap();
        let url = format!("http://rebinding.example.com:{port}/");
        check_url(&url.parse().unwrap(), false).unwrap();
        for _ in 0..1000 {
            let error = client.get(&url).send().await.unwrap_err();
            assert!(guard::is_refusal(&error), "{error:?}");
        }
        assert_eq!(
            asked.load(Ordering::Relaxed),
            1000,
            "every try has resolved the name anew"
        );
        assert!(
            listener.accept().now_or_never().is_none(),
            "somebody has connected"
        );
    }

    /// That the test above can fail: the same client connects where addresses are not judged.
    #[tokio::test]
    async fn a_client_that_may_use_private_networks_connects() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let limit = Duration::from_millis(300);
        let open = webhook_client(true, limit, limit).unwrap();
        let closed = webhook_client(false, limit, limit).unwrap();
        let url = format!("http://localhost:{port}/");
        let error = closed.get(&url).send().await.unwrap_err();
        assert!(guard::is_refusal(&error), "{error:?}");
        let (answer, accepted) = tokio::join!(
            open.get(&url).send(),
            tokio::time::timeout(Duration::from_secs(5), listener.accept())
        );
        assert!(answer.unwrap_err().is_timeout());
        accepted.unwrap().unwrap();
    }
}
