//! `/.well-known/jwks.json`: the public keys with which other programs verify our tokens.

use actix_web::http::header::{CACHE_CONTROL, ETag, EntityTag, Header as _, HeaderValue, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::State;

/// A key is published ten minutes before it signs, so a copy that is half as old as that has it in time.
const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=300");

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
/// A new key is here 10 minutes before it signs, an old one until its last token has ended. Empty if
/// `auth.algorithm` is HS256.
#[utoipa::path(
    tag = "Login",
    responses(
        (status = 200, description = "the keys; good for 5 minutes", body = JwksBody),
        (status = 304, description = "they are those of If-None-Match"),
    )
)]
#[get("/.well-known/jwks.json")]
pub(super) async fn keys(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let keys = state.tokens.public_keys();
    // What belongs to a kid never changes.
    let kids: Vec<_> = keys.iter().map(|(kid, _)| kid.as_str()).collect();
    let tag = EntityTag::new_strong(kids.join("."));
    let mut response = if is_known(&request, &tag) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((CACHE_CONTROL, CACHEABLE))
        .insert_header(ETag(tag.clone()));
    if is_known(&request, &tag) {
        return response.finish();
    }
    let keys = keys.iter().map(|(kid, x)| JwkBody {
        kty: "OKP",
        crv: "Ed25519",
        x,
        kid,
        r#use: "sig",
        alg: "EdDSA",
    });
    response.json(JwksBody { keys: keys.collect() })
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}
