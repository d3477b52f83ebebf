//! What a gateway has for sessions, on a store and a clock of the test's choice. What must hold of it is elsewhere.

use std::sync::{Arc, OnceLock};

use secrecy::ExposeSecret as _;
use wxgate::clock::Clock;
use wxgate::config::{Auth, Config};
use wxgate::domain::ids::UserId;
use wxgate::service::access::Access;
use wxgate::service::records::Scope;
use wxgate::service::revocations::Revocations;
use wxgate::service::seal::Sealer;
use wxgate::service::sessions::{Ending, Error, Opened, Sessions, Start};
use wxgate::service::signing_keys::{Keyring, Known};
use wxgate::service::tokens::Tokens;
use wxgate::store::Engine;

use super::engine::{Memory, finish};

/// What `auth.refresh_grace` is by default.
pub(crate) const GRACE_SECS: u64 = 10;

/// The default configuration, but for the algorithm, which is a fast one.
pub(crate) fn auth() -> &'static Auth {
    static AUTH: OnceLock<Auth> = OnceLock::new();
    AUTH.get_or_init(read_auth)
}

fn read_auth() -> Auth {
    let folder = std::path::Path::new("");
    let settings = [("WXGATE__AUTH__ALGORITHM".to_owned(), "HS256".to_owned())];
    let config = Config::from_layers(None, folder, settings.into_iter());
    let auth = config.unwrap_or_else(|invalid| panic!("{:?}", invalid.0)).auth;
    assert_eq!(auth.refresh_grace.as_secs(), GRACE_SECS);
    auth
}

/// One key for all: signing is not what is looked at.
fn keys() -> Known {
    static KEYS: OnceLock<Known> = OnceLock::new();
    let make = || {
        let sealer = Sealer::new(&"Y2FuYXJ5LW1hc3Rlci1rZXktb2YtMzItYnl0ZXMtISE=".into()).unwrap();
        let ring = Keyring::open(Memory::new(), Clock::system(), sealer, auth());
        finish(ring).unwrap().known()
    };
    KEYS.get_or_init(make).clone()
}

/// One gateway.
pub(crate) struct Instance {
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) access: Access,
}

impl Instance {
    pub(crate) fn new(engine: &Arc<dyn Engine>, clock: &Clock, auth: &Auth) -> Self {
        let tokens = Arc::new(Tokens::new(keys(), auth.clone(), clock.clone()));
        let revocations = Arc::new(Revocations::new(engine.clone(), clock.clone()));
        let ending = Ending::new(
            engine.clone(),
            revocations.clone(),
            auth.access_ttl,
            clock.clone(),
        );
        let sessions = Sessions::new(
            engine.clone(),
            &"the same on all instances".into(),
            tokens.clone(),
            ending,
            auth.clone(),
            clock.clone(),
        );
        Self {
            sessions: Arc::new(sessions),
            access: Access::new(tokens, revocations.clone()),
            revocations,
        }
    }

    pub(crate) async fn log_in(&self, user: &UserId) -> Result<Opened, Error> {
        let start = Start {
            user: user.clone(),
            scope: Scope::User,
            epoch: 0,
            app: None,
            device: None,
        };
        self.sessions.open(self.sessions.begin(start).await?)
    }

    pub(crate) fn is_good(&self, access: &str) -> bool {
        self.access.check(access).is_ok()
    }
}

/// What a login or refresh has handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) generation: i64,
}

impl From<Opened> for Pair {
    fn from(opened: Opened) -> Self {
        Self {
            access: opened.access.token.clone(),
            refresh: opened.refresh.expose_secret().to_owned(),
            generation: opened.session.generation,
        }
    }
}

/// Another one each time, unless a failure is to be seen again.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a setting of the tests, not of the product"
)]
pub(crate) fn seed() -> u64 {
    let given = std::env::var("PROPERTY_SEED").ok();
    given.map_or_else(rand::random, |seed| seed.parse().unwrap())
}
