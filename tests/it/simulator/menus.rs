//! Custom menus, default and conditional.

use reqwest::Method;
use serde_json::{Value, json};

use super::official::Account;
use super::support::{OFFICIAL, without_rid};

fn click(name: &str) -> Value {
    json!({"type": "click", "name": name, "key": "k1"})
}

#[expect(clippy::needless_pass_by_value, reason = "most callers make it on the spot")]
fn menu(buttons: Value) -> Value {
    json!({"button": buttons})
}

#[tokio::test]
async fn a_menu_is_shown_with_a_list_below_every_button() {
    let account = Account::start().await;
    assert_eq!(account.get("menu/get").await.errcode(), 46_003);
    let created = menu(json!([
        click("今日歌曲"),
        {"name": "菜单", "sub_button": [
            {"type": "view", "name": "搜索", "url": "http://www.soso.com/"},
            {"type": "miniprogram", "name": "wxa", "url": "http://mp.weixin.qq.com", "appid": "wx286b", "pagepath": "pages/index"},
        ]},
    ]));
    assert_eq!(account.code("menu/create", created).await, 0);
    let got = account.get("menu/get").await;
    assert_eq!(
        got.json(),
        json!({"menu": {"button": [
            {"type": "click", "name": "今日歌曲", "key": "k1", "sub_button": []},
            {"name": "菜单", "sub_button": [
                {"type": "view", "name": "搜索", "url": "http://www.soso.com/", "sub_button": []},
                {"type": "miniprogram", "name": "wxa", "url": "http://mp.weixin.qq.com", "appid": "wx286b",
                 "pagepath": "pages/index", "sub_button": []},
            ]},
        ]}})
    );
    let current = account.get("get_current_selfmenu_info").await.json();
    assert_eq!(current["is_menu_open"], 1);
    let buttons = &current["selfmenu_info"]["button"];
    assert_eq!(buttons[0].get("sub_button"), None);
    assert_eq!(
        buttons[1]["sub_button"]["list"][0],
        json!({"type": "view", "name": "搜索", "url": "http://www.soso.com/"})
    );
    assert_eq!(account.get("menu/delete").await.errcode(), 0);
    let gone = account.get("menu/get").await;
    assert_eq!(without_rid(&gone.errmsg()), "menu no exist");
    let current = account.get("get_current_selfmenu_info").await.json();
    assert_eq!(current["is_menu_open"], 0);
}

#[tokio::test]
async fn menus_are_checked_by_their_buttons() {
    let account = Account::start().await;
    let below = |button: Value| json!([{"name": "n", "sub_button": [button]}]);
    let without = |name: &str| {
        let mut button = json!({"type": "miniprogram", "name": "n", "url": "http://a.example", "appid": "w", "pagepath": "p"});
        button.as_object_mut().expect("an object").remove(name);
        button
    };
    let cases = [
        (json!([]), 40_016),
        (json!([click("a"), click("b"), click("c"), click("d")]), 40_016),
        (json!([{"type": "hologram", "name": "n"}]), 40_017),
        (json!([{"name": "n"}]), 40_017),
        (json!([click("")]), 40_018),
        (json!([click("seventeen bytes!!")]), 40_018),
        (json!([click("sixteen bytes ..")]), 0),
        (json!([{"type": "click", "name": "n"}]), 40_019),
        (
            json!([{"type": "click", "name": "n", "key": "k".repeat(129)}]),
            40_019,
        ),
        (json!([{"type": "view", "name": "n"}]), 40_020),
        (
            json!([{"type": "view", "name": "n", "url": format!("http://a/{}", "x".repeat(1_024))}]),
            40_020,
        ),
        (
            json!([{"type": "view", "name": "n", "url": "javascript:alert(1)"}]),
            40_055,
        ),
        (json!([{"type": "media_id", "name": "n"}]), 40_117),
        (json!([{"name": "n", "sub_button": vec![click("n"); 6]}]), 40_023),
        (json!([{"name": "n", "sub_button": vec![click("n"); 5]}]), 0),
        (below(json!({"type": "hologram", "name": "n"})), 40_024),
        (below(click(&"n".repeat(61))), 40_025),
        (below(click(&"n".repeat(60))), 0),
        (below(json!({"type": "location_select", "name": "n"})), 40_026),
        (below(json!({"type": "view", "name": "n"})), 40_027),
        (
            below(json!({"type": "view", "name": "n", "url": "ftp://a"})),
            40_054,
        ),
        (below(json!({"type": "article_id", "name": "n"})), 40_118),
        (below(json!({"name": "n", "sub_button": [click("n")]})), 40_022),
        (json!([without("url")]), 40_020),
        (json!([without("appid")]), 40_166),
        (json!([without("pagepath")]), 40_165),
        (json!([without("")]), 0),
    ];
    for (buttons, wanted) in cases {
        let code = account.code("menu/create", menu(buttons.clone())).await;
        assert_eq!(code, wanted, "{buttons}");
    }
    account
        .sim
        .switch(OFFICIAL, json!({"mini_programs": ["wx2"]}))
        .await;
    assert_eq!(
        account.code("menu/create", menu(json!([without("")]))).await,
        45_064
    );
    account.sim.switch(OFFICIAL, json!({"media_ids": ["m1"]})).await;
    let button = |id: &str| menu(json!([{"type": "media_id", "name": "n", "media_id": id}]));
    assert_eq!(account.code("menu/create", button("m2")).await, 40_007);
    assert_eq!(account.code("menu/create", button("m1")).await, 0);
}

