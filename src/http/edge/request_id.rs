//! The id that joins a request, its answer and its log lines. Not a secret, and not unique if the client chose it.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest};

/// Where it is read and written.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;

/// The id of a request, in the request's extensions.
///
/// It is kept as a header value, which every answer needs and which is cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id the client chose, if it is 1 to 64 of `[A-Za-z0-9._-]`, else a random one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        match headers.get(X_REQUEST_ID) {
            Some(value) if is_valid(value.as_bytes()) => Self(value.clone()),
            _ => Self::random(),
        }
    }

    /// Sixteen random hex digits.
    #[must_use]
    pub fn random() -> Self {
        let digits = rand::random::<[u8; 8]>();
        let mut text = vec![0; 16];
        // The buffer has the right length, and hex digits are always a header value.
        let _ = hex::encode_to_slice(digits, &mut text);
        Self(HeaderValue::from_maybe_shared(Bytes::from(text)).unwrap_or(HeaderValue::from_static("-")))
    }

    /// The id of this request as text, if it has one.
    #[must_use]
    pub fn text_of(request: &HttpRequest) -> Option<String> {
        let extensions = request.extensions();
        extensions.get::<Self>().map(|id| id.as_str().to_owned())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }

    /// As a header value.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn is_valid(text: &[u8]) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &'static str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static(value));
        RequestId::of(&headers)
    }

    #[test]
    fn only_plain_ids_are_taken_over() {
        assert_eq!(of("Az09._-").as_str(), "Az09._-");
        for bad in [
            "",
            " ",
            "a b",
            "a\"b",
            "a/b",
            "a{b}",
            "0123456789012345678901234567890123456789012345678901234567890123x",
        ] {
            let id = of(bad);
            assert_ne!(id.as_str(), bad);
            assert_eq!(id.as_str().len(), 16);
            assert!(id.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
        }
        assert_ne!(RequestId::random(), RequestId::random());
    }
}
