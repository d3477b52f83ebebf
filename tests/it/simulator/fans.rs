//! Who follows an account: what is told of them, their tags, the blacklist.

use serde_json::{Value, json};

use super::official::Account;
use super::support::OFFICIAL;

#[tokio::test]
async fn a_follower_is_shown_without_name_and_picture() {
    let account = Account::start().await;
    let openid = account.follower("ann").await;
    let path = format!("user/info?openid={openid}&lang=en");
    let info = account.get(&path).await;
    assert_eq!(
        info.members(),
        [
            "subscribe",
            "openid",
            "language",
            "subscribe_time",
            "remark",
            "groupid",
            "tagid_list",
            "subscribe_scene",
            "qr_scene",
            "qr_scene_str"
        ]
    );
    assert_eq!(info.json()["subscribe"], 1);
    assert_eq!(info.json()["language"], "en");
    assert_eq!(info.json()["subscribe_scene"], "ADD_SCENE_SEARCH");
    account
        .sim
        .switch(OFFICIAL, json!({"open_account": "open1"}))
        .await;
    assert_eq!(account.get(&path).await.text_of("unionid").len(), 29);
    account.after("ann", json!({"type": "unfollow"})).await;
    let info = account.get(&path).await.json();
    assert_eq!(info, json!({"subscribe": 0, "openid": openid}));
    assert_eq!(account.get("user/info?openid=oNobody").await.errcode(), 40_003);
    assert_eq!(account.get("user/info").await.errcode(), 41_009);
}

#[tokio::test]
async fn who_comes_back_follows_anew() {
    let account = Account::start().await;
    let openid = account
        .after("ann", json!({"type": "scan", "scene": "123"}))
        .await;
    let path = format!("user/info?openid={openid}");
    let first = account.get(&path).await.json();
    assert_eq!(first["qr_scene"], 123);
    let remark = json!({"openid": openid, "remark": "安"});
    assert_eq!(account.code("user/info/updateremark", remark.clone()).await, 0);
    assert_eq!(account.get(&path).await.json()["remark"], "安");
    let long = json!({"openid": openid, "remark": "安".repeat(30)});
    assert_eq!(account.code("user/info/updateremark", long).await, 40_097);
    // Another scan is no other beginning.
    account
        .after("ann", json!({"type": "scan", "scene": "456"}))
        .await;
    assert_eq!(account.get(&path).await.json()["qr_scene"], 123);
    account.after("ann", json!({"type": "unfollow"})).await;
    assert_eq!(account.code("user/info/updateremark", remark).await, 40_003);
    account.sim.advance(1_000).await;
    account.follower("ann").await;
    let second = account.get(&path).await.json();
    assert_eq!((&second["remark"], &second["qr_scene"]), (&json!(""), &json!(0)));
    let since = |info: &Value| info["subscribe_time"].as_i64().expect("a number");
    assert!(since(&second) >= since(&first) + 1_000);
}

#[tokio::test]
async fn followers_are_listed_page_by_page() {
    let account = Account::start().await;
    let empty = account.get("user/get").await.json();
    assert_eq!(empty, json!({"total": 0, "count": 0, "next_openid": ""}));
    let mut openids = Vec::new();
    for user in ["a", "b", "c", "d", "e"] {
        openids.push(account.follower(user).await);
    }
    openids.sort();
    account.sim.switch(OFFICIAL, json!({"page_openids": 2})).await;
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = account.get(&format!("user/get?next_openid={next}")).await.json();
        assert_eq!(page["total"], 5);
        let Some(list) = page["data"]["openid"].as_array() else {
            assert_eq!((&page["count"], &page["next_openid"]), (&json!(0), &json!("")));
            break;
        };
        assert_eq!(page["count"], list.len());
        seen.extend(
            list.iter()
                .map(|openid| openid.as_str().expect("a text").to_owned()),
        );
        page["next_openid"]
            .as_str()
            .expect("a text")
            .clone_into(&mut next);
    }
    assert_eq!(seen, openids);
    assert_eq!(
        account.get("user/get?next_openid=oNobody").await.errcode(),
        40_003
    );

    let list: Vec<Value> = openids.iter().map(|openid| json!({"openid": openid})).collect();
    let many = account
        .post("user/info/batchget", json!({"user_list": list}))
        .await
        .json();
    assert_eq!(many["user_info_list"][4]["openid"], openids[4].as_str());
    assert_eq!(many["user_info_list"][4]["subscribe"], 1);
    let too_many = json!({"user_list": vec![json!({"openid": openids[0]}); 101]});
    assert_eq!(account.code("user/info/batchget", too_many).await, 40_032);
    assert_eq!(account.code("user/info/batchget", json!({})).await, 40_031);
}

