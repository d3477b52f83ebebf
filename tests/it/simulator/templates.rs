//! Template messages: the templates of an account, sending, one-time subscriptions.

use serde_json::{Value, json};

use super::caused_events::next;
use super::official::Account;
use super::push_support::{Hook, Say};
use super::support::{OFFICIAL, without_rid};

async fn template(account: &Account) -> String {
    let wanted = json!({"template_id_short": "TM00015", "keyword_name_list": ["事项"]});
    let added = account.post("template/api_add_template", wanted).await;
    added.text_of("template_id")
}

#[tokio::test]
async fn a_template_message_reaches_a_follower() {
    let account = Account::start().await;
    let (openid, template) = (account.follower("ann").await, template(&account).await);
    let message = json!({
        "touser": openid, "template_id": template, "url": "https://a.example/",
        "data": {"thing1": {"value": "会议", "color": "#173177"}},
    });
    let sent = account.post("message/template/send", message).await;
    assert_eq!(sent.members(), ["errcode", "errmsg", "msgid"]);
    let msgid = sent.json()["msgid"].as_u64().expect("a number");
    assert!(msgid > 1 << 53, "{msgid}");
    let talk = account.sim.talk(OFFICIAL, "ann").await;
    let (kind, content) = talk.last().expect("an entry");
    assert_eq!(kind, "template");
    assert_eq!(content["msgid"], msgid.to_string());
    assert_eq!(content["data"]["thing1"]["value"], "会议");
    assert_eq!(content.get("touser"), None);
}

#[tokio::test]
async fn the_result_of_a_message_is_pushed_with_its_number() {
    let account = Account::start().await;
    let hook = Hook::start(|_, _| Say::success()).await;
    account.sim.serve_at(OFFICIAL, &hook, json!({})).await;
    account.sim.switch(OFFICIAL, json!({"event_delay_ms": 0})).await;
    let (openid, template) = (account.follower("ann").await, template(&account).await);
    hook.take_one();
    let message = json!({"touser": openid, "template_id": template, "data": {"thing1": {"value": "会议"}}});
    let sent = account.post("message/template/send", message).await.json();
    let event = next(&hook).await.body;
    assert!(
        event.contains("TEMPLATESENDJOBFINISH") && event.contains(&openid),
        "{event}"
    );
    assert!(
        event.contains(&format!("<MsgID>{}</MsgID>", sent["msgid"])),
        "{event}"
    );
    assert!(event.contains("<![CDATA[success]]>"), "{event}");
}

#[tokio::test]
async fn template_messages_are_checked() {
    let account = Account::start().await;
    let (openid, template) = (account.follower("ann").await, template(&account).await);
    let gone = account.follower("bob").await;
    account.after("bob", json!({"type": "unfollow"})).await;
    let with = |name: &str, value: Value| {
        let mut message =
            json!({"touser": openid, "template_id": template, "data": {"thing1": {"value": "a"}}});
        message[name] = value;
        message
    };
    let cases = [
        (with("touser", json!("oNobody")), 40_003),
        (with("touser", json!(gone)), 43_004),
        (with("template_id", json!("other")), 40_037),
        (with("data", Value::Null), 47_001),
        (with("data", json!({"thing1": {"value": "a".repeat(21)}})), 47_003),
        (with("data", json!({"thing1": {}})), 47_003),
        (
            with("miniprogram", json!({"appid": "wx1", "pagepath": "index?a=b"})),
            0,
        ),
        (with("miniprogram", json!({"appid": "wx1"})), 0),
        (
            with("miniprogram", json!({"appid": "wx1", "pagepath": "https://a"})),
            40_165,
        ),
        (with("miniprogram", json!({"pagepath": "index"})), 40_166),
    ];
    for (message, wanted) in cases {
        let code = account.code("message/template/send", message.clone()).await;
        assert_eq!(code, wanted, "{message}");
    }
    let wrong = with(
        "data",
        json!({"thing1": {"value": "a"}, "phrase4": {"value": "5"}}),
    );
    let refused = account.post("message/template/send", wrong).await;
    assert_eq!(
        without_rid(&refused.errmsg()),
        "argument invalid! data.phrase4.value invalid"
    );
    account
        .sim
        .switch(OFFICIAL, json!({"mini_programs": ["wx2"]}))
        .await;
    let linked = with("miniprogram", json!({"appid": "wx1"}));
    assert_eq!(account.code("message/template/send", linked).await, 40_166);
    let put = json!({"openid_list": [openid]});
    assert_eq!(account.code("tags/members/batchblacklist", put).await, 0);
    assert_eq!(
        account
            .code("message/template/send", with("url", json!("")))
            .await,
        43_019
    );
}

