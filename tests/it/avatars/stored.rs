//! Where pictures are, how they are handed out, and when they go.

use std::path::Path;

use image::ImageFormat;
use reqwest::Method;

use super::files::{encode, quadrants};
use super::{avatar_of_only_user, form, log_in, paths, send, show, upload};
use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::mongo::Mongod;
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(
    a_picture_replaces_the_one_before,
    the_same_file_twice_is_one_picture,
    uploads_at_once_leave_one_picture,
    a_deletion_that_fails_keeps_no_other_waiting,
    a_picture_outlives_a_restart,
    a_folder_holds_the_pictures,
);

fn picture(side: u32) -> Vec<u8> {
    encode(&quadrants(side, side), ImageFormat::Png)
}

async fn a_picture_replaces_the_one_before(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let old = upload(&app, &token, &picture(20)).await.ok().json();
    let new = upload(&app, &token, &picture(30)).await.ok().json();
    assert_eq!(avatar_of_only_user(&app).await.as_deref(), new["url"].as_str());
    for path in paths(&old) {
        assert_eq!(show(&app, &path).await.status, 404, "{path}");
    }
    for path in paths(&new) {
        assert_eq!(show(&app, &path).await.status, 200, "{path}");
    }
    assert_eq!(app.stored().count("media").await, 3);
}

async fn the_same_file_twice_is_one_picture(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let first = upload(&app, &token, &picture(20)).await.ok().text;
    assert_eq!(upload(&app, &token, &picture(20)).await.ok().text, first);
    assert_eq!(app.stored().count("media").await, 3);
    // Another user's is another picture: whose it is decides when it goes.
    let other = log_in(&app, "bob").await;
    assert_ne!(upload(&app, &other, &picture(20)).await.ok().text, first);
    assert_eq!(app.stored().count("media").await, 6);
}

async fn uploads_at_once_leave_one_picture(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let files: Vec<_> = (0..12).map(|number| picture(20 + number % 4)).collect();
    let uploads = files.iter().map(|file| upload(&app, &token, file));
    for reply in futures_util::future::join_all(uploads).await {
        reply.ok();
    }
    let kept = avatar_of_only_user(&app).await.unwrap();
    assert_eq!(show(&app, &kept).await.status, 200);
    assert_eq!(app.stored().count("media").await, 3);
}

