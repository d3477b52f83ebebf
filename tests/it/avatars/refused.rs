//! Files and forms that are refused. After each nothing is stored.

use std::time::{Duration, Instant};

use image::ImageFormat;
use reqwest::Method;

use super::files::{self, encode, quadrants};
use super::{ROUTE, avatar_of_only_user, form, log_in, send, upload};
use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;
use crate::support::reply::Reply;

on_both_stores!(
    what_is_no_picture_is_refused,
    a_file_that_ends_too_early_is_refused,
    what_would_be_too_large_is_refused_at_once,
    a_form_has_exactly_one_file,
    a_file_has_two_mebibytes_at_most,
);

const POST: &str = "POST /v1/user/avatar";

async fn nothing_is_stored(app: &TestApp) {
    assert_eq!(app.stored().count("media").await, 0);
    assert_eq!(avatar_of_only_user(app).await, None);
}

async fn what_is_no_picture_is_refused(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    let noise = files::noise(100).into_raw();
    let tiff = b"II*\0\x08\0\0\0\0\0".to_vec();
    let bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0".to_vec();
    let cases: Vec<Vec<u8>> = vec![
        b"x".to_vec(),
        svg.to_vec(),
        html.to_vec(),
        noise.clone(),
        tiff,
        bmp,
        // The beginnings of pictures, and then something else.
        [b"GIF89a\x10\0\x10\0".as_slice(), html].concat(),
        [b"\xff\xd8\xff\xe0".as_slice(), svg].concat(),
        [b"\x89PNG\r\n\x1a\n".as_slice(), html].concat(),
        [b"RIFF\x20\0\0\0WEBP".as_slice(), html].concat(),
        [b"\xff\xd8\xff\xdb".as_slice(), &noise].concat(),
    ];
    for file in cases {
        let reply = upload(&app, &token, &file).await;
        let body = reply.refused(415, 10001, POST);
        assert!(body["msg"].as_str().unwrap().contains("picture"), "{body}");
    }
    nothing_is_stored(&app).await;
}

/// A page behind a picture is gone with the rest of the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hides_in_a_picture_does_not_come_out() {
    let app = TestApp::builder().spawn().await;
    let token = log_in(&app, "ann").await;
    let page = b"<script>alert('polyglot')</script><svg onload=alert(1)>";
    let picture = quadrants(64, 64);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif] {
        let file = [encode(&picture, format).as_slice(), page].concat();
        let body = upload(&app, &token, &file).await.ok().json();
        for path in super::paths(&body) {
            let shown = super::show(&app, &path).await;
            assert!(!String::from_utf8_lossy(&shown.bytes).contains("script"));
            assert!(shown.header("content-type").starts_with("image/"));
            assert_eq!(shown.header("x-content-type-options"), "nosniff");
        }
    }
}

async fn a_file_that_ends_too_early_is_refused(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let picture = image::DynamicImage::ImageRgba8(files::noise(64));
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let picture = if format == ImageFormat::Jpeg {
            picture.to_rgb8().into()
        } else {
            picture.clone()
        };
        let file = encode(&picture, format);
        for part in [1, 10, 30, 50, 90] {
            let reply = upload(&app, &token, &file[..file.len() * part / 100]).await;
            assert_eq!(reply.status, 415, "{part} % of a {format:?}: {}", reply.text);
            reply.refused(415, 10001, POST);
        }
    }
    nothing_is_stored(&app).await;
}

