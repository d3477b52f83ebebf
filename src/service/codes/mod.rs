//! One-time codes: made, handed over, and redeemed once. Who the code's target belongs to is not known here, so that no
//! answer can tell.

mod hook;
mod kept;
mod sending;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;

use self::hook::{Hook, NotTaken};
use self::kept::Kept;
use self::sending::Sending;
use super::fingerprint::Fingerprints;
use super::records::Code;
use super::settings;
use crate::clock::Clock;
use crate::config;
use crate::domain::contact::Contact;
use crate::domain::ids::Malformed;
use crate::net;
use crate::store::{self, Change, Engine, Repo};
use crate::tasks::Tasks;

pub use self::kept::KeptCode;

/// How long a code is good for.
pub const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How often a code may be tried, the right one included.
const TRIES: u32 = 5;
/// How long a connection to the program at codes.url may take to be made.
const CONNECT: Duration = Duration::from_secs(2);

/// What a code is for. A code for one thing is of no use for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Logging in.
    Login,
    /// Adding the target to the user that is logged in.
    Link,
    /// Proving the target while registering.
    Register,
    /// Setting a new password without the old one.
    Password,
}

/// Why no code was sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many were, to this target or for this address; so long to wait.
    #[error("too many codes were sent")]
    Limited(Duration),
    /// There is nobody to bring it.
    #[error("codes.url is not configured")]
    NotConfigured,
    /// Whoever should bring it did not take it. The target may be tried again after so long.
    #[error("the program at codes.url did not take the code")]
    NotTaken(Duration),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a code is no proof.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is wrong, used, too old, or was tried too often. Which of them is nobody's business.
    #[error("the code is wrong or no longer valid")]
    Wrong,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// How codes get to people.
enum Delivery {
    Nowhere,
    Hook(Arc<Hook>),
    Kept(Kept),
}

/// Makes and redeems codes.
pub struct Codes {
    book: Book,
    sending: Sending,
    delivery: Delivery,
    tasks: Tasks,
}

/// The codes in the store. Cloning it gives another handle.
#[derive(Clone)]
struct Book {
    records: Repo<Code>,
    fingerprints: Fingerprints,
    clock: Clock,
}

impl Codes {
    /// Codes of this store, handed over as the configuration says; a demo keeps them and shows them itself.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up.
    pub fn new(
        config: &config::Codes,
        purpose: settings::Purpose,
        engine: &Arc<dyn Engine>,
        fingerprints: Fingerprints,
        clock: Clock,
        tasks: Tasks,
    ) -> reqwest::Result<Self> {
        let delivery = match (purpose, &config.hook) {
            (settings::Purpose::Demo, _) => Delivery::Kept(Kept::default()),
            (settings::Purpose::Production, None) => Delivery::Nowhere,
            (settings::Purpose::Production, Some(hook)) => {
                let client = net::client(CONNECT.min(config.timeout), config.timeout)?;
                Delivery::Hook(Arc::new(Hook::new(client, hook, clock.clone())))
            }
        };
        Ok(Self {
            sending: Sending::new(engine.clone(), fingerprints.clone(), clock.clone()),
            book: Book {
                records: Repo::new(engine.clone(), clock.clone()),
                fingerprints,
                clock,
            },
            delivery,
            tasks,
        })
    }

