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

/// What identity costs: tokens, refresh tokens, passwords, through the services that make and check them.
mod identity {
    use std::sync::Arc;
    use std::time::Duration;

    use arc_swap::ArcSwap;
    use secrecy::ExposeSecret as _;
    use tokio::runtime::Runtime;

    use super::{Bencher, SecretString, black_box};
    use wxgate::clock::Clock;
    use wxgate::config::{Algorithm, Argon2, Auth, CookieUse, FailureLimits};
    use wxgate::service::access::Access;
    use wxgate::service::passwords::Passwords;
    use wxgate::service::records::{Scope, Session};
    use wxgate::service::revocations::Revocations;
    use wxgate::service::sessions::{Ending, Sessions};
    use wxgate::service::signing_keys::{Key, Ring};
    use wxgate::service::tokens::Tokens;
    use wxgate::store::{self, Engine, OpenMode};

    const ALGORITHMS: [Algorithm; 2] = [Algorithm::EdDsa, Algorithm::Hs256];
    const HOURS: Duration = Duration::from_secs(7200);
    /// As they are by default.
    const ARGON2: Argon2 = Argon2 {
        memory: 19456,
        iterations: 2,
        parallelism: 1,
        concurrent: 1,
        queue: 1,
    };

    fn auth(algorithm: Algorithm) -> Auth {
        Auth {
            issuer: "wxgate".into(),
            audience: "wxgate".into(),
            algorithm,
            key_lifetime: HOURS,
            access_ttl: HOURS,
            refresh_ttl: HOURS,
            session_ttl: HOURS,
            refresh_grace: HOURS,
            cookie: CookieUse::Never,
            argon2: ARGON2,
            limits: FailureLimits {
                account_failures: 1,
                address_failures: 1,
                window: HOURS,
            },
        }
    }

    fn tokens(algorithm: Algorithm) -> Tokens {
        let clock = Clock::system();
        let key = Key::generate(algorithm, clock.store_now()).expect("the library makes keys");
        let ring = Ring::new(vec![key.into()], HOURS).expect("it has a key");
        Tokens::new(Arc::new(ArcSwap::from_pointee(ring)), auth(algorithm), clock)
    }

    fn session() -> Session {
        let now = Clock::system().now();
        Session {
            id: "019ab3f2c8717d31a4c6b8d2e0f1a3b5".parse().expect("an id"),
            user: "019ab3f2c8717d31a4c6b8d2e0f1a3b6".parse().expect("an id"),
            scope: Scope::User,
            epoch: 0,
            app: None,
            device: None,
            created_at: now,
            generation: 0,
            rotations: vec![now],
            expires_at: now + HOURS,
            ends_at: now + HOURS,
            ended_at: None,
        }
    }

    fn issue(tokens: &Tokens) -> String {
        tokens.issue(&session()).expect("the library signs").token
    }

    /// What lives beside a store. The computations below do not ask it.
    struct Services {
        access: Access,
        sessions: Sessions,
        tokens: Arc<Tokens>,
        _runtime: Runtime,
        _folder: tempfile::TempDir,
    }

    fn services() -> Services {
        let runtime = Runtime::new().expect("a runtime starts");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (clock, url) = (Clock::system(), SecretString::from("sqlite:bench.db"));
        let opening = store::open(
            &url,
            OpenMode::Serve,
            folder.path(),
            &clock,
            runtime.handle().clone(),
        );
        let engine: Arc<dyn Engine> = runtime.block_on(opening).expect("a new store opens");
        let revocations = Arc::new(Revocations::new(engine.clone(), clock.clone()));
        let tokens = Arc::new(tokens(Algorithm::EdDsa));
        let ending = Ending::new(engine.clone(), revocations.clone(), HOURS, clock.clone());
        let auth = auth(Algorithm::EdDsa);
        let key = SecretString::from("0123456789abcdef0123456789abcdef");
        Services {
            access: Access::new(tokens.clone(), revocations),
            sessions: Sessions::new(engine, &key, tokens.clone(), ending, auth, clock),
            tokens,
            _runtime: runtime,
            _folder: folder,
        }
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

    /// As `verify`, and whether the session was ended.
    #[divan::bench]
    fn access_check(bencher: Bencher<'_, '_>) {
        let services = services();
        let token = issue(&services.tokens);
        bencher.bench_local(|| services.access.check(black_box(&token)));
    }

    /// Reading a refresh token, and its HMAC.
    #[divan::bench]
    fn refresh_token(bencher: Bencher<'_, '_>) {
        let services = services();
        let opened = services.sessions.open(session()).expect("the library signs");
        let token = opened.refresh.expose_secret();
        assert!(services.sessions.session_of(token).is_some());
        bencher.bench_local(|| services.sessions.session_of(black_box(token)));
    }

    /// One hash with the default parameters, on the thread that hashes.
    #[divan::bench(sample_count = 50)]
    fn argon2(bencher: Bencher<'_, '_>) {
        let runtime = Runtime::new().expect("a runtime starts");
        let passwords = Passwords::new(&ARGON2).expect("good parameters");
        bencher.bench_local(|| runtime.block_on(passwords.hash(black_box("hunter42!").into())));
    }
}
