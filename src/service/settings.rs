//! Facts about the store itself: who made it, and which master key its secrets are wrapped with.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::records::Setting;
use super::seal::{KEY_LENGTH, Sealed, Sealer};
use crate::clock::Clock;
use crate::store::{self, Engine, Repo};

const MADE_BY: &str = "made_by";
const MASTER_KEY: &str = "master_key";
const SEAL_CHECK: &str = "seal_check";
/// How often a setting is made anew that another process makes and removes at the same time.
const ATTEMPTS: usize = 10;

/// What a store is for. A demo's secrets and users have no place in production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Real work.
    Production,
    /// `wxgate demo`.
    Demo,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Production => "wxgate",
            Self::Demo => "wxgate demo",
        }
    }
}

/// Why a store must not be used.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It was made for something else.
    #[error(
        "the store was made by `{made_by}` and is not used by `{asked_by}`: give store.url another place"
    )]
    Purpose {
        /// What made it.
        made_by: String,
        /// What wants to use it.
        asked_by: &'static str,
    },
    /// Its secrets are wrapped with another master key.
    #[error("store.master_key is not the key that the secrets in this store are wrapped with")]
    WrongKey,
    /// It does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The settings of one store.
pub struct Settings(Repo<Setting>);

impl Settings {
    /// The settings in this store.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>, clock: Clock) -> Self {
        Self(Repo::new(engine, clock))
    }

    /// Notes what the store is for, or refuses a store that is for something else.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn claim(&self, purpose: Purpose) -> Result<(), Refused> {
        let made_by = self.first(MADE_BY, || purpose.as_str().to_owned()).await?;
        if made_by == purpose.as_str() {
            return Ok(());
        }
        Err(Refused::Purpose {
            made_by,
            asked_by: purpose.as_str(),
        })
    }

    /// As [`Self::claim`] for real work, but takes what others have made for their purpose: a command is meant for
    /// whatever store it is given.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn claim_if_new(&self) -> Result<(), Refused> {
        self.first(MADE_BY, || Purpose::Production.as_str().to_owned())
            .await?;
        Ok(())
    }

    /// The sealer of this store: under `configured`, else under a key that is made once and kept in the store.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn sealer(&self, configured: Option<&SecretString>) -> Result<Sealer, Refused> {
        let key = match configured {
            Some(key) => key.clone(),
            None => self.kept_key().await?.into(),
        };
        let sealer = Sealer::new(&key).ok_or(Refused::WrongKey)?;
        let known: SecretString = "wxgate".into();
        let check = self
            .first(SEAL_CHECK, || to_text(&sealer.seal(SEAL_CHECK, &known)))
            .await?;
        let opened = sealer
            .open(SEAL_CHECK, &from_text(check))
            .map_err(|_| Refused::WrongKey)?;
        if opened.expose_secret() == known.expose_secret() {
            Ok(sealer)
        } else {
            Err(Refused::WrongKey)
        }
    }

    /// A random secret of this store's own under a name, made at the first use.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn secret(&self, id: &str, sealer: &Sealer) -> Result<SecretString, Refused> {
        let place = format!("settings/{id}");
        let kept = self
            .first(id, || to_text(&sealer.seal(&place, &new_key().into())))
            .await?;
        sealer
            .open(&place, &from_text(kept))
            .map_err(|_| Refused::WrongKey)
    }

    /// Finds out what [`Self::claim`] and [`Self::sealer`] would, but writes nothing. A store that has not served yet
    /// passes.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn inspect(&self, purpose: Purpose, configured: Option<&SecretString>) -> Result<(), Refused> {
        if let Some(Setting { value: made_by, .. }) = self.0.get(MADE_BY).await?
            && made_by != purpose.as_str()
        {
            return Err(Refused::Purpose {
                made_by,
                asked_by: purpose.as_str(),
            });
        }
        let kept = self.0.get(MASTER_KEY).await?.map(|kept| kept.value.into());
        let check = self.0.get(SEAL_CHECK).await?;
        match (configured.or(kept.as_ref()), check) {
            (_, None) => Ok(()),
            (None, Some(_)) => Err(Refused::WrongKey),
            (Some(key), Some(check)) => {
                let sealer = Sealer::new(key).ok_or(Refused::WrongKey)?;
                sealer
                    .open(SEAL_CHECK, &from_text(check.value))
                    .map_err(|_| Refused::WrongKey)?;
                Ok(())
            }
        }
    }

    /// The key that is kept in the store, made if there is none. In a store that is sealed with a key from elsewhere
    /// none is made: it would stay there, and look like the right one.
    async fn kept_key(&self) -> Result<String, Refused> {
        if let Some(kept) = self.0.get(MASTER_KEY).await? {
            return Ok(kept.value);
        }
        // The key is kept before the check, so that another process's first start does not look like this.
        if self.0.get(SEAL_CHECK).await?.is_some() && self.0.get(MASTER_KEY).await?.is_none() {
            return Err(Refused::WrongKey);
        }
        Ok(self.first(MASTER_KEY, new_key).await?)
    }

    /// The value of a setting; `make` gives the first one. Of several processes that set it at once, one wins.
    async fn first(&self, id: &str, make: impl FnOnce() -> String) -> store::Result<String> {
        if let Some(found) = self.0.get(id).await? {
            return Ok(found.value);
        }
        let setting = Setting {
            id: id.to_owned(),
            value: make(),
        };
        let mut attempts = ATTEMPTS;
        loop {
            match self.0.insert(&setting).await {
                Ok(()) => return Ok(setting.value),
                Err(error @ store::Error::Duplicate { .. }) => {
                    if let Some(winner) = self.0.get(id).await? {
                        return Ok(winner.value);
                    }
                    // The winner is gone again. A value that is not in the store must not be used.
                    attempts -= 1;
                    if attempts == 0 {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }
}

fn new_key() -> String {
    BASE64_STANDARD.encode(rand::random::<[u8; KEY_LENGTH]>())
}

fn to_text(sealed: &Sealed) -> String {
    serde_json::to_value(sealed)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn from_text(text: String) -> Sealed {
    serde_json::from_value(text.into()).expect("a sealed secret is any text")
}
