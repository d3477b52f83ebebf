//! Builds every HTTP client, so that none is without timeouts, follows redirects or uses a proxy by accident.

use std::time::Duration;

use reqwest::{Certificate, Client, redirect};

/// How long an idle connection is kept for the next call. Shorter than the five seconds after which common servers
/// close theirs: a call that meets a closing connection is lost, and an exchange of a login code is never repeated.
const IDLE: Duration = Duration::from_secs(4);

/// A client for one peer whose address the operator chose.
///
/// It does not follow redirects (a redirect would carry the query, and with it secrets, elsewhere), uses no
/// proxy of the environment and does not repeat requests. Mozilla's roots are built in and join the system's,
/// so that it works in an image without certificates.
///
/// # Errors
/// If the TLS library cannot be set up.
pub fn client(connect_timeout: Duration, timeout: Duration) -> reqwest::Result<Client> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok());
    #[expect(clippy::disallowed_methods, reason = "this is where clients are built")]
    Client::builder()
        .connect_timeout(connect_timeout)
        .timeout(timeout)
        .read_timeout(timeout)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .retry(reqwest::retry::never())
        .pool_max_idle_per_host(32)
        .pool_idle_timeout(IDLE)
        .tls_certs_merge(roots)
        .user_agent(concat!("wxgate/", env!("CARGO_PKG_VERSION")))
        .build()
}