#[tokio::test]
async fn a_text_in_escapes_is_40033() {
    let account = Account::start().await;
    let send = async |body: &'static str| {
        let request = account.sim.request(Method::POST, &account.path("menu/create"));
        account.sim.send(request.body(body)).await.errcode()
    };
    assert_eq!(
        send(r#"{"button":[{"type":"click","name":"\u4eca","key":"k"}]}"#).await,
        40_033
    );
    assert_eq!(
        send(r#"{"button":[{"type":"click","name":"a\\u","key":"k"}]}"#).await,
        0
    );
    assert_eq!(send("").await, 44_002);
    assert_eq!(send("{").await, 47_001);
}

#[tokio::test]
async fn conditional_menus_are_for_some_users_only() {
    let account = Account::start().await;
    let openid = account.follower("ann").await;
    let tag = account
        .post("tags/create", json!({"tag": {"name": "vip"}}))
        .await
        .json()["tag"]["id"]
        .clone();
    let rule = json!({"tag_id": tag.to_string(), "client_platform_type": ""});
    let special = json!({"button": [click("vip")], "matchrule": rule});
    assert_eq!(account.code("menu/addconditional", special.clone()).await, 65_303);
    assert_eq!(account.code("menu/create", menu(json!([click("all")]))).await, 0);
    let ruleless = json!({"button": [click("vip")], "matchrule": {"tag_id": ""}});
    assert_eq!(account.code("menu/addconditional", ruleless).await, 65_304);
    let view = |host: &str| json!({"type": "view", "name": host, "url": format!("https://{host}.example/")});
    let hosts = json!({"button": [{"name": "n", "sub_button": [view("a"), view("b"), view("c"), view("d")]}], "matchrule": rule});
    assert_eq!(account.code("menu/addconditional", hosts).await, 65_316);
    let id = account
        .post("menu/addconditional", special)
        .await
        .text_of("menuid");

    let got = account.get("menu/get").await.json();
    assert!(got["menu"]["menuid"].is_u64(), "{got}");
    assert_eq!(got["conditionalmenu"][0]["menuid"].to_string(), id);
    assert_eq!(
        got["conditionalmenu"][0]["matchrule"],
        json!({"tag_id": tag.to_string()})
    );

    let seen = async || {
        let seen = account.post("menu/trymatch", json!({"user_id": openid})).await;
        seen.json()["button"][0]["name"].clone()
    };
    assert_eq!(seen().await, "all");
    let tagging = json!({"openid_list": [openid], "tagid": tag});
    assert_eq!(account.code("tags/members/batchtagging", tagging).await, 0);
    assert_eq!(seen().await, "vip");
    assert_eq!(
        account.code("menu/trymatch", json!({"user_id": "oNobody"})).await,
        65_302
    );

    assert_eq!(
        account.code("menu/delconditional", json!({"menuid": "1"})).await,
        65_301
    );
    assert_eq!(
        account.code("menu/delconditional", json!({"menuid": id})).await,
        0
    );
    assert_eq!(seen().await, "all");
}
