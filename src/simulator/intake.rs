//! Takes in the body of a call: whole and short, or a form whose files are counted and hashed while they pass. What is
//! done with it is asked elsewhere.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::{Bytes, BytesMut, Payload};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse};
use aws_lc_rs::digest;
use futures_util::StreamExt as _;
use serde_json::{Map, Value, json};

use super::content::{Content, MOST_HELD};

/// Bytes of a form.
const MOST_FORM: u64 = 256 * 1_024 * 1_024;
/// Parts of a form.
const MOST_PARTS: usize = 20;

/// What was sent as multipart/form-data.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<Part>);

/// One part of a form.
#[derive(Debug)]
pub(crate) struct Part {
    name: String,
    /// The name of the file, if it is one.
    pub(crate) filename: Option<String>,
    content_type: Option<String>,
    /// What is in it; of a long one the beginning.
    pub(crate) content: Content,
    /// The SHA-256 of all of it.
    pub(crate) sha256: String,
}

impl Form {
    /// The first part of this name.
    pub(crate) fn part(&self, name: &str) -> Option<&Part> {
        self.0.iter().find(|part| part.name == name)
    }

    /// What the call log shows: files as their names, lengths and hashes.
    pub(crate) fn noted(&self) -> Value {
        let note = |part: &Part| match part.filename {
            Some(_) => json!({
                "filename": part.filename,
                "content_type": part.content_type,
                "bytes": part.content.len(),
                "sha256": part.sha256,
            }),
            None => String::from_utf8_lossy(part.content.head()).into(),
        };
        let parts = self.0.iter().map(|part| (part.name.clone(), note(part)));
        parts.collect::<Map<_, _>>().into()
    }
}

/// The body of a call.
pub(crate) enum Body {
    /// As it is.
    Plain(Bytes),
    /// A form. One that cannot be read has no parts.
    Form(Form),
}

/// Reads the body, or says what is answered to one that is too long.
pub(crate) async fn take(request: &HttpRequest, payload: Payload) -> Result<Body, HttpResponse> {
    if !is_form(request.headers()) {
        let body = Bytes::from_request(request, &mut payload.into_inner()).await;
        return body.map(Body::Plain).map_err(|error| error.error_response());
    }
    match form(request.headers(), payload).await {
        Ok(form) => Ok(Body::Form(form)),
        Err(Broken::TooLong) => Err(HttpResponse::new(StatusCode::PAYLOAD_TOO_LARGE)),
        Err(Broken::Unreadable) => Ok(Body::Form(Form::default())),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

enum Broken {
    TooLong,
    Unreadable,
}

async fn form(headers: &HeaderMap, payload: Payload) -> Result<Form, Broken> {
    let mut parts = Vec::new();
    let mut total = 0;
    let mut multipart = Multipart::new(headers, payload);
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(|_| Broken::Unreadable)?;
        let disposition = field.content_disposition();
        let name = disposition.and_then(|shown| shown.get_name()).unwrap_or_default();
        let (name, filename) = (
            name.to_owned(),
            disposition
                .and_then(|shown| shown.get_filename())
                .map(str::to_owned),
        );
        let content_type = field.content_type().map(ToString::to_string);
        let mut hash = digest::Context::new(&digest::SHA256);
        let (mut held, mut length) = (BytesMut::new(), 0_u64);
        while let Some(piece) = field.next().await {
            let piece = piece.map_err(|_| Broken::Unreadable)?;
            hash.update(&piece);
            length += piece.len() as u64;
            total += piece.len() as u64;
            if total > MOST_FORM {
                return Err(Broken::TooLong);
            }
            held.extend_from_slice(&piece[..piece.len().min(MOST_HELD - held.len())]);
        }
        if parts.len() < MOST_PARTS {
            parts.push(Part {
                name,
                filename,
                content_type,
                content: Content::repeated(held.freeze(), length),
                sha256: hex::encode(hash.finish()),
            });
        }
    }
    Ok(Form(parts))
}