async fn what_would_be_too_large_is_refused_at_once(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let mut jpeg = encode(&quadrants(8, 8), ImageFormat::Jpeg);
    let head = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    jpeg[head + 5..head + 9].copy_from_slice(&[0xff; 4]);
    let mut bombs = vec![
        files::png_of_zeros(10_000, 10_000),
        encode(&quadrants(4097, 1), ImageFormat::Png),
        encode(&quadrants(1, 4097), ImageFormat::Png),
        // 128 MiB unpacked, though each side is short enough.
        encode(&image::DynamicImage::new_rgba16(4096, 4096), ImageFormat::Png),
        jpeg,
        files::gif_that_says(65_535, 4),
        files::gif_that_says(65_535, 65_535),
        files::gif_that_says(4, 65_535),
    ];
    bombs.extend(files::webps_that_are_huge());
    for (number, bomb) in bombs.into_iter().enumerate() {
        assert!(bomb.len() < 2 * 1024 * 1024, "{number}: {}", bomb.len());
        let asked = Instant::now();
        let reply = upload(&app, &token, &bomb).await;
        assert!(
            asked.elapsed() < Duration::from_secs(2),
            "{number}: {:?}",
            asked.elapsed()
        );
        // A frame that leaves its screen is no proper picture either.
        assert_eq!(reply.status, 422, "{number}: {}", reply.text);
        reply.refused(422, 10001, POST);
    }
    nothing_is_stored(&app).await;
}

async fn a_form_has_exactly_one_file(app: Builder) {
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let file = encode(&quadrants(8, 8), ImageFormat::Png);
    let file = file.as_slice();
    let wrong = [
        form(&[]),
        form(&[("avatar", "a.png", "image/png", b"")]),
        form(&[("picture", "a.png", "image/png", file)]),
        form(&[
            ("avatar", "a.png", "image/png", file),
            ("avatar", "b.png", "image/png", file),
        ]),
        form(&[("other", "", "text/plain", b"x".as_slice()); 17]),
        b"no form at all".to_vec(),
        form(&[("avatar", "a.png", "image/png", file)])[..100].to_vec(),
        Vec::new(),
    ];
    for (number, body) in wrong.into_iter().enumerate() {
        let reply = send(&app, &token, body).await;
        assert_eq!(reply.status, 400, "{number}: {}", reply.text);
        reply.refused(400, 10001, POST);
    }
    let missing = send(&app, &token, form(&[])).await.json();
    assert_eq!(missing["msg"][0], "avatar字段是必填参数");
    for kind in [
        "application/json",
        "image/png",
        "multipart/mixed; boundary=x",
        "nonsense",
    ] {
        let request = app.request(Method::POST, ROUTE).bearer_auth(&token);
        let reply = Reply::to(request.header("content-type", kind).body(file.to_vec())).await;
        reply.refused(415, 10001, POST);
    }
    nothing_is_stored(&app).await;
}

async fn a_file_has_two_mebibytes_at_most(app: Builder) {
    const MOST: usize = 2 * 1024 * 1024;
    let app = app.spawn().await;
    let token = log_in(&app, "ann").await;
    let mut file = encode(&quadrants(8, 8), ImageFormat::Jpeg);
    file.resize(MOST + 1, 0);
    upload(&app, &token, &file).await.refused(413, 10001, POST);
    let mut padded = encode(&quadrants(8, 8), ImageFormat::Png);
    padded.resize(20 * 1024 * 1024, 0);
    upload(&app, &token, &padded).await.refused(413, 10001, POST);
    // What nobody asked for counts too, also where no length was declared.
    let body = form(&[("other", "x", "text/plain", &padded[..3 * 1024 * 1024])]);
    let chunks = body
        .chunks(64 * 1024)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks.collect::<Vec<_>>()));
    let request = app.request(Method::POST, ROUTE).bearer_auth(&token).header(
        "content-type",
        format!("multipart/form-data; boundary=\"{}\"", super::BOUNDARY),
    );
    Reply::to(request.body(stream)).await.refused(413, 10001, POST);
    nothing_is_stored(&app).await;
    file.truncate(MOST);
    upload(&app, &token, &file).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_signed_in_uploads_nothing() {
    let app = TestApp::builder().spawn().await;
    let file = encode(&quadrants(8, 8), ImageFormat::Png);
    upload(&app, "nonsense", &file).await.refused(401, 10004, POST);
    let reply = app.post_raw(ROUTE, "multipart/form-data; boundary=x", file).await;
    reply.refused(401, 10004, POST);
    assert_eq!(app.stored().count("media").await, 0);
}
