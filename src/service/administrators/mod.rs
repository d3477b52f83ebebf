//! Administrators: who they are, and whether somebody is one. What they may do, and their tokens, are others' matters.

mod second_factor;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::SecretString;
use uuid::Uuid;

use self::second_factor::SecondFactor;
use super::limits::Trial;
use super::password_check::{self, PasswordCheck};
use super::passwords::{self, Passwords, Unacceptable, acceptable};
use super::records::Administrator;
use super::seal::Sealer;
use super::sessions::Ending;
use crate::clock::Clock;
use crate::domain::contact::Email;
use crate::domain::ids::UserId;
use crate::store::{self, Change, Engine, Find, Key, Repo};

/// How many administrators are read at once.
const PAGE: usize = 200;

/// Why an administrator is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The e-mail address is another's.
    #[error("there is an administrator with this e-mail address already")]
    Exists,
    /// There is no such administrator.
    #[error("there is no administrator with this e-mail address")]
    Unknown,
    /// The password must not be used.
    #[error(transparent)]
    Password(#[from] Unacceptable),
    /// It could not be hashed.
    #[error(transparent)]
    Hash(#[from] passwords::Error),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What becomes of the second factor when an administrator gets another password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorChange {
    /// It stays as it is.
    Keep,
    /// There is a new one.
    Renew,
    /// There is none any more.
    Remove,
}

/// An administrator who is new, or has another password.
#[derive(Debug, Clone)]
pub struct Created {
    /// The administrator.
    pub administrator: Administrator,
    /// What an authenticator app reads the second factor from, if there is one. It is shown this once.
    pub totp_url: Option<SecretString>,
}

/// The administrators of one store.
#[derive(Clone)]
pub struct Administrators {
    records: Repo<Administrator>,
    ending: Ending,
    passwords: Arc<Passwords>,
    check: PasswordCheck,
    sealer: Sealer,
    clock: Clock,
}

impl Administrators {
    /// The administrators in this store.
    #[must_use]
    pub fn new(
        engine: &Arc<dyn Engine>,
        passwords: Arc<Passwords>,
        check: PasswordCheck,
        sealer: Sealer,
        ending: Ending,
        clock: Clock,
    ) -> Self {
        Self {
            records: Repo::new(engine.clone(), clock.clone()),
            ending,
            passwords,
            check,
            sealer,
            clock,
        }
    }

    /// Makes an administrator, with a second factor if so wanted.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, email: &Email, password: SecretString, totp: bool) -> Result<Created, Error> {
        acceptable(&password)?;
        let id = Uuid::now_v7().simple().to_string();
        let id: UserId = id.parse().expect("32 hexadecimal digits are an id");
        let factor = totp.then(|| SecondFactor::generate(email));
        let administrator = Administrator {
            email: email.as_str().to_owned(),
            password: self.passwords.hash(password).await?,
            totp: factor
                .as_ref()
                .map(|factor| self.sealer.seal(&place(&id), &factor.secret())),
            totp_step: 0,
            disabled: false,
            epoch: 0,
            created_at: self.clock.store_now(),
            id,
        };
        match self.records.insert(&administrator).await {
            Ok(()) => Ok(Created {
                administrator,
                totp_url: factor.map(|factor| factor.url()),
            }),
            Err(store::Error::Duplicate { .. }) => Err(Error::Exists),
            Err(error) => Err(error.into()),
        }
    }

    /// All administrators, in the order of their e-mail addresses.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(&self) -> store::Result<Vec<Administrator>> {
        let mut all: Vec<Administrator> = Vec::new();
        loop {
            let mut find = Find::by(Administrator::BY_EMAIL, []);
            find.limit = PAGE;
            find.after = all
                .last()
                .map(|last| (Key::Text(last.email.clone()), last.id.to_string()));
            let page = self.records.find(find).await?;
            let is_last = page.len() < PAGE;
            all.extend(page.into_iter().map(|found| found.record));
            if is_last {
                return Ok(all);
            }
        }
    }

    /// The administrator with an e-mail address.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn find(&self, email: &Email) -> store::Result<Option<Administrator>> {
        let find = Find::by(Administrator::BY_EMAIL, [Key::Text(email.as_str().to_owned())]);
        self.records.find_one(find).await
    }

    /// The administrator of an id, as sessions and tokens name it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &UserId) -> store::Result<Option<Administrator>> {
        self.records.get(id.as_str()).await
    }

    /// Gives an administrator another password, ends all its sessions and forgets its failures.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_password(
        &self,
        email: &Email,
        password: SecretString,
        factor: FactorChange,
    ) -> Result<Created, Error> {
        acceptable(&password)?;
        let found = self.find(email).await?.ok_or(Error::Unknown)?;
        let hash = self.passwords.hash(password).await?;
        let new = (factor == FactorChange::Renew).then(|| SecondFactor::generate(email));
        let sealed = new
            .as_ref()
            .map(|factor| self.sealer.seal(&place(&found.id), &factor.secret()));
        let change = |administrator: &mut Administrator| {
            administrator.password.clone_from(&hash);
            if factor != FactorChange::Keep {
                administrator.totp.clone_from(&sealed);
                administrator.totp_step = 0;
            }
        };
        let administrator = self.change(&found.id, change).await?;
        self.check.forget(&account(email)).await?;
        Ok(Created {
            administrator,
            totp_url: new.map(|factor| factor.url()),
        })
    }

    /// Lets an administrator who was disabled log in again, and forgets its failures.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn enable(&self, email: &Email) -> Result<Administrator, Error> {
        let found = self.find(email).await?.ok_or(Error::Unknown)?;
        let change = |administrator: &mut Administrator| administrator.disabled = false;
        let enabled = self.change(&found.id, change).await?;
        self.check.forget(&account(email)).await?;
        Ok(enabled)
    }

    /// Lets an administrator log in no more, and ends all its sessions.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn disable(&self, email: &Email) -> Result<Administrator, Error> {
        let found = self.find(email).await?.ok_or(Error::Unknown)?;
        self.change(&found.id, |administrator| administrator.disabled = true)
            .await
    }

    /// Whether this is an administrator: the password, and the second factor of one who has one. All failures look the
    /// same, and cost the same but for the use of a code that was right.
    ///
    /// Sessions that follow must look at the `epoch` again once they are stored: the administrator may have been
    /// disabled meanwhile.
    ///
    /// # Errors
    /// See [`password_check::Error`].
    pub async fn log_in(
        &self,
        email: &Email,
        password: SecretString,
        totp: Option<&str>,
        address: Option<IpAddr>,
    ) -> Result<Administrator, password_check::Error> {
        self.check.look_for_room()?;
        let trial = Trial {
            account: account(email),
            address,
        };
        let found = self.find(email).await?.filter(|found| !found.disabled);
        let phc = found.as_ref().map(|found| found.password.clone());
        // Only what the second factor leaves here is let in: it read the record last.
        let admitted = Arc::new(Mutex::new(None));
        let (own, totp, entrance) = (self.clone(), totp.map(str::to_owned), admitted.clone());
        let second = async move || {
            let Some(found) = found else { return Ok(false) };
            let current = own.use_second_factor(found, totp.as_deref()).await?;
            let is_admitted = current.is_some();
            *entrance.lock().unwrap_or_else(PoisonError::into_inner) = current;
            Ok(is_admitted)
        };
        let given = password.clone();
        self.check.run_and(trial, phc, password, second).await?;
        let admitted = admitted.lock().unwrap_or_else(PoisonError::into_inner).take();
        let admitted = admitted.ok_or(password_check::Error::Wrong)?;
        let (records, id, old) = (
            self.records.clone(),
            admitted.id.clone(),
            admitted.password.clone(),
        );
        self.check.renew(&admitted.password, given, async move |new| {
            let renew = |administrator: &mut Administrator| {
                if administrator.password != old {
                    return Change::Keep;
                }
                administrator.password.clone_from(&new);
                Change::Save
            };
            records.update(id.as_str(), renew).await.map(|_| ())
        });
        Ok(admitted)
    }

    /// Uses the code's time step up, if `found` has a second factor, and gives the record as it is then. Nothing if the
    /// code is not right or was used, or if the record was changed since it was read.
    async fn use_second_factor(
        &self,
        found: Administrator,
        code: Option<&str>,
    ) -> Result<Option<Administrator>, password_check::Error> {
        let is_same = |current: &Administrator| current.epoch == found.epoch && !current.disabled;
        let Some(sealed) = &found.totp else {
            return Ok(self.records.get(found.id.as_str()).await?.filter(is_same));
        };
        let secret = self
            .sealer
            .open(&place(&found.id), sealed)
            .map_err(|_| password_check::Error::Unreadable)?;
        let factor = SecondFactor::open(&secret).ok_or(password_check::Error::Unreadable)?;
        let Some(step) = code.and_then(|code| factor.step(code, self.clock.store_now())) else {
            return Ok(None);
        };
        let mut is_first = false;
        let used = self.records.update(found.id.as_str(), |current| {
            is_first = is_same(current) && current.totp_step < step;
            if is_first {
                current.totp_step = step;
                return Change::Save;
            }
            Change::Keep
        });
        Ok(used.await?.filter(|_| is_first))
    }

    async fn change(
        &self,
        id: &UserId,
        mut change: impl FnMut(&mut Administrator),
    ) -> Result<Administrator, Error> {
        let changed = self.records.update(id.as_str(), |administrator| {
            change(administrator);
            administrator.epoch += 1;
            Change::Save
        });
        let changed = changed.await?.ok_or(Error::Unknown)?;
        // After the epoch: a login that began before sees the new one and ends its session itself.
        self.ending.end_all(id, None).await?;
        Ok(changed)
    }
}

/// As failures are counted.
fn account(email: &Email) -> String {
    format!("administrator:{email}")
}

fn place(id: &UserId) -> String {
    format!("administrators/{id}:totp")
}
