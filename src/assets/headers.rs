//! What an answer says about a file, and what a request says about answers. Pure text work, no files.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_NONE_MATCH};
use aws_lc_rs::digest::{SHA256, digest};

pub(super) const HTML: &str = "text/html; charset=utf-8";

/// For paths that carry the version of their content.
pub(super) const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// The content security policy of our pages. `data:` is there because `WeUI` draws its icons as data masks; everything
/// else comes from the same origin, and nothing is ever evaluated from text.
#[must_use]
pub fn content_security_policy(frame_ancestors: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
         font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {frame_ancestors}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// The policy as a header. A source list that could end its directive, or is empty, allows nobody.
pub(super) fn policy(frame_ancestors: &str) -> HeaderValue {
    let harmless = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b';' | b',');
    let given = frame_ancestors.trim();
    let usable = !given.is_empty() && given.bytes().all(harmless);
    if !usable {
        tracing::warn!("server.frame_ancestors is not a source list; no page may be framed");
    }
    let text = content_security_policy(if usable { given } else { "'none'" });
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
}

/// The type of a file by its name. A short list of what sites are made of; everything else is bytes.
pub(super) fn content_type(file: &str) -> &'static str {
    let extension = file
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => HTML,
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "toml" => "application/toml",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "pdf" => "application/pdf",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

/// A strong validator made of the bytes themselves, so that copies and restarts do not change it.
pub(super) fn etag(bytes: &[u8]) -> String {
    etag_of(digest(&SHA256, bytes).as_ref(), "")
}

/// The validator of content with this hash; `variant` tells encodings of the same content apart.
pub(super) fn etag_of(hash: &[u8], variant: &str) -> String {
    format!("\"{}{variant}\"", hex::encode(&hash[..hash.len().min(16)]))
}

/// Whether the client has this version. Compared weakly, as RFC 9110 has it for `If-None-Match`: proxies that
/// compress turn validators into weak ones.
pub(super) fn has_etag(request: &HeaderMap, etag: &str) -> bool {
    let texts = request
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == etag)
}

/// Whether the client takes gzip: it names it, and not with a weight of zero.
pub(super) fn accepts_gzip(request: &HeaderMap) -> bool {
    let texts = request
        .get_all(ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, "q=1"));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|weight| weight.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::{accepts_gzip, content_type, has_etag, policy};
    use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn types_follow_the_last_extension() {
        assert_eq!(content_type("MP_verify_x.txt"), "text/plain; charset=utf-8");
        assert_eq!(content_type("a.b/c"), "application/octet-stream");
        assert_eq!(content_type("A.HTML"), super::HTML);
    }

    #[test]
    fn validators_are_compared_weakly() {
        assert!(has_etag(&with(IF_NONE_MATCH, "\"a\", W/\"b\""), "\"b\""));
        assert!(has_etag(&with(IF_NONE_MATCH, "*"), "\"b\""));
        assert!(!has_etag(&with(IF_NONE_MATCH, "\"bb\""), "\"b\""));
        assert!(!has_etag(&HeaderMap::new(), "\"b\""));
    }

    #[test]
    fn gzip_must_be_wanted() {
        assert!(accepts_gzip(&with(ACCEPT_ENCODING, "br, gzip;q=0.5")));
        assert!(!accepts_gzip(&with(ACCEPT_ENCODING, "br, gzip;q=0")));
        assert!(!accepts_gzip(&with(ACCEPT_ENCODING, "identity")));
    }

    #[test]
    fn a_source_list_cannot_open_the_policy() {
        for bad in ["", "  ", "'self'; script-src *", "a, b", "a\r\nx: y", "例"] {
            assert!(
                policy(bad).to_str().unwrap().contains("frame-ancestors 'none';"),
                "{bad}"
            );
        }
        assert!(
            policy("'self' https://a.example")
                .to_str()
                .unwrap()
                .contains("frame-ancestors 'self' https://a.example;")
        );
    }
}