async fn a_picture_outlives_a_restart(app: Builder) {
    let mut app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let body = upload(&app, &token, &picture(20)).await.ok().json();
    let before = show(&app, body["url"].as_str().unwrap()).await.bytes;
    app.restart().await;
    let after = show(&app, body["url"].as_str().unwrap()).await;
    assert_eq!((after.status, after.bytes), (200, before));
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn a_folder_holds_the_pictures(app: Builder) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/media");
    let app = app.set("media.dir", dir.to_str().unwrap()).spawn().await;
    let token = log_in(&app, "ann").await;
    upload(&app, &token, b"nonsense")
        .await
        .refused(415, 10001, "POST /v1/user/avatar");
    assert!(!dir.exists());
    upload(&app, &token, &picture(20)).await.ok();
    let body = upload(&app, &token, &picture(30)).await.ok().json();
    let paths = paths(&body);
    let mut expected: Vec<_> = paths
        .iter()
        .map(|path| path["/avatars/".len()..].to_owned())
        .collect();
    expected.sort();
    assert_eq!(names(&dir), expected);
    for path in &paths {
        let shown = show(&app, path).await;
        let file = std::fs::read(dir.join(&path["/avatars/".len()..])).unwrap();
        assert_eq!((shown.status, shown.bytes), (200, file));
    }
    for record in app.stored().texts("media").await {
        assert!(!record.contains("\"data\""), "{record}");
    }
    // What else is in the folder is nobody's business.
    std::fs::write(dir.join("secret.jpg"), "secret").unwrap();
    std::fs::write(folder.path().join("deep/up.jpg"), "secret").unwrap();
    for path in [
        "/avatars/secret.jpg",
        "/avatars/../up.jpg",
        "/avatars/..%2fup.jpg",
        "/avatars/%2e%2e/up.jpg",
    ] {
        let reply = app.get_raw(path).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_given_to_a_file_is_never_used() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("media");
    let app = TestApp::builder()
        .set("media.dir", dir.to_str().unwrap())
        .spawn()
        .await;
    let token = log_in(&app, "ann").await;
    let file = picture(20);
    for (name, kind) in [
        ("../../evil.html", "text/html"),
        ("/etc/passwd", "image/svg+xml"),
        ("..\\evil.png", "application/x-php"),
        ("", "nonsense"),
    ] {
        let body = form(&[
            ("other", "../other", "text/plain", b"is ignored"),
            ("avatar", name, kind, &file),
        ]);
        let body = send(&app, &token, body).await.ok().json();
        assert_eq!(paths(&body).len(), 3);
    }
    assert_eq!(names(folder.path()), ["media"]);
    assert_eq!(names(&dir).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_stored_before_a_folder_was_configured_are_found() {
    let url = Mongod::standalone().await.url(&Mongod::fresh_database());
    let folder = tempfile::tempdir().unwrap();
    let old = TestApp::builder()
        .store(StoreKind::MongoAt(url.clone()))
        .spawn()
        .await;
    let new = TestApp::builder()
        .store(StoreKind::MongoAt(url))
        .platform(old.simulator())
        .set("media.dir", folder.path().to_str().unwrap())
        .spawn()
        .await;
    let token = log_in(&old, "ann").await;
    let body = upload(&old, &token, &picture(20)).await.ok().json();
    assert_eq!(show(&new, body["url"].as_str().unwrap()).await.status, 200);
    upload(&new, &token, &picture(30)).await.ok();
    assert_eq!(new.stored().count("media").await, 3);
    assert_eq!(names(folder.path()).len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_share_pictures() {
    let url = Mongod::replica_set().await.url(&Mongod::fresh_database());
    let one = TestApp::builder()
        .store(StoreKind::MongoAt(url.clone()))
        .spawn()
        .await;
    let other = TestApp::builder()
        .store(StoreKind::MongoAt(url))
        .platform(one.simulator())
        .spawn()
        .await;
    let token = log_in(&one, "ann").await;
    let first = upload(&one, &token, &picture(20)).await.ok();
    let path = first.member("url");
    assert_eq!(show(&other, &path).await.bytes, show(&one, &path).await.bytes);
    assert_eq!(upload(&other, &token, &picture(20)).await.ok().text, first.text);
    let second = upload(&other, &token, &picture(30)).await.ok().member("url");
    assert_eq!(show(&one, &second).await.status, 200);
    assert_eq!(one.stored().count("media").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_is_public_confined_and_kept_for_ever() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    let path = upload(&app, &token, &picture(20)).await.ok().member("url");
    for _ in 0..2 {
        let shown = show(&app, &path).await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.header("x-content-type-options"), "nosniff");
        assert_eq!(
            shown.header("cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(shown.header("content-disposition"), "inline");
        let policy = shown.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("sandbox"),
            "{policy}"
        );
        let tag = shown.header("etag").to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let request = app.request(Method::GET, &path).header("if-none-match", &known);
            let reply = Reply::to(request).await;
            assert_eq!((reply.status, reply.text.as_str()), (304, ""), "{known}");
            assert_eq!(reply.header("etag"), Some(tag.as_str()));
        }
        let request = app.request(Method::GET, &path).header("if-none-match", "\"x\"");
        let again = request.send().await.unwrap();
        assert_eq!(again.status(), 200);
    }
    for unknown in [
        "/avatars/0123456789abcdef0123456789abcdef.jpg".to_owned(),
        "/avatars/x".to_owned(),
        path.to_uppercase().replace("/AVATARS", "/avatars"),
        path.replace(".jpg", ".png"),
        path.replace(".jpg", "-640.jpg"),
        format!("{path}x"),
    ] {
        app.get(&unknown)
            .await
            .refused(404, 10002, &format!("GET {unknown}"));
    }
    let reply = Reply::to(app.request(Method::DELETE, &path)).await;
    reply.refused(405, 10003, &format!("DELETE {path}"));
}

/// A slow mobile network: slower than other bodies may be, and not for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_may_take_longer_than_other_bodies() {
    let app = TestApp::builder()
        .set("server.limits.body_timeout", "1s")
        .set("server.limits.request_timeout", "1s")
        .spawn()
        .await;
    let token = log_in(&app, "ann").await;
    let body = form(&[("avatar", "a", "image/png", &picture(600))]);
    let piece = body.len().div_ceil(8);
    let pieces: Vec<_> = body.chunks(piece).map(<[u8]>::to_vec).collect();
    let stream = futures_util::stream::unfold(pieces.into_iter(), async |mut pieces| {
        let piece = pieces.next()?;
        // The time on the wire is what is tested.
        tokio::time::sleep(std::time::Duration::from_millis(450)).await;
        Some((Ok::<_, std::io::Error>(piece), pieces))
    });
    let request = app
        .request(Method::POST, super::ROUTE)
        .bearer_auth(&token)
        .header(
            "content-type",
            format!("multipart/form-data; boundary=\"{}\"", super::BOUNDARY),
        );
    Reply::to(request.body(reqwest::Body::wrap_stream(stream)))
        .await
        .ok();
}

/// One whose picture cannot be removed is left for later, and the next one goes.
async fn a_deletion_that_fails_keeps_no_other_waiting(app: Builder) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut app = app.set("media.dir", dir.to_str().unwrap()).spawn().await;
    let mut pictures = Vec::new();
    for user in ["ann", "bob"] {
        let token = log_in(&app, user).await;
        let before = names(dir);
        upload(&app, &token, &picture(20)).await.ok();
        let new = names(dir).into_iter().filter(|name| !before.contains(name));
        let new: Vec<_> = new.map(|name| dir.join(name)).collect();
        // A folder in the place of each file: it cannot be removed as a file is.
        for file in &new {
            std::fs::remove_file(file).unwrap();
            std::fs::create_dir(file).unwrap();
        }
        let gone = app.request(Method::DELETE, "/v1/user").bearer_auth(&token);
        let gone = Reply::to(gone).await;
        assert_eq!(gone.status, 503, "{}", gone.text);
        pictures.push(new);
    }
    assert_eq!(app.stored().count("users").await, 2);
    app.stop().await;
    for file in &pictures[1] {
        std::fs::remove_dir(file).unwrap();
    }
    app.start().await;
    crate::support::eventually("bob is gone", async || app.stored().count("users").await == 1).await;
}