    /// Sends `target` a code, which replaces the one before unless it certainly did not go out. `address` is who asked, if that can be told.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn send(
        &self,
        target: &Contact,
        purpose: Purpose,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        if matches!(self.delivery, Delivery::Nowhere) {
            return Err(Error::NotConfigured);
        }
        let reservation = self.sending.reserve(target, address).await?;
        let code = random_code();
        let hook = match &self.delivery {
            Delivery::Nowhere => return Err(Error::NotConfigured),
            Delivery::Kept(kept) => {
                self.book.keep(target, purpose, &code).await?;
                kept.add(target, purpose, &code, self.book.clock.now() + LIFETIME);
                return Ok(());
            }
            Delivery::Hook(hook) => hook.clone(),
        };
        let (book, sending, target) = (self.book.clone(), self.sending.clone(), target.clone());
        // A task of its own: what was begun is brought to its end, whether or not somebody still waits.
        let handed_over = self.tasks.spawn("hand a code over", async move {
            let outcome = hook.hand_over(&target, purpose, &code).await;
            if outcome == Err(NotTaken::ForSure) {
                sending.give_back(&reservation).await?;
                return Err(Error::NotTaken(sending::RETRY));
            }
            // What was reserved stays so, and the code is good: the message may be on its way all the same.
            book.keep(&target, purpose, &code).await?;
            outcome.map_err(|_| Error::NotTaken(sending::PAUSE))
        });
        handed_over.await.unwrap_or(Err(Error::NotTaken(sending::PAUSE)))
    }

    /// Uses a code up. Of any number that bring the right one at once, one succeeds.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn redeem(&self, target: &Contact, purpose: Purpose, code: &str) -> Result<(), Refused> {
        let given = self.book.print(target, purpose, code.trim());
        let mut right = false;
        let id = self.book.id(target, purpose);
        let tried = self.book.records.update(&id, |kept| {
            right = false;
            if kept.used || kept.tries >= TRIES {
                return Change::Keep;
            }
            kept.tries += 1;
            right = kept.code.as_bytes().ct_eq(given.as_bytes()).into();
            kept.used = right;
            Change::Save
        });
        match tried.await? {
            Some(_) if right => Ok(()),
            _ => Err(Refused::Wrong),
        }
    }

    /// The codes that a demo keeps, latest last; nothing if this is no demo.
    #[must_use]
    pub fn kept(&self) -> Option<Vec<KeptCode>> {
        match &self.delivery {
            Delivery::Kept(kept) => Some(kept.list()),
            Delivery::Nowhere | Delivery::Hook(_) => None,
        }
    }
}

impl Book {
    async fn keep(&self, target: &Contact, purpose: Purpose, code: &SecretString) -> store::Result<()> {
        let new = Code {
            id: self.id(target, purpose),
            code: self.print(target, purpose, code.expose_secret()),
            tries: 0,
            used: false,
            expires_at: self.clock.store_now() + LIFETIME,
        };
        loop {
            let replace = |old: &mut Code| {
                old.clone_from(&new);
                Change::Save
            };
            if self.records.update(&new.id, replace).await?.is_some() {
                return Ok(());
            }
            match self.records.insert(&new).await {
                Err(store::Error::Duplicate { .. }) => {}
                result => return result,
            }
        }
    }

    fn id(&self, target: &Contact, purpose: Purpose) -> String {
        let parts = [target.channel(), target.as_str(), purpose.as_str()];
        self.fingerprints.of("target of code", &parts)
    }

    fn print(&self, target: &Contact, purpose: Purpose, code: &str) -> String {
        let parts = [target.channel(), target.as_str(), purpose.as_str(), code];
        self.fingerprints.of("code", &parts)
    }
}

fn random_code() -> SecretString {
    let number = rand::rng().random_range(0..1_000_000_u32);
    format!("{number:06}").into()
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Link => "link",
            Self::Register => "register",
            Self::Password => "password",
        }
    }
}

impl FromStr for Purpose {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        [Self::Login, Self::Link, Self::Register, Self::Password]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
            .ok_or(Malformed("a purpose is login, link, register or password"))
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_have_six_digits_and_differ() {
        let codes: HashSet<String> = (0..2000)
            .map(|_| random_code().expose_secret().to_owned())
            .collect();
        assert!(codes.len() > 1900, "{}", codes.len());
        let mut first_digits = HashSet::new();
        for code in &codes {
            assert!(
                code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
                "{code}"
            );
            first_digits.insert(code.as_bytes()[0]);
        }
        assert_eq!(first_digits.len(), 10, "zeros in front are digits too");
    }
}
