//! An app's settings of the signed and encrypted mode, as its administrator makes them in the console (API 安全). What is
//! not given is made up.

use std::sync::Arc;

use actix_web::web::{Bytes, Data, Json, Path};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::AdminError;
use super::input::{self, check_id, check_length};
use crate::simulator::api_security::keys::{self, PrivateKey, PublicKey, Signer};
use crate::simulator::api_security::symmetric::{Cipher, SymmetricKey};
use crate::simulator::api_security::{ApiSecurity, Mode, PlatformKey};
use crate::simulator::platform::Platform;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    cipher: Cipher,
    symmetric_key: Option<String>,
    symmetric_sn: Option<String>,
    /// What kind of key is made up for the app.
    #[serde(default)]
    signer: Signer,
    /// The app's own, in PEM.
    public_key: Option<String>,
    private_key_sn: Option<String>,
    /// What kind of key the platform has; as the app's if absent.
    certificate_signer: Option<Signer>,
    /// Keys that the app does not have.
    #[serde(default)]
    without: Vec<Without>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Without {
    SymmetricKey,
    PublicKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Changed {
    mode: Option<Mode>,
    /// The platform gets another key, and goes on signing with the one before as well.
    #[serde(default)]
    rotate: bool,
    /// The one before is not used any more.
    #[serde(default)]
    finish_rotation: bool,
}

/// What a client needs, by the names that its configuration may have.
#[derive(Serialize)]
struct View<'a> {
    mode: Mode,
    cipher: Option<Cipher>,
    #[serde(skip_serializing_if = "Option::is_none")]
    symmetric_key: Option<&'a str>,
    symmetric_sn: Option<&'a str>,
    signer: Option<Signer>,
    public_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    private_key_sn: Option<&'a str>,
    certificate: &'a str,
    certificate_sn: &'a str,
    certificate_signer: Signer,
    deprecated_sn: Option<&'a str>,
}

impl<'a> View<'a> {
    fn of(security: &'a ApiSecurity) -> Self {
        let (symmetric, public) = (security.symmetric.as_deref(), security.public.as_deref());
        let old = security.deprecated.as_deref();
        Self {
            mode: security.mode,
            cipher: symmetric.map(|key| key.cipher),
            symmetric_key: None,
            symmetric_sn: symmetric.map(|key| key.number.as_str()),
            signer: public.map(PublicKey::signer),
            public_key: public.map(|key| key.pem.as_str()),
            private_key: None,
            private_key_sn: public.map(|key| key.number.as_str()),
            certificate: &security.platform.certificate,
            certificate_sn: &security.platform.number,
            certificate_signer: security.platform.signer(),
            deprecated_sn: old.map(|old| old.number.as_str()),
        }
    }
}

fn invalid(text: &str) -> AdminError {
    AdminError::Invalid(text.into())
}

/// Sets everything anew. The answer is the only one that shows the secret keys.
pub(super) async fn replace(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let wanted: Wanted = input::body(&body)?;
    if !platform.world().apps.contains_key(path.as_str()) {
        return Err(AdminError::NotFound("app"));
    }
    let number = |given: Option<String>| {
        let number = given.unwrap_or_else(keys::number);
        check_id("each number", &number).map(|()| number)
    };
    let base64 = wanted.symmetric_key.unwrap_or_else(|| wanted.cipher.generate());
    check_length("symmetric_key", &base64, 64)?;
    let symmetric = SymmetricKey::new(wanted.cipher, &base64, number(wanted.symmetric_sn)?);
    let symmetric = symmetric
        .ok_or_else(|| invalid("symmetric_key is base64 of 32 bytes for AES256_GCM, of 16 for SM4_GCM"))?;
    let made = match wanted.public_key {
        Some(_) => None,
        None => Some(PrivateKey::generate(wanted.signer)),
    };
    let pem = wanted
        .public_key
        .or_else(|| made.as_ref().map(PrivateKey::public_pem))
        .unwrap_or_default();
    check_length("public_key", &pem, 4_096)?;
    let public = PublicKey::new(&pem, number(wanted.private_key_sn)?)
        .ok_or_else(|| invalid("public_key is one of RSA or SM2 in PEM: -----BEGIN PUBLIC KEY-----…"))?;
    let signer = wanted.certificate_signer.unwrap_or(public.signer());
    let has = |key| !wanted.without.contains(&key);
    let security = ApiSecurity {
        mode: wanted.mode,
        symmetric: has(Without::SymmetricKey).then(|| Arc::new(symmetric)),
        public: has(Without::PublicKey).then(|| Arc::new(public)),
        platform: Arc::new(PlatformKey::generate(signer, &path)),
        deprecated: None,
    };
    let view = json!(View {
        symmetric_key: Some(&base64),
        private_key: made.as_ref().map(PrivateKey::pem),
        ..View::of(&security)
    });
    let mut world = platform.world();
    let app = world
        .apps
        .get_mut(path.as_str())
        .ok_or(AdminError::NotFound("app"))?;
    app.api_security = Some(security);
    Ok(Json(view))
}

/// Changes the mode, or the platform's key.
pub(super) async fn change(
    platform: Data<Platform>,
    path: Path<String>,
    body: Bytes,
) -> Result<Json<Value>, AdminError> {
    let changed: Changed = input::body(&body)?;
    let mut world = platform.world();
    let app = world
        .apps
        .get_mut(path.as_str())
        .ok_or(AdminError::NotFound("app"))?;
    let security = app.api_security.as_mut();
    let security = security.ok_or(AdminError::NotFound("api_security"))?;
    security.mode = changed.mode.unwrap_or(security.mode);
    if changed.finish_rotation {
        security.deprecated = None;
    }
    if changed.rotate {
        let new = PlatformKey::generate(security.platform.signer(), &path);
        security.deprecated = Some(std::mem::replace(&mut security.platform, Arc::new(new)));
    }
    Ok(Json(json!(View::of(security))))
}

/// What is set, without the secret keys.
pub(super) async fn show(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let world = platform.world();
    let app = world.apps.get(path.as_str()).ok_or(AdminError::NotFound("app"))?;
    let security = app.api_security.as_ref();
    let security = security.ok_or(AdminError::NotFound("api_security"))?;
    Ok(Json(json!(View::of(security))))
}

/// Nothing is set any more.
pub(super) async fn remove(platform: Data<Platform>, path: Path<String>) -> Result<Json<Value>, AdminError> {
    let mut world = platform.world();
    let app = world
        .apps
        .get_mut(path.as_str())
        .ok_or(AdminError::NotFound("app"))?;
    app.api_security = None;
    Ok(Json(json!({"ok": true})))
}
