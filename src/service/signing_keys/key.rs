//! One key that signs our tokens: made, wrapped for the store, made ready for use. Which key is for what is in `ring`.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Error;
use crate::config::Algorithm;
use crate::domain::time::Timestamp;
use crate::service::records::SigningKey;
use crate::service::seal::Sealer;

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
    /// The how-manieth of its algorithm it is.
    pub number: u64,
    /// When it was made, in the store's time.
    pub created_at: Timestamp,
}

impl Key {
    /// A key of this process alone, which no store knows.
    ///
    /// # Errors
    /// If the cryptographic library fails.
    pub fn generate(algorithm: Algorithm, created_at: Timestamp) -> Result<Self, Error> {
        let (secret, public) = material(algorithm)?;
        Self::from_material(new_kid(), 1, created_at, &secret, public, algorithm)
    }

    /// The key of a record.
    pub(super) fn open(record: SigningKey, sealer: &Sealer, algorithm: Algorithm) -> Result<Self, Error> {
        let number = number(&record.id, algorithm).ok_or(Error::Unusable)?;
        let secret = sealer.open(&place(&record.kid), &record.secret)?;
        Self::from_material(
            record.kid,
            number,
            record.created_at,
            &secret,
            record.public,
            algorithm,
        )
    }

    fn from_material(
        kid: String,
        number: u64,
        created_at: Timestamp,
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
            number,
            created_at,
        })
    }
}

/// A record with a new key in it.
pub(super) fn make(
    number: u64,
    created_at: Timestamp,
    sealer: &Sealer,
    algorithm: Algorithm,
) -> Result<SigningKey, Error> {
    let kid = new_kid();
    let (secret, public) = material(algorithm)?;
    let secret = sealer.seal(&place(&kid), &secret);
    Ok(SigningKey {
        id: id(number, algorithm),
        kid,
        secret,
        public,
        created_at,
    })
}

/// The id of a record: it is the same for all instances that make the next key at once, so that one of them wins.
pub(super) fn id(number: u64, algorithm: Algorithm) -> String {
    format!("{}{number}", prefix(algorithm))
}

/// The number in such an id; nothing if it is a key of another algorithm.
pub(super) fn number(id: &str, algorithm: Algorithm) -> Option<u64> {
    id.strip_prefix(prefix(algorithm))?.parse().ok()
}

fn prefix(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDsa => "eddsa-",
        Algorithm::Hs256 => "hs256-",
    }
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

fn new_kid() -> String {
    hex::encode(rand::random::<[u8; 8]>())
}

fn place(kid: &str) -> String {
    format!("signing_keys/{kid}")
}
