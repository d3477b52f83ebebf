//! The files of the site: `static_dir` on disk first, then the pages compiled in. No routes, no API, no directory listings.

mod disk;
mod embedded;
mod headers;
mod path;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode, web};

use embedded::Embedded;
use path::SitePath;

pub use headers::content_security_policy;

/// Pages and scripts as the site serves them. Cloning shares everything.
///
/// Making one reads nothing, so that it costs nothing at start-up: the folder is looked at for each request (an
/// operator may drop a file in while we run), compiled-in files are compressed when they are first asked for.
///
/// Limits: a compiled-in file that browsers already keep under its versioned path is not replaced there by one put
/// into the folder later, until they reload past their cache or the program's own files change.
///
/// # As the default service
///
/// ```
/// use actix_web::http::Method;
/// use actix_web::{App, HttpRequest, HttpResponse, web};
/// use wxgate::assets::Assets;
///
/// async fn fallback(assets: web::Data<Assets>, request: HttpRequest) -> HttpResponse {
///     if matches!(*request.method(), Method::GET | Method::HEAD)
///         && let Some(found) = assets.serve(request.path(), request.headers()).await
///     {
///         return found;
///     }
///     HttpResponse::NotFound().finish() // the caller's own 404 or 405
/// }
///
/// let assets = web::Data::new(Assets::new(Some("static".into()), "'self'"));
/// let app = App::new().app_data(assets).default_service(web::to(fallback));
/// ```
#[derive(Clone)]
pub struct Assets(Arc<Site>);

struct Site {
    folder: Option<PathBuf>,
    embedded: Embedded,
    /// The policy of pages that may stand in a frame, and of those that may not.
    framed: HeaderValue,
    unframed: HeaderValue,
}

/// A file that was found, with what the answer must say about it.
struct Found {
    bytes: Bytes,
    etag: String,
    content_type: &'static str,
    gzip: bool,
    /// Whether another encoding of the same file exists, so that caches keep them apart.
    varies: bool,
    immutable: bool,
}

impl Assets {
    /// A site with `folder` in front of the compiled-in pages. A folder that does not exist is an empty one.
    /// `frame_ancestors` is the source list of that CSP directive, for example `'self'`, for the pages a mini
    /// program's or the simulator's web view may show; the administration is never framed.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, frame_ancestors: &str) -> Self {
        let site = Site {
            folder,
            embedded: Embedded::default(),
            framed: headers::policy(frame_ancestors),
            unframed: headers::policy("'none'"),
        };
        Self(Arc::new(site))
    }

    /// The answer to a GET or HEAD of `path` (still percent-encoded, without the query), or `None` where there is no
    /// such file or the path is not one we accept; the caller then answers as for any unknown path.
    ///
    /// The answer is 200 or 304 and carries `ETag`, `Cache-Control`, `Content-Type`, `nosniff` and, for HTML, the
    /// content security policy. Files on disk go out byte for byte. actix leaves the body out for HEAD by itself.
    pub async fn serve(&self, path: &str, request: &HeaderMap) -> Option<HttpResponse> {
        let path = SitePath::parse(path)?;
        let gzip = headers::accepts_gzip(request);
        let site = Arc::clone(&self.0);
        // Reading, hashing and the first compression of a file would hold up the worker's other requests.
        let (path, found) = web::block(move || {
            let found = site.find(&path, gzip);
            (path, found)
        })
        .await
        .ok()?;
        Some(self.0.answer(&path, found?, request))
    }
}

impl Site {
    fn find(&self, path: &SitePath, gzip: bool) -> Option<Found> {
        let content_type = headers::content_type(&path.file);
        if let Some(bytes) = self
            .folder
            .as_deref()
            .and_then(|folder| disk::read(folder, &path.file))
        {
            let etag = headers::etag(&bytes);
            // Never immutable, whatever the path says: the version in it is that of the compiled-in files.
            return Some(Found {
                bytes: bytes.into(),
                etag,
                content_type,
                gzip: false,
                varies: false,
                immutable: false,
            });
        }
        self.embedded.find(path, content_type, gzip)
    }

    fn answer(&self, path: &SitePath, found: Found, request: &HeaderMap) -> HttpResponse {
        let known = headers::has_etag(request, &found.etag);
        let mut answer = HttpResponseBuilder::new(if known {
            StatusCode::NOT_MODIFIED
        } else {
            StatusCode::OK
        });
        answer
            .insert_header((header::ETAG, found.etag))
            .insert_header((
                header::CACHE_CONTROL,
                if found.immutable {
                    headers::IMMUTABLE
                } else {
                    "no-cache"
                },
            ))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if found.varies {
            answer.insert_header((header::VARY, "Accept-Encoding"));
        }
        if found.content_type == headers::HTML {
            let unframed = path.file.starts_with("admin/");
            let policy = if unframed { &self.unframed } else { &self.framed };
            answer.insert_header((header::CONTENT_SECURITY_POLICY, policy.clone()));
        }
        if known {
            return answer.finish();
        }
        if found.gzip {
            answer.insert_header((header::CONTENT_ENCODING, "gzip"));
        }
        answer
            .insert_header((header::CONTENT_TYPE, found.content_type))
            .body(found.bytes)
    }
}

impl fmt::Debug for Assets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Assets")
            .field("folder", &self.0.folder)
            .finish_non_exhaustive()
    }
}
