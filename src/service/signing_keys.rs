//! The keys that sign our tokens: made once, kept wrapped in the store, the same for all instances.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::records::SigningKey;
use super::seal::{CannotOpen, Sealer};
use crate::clock::Clock;
use crate::config::Algorithm;
use crate::store::{self, Engine, Repo};

/// A key, ready for use.
pub struct Key {
    /// The name that tokens carry.
    pub kid: String,
    /// Which algorithm it is for.
    pub algorithm: jsonwebtoken::Algorithm,
    /// Signs.
    pub encoding: EncodingKey,
    /// Verifies.
    pub decoding: DecodingKey,
    /// The public key in base64url, for algorithms that have one.
    pub public: Option<String>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The stored key cannot be opened.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The stored key is none.
    #[error("the signing key in the store cannot be used")]
    Unusable,
}

impl Key {
    /// A key of this process alone, which no store knows.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let (secret, public) = material(algorithm)?;
        Self::from_material(hex::encode(rand::random::<[u8; 8]>()), &secret, public, algorithm)
    }

    fn from_material(
        kid: String,
        secret: &SecretString,
        public: Option<String>,
        algorithm: Algorithm,
    ) -> Result<Self, Error> {
        let bytes = Zeroizing::new(
            BASE64_STANDARD
                .decode(secret.expose_secret())
                .map_err(|_| Error::Unusable)?,
        );
        let (encoding, decoding, algorithm) = match algorithm {
            Algorithm::EdDsa => {
                let public = public.as_deref().ok_or(Error::Unusable)?;
                let decoding = DecodingKey::from_ed_components(public).map_err(|_| Error::Unusable)?;
                (
                    EncodingKey::from_ed_der(&bytes),
                    decoding,
                    jsonwebtoken::Algorithm::EdDSA,
                )
            }
            Algorithm::Hs256 => (
                EncodingKey::from_secret(&bytes),
                DecodingKey::from_secret(&bytes),
                jsonwebtoken::Algorithm::HS256,
            ),
        };
        Ok(Self {
            kid,
            algorithm,
            encoding,
            decoding,
            public,
        })
    }
}

/// The key for `algorithm`. Of several instances that make the first one at once, one wins.
///
/// # Errors
/// See [`Error`].
pub async fn load(
    engine: Arc<dyn Engine>,
    clock: &Clock,
    sealer: &Sealer,
    algorithm: Algorithm,
) -> Result<Key, Error> {
    let repo: Repo<SigningKey> = Repo::new(engine, clock.clone());
    let id = match algorithm {
        Algorithm::EdDsa => "eddsa-1",
        Algorithm::Hs256 => "hs256-1",
    };
    if repo.get(id).await?.is_none() {
        match repo.insert(&make(id, clock, sealer, algorithm)?).await {
            Ok(()) | Err(store::Error::Duplicate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let record = repo.get(id).await?.ok_or(Error::Unusable)?;
    let secret = sealer.open(&place(&record.kid), &record.secret)?;
    Key::from_material(record.kid, &secret, record.public, algorithm)
}

fn make(id: &str, clock: &Clock, sealer: &Sealer, algorithm: Algorithm) -> Result<SigningKey, Error> {
    let kid = hex::encode(rand::random::<[u8; 8]>());
    let (secret, public) = material(algorithm)?;
    let secret = sealer.seal(&place(&kid), &secret);
    Ok(SigningKey {
        id: id.to_owned(),
        kid,
        secret,
        public,
        created_at: clock.store_now(),
    })
}

/// A new private key or shared secret in base64, and the public key in base64url for algorithms that have one.
fn material(algorithm: Algorithm) -> Result<(SecretString, Option<String>), Error> {
    match algorithm {
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(|_| Error::Unusable)?;
            let document = pair.to_pkcs8v1().map_err(|_| Error::Unusable)?;
            let public = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            Ok((BASE64_STANDARD.encode(document.as_ref()).into(), Some(public)))
        }
        Algorithm::Hs256 => Ok((BASE64_STANDARD.encode(rand::random::<[u8; 32]>()).into(), None)),
    }
}

fn place(kid: &str) -> String {
    format!("signing_keys/{kid}")
}
