//! Passwords: which ones are taken, how they are hashed and compared. Who may try how often is not decided here.

mod phc;
mod pool;
mod rules;

use std::sync::Arc;

use argon2::Params;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::phc::Memory;
use self::pool::{Permit, Pool};
use crate::config;

pub use self::rules::{Unacceptable, acceptable};

/// So many new passwords may be hashed or wait for it at once, at most.
const MOST_NEW: usize = 16;
/// Of so many places one may be a new password's: registering must not keep those out who log in.
const SHARE: usize = 4;

/// Why a password was neither hashed nor compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many wait already, or waiting took too long.
    #[error("too many passwords are being checked")]
    Busy,
    /// The hash is none.
    #[error("a stored password hash cannot be read")]
    Unreadable,
    /// The parameters of the configuration are none that Argon2 knows.
    #[error("auth.argon2 has parameters that Argon2 does not take")]
    Parameters,
    /// The system gives us no thread.
    #[error("no thread can be started for passwords")]
    Thread,
}

/// Hashes passwords and compares them.
///
/// This is slow on purpose, so it is done by few threads of their own that yield to all others: whoever floods the
/// gateway with passwords waits, and nobody else does.
pub struct Passwords {
    params: Params,
    pool: Pool,
    /// The places that new passwords may have.
    room: Arc<Semaphore>,
    /// What is compared with where there is nothing to compare with: nobody knows its password.
    dummy: Arc<str>,
}

/// The right to wait for a turn with a new password.
pub struct Room<'a> {
    passwords: &'a Passwords,
    place: OwnedSemaphorePermit,
}

/// The right to hash once or twice, until it is dropped.
pub struct Turn<'a> {
    passwords: &'a Passwords,
    permit: Permit,
}

impl Passwords {
    /// Hashes with these parameters.
    ///
    /// # Errors
    /// [`Error::Parameters`] and [`Error::Thread`].
    pub fn new(config: &config::Argon2) -> Result<Self, Error> {
        let params = Params::new(config.memory, config.iterations, config.parallelism, None)
            .map_err(|_| Error::Parameters)?;
        let dummy = phc::of_nothing(&params).map_err(|_| Error::Parameters)?.into();
        let pool = Pool::start(config.concurrent, config.queue).map_err(|_| Error::Thread)?;
        let most_new = (pool.places() / SHARE).clamp(1, MOST_NEW);
        Ok(Self {
            params,
            pool,
            room: Arc::new(Semaphore::new(most_new)),
            dummy,
        })
    }

    /// Whether there is room to wait for a turn just now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.pool.has_room()
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// [`Error::Busy`], after two seconds at the latest.
    pub async fn turn(&self) -> Result<Turn<'_>, Error> {
        let permit = self.pool.permit().await?;
        Ok(Turn {
            passwords: self,
            permit,
        })
    }

    /// Room for a new password, of which there is little: the other places are for those who log in.
    ///
    /// # Errors
    /// [`Error::Busy`], at once.
    pub fn room(&self) -> Result<Room<'_>, Error> {
        let place = self.room.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        Ok(Room {
            passwords: self,
            place,
        })
    }

    /// The hash of a password in PHC form, as users keep it.
    ///
    /// # Errors
    /// [`Error::Busy`].
    pub async fn hash(&self, password: SecretString) -> Result<String, Error> {
        self.room()?.hash(password).await
    }

    /// Whether a hash was made with other parameters than are configured now. One that cannot be read is left alone.
    #[must_use]
    pub fn is_dated(&self, phc: &str) -> bool {
        phc::parameters(phc).is_some_and(|params| {
            let now = &self.params;
            (params.m_cost(), params.t_cost(), params.p_cost()) != (now.m_cost(), now.t_cost(), now.p_cost())
        })
    }

    /// Whether `password` is the one that `phc` was made of. Without `phc` it is not, which takes as long to find out.
    ///
    /// # Errors
    /// [`Error::Busy`] and [`Error::Unreadable`].
    pub async fn verify(&self, phc: Option<&str>, password: SecretString) -> Result<bool, Error> {
        self.turn().await?.verify(phc, password).await
    }
}