#[tokio::test]
async fn tags_are_given_and_taken() {
    let account = Account::start().await;
    let (ann, bob) = (account.follower("ann").await, account.follower("bob").await);
    let create = async |name: &str| account.post("tags/create", json!({"tag": {"name": name}})).await;
    let made = create("广东").await.json();
    let tag = made["tag"]["id"].clone();
    assert_eq!(made["tag"]["name"], "广东");
    assert_eq!(create("广东").await.errcode(), 45_157);
    assert_eq!(create(&"长".repeat(31)).await.errcode(), 45_158);
    let tagging = |list: &[&str], tag: &Value| json!({"openid_list": list, "tagid": tag});
    let path = "tags/members/batchtagging";
    assert_eq!(account.code(path, tagging(&[&ann, &bob], &tag)).await, 0);
    assert_eq!(account.code(path, tagging(&[], &tag)).await, 40_032);
    assert_eq!(
        account.code(path, tagging(&[ann.as_str(); 51], &tag)).await,
        40_032
    );
    assert_eq!(account.code(path, tagging(&[&ann], &json!(999))).await, 45_159);
    assert_eq!(account.code(path, tagging(&["oNobody"], &tag)).await, 40_003);
    let stranger = format!("o{}", "x".repeat(27));
    assert_eq!(account.code(path, tagging(&[&stranger], &tag)).await, 49_003);
    let got = account.get("tags/get").await.json();
    assert_eq!(
        got["tags"],
        json!([{"id": 2, "name": "星标组", "count": 0}, {"id": tag, "name": "广东", "count": 2}])
    );
    let members = account
        .post("user/tag/get", json!({"tagid": tag, "next_openid": ""}))
        .await;
    assert_eq!(members.members(), ["count", "data", "next_openid"]);
    assert_eq!(members.json()["count"], 2);
    let untagging = tagging(&[&bob], &tag);
    assert_eq!(account.code("tags/members/batchuntagging", untagging).await, 0);
    let list = account
        .post("tags/getidlist", json!({"openid": ann}))
        .await
        .json();
    assert_eq!(list, json!({"tagid_list": [tag]}));
    let info = account.get(&format!("user/info?openid={ann}")).await.json();
    assert_eq!((&info["groupid"], &info["tagid_list"]), (&tag, &json!([tag])));

    for number in 0..20 {
        let other = create(&format!("tag {number}")).await.json()["tag"]["id"].clone();
        let wanted = if number == 19 { 45_059 } else { 0 };
        assert_eq!(
            account.code(path, tagging(&[&ann], &other)).await,
            wanted,
            "{number}"
        );
    }
    let renamed = json!({"tag": {"id": tag, "name": "广西"}});
    assert_eq!(account.code("tags/update", renamed).await, 0);
    assert_eq!(
        account
            .code("tags/update", json!({"tag": {"id": 2, "name": "x"}}))
            .await,
        45_058
    );
    assert_eq!(
        account.code("tags/delete", json!({"tag": {"id": 0}})).await,
        45_058
    );
    assert_eq!(account.code("tags/delete", json!({"tag": {"id": tag}})).await, 0);
    let list = account
        .post("tags/getidlist", json!({"openid": ann}))
        .await
        .json();
    assert_eq!(list["tagid_list"].as_array().map(Vec::len), Some(19));
    for number in 20..100 {
        let made = create(&format!("tag {number}")).await;
        assert_eq!(made.errcode(), 0, "{number}");
    }
    assert_eq!(create("one more").await.errcode(), 45_056);
}

#[tokio::test]
async fn the_blacklist_is_kept() {
    let account = Account::start().await;
    let ann = account.follower("ann").await;
    let list = async || {
        account
            .post("tags/members/getblacklist", json!({"begin_openid": ""}))
            .await
            .json()
    };
    assert_eq!(list().await, json!({"total": 0, "count": 0, "next_openid": ""}));
    let path = "tags/members/batchblacklist";
    assert_eq!(account.code(path, json!({"openid_list": [ann]})).await, 0);
    let shown = list().await;
    assert_eq!(shown["data"]["openid"], json!([ann]));
    assert_eq!(shown["next_openid"], ann.as_str());
    assert_eq!(
        account
            .code(path, json!({"openid_list": vec![ann.clone(); 21]}))
            .await,
        40_032
    );
    assert_eq!(
        account.code(path, json!({"openid_list": ["oNobody"]})).await,
        40_003
    );
    let path = "tags/members/batchunblacklist";
    assert_eq!(account.code(path, json!({"openid_list": [ann]})).await, 0);
    assert_eq!(list().await["total"], 0);
}
