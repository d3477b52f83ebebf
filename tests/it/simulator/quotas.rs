//! What an app has called today, how that is set back, and what a refused call was.

use serde_json::{Value, json};

use super::official::Account;
use super::support::{MINI, OFFICIAL, SECRET};

const MENU: &str = "/cgi-bin/menu/get";

impl Account {
    async fn quota(&self, path: &str) -> Value {
        self.post("openapi/quota/get", json!({"cgi_path": path}))
            .await
            .json()
    }

    /// At the beginning of a day, and with a token of that day.
    async fn at_midnight() -> Self {
        let account = Self::start().await;
        account.sim.to_midnight().await;
        let token = account.sim.stable(OFFICIAL, false).await.token();
        Self { token, ..account }
    }

    async fn renewed(self) -> Self {
        let token = self.sim.stable(OFFICIAL, false).await.token();
        Self { token, ..self }
    }
}

#[tokio::test]
async fn calls_are_counted_and_counters_are_set_back() {
    let account = Account::at_midnight().await;
    let limits = json!({"limits": {MENU: {"daily": 2, "minute": 10}}});
    account.sim.switch(OFFICIAL, limits).await;
    account.get("menu/get").await;
    assert_eq!(
        account.quota(MENU).await,
        json!({
            "errcode": 0, "errmsg": "ok",
            "quota": {"daily_limit": 2, "used": 1, "remain": 1},
            "rate_limit": {"call_count": 10, "refresh_second": 60},
        })
    );
    account.get("menu/get").await;
    assert_eq!(account.get("menu/get").await.errcode(), 45_009);
    let one = json!({"cgi_path": MENU});
    assert_eq!(account.code("openapi/quota/clear", one).await, 0);
    assert_eq!(account.quota(MENU).await["quota"]["remain"], 2);
    assert_eq!(account.get("menu/get").await.errcode(), 46_003);
    let other = json!({"appid": MINI});
    assert_eq!(account.code("clear_quota", other).await, 40_013);
    assert_eq!(account.code("clear_quota", json!({"appid": OFFICIAL})).await, 0);
    assert_eq!(account.quota(MENU).await["quota"]["used"], 0);
    account.get("menu/get").await;
    account.sim.advance(86_400).await;
    let account = account.renewed().await;
    assert_eq!(account.quota(MENU).await["quota"]["used"], 0);
}

#[tokio::test]
async fn new_accounts_have_the_documented_quotas() {
    let account = Account::start().await;
    for (path, daily) in [
        ("/cgi-bin/token", 2_000),
        ("/cgi-bin/menu/create", 1_000),
        (MENU, 10_000),
        ("/cgi-bin/qrcode/create", 100_000),
        ("/cgi-bin/user/info", 5_000_000),
        ("/cgi-bin/message/custom/send", 500_000),
    ] {
        assert_eq!(account.quota(path).await["quota"]["daily_limit"], daily, "{path}");
    }
    for (path, wanted) in [
        ("/cgi-bin/hologram", 76_021),
        ("cgi-bin/token", 76_021),
        ("", 76_021),
        ("/sns/userinfo", 76_022),
        ("/wxa/checksession", 76_022),
        ("https://api.weixin.qq.com/cgi-bin/token", 76_003),
    ] {
        assert_eq!(account.quota(path).await["errcode"], wanted, "{path}");
        let body = json!({"cgi_path": path});
        assert_eq!(account.code("openapi/quota/clear", body).await, wanted, "{path}");
    }
}

