//! Files: those that go after three days and those that stay.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::official::{Account, file, jpeg};
use super::support::{MINI, OFFICIAL};

const MIB: usize = 1_024 * 1_024;

fn mp4() -> Vec<u8> {
    b"\0\0\0\x18ftypmp42".to_vec()
}

#[tokio::test]
async fn an_uploaded_file_can_be_downloaded_for_three_days() {
    let account = Account::start().await;
    let bytes = jpeg(70_000);
    let uploaded = account
        .upload("media/upload?type=image", "照片.JPG", bytes.clone())
        .await;
    assert_eq!(uploaded.members(), ["type", "media_id", "created_at"]);
    assert_eq!(uploaded.json()["type"], "image");
    let id = uploaded.text_of("media_id");
    let path = format!("media/get?media_id={id}");
    let (kind, name, got) = account.download(Method::GET, &path, json!({})).await;
    assert_eq!(kind, "image/jpeg");
    assert_eq!(name, format!("attachment; filename=\"{id}.jpg\""));
    assert!(got == bytes, "{} bytes", got.len());

    let shown = account
        .sim
        .admin(Method::GET, &format!("/media/{id}"), json!({}))
        .await;
    assert_eq!(shown["bytes"], 70_000);
    assert_eq!(shown["name"], "照片.JPG");
    assert_eq!(shown["app_id"], OFFICIAL);

    account.sim.advance(3 * 86_400 - 60).await;
    let token = account.sim.stable(OFFICIAL, false).await.token();
    let again = Account { token, ..account };
    let (kind, ..) = again.download(Method::GET, &path, json!({})).await;
    assert_eq!(kind, "image/jpeg");
    again.sim.advance(120).await;
    assert_eq!(again.get(&path).await.errcode(), 40_007);
}

#[tokio::test]
async fn uploads_are_checked_by_type_name_content_and_size() {
    let account = Account::start().await;
    let upload = async |kind: &str, name: &str, bytes: Vec<u8>| {
        let path = format!("media/upload?type={kind}");
        account.upload(&path, name, bytes).await.errcode()
    };
    let cases = [
        ("hologram", "a.jpg", jpeg(10), 40_004),
        ("image", "a.jpg", jpeg(10), 0),
        ("image", "a", jpeg(10), 0),
        ("image", "a.png", b"\x89PNG".to_vec(), 0),
        ("image", "a.bmp", b"BM".to_vec(), 40_005),
        ("image", "a.exe", jpeg(10), 40_005),
        ("image", "a.jpg", b"hello".to_vec(), 40_005),
        ("image", "a.jpg", Vec::new(), 44_001),
        ("image", "a.jpg", jpeg(10 * MIB), 0),
        ("image", "a.jpg", jpeg(10 * MIB + 1), 40_009),
        ("image", "a.jpg", jpeg(20 * MIB + 1), 45_001),
        ("voice", "a.amr", b"#!AMR\n".to_vec(), 0),
        ("voice", "a.mp3", vec![0xff; 2 * MIB + 1], 40_010),
        ("video", "a.mp4", mp4(), 0),
        ("video", "a.mp4", jpeg(10), 40_005),
        ("thumb", "a.jpg", jpeg(64 * 1_024), 0),
        ("thumb", "a.jpg", jpeg(64 * 1_024 + 1), 40_012),
        ("thumb", "a.png", b"\x89PNG".to_vec(), 40_005),
    ];
    for (kind, name, bytes, wanted) in cases {
        let length = bytes.len();
        assert_eq!(upload(kind, name, bytes).await, wanted, "{kind} {name} {length}");
    }
    let nameless = Form::new().part("media", Part::bytes(jpeg(10)));
    assert_eq!(
        account.send("media/upload?type=image", nameless).await.errcode(),
        41_005
    );
    let other_field = Form::new().part("file", file("a.jpg", jpeg(10)));
    assert_eq!(
        account
            .send("media/upload?type=image", other_field)
            .await
            .errcode(),
        41_005
    );
    assert_eq!(account.code("media/upload?type=image", json!({})).await, 41_005);
    assert_eq!(account.get("media/upload?type=image").await.errcode(), 43_002);
    assert_eq!(account.get("media/get").await.errcode(), 41_006);
    assert_eq!(account.get("media/get?media_id=unknown").await.errcode(), 40_007);
}