#[tokio::test]
async fn a_message_with_the_same_key_is_sent_once_in_ten_minutes() {
    let account = Account::start().await;
    let (openid, template) = (account.follower("ann").await, template(&account).await);
    let send = async || {
        let message = json!({
            "touser": openid, "template_id": template, "client_msg_id": "m-1", "data": {"thing1": {"value": "a"}},
        });
        account.post("message/template/send", message).await.json()["msgid"].clone()
    };
    let first = send().await;
    account.sim.advance(500).await;
    assert_eq!(send().await, first);
    account.sim.advance(200).await;
    assert_ne!(send().await, first);
    let talk = account.sim.talk(OFFICIAL, "ann").await;
    assert_eq!(talk.iter().filter(|(kind, _)| kind == "template").count(), 2);
}

#[tokio::test]
async fn an_account_has_templates_and_industries() {
    let account = Account::start().await;
    let first = template(&account).await;
    assert_eq!(first.len(), 43);
    for _ in 1..25 {
        template(&account).await;
    }
    let more = json!({"template_id_short": "TM1"});
    assert_eq!(account.code("template/api_add_template", more).await, 45_026);
    let list = account.get("template/get_all_private_template").await.json();
    let list = list["template_list"].as_array().expect("a list").clone();
    assert_eq!(list.len(), 25);
    assert_eq!(list[0]["template_id"], first.as_str());
    assert_eq!(list[0]["content"], "事项:{{thing1.DATA}}\n");
    let wanted = json!({"template_id": first});
    assert_eq!(
        account
            .code("template/del_private_template", wanted.clone())
            .await,
        0
    );
    assert_eq!(
        account.code("template/del_private_template", wanted).await,
        40_037
    );

    let industries = json!({"industry_id1": "1", "industry_id2": 13});
    assert_eq!(
        account
            .code("template/api_set_industry", industries.clone())
            .await,
        0
    );
    let got = account.get("template/get_industry").await.json();
    assert_eq!(
        got,
        json!({
            "primary_industry": {"first_class": "IT科技", "second_class": "互联网|电子商务"},
            "secondary_industry": {"first_class": "运输与仓储", "second_class": "快递"},
        })
    );
    assert_eq!(
        account
            .code("template/api_set_industry", industries.clone())
            .await,
        43_100
    );
    account.sim.advance(32 * 86_400).await;
    let token = account.sim.stable(OFFICIAL, false).await.token();
    let account = Account { token, ..account };
    assert_eq!(account.code("template/api_set_industry", industries).await, 0);
    let unknown = json!({"industry_id1": "1", "industry_id2": "42"});
    assert_eq!(account.code("template/api_set_industry", unknown).await, 40_097);
}

#[tokio::test]
async fn a_one_time_subscription_is_one_message() {
    let account = Account::start().await;
    let openid = account.follower("ann").await;
    let message = |scene: &str, title: &str| json!({"touser": openid, "template_id": "t", "scene": scene, "title": title, "data": {"content": {"value": "v"}}});
    let path = "message/template/subscribe";
    assert_eq!(account.code(path, message("1000", "标题")).await, 0);
    assert_eq!(account.code(path, message("10001", "标题")).await, 40_097);
    assert_eq!(
        account.code(path, message("1000", &"题".repeat(16))).await,
        40_097
    );
    let talk = account.sim.talk(OFFICIAL, "ann").await;
    assert_eq!(talk.iter().filter(|(kind, _)| kind == "template").count(), 1);
}
