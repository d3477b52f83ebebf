//! `/.well-known/jwks.json`: the public keys with which other programs verify our tokens.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::State;

/// A set of keys (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JwksBody<'a> {
    keys: Vec<JwkBody<'a>>,
}

/// An Ed25519 key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JwkBody<'a> {
    kty: &'a str,
    crv: &'a str,
    x: &'a str,
    kid: &'a str,
    r#use: &'a str,
    alg: &'a str,
}

/// The keys that verify our tokens
///
/// Empty if `auth.algorithm` is HS256.
#[utoipa::path(tag = "Login", responses((status = 200, body = JwksBody)))]
#[get("/.well-known/jwks.json")]
pub(super) async fn keys(state: web::Data<State>) -> HttpResponse {
    let keys = state.tokens.public_keys().into_iter();
    let keys = keys.map(|(kid, x)| JwkBody {
        kty: "OKP",
        crv: "Ed25519",
        x,
        kid,
        r#use: "sig",
        alg: "EdDSA",
    });
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")))
        .json(JwksBody { keys: keys.collect() })
}