#[tokio::test]
async fn long_uploads_are_counted_and_hashed_and_held_in_part() {
    let account = Account::start().await;
    let bytes = jpeg(30 * MIB);
    account
        .sim
        .switch(OFFICIAL, json!({"media_bytes": 50 * MIB}))
        .await;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let uploaded = account.upload("media/upload?type=thumb", "a.jpg", bytes).await;
    let id = uploaded.text_of("media_id");
    let shown = account
        .sim
        .admin(Method::GET, &format!("/media/{id}"), json!({}))
        .await;
    assert_eq!(shown["bytes"], 30 * MIB);
    assert_eq!(shown["sha256"], hex::encode(hash));
    let calls = account
        .sim
        .admin(Method::GET, "/calls?path=/cgi-bin/media/upload", json!({}))
        .await;
    let logged = &calls["calls"][0]["body"]["media"];
    assert_eq!(logged["filename"], "a.jpg");
    assert_eq!(logged["sha256"], hex::encode(hash));
    let path = format!("media/get?media_id={id}");
    let (_, _, got) = account.download(Method::GET, &path, json!({})).await;
    assert_eq!(got.len(), 30 * MIB);
}

#[tokio::test]
async fn a_medium_of_any_size_can_be_made_and_faults_strike_its_download() {
    let account = Account::start().await;
    let wanted = json!({"app_id": OFFICIAL, "bytes": 50 * MIB, "content_type": "image/png"});
    let made = account.sim.admin(Method::POST, "/media", wanted).await;
    let path = format!(
        "media/get?media_id={}",
        made["media_id"].as_str().expect("a text")
    );
    let (kind, name, got) = account.download(Method::GET, &path, json!({})).await;
    assert_eq!(kind, "image/png");
    assert!(name.ends_with(".png\""), "{name}");
    assert_eq!(got.len(), 50 * MIB);
    assert!(
        got.iter()
            .enumerate()
            .all(|(at, byte)| usize::from(*byte) == at % 251)
    );
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &got);
    assert_eq!(made["sha256"], hex::encode(hash));

    account
        .sim
        .fault(json!({"path": "/cgi-bin/media/get", "effect": {"type": "truncated_body"}}))
        .await;
    let request = account.sim.request(Method::GET, &account.path(&path));
    let mut response = request.send().await.expect("a head");
    assert_eq!(response.content_length(), Some(50 * MIB as u64));
    let mut read = 0;
    let ended = loop {
        match response.chunk().await {
            Ok(Some(piece)) => read += piece.len(),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    assert!(!ended && read <= 25 * MIB, "{read}");
}

#[tokio::test]
async fn a_video_is_answered_with_its_address() {
    let account = Account::start().await;
    let id = account
        .upload("media/upload?type=video", "a.mp4", mp4())
        .await
        .text_of("media_id");
    let url = account
        .get(&format!("media/get?media_id={id}"))
        .await
        .text_of("video_url");
    let video = account.sim.client.get(url).send().await.expect("an answer");
    assert_eq!(video.headers()["content-type"], "video/mp4");
    assert_eq!(video.bytes().await.expect("a body"), mp4());
    assert_eq!(
        account
            .get(&format!("media/get/jssdk?media_id={id}"))
            .await
            .errcode(),
        40_007
    );
    let voice = account
        .upload("media/upload?type=voice", "a.amr", b"#!AMR\n".to_vec())
        .await;
    let path = format!("media/get/jssdk?media_id={}", voice.text_of("media_id"));
    let (kind, ..) = account.download(Method::GET, &path, json!({})).await;
    assert_eq!(kind, "voice/speex");
}

#[tokio::test]
async fn uploaded_media_may_be_sent_to_users() {
    let account = Account::start().await;
    let openid = account.follower("ann").await;
    account.sim.switch(OFFICIAL, json!({"media_ids": []})).await;
    let id = account
        .upload("media/upload?type=image", "a.jpg", jpeg(9))
        .await
        .text_of("media_id");
    let message = |id: &str| json!({"touser": openid, "msgtype": "image", "image": {"media_id": id}});
    assert_eq!(
        account.code("message/custom/send", message("other")).await,
        40_007
    );
    assert_eq!(account.code("message/custom/send", message(&id)).await, 0);
    account.sim.switch(OFFICIAL, json!({"media_ids": null})).await;
    assert_eq!(account.code("message/custom/send", message("other")).await, 0);

    // What is gone is not just any id.
    account.sim.advance(3 * 86_400).await;
    account.sim.say(OFFICIAL, "ann", "hello").await;
    let token = account.sim.stable(OFFICIAL, false).await.token();
    let account = Account { token, ..account };
    assert_eq!(account.code("message/custom/send", message(&id)).await, 40_007);
}

#[tokio::test]
async fn a_mini_program_uploads_pictures_alone() {
    let account = Account::start().await;
    let token = account.sim.stable(MINI, false).await.token();
    let mini = Account { token, ..account };
    assert_eq!(
        mini.upload("media/upload?type=voice", "a.amr", b"#!AMR".to_vec())
            .await
            .errcode(),
        40_004
    );
    assert_eq!(
        mini.upload("media/upload?type=image", "a.jpg", jpeg(9))
            .await
            .errcode(),
        0
    );
    assert_eq!(
        mini.upload("media/uploadimg", "a.jpg", jpeg(9)).await.errcode(),
        48_001
    );
}

#[tokio::test]
async fn pictures_for_articles_are_small_and_have_an_address() {
    let account = Account::start().await;
    let upload = async |name: &str, bytes: Vec<u8>| account.upload("media/uploadimg", name, bytes).await;
    let url = upload("a.jpg", jpeg(9)).await.text_of("url");
    assert!(url.starts_with("http://mmbiz.qpic.cn/"), "{url}");
    assert_eq!(upload("a.jpg", jpeg(MIB)).await.errcode(), 40_009);
    assert_eq!(upload("a.gif", b"GIF89a".to_vec()).await.errcode(), 40_005);
}

#[tokio::test]
async fn material_stays_until_it_is_deleted() {
    let account = Account::start().await;
    let added = account
        .upload("material/add_material?type=image", "a.bmp", b"BM1".to_vec())
        .await;
    let (id, url) = (added.text_of("media_id"), added.text_of("url"));
    let video = |description: Option<&str>| {
        let form = Form::new().part("media", file("a.mp4", mp4()));
        match description {
            Some(text) => form.text("description", text.to_owned()),
            None => form,
        }
    };
    let path = "material/add_material?type=video";
    assert_eq!(account.send(path, video(None)).await.errcode(), 47_001);
    let described = video(Some(r#"{"title":"片","introduction":"长"}"#));
    let film = account.send(path, described).await.text_of("media_id");

    account.sim.advance(4 * 86_400).await;
    let token = account.sim.stable(OFFICIAL, false).await.token();
    let account = Account { token, ..account };
    let wanted = json!({"media_id": id});
    let (kind, _, got) = account
        .download(Method::POST, "material/get_material", wanted.clone())
        .await;
    assert_eq!((kind.as_str(), got.as_slice()), ("image/bmp", b"BM1".as_slice()));
    assert_eq!(
        account.get(&format!("media/get?media_id={id}")).await.errcode(),
        40_007
    );
    let got = account
        .post("material/get_material", json!({"media_id": film}))
        .await;
    assert_eq!(got.members(), ["title", "description", "down_url"]);
    assert_eq!(got.json()["description"], "长");

    let count = account.get("material/get_materialcount").await.json();
    assert_eq!(
        count,
        json!({"voice_count": 0, "video_count": 1, "image_count": 1, "news_count": 0})
    );
    let list = async |kind: &str, count: u32| {
        let body = json!({"type": kind, "offset": 0, "count": count});
        account.post("material/batchget_material", body).await
    };
    let page: Value = list("image", 20).await.json();
    assert_eq!(
        (&page["total_count"], &page["item_count"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(page["item"][0]["url"], url.as_str());
    assert_eq!(page["item"][0]["name"], "a.bmp");
    assert_eq!(list("news", 1).await.json()["total_count"], 0);
    assert_eq!(list("thumb", 1).await.errcode(), 40_004);
    assert_eq!(list("image", 21).await.errcode(), 40_097);

    let button = json!({"button": [{"type": "media_id", "name": "n", "media_id": id}]});
    assert_eq!(account.code("menu/create", button).await, 0);
    assert_eq!(
        account.code("material/del_material", wanted.clone()).await,
        48_005
    );
    account.get("menu/delete").await;
    assert_eq!(account.code("material/del_material", wanted.clone()).await, 0);
    assert_eq!(
        account.code("material/del_material", wanted.clone()).await,
        40_007
    );
    assert_eq!(account.code("material/get_material", wanted).await, 40_007);
}
