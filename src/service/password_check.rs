//! One password, checked as somebody's proof: limits, hashing and counting in the one order that holds under attack.
//! What follows from success is not decided here.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::limits::{self, Failures, Trial};
use super::passwords::{self, Passwords};
use crate::store;
use crate::tasks::Tasks;

/// Why a password is no proof.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The account or what proves it is wrong. Which of the two is nobody's business.
    #[error("account or password is wrong")]
    Wrong,
    /// There were too many failures; so long to wait.
    #[error("too many failures")]
    Limited(Duration),
    /// Too many passwords are being checked.
    #[error("too many passwords are being checked")]
    Busy,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored hash or secret cannot be read.
    #[error("what the password is compared with cannot be read")]
    Unreadable,
    /// The process is ending.
    #[error("the check was broken off")]
    BrokenOff,
}

/// Checks passwords. Cloning it gives another handle.
#[derive(Clone)]
pub struct PasswordCheck {
    passwords: Arc<Passwords>,
    failures: Failures,
    tasks: Tasks,
}

impl PasswordCheck {
    /// Checks with these.
    #[must_use]
    pub fn new(passwords: Arc<Passwords>, failures: Failures, tasks: Tasks) -> Self {
        Self {
            passwords,
            failures,
            tasks,
        }
    }

    /// Sends away whoever would find no room to wait. Asked before anything is read, so that a flood costs the store
    /// nothing; and before anything is known of the account, so that it tells nothing about it.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub fn look_for_room(&self) -> Result<(), Error> {
        if self.passwords.has_room() {
            Ok(())
        } else {
            Err(Error::Busy)
        }
    }

    /// Whether `password` fits `phc`, for somebody who may still try. Without `phc` (an account that does not exist, or
    /// has no password) it never does, with the same work.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(&self, trial: Trial, phc: Option<String>, password: SecretString) -> Result<(), Error> {
        self.run_and(trial, phc, password, async || Ok(true)).await
    }

    /// As [`Self::run`]; `also` has to hold too, and is asked only after the password was right. A failure of either
    /// counts. Success takes no failure back: else whoever guesses had ten more tries at every login of the owner's.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run_and<F>(
        &self,
        trial: Trial,
        phc: Option<String>,
        password: SecretString,
        also: impl FnOnce() -> F + Send + 'static,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<bool, Error>> + Send,
    {
        let own = self.clone();
        // A task of its own: whoever hangs up before the answer has failed all the same.
        let checked = self.tasks.spawn("check a password", async move {
            own.in_order(&trial, phc.as_deref(), password, also).await
        });
        checked.await.map_err(|_| Error::BrokenOff)?
    }

    /// Forgets the failures of an account that somebody entitled has set right.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget(&self, account: &str) -> store::Result<()> {
        let trial = Trial {
            account: account.to_owned(),
            address: None,
        };
        self.failures.forget(&trial).await
    }

    /// Has a password that was right hashed anew if `phc` was made with other parameters than are configured now.
    /// Nobody waits for it, and where there is no room it is left to the next time. `save` has to look whether `phc` is
    /// still the one that is stored.
    pub(super) fn renew<F>(
        &self,
        phc: &str,
        password: SecretString,
        save: impl FnOnce(String) -> F + Send + 'static,
    ) where
        F: Future<Output = store::Result<()>> + Send,
    {
        if !self.passwords.is_dated(phc) {
            return;
        }
        let passwords = self.passwords.clone();
        drop(self.tasks.spawn("renew a password's hash", async move {
            let Ok(new) = passwords.hash(password).await else {
                return;
            };
            if let Err(error) = save(new).await {
                let error = crate::telemetry::Chain(&error);
                tracing::warn!(%error, "a password's hash could not be renewed");
            }
        }));
    }

    async fn in_order<F>(
        &self,
        trial: &Trial,
        phc: Option<&str>,
        password: SecretString,
        also: impl FnOnce() -> F + Send,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<bool, Error>> + Send,
    {
        // Whoever is over the limit takes no place in the queue.
        self.failures.check(trial).await?;
        let turn = self.passwords.turn().await?;
        // Hundreds may have waited together below the limit. Each looks again when it is its turn, and counts before
        // the turn is over: at most as many too many as there are turns.
        self.failures.check(trial).await?;
        let proven = turn.verify(phc, password).await? && also().await?;
        if !proven {
            self.failures.note(trial).await?;
            return Err(Error::Wrong);
        }
        Ok(())
    }
}

impl From<limits::Error> for Error {
    fn from(error: limits::Error) -> Self {
        match error {
            limits::Error::Limited(wait) => Self::Limited(wait),
            limits::Error::Store(error) => Self::Store(error),
        }
    }
}

impl From<passwords::Error> for Error {
    fn from(error: passwords::Error) -> Self {
        match error {
            passwords::Error::Busy => Self::Busy,
            passwords::Error::Unreadable | passwords::Error::Parameters | passwords::Error::Thread => {
                Self::Unreadable
            }
        }
    }
}
