//! What the matrix is made with: a gateway, a good token of its own, and keys to sign others.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use wxgate::config;
use wxgate::service::signing_keys::Ring;

use crate::support::app::TestApp;

/// A gateway, a good token of its own, and the keys to make others.
pub(super) struct Stage {
    pub(super) app: TestApp,
    pub(super) token: String,
    pub(super) header: Value,
    pub(super) claims: Value,
    pub(super) ours: Arc<Ring>,
    /// The ring of the algorithm that is not configured.
    pub(super) others: Arc<Ring>,
    pub(super) attacker: EncodingKey,
    pub(super) attacker_x: String,
}

/// Names and tokens.
#[derive(Default)]
pub(super) struct Cases(pub(super) Vec<(String, String)>);

impl Cases {
    pub(super) fn add(&mut self, name: impl Into<String>, token: impl Into<String>) {
        self.0.push((name.into(), token.into()));
    }
}

impl Stage {
    pub(super) async fn set() -> Self {
        let mut app = TestApp::builder().spawn().await;
        let token = app.log_in(&app.code("ann").await).await.ok().member("token");
        app.stop().await;
        let ours = app.signing_keys().await.load_full();
        app.reconfigure(|config| config.auth.algorithm = config::Algorithm::Hs256);
        let others = app.signing_keys().await.load_full();
        app.reconfigure(|config| config.auth.algorithm = config::Algorithm::EdDsa);
        app.start().await;
        let mut parts = token.split('.').map(decoded);
        let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
        let attacker = Ed25519KeyPair::generate().unwrap();
        Self {
            app,
            token,
            header: serde_json::from_slice(&header).unwrap(),
            claims: serde_json::from_slice(&claims).unwrap(),
            ours,
            others,
            attacker: EncodingKey::from_ed_der(attacker.to_pkcs8v1().unwrap().as_ref()),
            attacker_x: BASE64.encode(attacker.public_key()),
        }
    }

    pub(super) async fn verify(&self, token: &str) -> bool {
        let body = json!({"token": token});
        let reply = self.app.post_json("/v1/token/verify", &body).await.ok();
        match reply.text.as_str() {
            r#"{"result":true}"# => true,
            r#"{"result":false}"# => false,
            other => panic!("{token}: {other}"),
        }
    }

    /// When the good token was issued, a moment ago.
    pub(super) fn now(&self) -> i64 {
        self.claims["iat"].as_i64().unwrap()
    }

    pub(super) fn parts(&self) -> [&str; 3] {
        let parts: Vec<_> = self.token.split('.').collect();
        parts.try_into().unwrap()
    }

    /// What the gateway itself would sign, if it wrote these.
    pub(super) fn ours(&self, header: &Value, claims: &Value) -> String {
        self.ours_of_texts(&header.to_string(), &claims.to_string())
    }

    pub(super) fn ours_of_texts(&self, header: &str, claims: &str) -> String {
        signed(header, claims, &self.ours.newest().encoding, Algorithm::EdDSA)
    }

    pub(super) fn ours_of_parts(&self, header: &str, claims: &str) -> String {
        signed_parts(header, claims, &self.ours.newest().encoding, Algorithm::EdDSA)
    }

    pub(super) fn attackers(&self, header: &Value, claims: &Value) -> String {
        signed(
            &header.to_string(),
            &claims.to_string(),
            &self.attacker,
            Algorithm::EdDSA,
        )
    }

    pub(super) fn with_claim(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims.clone();
        claims[name] = value;
        self.ours(&self.header, &claims)
    }

    pub(super) fn header_with(&self, name: &str, value: Value) -> Value {
        let mut header = self.header.clone();
        header[name] = value;
        header
    }

    pub(super) fn header_without(&self, name: &str) -> Value {
        let mut header = self.header.clone();
        header.as_object_mut().unwrap().remove(name);
        header
    }
}

pub(super) fn signed(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    signed_parts(&BASE64.encode(header), &BASE64.encode(claims), key, algorithm)
}

fn signed_parts(header: &str, claims: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{header}.{claims}");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

pub(super) fn part(value: &Value) -> String {
    BASE64.encode(value.to_string())
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64.decode(part).unwrap()
}
