//! The site's files over a real port: what is served, with which headers, and what never is.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use actix_web::http::Method;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wxgate::assets::Assets;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

async fn fallback(assets: web::Data<Assets>, request: HttpRequest) -> HttpResponse {
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && let Some(found) = assets.serve(request.path(), request.headers()).await
    {
        return found;
    }
    HttpResponse::NotFound().body("no such file")
}

/// Starts a site on a port of its own; it ends with the test's runtime.
fn start(folder: Option<PathBuf>) -> SocketAddr {
    let assets = web::Data::new(Assets::new(folder, "'self'"));
    let app = move || {
        App::new()
            .app_data(assets.clone())
            .default_service(web::to(fallback))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
    let address = server.addrs()[0];
    rt::spawn(server.run());
    address
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// Sends the path as it is: a client library would tidy it up first.
async fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
    }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[]).await
}

/// A folder for the site with a secret beside it.
fn folder() -> (TempDir, PathBuf) {
    let outer = TempDir::new().unwrap();
    let site = outer.path().join("site");
    fs::create_dir_all(site.join("docs")).unwrap();
    fs::write(site.join("docs/a.txt"), "a").unwrap();
    fs::write(site.join(".hidden"), "SECRET").unwrap();
    fs::write(outer.path().join("secret.txt"), "SECRET").unwrap();
    (outer, site)
}

fn version_in(page: &str) -> String {
    let at = page.find("/static/").unwrap() + "/static/".len();
    page[at..at + 16].to_owned()
}

#[actix_web::test]
async fn the_page_has_its_policy_and_is_revalidated() {
    let site = start(None);
    let page = get(site, "/").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert_eq!(page.header("content-security-policy"), Some(CSP));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert!(!page.text().contains("/static/HASH/"));

    let etag = page.header("etag").unwrap();
    let again = ask(site, "GET", "/", &[("If-None-Match", etag)]).await;
    assert_eq!(
        (again.status, again.body.len(), again.header("etag")),
        (304, 0, Some(etag))
    );
    let other = ask(site, "GET", "/index.html", &[("If-None-Match", "\"other\"")]).await;
    assert_eq!((other.status, other.body), (200, page.body));
}

#[actix_web::test]
async fn head_tells_the_length_and_sends_nothing() {
    let site = start(None);
    let page = get(site, "/").await;
    let head = ask(site, "HEAD", "/", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(
        head.header("content-length"),
        Some(page.body.len().to_string().as_str())
    );
}

#[actix_web::test]
async fn only_the_current_version_is_kept_for_a_year() {
    let site = start(None);
    let version = version_in(get(site, "/").await.text());
    let current = get(site, &format!("/static/{version}/h5/main.js")).await;
    assert_eq!(
        current.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(
        current.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    for older in [
        "/static/0123456789abcdef/h5/main.js",
        "/static/HASH/h5/main.js",
        "/h5/main.js",
    ] {
        let answer = get(site, older).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (200, Some("no-cache")),
            "{older}"
        );
        assert_eq!(answer.body, current.body, "{older}");
    }
}

#[actix_web::test]
async fn compressed_files_are_the_same_files() {
    let site = start(None);
    let plain = get(site, "/vendor/weui.min.css").await;
    let packed = ask(
        site,
        "GET",
        "/vendor/weui.min.css",
        &[("Accept-Encoding", "br, gzip")],
    )
    .await;
    assert_eq!(
        (packed.header("content-encoding"), packed.header("vary")),
        (Some("gzip"), Some("Accept-Encoding"))
    );
    assert_eq!(
        (plain.header("content-encoding"), plain.header("vary")),
        (None, Some("Accept-Encoding"))
    );
    assert_ne!(packed.header("etag"), plain.header("etag"));
    assert!(packed.body.len() * 5 < plain.body.len());
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain.body);
}

#[actix_web::test]
async fn a_verification_file_is_served_byte_for_byte() {
    let (_outer, folder) = folder();
    let site = start(Some(folder.clone()));
    let path = "/MP_verify_Ab3dEf6hIj9kLm2n.txt";
    assert_eq!(get(site, path).await.status, 404);
    // Dropped in while we run; the bytes are nobody's idea of tidy text.
    for bytes in [
        &b"Ab3dEf6hIj9kLm2n"[..],
        b"\xef\xbb\xbfAb3d\r\n",
        b"/static/HASH/\xff\x00",
        b"",
    ] {
        fs::write(folder.join(&path[1..]), bytes).unwrap();
        let answer = ask(site, "GET", path, &[("Accept-Encoding", "gzip")]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, bytes));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(
            answer.header("content-length"),
            Some(bytes.len().to_string().as_str())
        );
        let etag = answer.header("etag").unwrap().to_owned();
        assert_eq!(
            ask(site, "GET", path, &[("If-None-Match", &etag)]).await.status,
            304
        );
    }
}

