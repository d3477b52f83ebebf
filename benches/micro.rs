//! The computations on the hot paths, each alone: `cargo bench --bench micro`. Journeys are measured by `benches/load`.

use std::hint::black_box;

use divan::Bencher;
use secrecy::SecretString;
use wxgate::domain::page_url::{JsDomains, PageUrl};
use wxgate::domain::signature;

fn main() {
    divan::main();
}

const URL: &str = "https://h5.example.com/shop/item?id=1234&from=timeline&isappinstalled=0";

#[divan::bench]
fn callback_signature(bencher: Bencher<'_, '_>) {
    let token = SecretString::from("wxauth");
    bencher.bench_local(|| signature::callback(&token, black_box(&["1714036504", "1514711492"])));
}

#[divan::bench]
fn jsapi_signature(bencher: Bencher<'_, '_>) {
    let ticket =
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg".into();
    let page = PageUrl::parse(URL).expect("a good URL");
    bencher.bench_local(|| signature::jsapi(&ticket, "Wm3WZYTPz0wzccnW", 1_414_587_457, black_box(&page)));
}

#[divan::bench]
fn page_url() -> Option<PageUrl> {
    PageUrl::parse(black_box(URL)).ok()
}

#[divan::bench]
fn page_host(bencher: Bencher<'_, '_>) {
    let domains = JsDomains::parse(&["other.example.org".into(), "example.com".into()]).expect("good hosts");
    let page = PageUrl::parse(URL).expect("a good URL");
    bencher.bench_local(|| domains.allow(black_box(&page)));
}

/// Our tokens, through the service that issues and checks them.
mod jwt {
    use std::sync::Arc;

    use arc_swap::ArcSwap;

    use super::{Bencher, black_box};
    use wxgate::clock::Clock;
    use wxgate::config::{Algorithm, Argon2, Auth, CookieUse, FailureLimits};
    use wxgate::service::records::{Scope, Session};
    use wxgate::service::signing_keys::{Key, Ring};
    use wxgate::service::tokens::Tokens;

    const ALGORITHMS: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Hs256];

    fn tokens(algorithm: Algorithm) -> Tokens {
        let hours = std::time::Duration::from_secs(7200);
        let auth = Auth {
            issuer: "wxgate".into(),
            audience: "wxgate".into(),
            algorithm,
            key_lifetime: hours,
            access_ttl: hours,
            refresh_ttl: hours,
            session_ttl: hours,
            refresh_grace: hours,
            cookie: CookieUse::Never,
            argon2: Argon2 {
                memory: 19456,
                iterations: 2,
                parallelism: 1,
                concurrent: 1,
                queue: 1,
            },
            limits: FailureLimits {
                account_failures: 1,
                address_failures: 1,
                window: hours,
            },
        };
        let clock = Clock::system();
        let key = Key::generate(algorithm, clock.store_now()).expect("the library makes keys");
        let ring = Ring::new(vec![key.into()], hours).expect("it has a key");
        Tokens::new(Arc::new(ArcSwap::from_pointee(ring)), auth, clock)
    }

    fn issue(tokens: &Tokens) -> String {
        let now = Clock::system().now();
        let session = Session {
            id: "session".parse().expect("an id"),
            user: "user".parse().expect("an id"),
            scope: Scope::User,
            epoch: 0,
            app: None,
            device: None,
            created_at: now,
            generation: 0,
            rotations: vec![now],
            expires_at: now + std::time::Duration::from_secs(7200),
            ends_at: now + std::time::Duration::from_secs(7200),
            ended_at: None,
        };
        tokens.issue(&session).expect("the library signs").token
    }

    #[divan::bench(args = ALGORITHMS)]
    fn sign(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let tokens = tokens(algorithm);
        bencher.bench_local(|| issue(black_box(&tokens)));
    }

    #[divan::bench(args = ALGORITHMS)]
    fn verify(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
        let tokens = tokens(algorithm);
        let token = issue(&tokens);
        bencher.bench_local(|| tokens.verify(black_box(&token)));
    }
}