#[tokio::test]
async fn all_counters_can_be_cleared_ten_times_a_month_in_either_way() {
    let account = Account::at_midnight().await;
    let by_secret = async |query: String, body: Value| {
        let path = format!("/cgi-bin/clear_quota/v2{query}");
        account.sim.post(&path, &body).await.errcode()
    };
    let query = format!("?appid={OFFICIAL}&appsecret={SECRET}");
    let body = json!({"appid": OFFICIAL, "appsecret": SECRET});
    assert_eq!(by_secret(String::new(), json!({})).await, 41_002);
    assert_eq!(by_secret(format!("?appid={OFFICIAL}"), json!({})).await, 41_004);
    let unknown = json!({"appid": "wx0", "appsecret": SECRET});
    assert_eq!(by_secret(String::new(), unknown).await, 40_013);
    let wrong = json!({"appid": OFFICIAL, "appsecret": "wrong"});
    assert_eq!(by_secret(String::new(), wrong).await, 40_125);
    for _ in 0..4 {
        assert_eq!(by_secret(query.clone(), json!({})).await, 0);
        assert_eq!(by_secret(String::new(), body.clone()).await, 0);
    }
    for wanted in [0, 0, 48_006] {
        assert_eq!(
            account.code("clear_quota", json!({"appid": OFFICIAL})).await,
            wanted
        );
    }
    assert_eq!(by_secret(query.clone(), json!({})).await, 48_006);
    account.sim.advance(32 * 86_400).await;
    assert_eq!(by_secret(query, json!({})).await, 0);
}

#[tokio::test]
async fn one_counter_can_be_cleared_fifty_times_a_month() {
    let account = Account::at_midnight().await;
    let body = json!({"cgi_path": MENU});
    for _ in 0..50 {
        assert_eq!(account.code("openapi/quota/clear", body.clone()).await, 0);
    }
    assert_eq!(account.code("openapi/quota/clear", body).await, 45_009);
}

#[tokio::test]
async fn a_refused_call_is_known_by_its_request_id_for_a_week() {
    let account = Account::start().await;
    let refused = account.post("menu/create", json!({"button": []})).await;
    let errmsg = refused.errmsg();
    let (_, rid) = errmsg.split_once(" rid: ").expect("a request id");
    let ask = async |account: &Account, rid: &str| account.post("openapi/rid/get", json!({"rid": rid})).await;
    let told = ask(&account, rid).await.json();
    let request = &told["request"];
    let begin: String = account.token.chars().take(6).collect();
    assert_eq!(request["request_url"], format!("access_token={begin}xxxx"));
    assert_eq!(request["request_body"], r#"{"button":[]}"#);
    assert_eq!(request["response_body"], refused.text.as_str());
    assert_eq!(request["client_ip"], "127.0.0.1");
    assert_eq!(request["cost_in_ms"], 1);
    let time = format!("{:08x}", request["invoke_time"].as_i64().expect("a number"));
    assert!(rid.starts_with(&time), "{rid} {time}");

    assert_eq!(ask(&account, "").await.errcode(), 76_002);
    assert_eq!(ask(&account, &rid.to_uppercase()).await.errcode(), 76_002);
    let unknown = format!("{}-00000000-00000000", &rid[..8]);
    assert_eq!(ask(&account, &unknown).await.errcode(), 76_001);
    let token = account.sim.stable(MINI, false).await.token();
    let path = format!("/cgi-bin/openapi/rid/get?access_token={token}");
    let other = account.sim.post(&path, &json!({"rid": rid})).await;
    assert_eq!(other.errcode(), 76_003);

    account.sim.advance(7 * 86_400 - 60).await;
    let account = account.renewed().await;
    assert_eq!(ask(&account, rid).await.errcode(), 0);
    account.sim.advance(120).await;
    assert_eq!(ask(&account, rid).await.errcode(), 76_004);
}

#[tokio::test]
async fn fault_rules_strike_these_endpoints_and_have_request_ids_too() {
    let account = Account::start().await;
    account
        .sim
        .fault(
            json!({"path": "/cgi-bin/menu/*", "count": 1, "effect": {"type": "errcode", "errcode": 45_011}}),
        )
        .await;
    let struck = account.get("menu/get").await;
    assert_eq!(struck.errcode(), 45_011);
    let errmsg = struck.errmsg();
    let (_, rid) = errmsg.split_once(" rid: ").expect("a request id");
    let told = account.post("openapi/rid/get", json!({"rid": rid})).await.json();
    assert_eq!(told["request"]["response_body"], struck.text.as_str());
    assert_eq!(account.get("menu/get").await.errcode(), 46_003);
}
