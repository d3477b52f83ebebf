//! The signed and encrypted mode of the API, on the platform's side (服务端 API 签名加密): an app's settings and keys. Calls
//! are opened and answers sealed in `exchange`; `symmetric` and `keys` are the cryptography.

mod certificate;
pub(crate) mod exchange;
pub(crate) mod keys;
pub(crate) mod symmetric;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use keys::{PrivateKey, PublicKey, Signer};
use symmetric::SymmetricKey;

/// Whether an app's calls may or must be made in this mode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// The app has no keys, as far as calls can tell.
    Off,
    /// Plain calls are served too.
    #[default]
    Optional,
    /// Plain calls of the APIs that know this mode are refused.
    Required,
}

/// An app's settings and keys.
#[derive(Clone)]
pub(crate) struct ApiSecurity {
    /// Whether calls may or must be made so.
    pub(crate) mode: Mode,
    /// The key that both sides have (API 对称密钥).
    pub(crate) symmetric: Option<Arc<SymmetricKey>>,
    /// The app's key, which its calls are signed with (API 非对称密钥).
    pub(crate) public: Option<Arc<PublicKey>>,
    /// The platform's key, which answers are signed with (平台证书).
    pub(crate) platform: Arc<PlatformKey>,
    /// The one before, while one takes the other's place.
    pub(crate) deprecated: Option<Arc<PlatformKey>>,
}

/// A key of the platform's with its certificate.
pub(crate) struct PlatformKey {
    /// The number that the console shows, which is not the one in the certificate.
    pub(crate) number: String,
    /// The certificate in PEM.
    pub(crate) certificate: String,
    key: PrivateKey,
}

impl PlatformKey {
    /// A new key with a certificate that it signs itself, which names the app.
    pub(crate) fn generate(signer: Signer, app_id: &str) -> Self {
        let key = PrivateKey::generate(signer);
        Self {
            number: keys::number(),
            certificate: certificate::of(&key, app_id),
            key,
        }
    }

    /// What kind of key it is.
    pub(crate) fn signer(&self) -> Signer {
        self.key.signer()
    }
}

impl fmt::Debug for ApiSecurity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The keys are secrets.
        formatter
            .debug_struct("ApiSecurity")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// Where and when a body is sent: what is bound to it.
#[derive(Debug, Clone, Copy)]
struct Binding<'a> {
    /// Scheme, host and path.
    url: &'a str,
    app_id: &'a str,
    /// The header `Wechatmp-TimeStamp`.
    timestamp: &'a str,
}

impl Binding<'_> {
    /// What is authenticated together with the encrypted data.
    fn associated(self, key: &SymmetricKey) -> String {
        format!("{}|{}|{}|{}", self.url, self.app_id, self.timestamp, key.number)
    }

    /// What is signed, for a body byte for byte.
    fn signed(self, body: &[u8]) -> Vec<u8> {
        let head = format!("{}\n{}\n{}\n", self.url, self.app_id, self.timestamp);
        [head.as_bytes(), body].concat()
    }
}
