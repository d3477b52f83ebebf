//! `/v1/codes`: one-time codes by text message and e-mail. What they are good for afterwards is with the routes that
//! take them.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::contact::Contact;
use crate::http::client_ip::ClientIp;
use crate::http::error::{ApiError, ErrorBody};
use crate::http::extract::Fields;
use crate::service::codes::{KeptCode, Purpose};
use crate::state::State;

/// Who is to get a code, and what for. Either `phone` or `email`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodeBody {
    /// A phone number: `+` and the country's code first; mainland China's may be bare.
    #[schema(example = "13800138000")]
    phone: Option<String>,
    /// An e-mail address.
    email: Option<String>,
    /// `login`, `link`, `register` or `password`.
    #[schema(example = "login")]
    purpose: String,
}

/// Send a one-time code
///
/// The answer is the same whether or not anybody is known by the number or address.
#[utoipa::path(
    tag = "Login",
    request_body = CodeBody,
    responses(
        (status = 204, description = "it was handed over"),
        (status = 400, description = "wrong parameters", body = ErrorBody),
        (status = 429, description = "too many to this target or for this client", body = ErrorBody),
        (status = 503, description = "codes.url is not configured, or the program there did not take it", body = ErrorBody),
    )
)]
#[post("/v1/codes")]
pub(super) async fn send(
    state: web::Data<State>,
    client: ClientIp,
    fields: Fields,
) -> Result<HttpResponse, ApiError> {
    let (target, purpose) = request(fields)?;
    state.codes.send(&target, purpose, client.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn request(mut fields: Fields) -> Result<(Contact, Purpose), ApiError> {
    let target = contact(&mut fields);
    let purpose = fields.parse("purpose", 32);
    fields.finish(target.zip(purpose))
}

/// A phone number or an e-mail address, exactly one of them.
pub(super) fn contact(fields: &mut Fields) -> Option<Contact> {
    match (fields.lacks("phone"), fields.lacks("email")) {
        (false, true) => fields.parse("phone", 64).map(Contact::Phone),
        (true, false) => fields.parse("email", 512).map(Contact::Email),
        _ => fields.problem("exactly one of phone and email is needed".to_owned()),
    }
}

/// A code as a demo shows it.
#[derive(Debug, Serialize)]
struct KeptBody<'a> {
    channel: &'a str,
    target: &'a str,
    code: &'a str,
    purpose: &'a str,
    expires_at: i64,
}

/// The latest codes of a demo, which nobody brings to anybody. No other gateway has this route.
#[get("/demo/codes")]
pub(super) async fn kept(state: web::Data<State>) -> HttpResponse {
    let codes = state.codes.kept().unwrap_or_default();
    let bodies: Vec<_> = codes.iter().map(body).collect();
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .json(bodies)
}

fn body(shown: &KeptCode) -> KeptBody<'_> {
    KeptBody {
        channel: shown.target.channel(),
        target: shown.target.as_str(),
        code: shown.code(),
        purpose: shown.purpose.as_str(),
        expires_at: shown.expires_at.secs(),
    }
}
