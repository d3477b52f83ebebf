//! The platform's certificate. It is trusted because it is configured, as the console gave it: no chain of issuers and no
//! dates are looked at, and the console says when another one takes its place.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PSS_2048_8192_SHA256};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sm2::dsa::signature::Verifier as _;
use sm2::dsa::{Signature, VerifyingKey};
use sm2::pkcs8::DecodePublicKey as _;
use x509_cert::der::{Decode as _, Encode as _};

use super::{BadKey, Context, Refused, pem_block};

/// What answers are verified with.
#[derive(Clone)]
pub struct Certificate {
    number: String,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Rsa(Arc<ParsedPublicKey>),
    Sm2(Arc<VerifyingKey>),
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = &self.number;
        write!(f, "Certificate({number}, ..)")
    }
}

impl Certificate {
    /// A certificate in PEM, with the number that the console shows, which is not the one inside. Its key, RSA or SM2,
    /// says how answers are signed.
    ///
    /// # Errors
    /// [`BadKey`] if there is no certificate in it, or more than one, or one with another kind of key.
    pub fn new(pem: &str, number: &str) -> Result<Self, BadKey> {
        let block = pem_block(pem, &["CERTIFICATE"]);
        let (_, der) = block.ok_or(BadKey(
            "must be one certificate in PEM: -----BEGIN CERTIFICATE-----…",
        ))?;
        let unreadable = |_| BadKey("is a certificate that cannot be read");
        let certificate = x509_cert::Certificate::from_der(&der).map_err(unreadable)?;
        let info = certificate.tbs_certificate().subject_public_key_info();
        let info = info.to_der().map_err(unreadable)?;
        let key = rsa(&info).or_else(|| sm2(&info, number));
        Ok(Self {
            number: number.to_owned(),
            key: key.ok_or(BadKey("is a certificate with a key that is neither RSA nor SM2"))?,
        })
    }

    /// The number that answers name it by.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Checks the `signature` over `body`, which is in base64.
    ///
    /// # Errors
    /// [`Refused`], whatever the reason.
    pub fn verify(&self, context: Context<'_>, body: &[u8], signature: &str) -> Result<(), Refused> {
        let signature = BASE64_STANDARD.decode(signature).map_err(|_| Refused)?;
        let text = context.signed(body);
        match &self.key {
            Key::Rsa(key) => key.verify_sig(&text, &signature).map_err(|_| Refused),
            Key::Sm2(key) => {
                let signature = Signature::from_der(&signature).map_err(|_| Refused)?;
                key.verify(&text, &signature).map_err(|_| Refused)
            }
        }
    }
}

fn rsa(info: &[u8]) -> Option<Key> {
    let key = ParsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, info).ok()?;
    Some(Key::Rsa(Arc::new(key)))
}

/// The id of the signer is the certificate's number. (服务端 API 签名加密, `SM2withSM3`.)
fn sm2(info: &[u8], number: &str) -> Option<Key> {
    let key = sm2::PublicKey::from_public_key_der(info).ok()?;
    let key = VerifyingKey::new(number, key).ok()?;
    Some(Key::Sm2(Arc::new(key)))
}
