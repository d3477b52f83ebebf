//! What pictures cost the process in memory: those that would be too large nothing, those that are allowed a bounded
//! amount, however many come at once.

use std::time::Duration;

use futures_util::future::join_all;
use image::{DynamicImage, ImageFormat};
use serde_json::json;

use crate::avatars::files::{encode, gif_that_says, png_of_zeros, webps_that_are_huge};
use crate::avatars::form;
use crate::support::process::{Gateway, Stage};

const AT_ONCE: usize = 100;
pub(super) const MIB: u64 = 1024 * 1024;

/// The most memory that the process has had since it was last asked to forget it.
pub(super) fn peak(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

pub(super) fn forget_peak(gateway: &Gateway) {
    std::fs::write(format!("/proc/{}/clear_refs", gateway.0.id()), "5").unwrap();
}

async fn upload(stage: &Stage, token: &str, file: &[u8]) -> u16 {
    let body = form(&[("avatar", "a", "image/png", file)]);
    let request = stage
        .client
        .post(stage.url("/v1/user/avatar"))
        .bearer_auth(token)
        .timeout(Duration::from_mins(2))
        .header(
            "content-type",
            "multipart/form-data; boundary=\"------a boundary\"",
        );
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_take_no_memory_and_pictures_a_bounded_amount() {
    let stage = Stage::new("sqlite:pictures.db", "");
    let gateway = stage.start().await;
    let (code, _) = stage.code("ann").await;
    let login = stage.client.post(stage.url("/v1/token"));
    let login = login
        .json(&json!({"type": 100, "account": code}))
        .send()
        .await
        .unwrap();
    let login: serde_json::Value = login.json().await.unwrap();
    let token = login["token"].as_str().unwrap();
    // What a first picture leaves behind is no growth.
    let small = encode(&DynamicImage::new_rgb8(300, 300), ImageFormat::Jpeg);
    assert_eq!(upload(&stage, token, &small).await, 200);

    forget_peak(&gateway);
    let before = peak(&gateway);
    let mut bombs = vec![png_of_zeros(10_000, 10_000), gif_that_says(60_000, 60_000)];
    bombs.extend(webps_that_are_huge());
    let kinds = bombs.len();
    let answers = join_all((0..AT_ONCE).map(|number| upload(&stage, token, &bombs[number % kinds]))).await;
    // A crowd may also be told to come later.
    assert!(
        answers.iter().all(|status| matches!(status, 422 | 503)),
        "{answers:?}"
    );
    assert!(answers.contains(&422));
    let grown = peak(&gateway) - before;
    assert!(grown < 48 * MIB, "bombs took {} MiB", grown / MIB);

    forget_peak(&gateway);
    let before = peak(&gateway);
    let large = encode(&DynamicImage::new_rgba8(4096, 4096), ImageFormat::Png);
    let answers = join_all((0..20).map(|_| upload(&stage, token, &large))).await;
    assert!(
        answers.iter().all(|status| matches!(status, 200 | 503)),
        "{answers:?}"
    );
    assert!(answers.contains(&200));
    let grown = peak(&gateway) - before;
    assert!(grown < 128 * MIB, "pictures took {} MiB", grown / MIB);
}
