//! Keys that sign: RSA (RSASSA-PSS with SHA-256 and a salt of 32 bytes) and SM2 (with SM3, the key's number being the
//! signer's id, signatures in ASN.1).

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pem::{EncodeConfig, LineEnding, Pem};
use serde::{Deserialize, Serialize};
use sm2::SecretKey;
use sm2::dsa::signature::{Signer as _, Verifier as _};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pkcs8::{DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _};

/// How something is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Signer {
    /// `RSAwithSHA256`.
    #[default]
    #[serde(rename = "RSA")]
    Rsa,
    /// `SM2withSM3`.
    #[serde(rename = "SM2")]
    Sm2,
}

/// A number as the console gives one to each key: 32 hexadecimal digits.
pub(crate) fn number() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

/// A key in PEM, as most tools write it.
pub(super) fn pem(label: &str, der: Vec<u8>) -> String {
    pem::encode_config(
        &Pem::new(label, der),
        EncodeConfig::new().set_line_ending(LineEnding::LF),
    )
}

/// An app's key, which its calls are signed with.
pub(crate) struct PublicKey {
    /// The number that the console shows.
    pub(crate) number: String,
    /// The key in PEM.
    pub(crate) pem: String,
    key: Public,
}

enum Public {
    Rsa(Vec<u8>),
    Sm2(Box<VerifyingKey>),
}

impl PublicKey {
    /// A key in PEM (`PUBLIC KEY`); `None` if it is neither RSA nor SM2.
    pub(crate) fn new(pem: &str, number: String) -> Option<Self> {
        let block = pem::parse(pem).ok()?;
        let der = block.contents();
        let key = if let Ok(key) = sm2::PublicKey::from_public_key_der(der) {
            Public::Sm2(Box::new(VerifyingKey::new(&number, key).ok()?))
        } else {
            UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, der)
                .parse()
                .ok()?;
            Public::Rsa(der.to_vec())
        };
        Some(Self {
            number,
            pem: pem.to_owned(),
            key,
        })
    }

    /// What kind of key it is.
    pub(crate) fn signer(&self) -> Signer {
        match self.key {
            Public::Rsa(_) => Signer::Rsa,
            Public::Sm2(_) => Signer::Sm2,
        }
    }

    /// Whether this key signed the text. The signature is in base64.
    pub(super) fn verifies(&self, text: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        match &self.key {
            Public::Rsa(der) => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, der)
                .verify(text, &signature)
                .is_ok(),
            Public::Sm2(key) => {
                Signature::from_der(&signature).is_ok_and(|signature| key.verify(text, &signature).is_ok())
            }
        }
    }
}

/// A key to sign with.
pub(crate) enum PrivateKey {
    /// RSA.
    Rsa(Box<KeyPair>),
    /// SM2.
    Sm2(SecretKey),
}

impl PrivateKey {
    /// A new key.
    pub(crate) fn generate(signer: Signer) -> Self {
        match signer {
            Signer::Rsa => {
                let key = KeyPair::generate(KeySize::Rsa2048)
                    .expect("the library's own source of randomness works");
                Self::Rsa(Box::new(key))
            }
            Signer::Sm2 => loop {
                // Nearly every number of 32 bytes is a key.
                if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
                    return Self::Sm2(key);
                }
            },
        }
    }

    /// What kind of key it is.
    pub(super) fn signer(&self) -> Signer {
        match self {
            Self::Rsa(_) => Signer::Rsa,
            Self::Sm2(_) => Signer::Sm2,
        }
    }

    /// The key in PEM (PKCS#8).
    pub(crate) fn pem(&self) -> String {
        let der = match self {
            Self::Rsa(key) => {
                let der = key.as_der();
                let der: Pkcs8V1Der<'_> = der.expect("a key that works can be written");
                der.as_ref().to_vec()
            }
            Self::Sm2(key) => {
                let der = key.to_pkcs8_der().expect("a key that works can be written");
                der.as_bytes().to_vec()
            }
        };
        pem("PRIVATE KEY", der)
    }

    /// The public half in PEM.
    pub(crate) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", self.public_der())
    }

    /// The public half as certificates have it.
    pub(super) fn public_der(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let der = key.public_key().as_der();
                let der: PublicKeyX509Der<'_> = der.expect("a key that works can be written");
                der.as_ref().to_vec()
            }
            Self::Sm2(key) => {
                let der = key.public_key().to_public_key_der();
                der.expect("a key that works can be written").into_vec()
            }
        }
    }

    /// Signs a text; the number is the signer's id. The signature is in base64.
    pub(super) fn sign(&self, number: &str, text: &[u8]) -> String {
        STANDARD.encode(self.signature(&RSA_PSS_SHA256, number, text))
    }

    /// Signs a certificate.
    pub(super) fn sign_certificate(&self, text: &[u8]) -> Vec<u8> {
        // The id that everybody uses who has none of their own (GM/T 0009).
        self.signature(&RSA_PKCS1_SHA256, "1234567812345678", text)
    }

    fn signature(&self, rsa: &'static dyn RsaEncoding, id: &str, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa, &SystemRandom::new(), text, &mut signature)
                    .expect("there is room for the salt in 2048 bits");
                signature
            }
            Self::Sm2(key) => {
                let key = SigningKey::new(id, key).expect("an id of 32 characters is short enough");
                let signature: Signature = key.sign(text);
                AsRef::<[u8]>::as_ref(&signature.to_der()).to_vec()
            }
        }
    }
}
