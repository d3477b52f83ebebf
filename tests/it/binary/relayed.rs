//! What long uploads and downloads through the gateway cost it in memory: hardly anything, however long they are.

use aws_lc_rs::digest::{Context, SHA256};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde_json::{Value, json};

use super::pictures::{MIB, forget_peak, peak};
use crate::support::process::{OFFICIAL, Stage};

const LENGTH: usize = 50 * 1024 * 1024;
const API: &str = "/v1/apps/shop/api/cgi-bin/media";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_megabytes_up_and_down_take_less_than_ten() {
    let stage = Stage::new("sqlite:relayed.db", "");
    let mut command = stage.command(&["caller", "create", "--name", "media", "--app", "shop", "--json"]);
    command.args(["--allow", "* /cgi-bin/media/*"]);
    let made = command.stdout(std::process::Stdio::piped()).output().unwrap();
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = made["key"].as_str().unwrap();
    let gateway = stage.start().await;
    let switches = json!({"switches": {"media_bytes": LENGTH + 1024}});
    stage
        .admin(Method::PATCH, &format!("/apps/{OFFICIAL}"), switches)
        .await;
    let medium = json!({"app_id": OFFICIAL, "bytes": LENGTH, "content_type": "image/png"});
    let medium = stage.admin(Method::POST, "/media", medium).await;
    let download = stage.url(&format!(
        "{API}/get?media_id={}",
        medium["media_id"].as_str().unwrap()
    ));
    // What a first call leaves behind is no growth.
    let first = stage
        .client
        .get(stage.url(&format!("{API}/get?media_id=none")))
        .bearer_auth(key);
    assert_eq!(first.send().await.unwrap().status(), 200);

    forget_peak(&gateway);
    let before = peak(&gateway);
    let mut answer = stage.client.get(download).bearer_auth(key).send().await.unwrap();
    let (mut length, mut digest) = (0, Context::new(&SHA256));
    while let Some(piece) = answer.chunk().await.unwrap() {
        length += piece.len();
        digest.update(&piece);
    }
    assert_eq!(length, LENGTH);
    assert_eq!(hex::encode(digest.finish()), medium["sha256"].as_str().unwrap());
    // A picture by its first bytes.
    let mut file = vec![0_u8; LENGTH];
    file[..4].copy_from_slice(&[0xFF, 0xD8, 0xFF, 0xE0]);
    for sized in [true, false] {
        let part = if sized {
            Part::bytes(file.clone())
        } else {
            Part::stream(Body::from(file.clone()))
        };
        let part = part.file_name("a.jpg").mime_str("image/jpeg").unwrap();
        let upload = stage.client.post(stage.url(&format!("{API}/upload?type=image")));
        let upload = upload.bearer_auth(key).multipart(Form::new().part("media", part));
        let answer: Value = upload.send().await.unwrap().json().await.unwrap();
        assert!(answer["media_id"].is_string(), "{answer}");
    }
    let grown = peak(&gateway) - before;
    assert!(grown < 10 * MIB, "it grew by {} KiB", grown / 1024);
}
