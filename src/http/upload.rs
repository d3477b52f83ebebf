//! A file in a multipart form (RFC 7578). What kind of file it is, is not asked here; the name it came with is never read.

use std::time::Duration;

use actix_multipart::{Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, mime};
use futures_util::StreamExt as _;

use super::edge::body::{self, BodyError, Collected};
use super::error::{ApiError, missing};

/// An upload may take so long: two MiB over a bad mobile network. (30 KiB a second and some silence.)
const WITHIN: Duration = Duration::from_mins(1);
/// What a form may have beside its file: boundaries, heads, and fields that nobody asked for.
const BESIDES: usize = 64 * 1024;
/// How many fields a form may have.
const FIELDS: usize = 16;

/// Reads the one file of at most `limit` bytes that the field `name` has. Other fields are read and dropped, because
/// clients such as `wx.uploadFile` may add some.
///
/// # Errors
/// If there is none, or more than one, or it is empty or too large.
pub(super) async fn file(
    request: &HttpRequest,
    payload: Payload,
    name: &str,
    limit: usize,
) -> Result<Bytes, ApiError> {
    if !is_form(request) {
        return Err(ApiError::UnsupportedFile(
            "the Content-Type must be multipart/form-data".to_owned(),
        ));
    }
    body::allow(request, WITHIN);
    read(request, payload, name, limit)
        .await
        .map_err(|error| match error {
            Failure::Body(error) => {
                body::count(request, &error);
                error.into()
            }
            Failure::Form(error) => error,
        })
}

/// Why there is no file.
enum Failure {
    Body(BodyError),
    Form(ApiError),
}

async fn read(request: &HttpRequest, payload: Payload, name: &str, limit: usize) -> Result<Bytes, Failure> {
    let most = limit + BESIDES;
    if body::declared(request.headers()).is_some_and(|length| length > most as u64) {
        return Err(Failure::Body(BodyError::TooLarge { limit }));
    }
    let mut total = 0;
    let counted = payload.into_inner().map(move |chunk| {
        let chunk = chunk?;
        total += chunk.len();
        if total > most {
            Err(PayloadError::Overflow)
        } else {
            Ok(chunk)
        }
    });
    let mut form = Multipart::new(request.headers(), counted);
    let mut file = None;
    let mut fields = 0;
    while let Some(field) = form.next().await {
        let mut field = field.map_err(|error| failure(error, limit))?;
        fields += 1;
        if fields > FIELDS {
            return Err(wrong(format!("the form has more than {FIELDS} fields")));
        }
        if field.name() != Some(name) {
            while let Some(chunk) = field.next().await {
                chunk.map_err(|error| failure(error, limit))?;
            }
            continue;
        }
        if file.is_some() {
            return Err(wrong(format!("{name} is given more than once")));
        }
        let mut collected = Collected::upload(request, limit);
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(|error| failure(error, limit))?;
            collected.push(&chunk).map_err(Failure::Body)?;
        }
        file = Some(collected.finish());
    }
    file.filter(|file| !file.is_empty())
        .ok_or_else(|| wrong(missing(name)))
}

fn wrong(text: String) -> Failure {
    Failure::Form(ApiError::Invalid(vec![text]))
}

fn failure(error: MultipartError, limit: usize) -> Failure {
    match error {
        MultipartError::Payload(PayloadError::Overflow) => Failure::Body(BodyError::TooLarge { limit }),
        MultipartError::Payload(error) => Failure::Body(error.into()),
        _ => wrong("the body is no valid multipart/form-data".to_owned()),
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let kind = request.headers().get(actix_web::http::header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok()?.parse::<mime::Mime>().ok())
        .is_some_and(|kind| kind.essence_str() == mime::MULTIPART_FORM_DATA.essence_str())
}