#[actix_web::test]
async fn the_folder_comes_first() {
    let (_outer, folder) = folder();
    let site = start(Some(folder.clone()));
    let version = version_in(get(site, "/").await.text());
    fs::write(folder.join("index.html"), "<p>own /static/HASH/</p>").unwrap();
    let own = get(site, "/").await;
    assert_eq!(
        (own.text(), own.header("content-security-policy")),
        ("<p>own /static/HASH/</p>", Some(CSP))
    );

    fs::create_dir(folder.join("h5")).unwrap();
    fs::write(folder.join("h5/main.js"), "own();").unwrap();
    let script = get(site, &format!("/static/{version}/h5/main.js")).await;
    assert_eq!(
        (script.text(), script.header("cache-control")),
        ("own();", Some("no-cache"))
    );

    fs::remove_file(folder.join("index.html")).unwrap();
    assert!(get(site, "/").await.text().contains("id=\"app\""));
}

#[actix_web::test]
async fn the_administration_is_never_framed() {
    let (_outer, folder) = folder();
    fs::create_dir(folder.join("admin")).unwrap();
    fs::write(folder.join("admin/index.html"), "<p>admin</p>").unwrap();
    let page = get(start(Some(folder)), "/admin/").await;
    let policy = CSP.replace("frame-ancestors 'self'", "frame-ancestors 'none'");
    assert_eq!(page.header("content-security-policy"), Some(policy.as_str()));
}

#[actix_web::test]
async fn a_missing_folder_is_an_empty_one() {
    let site = start(Some("/nowhere/at/all".into()));
    assert_eq!(get(site, "/").await.status, 200);
    assert_eq!(get(site, "/MP_verify_x.txt").await.status, 404);
}

#[actix_web::test]
async fn nothing_outside_the_folder_is_served() {
    let (outer, folder) = folder();
    let absolute = outer.path().join("secret.txt").display().to_string();
    let site = start(Some(folder));
    let mut paths: Vec<String> = [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/%2E%2E/secret.txt",
        "/..%2fsecret.txt",
        "/..%2Fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/docs/..%5c..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "/%252e%252e%252fsecret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/..%00/secret.txt",
        "/../secret.txt%00.txt",
        "/static/HASH/../secret.txt",
        "/static/HASH/..%2fsecret.txt",
        "/static/0123456789abcdef/../../../secret.txt",
        "//../secret.txt",
        "/./../secret.txt",
        "/....//secret.txt",
        "/.hidden",
        "/%2ehidden",
        "/docs/../.hidden",
        "/static/HASH/.hidden",
        "/docs/./../.hidden",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend([
        format!("/{absolute}"),
        absolute.replace('/', "%2f"),
        format!("/static/HASH/{absolute}"),
    ]);
    for path in paths {
        let path = if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        };
        let answer = get(site, &path).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(!answer.text().contains("SECRET"), "{path}");
    }
}

#[actix_web::test]
async fn folders_are_not_listed_and_large_files_not_read() {
    let (_outer, folder) = folder();
    let large = fs::File::create(folder.join("large.bin")).unwrap();
    large.set_len(8 * 1024 * 1024 + 1).unwrap();
    let site = start(Some(folder));
    for path in ["/docs", "/docs/", "/h5", "/h5/pages/", "/static/", "/large.bin"] {
        assert_eq!(get(site, path).await.status, 404, "{path}");
    }
    assert_eq!(get(site, "/docs/a.txt").await.text(), "a");
}

#[cfg(unix)]
#[actix_web::test]
async fn links_are_followed_inside_the_folder_only() {
    use std::os::unix::fs::symlink;
    let (outer, folder) = folder();
    symlink(outer.path().join("secret.txt"), folder.join("leak.txt")).unwrap();
    symlink(outer.path(), folder.join("up")).unwrap();
    // As a mounted configuration map looks: the file is a link into a hidden folder beside it.
    fs::create_dir(folder.join("..data")).unwrap();
    fs::write(folder.join("..data/MP_verify_x.txt"), "x").unwrap();
    symlink("..data/MP_verify_x.txt", folder.join("MP_verify_x.txt")).unwrap();
    let site = start(Some(folder));
    assert_eq!(get(site, "/leak.txt").await.status, 404);
    assert_eq!(get(site, "/up/secret.txt").await.status, 404);
    assert_eq!(get(site, "/MP_verify_x.txt").await.text(), "x");
}

/// The compiler notices changed files, but not always new ones; then this says what to do.
#[actix_web::test]
async fn every_file_of_the_site_is_compiled_in() {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, into);
            } else {
                into.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let site = start(None);
    for file in files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap();
        let answer = get(site, &format!("/{name}")).await;
        assert_eq!(
            answer.status, 200,
            "{name} is new: touch src/assets/embedded.rs and build again"
        );
        assert!(
            Path::new(name).extension().is_some_and(|end| end == "html")
                || answer.body == fs::read(&file).unwrap(),
            "{name}"
        );
    }
}
