//! `[apps.api_security]`: the keys of an app whose calls of WeChat's API are encrypted and signed.

use secrecy::ExposeSecret as _;

use super::reader::Reader;
use crate::domain::api_security::{
    BadKey, Certificate, Cipher, Keys, Path, Paths, PrivateKey, Signer, SymmetricKey, is_number,
};

/// `[apps.api_security]`: an app in the signed and encrypted mode. (服务端 API 签名加密)
#[derive(Debug, Clone)]
pub struct ApiSecurity {
    /// Its keys.
    pub keys: Keys,
    /// The APIs that are called in this mode.
    pub paths: Paths,
}

impl ApiSecurity {
    /// The keys at `at`, all of which must be there; nothing if none of them is.
    pub(super) fn read(reader: &mut Reader<'_>, at: &str) -> Option<Self> {
        let key = |name: &str| format!("{at}.{name}");
        let ciphers = [("AES256_GCM", Cipher::Aes256), ("SM4_GCM", Cipher::Sm4)];
        let signers = [("RSA", Signer::Rsa), ("SM2", Signer::Sm2)];
        let secrets = ["symmetric_key", "private_key", "certificate"].map(|name| {
            let secret = reader.secret(&key(name));
            secret.filter(|secret| !secret.expose_secret().trim().is_empty())
        });
        let numbers = ["symmetric_sn", "private_key_sn", "certificate_sn"].map(|name| {
            let number = reader.optional_text(&key(name));
            number.filter(|number| !number.is_empty())
        });
        let cipher = reader.optional_choice(&key("cipher"), &ciphers);
        let signer = reader.optional_choice(&key("signer"), &signers);
        let also = reader.list(&key("also"));
        let given = [
            secrets.iter().any(Option::is_some),
            numbers.iter().any(Option::is_some),
            ALL.iter().any(|name| reader.is_unreadable(&key(name))),
            cipher.is_some() || signer.is_some() || !also.is_empty(),
        ];
        if !given.contains(&true) {
            return None;
        }
        let paths = paths(reader, &key("also"), &also);
        let [symmetric_key, private_key, certificate] = secrets;
        let [symmetric_sn, private_key_sn, certificate_sn] = numbers;
        let symmetric_sn = number(reader, &key("symmetric_sn"), symmetric_sn);
        let private_key_sn = number(reader, &key("private_key_sn"), private_key_sn);
        let certificate_sn = number(reader, &key("certificate_sn"), certificate_sn);
        // A key can be read whether or not its number is there.
        let of = |number: &Option<String>| number.clone().unwrap_or_else(|| "0".to_owned());
        let symmetric = made(reader, &key("symmetric_key"), symmetric_key, |text| {
            SymmetricKey::new(cipher.unwrap_or(Cipher::Aes256), text, &of(&symmetric_sn))
        });
        let private = made(reader, &key("private_key"), private_key, |pem| {
            PrivateKey::new(signer.unwrap_or(Signer::Rsa), pem, &of(&private_key_sn))
        });
        let certificate = made(reader, &key("certificate"), certificate, |pem| {
            Certificate::new(pem.expose_secret(), &of(&certificate_sn))
        });
        let keys = Keys {
            symmetric: symmetric?,
            private: private?,
            certificate: certificate?,
        };
        Some(Self { keys, paths })
    }
}

const ALL: [&str; 9] = [
    "symmetric_key",
    "symmetric_sn",
    "cipher",
    "private_key",
    "private_key_sn",
    "signer",
    "certificate",
    "certificate_sn",
    "also",
];

fn paths(reader: &mut Reader<'_>, path: &str, also: &[String]) -> Paths {
    let mut more = Vec::new();
    for text in also {
        match text.parse::<Path>() {
            Ok(found) => more.push(found),
            Err(rule) => reader.problem(path, format!("has {text:?}; {rule}")),
        }
    }
    Paths::with(more)
}

fn number(reader: &mut Reader<'_>, path: &str, number: Option<String>) -> Option<String> {
    let Some(number) = number else {
        return reader.wrong(path, "is missing; the console shows it beside the key");
    };
    if is_number(&number) {
        return Some(number);
    }
    reader.wrong(path, "must be 1 to 64 letters and digits")
}

fn made<S, T>(
    reader: &mut Reader<'_>,
    path: &str,
    given: Option<S>,
    make: impl FnOnce(&S) -> Result<T, BadKey>,
) -> Option<T> {
    let Some(given) = given else {
        return reader.wrong(path, "is missing");
    };
    match make(&given) {
        Ok(key) => Some(key),
        Err(bad) => reader.wrong(path, bad.to_string()),
    }
}
