//! The pages compiled into the program: their version, and their compressed forms. No disk at run time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, OnceLock, PoisonError};

use actix_web::web::Bytes;
use aws_lc_rs::digest::{Context, SHA256};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::path::{ANY_VERSION, SitePath};
use super::{Found, headers};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Below this, a compressed file saves no packet.
const WORTH_COMPRESSING: usize = 1024;

/// The compiled-in files, with what was worked out about them so far.
#[derive(Default)]
pub(super) struct Embedded {
    version: OnceLock<String>,
    compressed: Mutex<HashMap<String, Bytes>>,
}

impl Embedded {
    pub(super) fn find(&self, path: &SitePath, content_type: &'static str, gzip: bool) -> Option<Found> {
        let file = Files::get(&path.file)?;
        let hash = file.metadata.sha256_hash();
        let bytes = self.body(file, content_type);
        let varies = is_text(content_type) && bytes.len() >= WORTH_COMPRESSING;
        let compressed = if gzip && varies {
            self.compress(&path.file, &bytes)
        } else {
            None
        };
        let gzip = compressed.is_some();
        // A page's own bytes change with the version written into it, so its validator must, too.
        let variant = match (content_type == headers::HTML, gzip) {
            (true, true) => format!("-{}-gz", self.version()),
            (true, false) => format!("-{}", self.version()),
            (false, true) => "-gz".to_owned(),
            (false, false) => String::new(),
        };
        Some(Found {
            etag: headers::etag_of(&hash, &variant),
            bytes: compressed.unwrap_or(bytes),
            content_type,
            gzip,
            varies,
            // Another version is an older page still open somewhere: it gets today's file, and may not keep it.
            immutable: path.version.as_deref() == Some(self.version()),
        })
    }

    /// The file as shipped; in a page, the version stands where the placeholder stood.
    fn body(&self, file: EmbeddedFile, content_type: &str) -> Bytes {
        if content_type == headers::HTML
            && let Ok(text) = str::from_utf8(&file.data)
        {
            let placeholder = format!("/static/{ANY_VERSION}/");
            return text
                .replace(&placeholder, &format!("/static/{}/", self.version()))
                .into();
        }
        match file.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        }
    }

    /// One hash over all names and contents: modules import each other by relative paths, so they change together.
    fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let mut names: Vec<_> = Files::iter().collect();
            names.sort();
            let mut context = Context::new(&SHA256);
            for name in names {
                context.update(name.as_bytes());
                context.update(&[0]);
                if let Some(file) = Files::get(&name) {
                    context.update(&file.metadata.sha256_hash());
                }
            }
            hex::encode(&context.finish().as_ref()[..8])
        })
    }

    /// Compresses once per file; at most as many as there are compiled-in files, so the map stays small.
    fn compress(&self, file: &str, bytes: &Bytes) -> Option<Bytes> {
        let mut done = self.compressed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = done.get(file) {
            return Some(found.clone());
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let compressed = Bytes::from(encoder.write_all(bytes).and_then(|()| encoder.finish()).ok()?);
        done.insert(file.to_owned(), compressed.clone());
        Some(compressed)
    }
}

fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/") || matches!(content_type, "application/json" | "image/svg+xml")
}