impl Room<'_> {
    /// As [`Passwords::hash`].
    ///
    /// # Errors
    /// [`Error::Busy`], after two seconds at the latest.
    pub async fn hash(self, password: SecretString) -> Result<String, Error> {
        let turn = self.passwords.turn().await?;
        let (params, place) = (self.passwords.params.clone(), self.place);
        let hash = move |memory: &mut Memory| {
            let hash = phc::hash(&params, password.expose_secret().as_bytes(), memory);
            // Kept to the end, whoever goes away meanwhile.
            drop(place);
            hash
        };
        turn.permit.run(hash).await?.map_err(|_| Error::Parameters)
    }
}

impl Turn<'_> {
    /// As [`Passwords::verify`].
    ///
    /// # Errors
    /// [`Error::Unreadable`]; [`Error::Busy`] at the end of the process.
    pub async fn verify(&self, phc: Option<&str>, password: SecretString) -> Result<bool, Error> {
        let known = phc.is_some();
        let phc = phc.map_or_else(|| self.passwords.dummy.clone(), Arc::from);
        let compare = move |memory: &mut Memory| phc::fits(&phc, password.expose_secret().as_bytes(), memory);
        let fits = self.permit.run(compare).await?.map_err(|_| Error::Unreadable)?;
        Ok(known && fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        let config = config::Argon2 {
            memory: 64,
            iterations: 1,
            parallelism: 1,
            concurrent: 2,
            queue: 64,
        };
        Passwords::new(&config).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_compared_exactly() {
        let passwords = passwords();
        let hash = passwords.hash("Grüße, 小明!".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("Grüße, 小明!".into()).await.unwrap());
        let verify = |text: &str| passwords.verify(Some(&hash), text.into());
        assert_eq!(verify("Grüße, 小明!").await, Ok(true));
        // The same to the eye: u and a combining diaeresis.
        assert_eq!(verify("Gru\u{308}ße, 小明!").await, Ok(false));
        assert_eq!(verify("Grüße, 小明! ").await, Ok(false));
        assert_eq!(verify("grüße, 小明!").await, Ok(false));
    }

    #[tokio::test]
    async fn a_long_password_counts_to_its_last_character() {
        let passwords = passwords();
        let long = "a".repeat(127);
        let hash = passwords.hash(format!("{long}b").into()).await.unwrap();
        let verify = |text: String| passwords.verify(Some(&hash), text.into());
        assert_eq!(verify(format!("{long}b")).await, Ok(true));
        assert_eq!(verify(format!("{long}c")).await, Ok(false));
    }

    #[tokio::test]
    async fn without_a_hash_nothing_fits_and_a_broken_one_is_told() {
        let passwords = passwords();
        assert_eq!(passwords.verify(None, "hunter42!".into()).await, Ok(false));
        assert!(passwords.dummy.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let broken = passwords.verify(Some("$argon2id$nonsense"), "hunter42!".into());
        assert_eq!(broken.await, Err(Error::Unreadable));
    }

    #[tokio::test]
    async fn a_hash_keeps_the_parameters_it_was_made_with() {
        let old = passwords().hash("hunter42!".into()).await.unwrap();
        let config = config::Argon2 {
            memory: 128,
            iterations: 2,
            parallelism: 1,
            concurrent: 1,
            queue: 1,
        };
        let new = Passwords::new(&config).unwrap();
        assert_eq!(new.verify(Some(&old), "hunter42!".into()).await, Ok(true));
        assert!(new.is_dated(&old));
        assert!(!new.is_dated(&new.hash("hunter42!".into()).await.unwrap()));
        assert!(!new.is_dated("$argon2id$nonsense"));
    }
}
