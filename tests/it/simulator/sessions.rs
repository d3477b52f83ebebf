//! `/wxa/checksession` and `/wxa/resetusersessionkey`.

use aws_lc_rs::hmac;
use serde_json::json;

use super::support::{Answered, MINI, OFFICIAL, Sim, without_rid};

/// A user who has logged in.
struct Session {
    sim: Sim,
    token: String,
    openid: String,
    key: String,
}

impl Session {
    async fn of(user: &str) -> Self {
        let sim = Sim::start();
        let token = sim.classic(MINI).await.token();
        let (openid, key) = log_in(&sim, user).await;
        Self {
            sim,
            token,
            openid,
            key,
        }
    }

    async fn call(&self, path: &str, openid: &str, key: &str, method: &str) -> Answered {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let signature = hex::encode(hmac::sign(&key, b""));
        let token = &self.token;
        self.sim
            .get(&format!(
                "/wxa/{path}?access_token={token}&openid={openid}&signature={signature}&sig_method={method}"
            ))
            .await
    }

    async fn check(&self, key: &str) -> Answered {
        self.call("checksession", &self.openid, key, "hmac_sha256").await
    }

    async fn reset(&self, key: &str) -> Answered {
        self.call("resetusersessionkey", &self.openid, key, "hmac_sha256")
            .await
    }
}

async fn log_in(sim: &Sim, user: &str) -> (String, String) {
    let answered = sim.log_in(MINI, &sim.code(user).await).await;
    (answered.text_of("openid"), answered.text_of("session_key"))
}

#[tokio::test]
async fn the_newest_session_key_is_valid_and_an_older_one_is_87009() {
    let session = Session::of("ann").await;
    assert_eq!(
        session.check(&session.key).await.text,
        r#"{"errcode":0,"errmsg":"ok"}"#
    );
    let (_, next) = log_in(&session.sim, "ann").await;
    assert_ne!(next, session.key);
    let answered = session.check(&session.key).await;
    assert_eq!(answered.errcode(), 87_009);
    assert_eq!(without_rid(&answered.errmsg()), "invalid signature");
    assert_eq!(session.check(&next).await.errcode(), 0);
}

#[tokio::test]
async fn a_login_can_keep_the_session_key_while_it_is_valid() {
    let session = Session::of("ann").await;
    session
        .sim
        .switch(MINI, json!({"session_keys": "keep_while_valid"}))
        .await;
    assert_eq!(log_in(&session.sim, "ann").await.1, session.key);
    session.sim.advance(3 * 86_400).await;
    assert_ne!(log_in(&session.sim, "ann").await.1, session.key);
}

#[tokio::test]
async fn a_reset_makes_a_new_key_that_inherits_the_old_ones_end() {
    let session = Session::of("ann").await;
    session.sim.switch(MINI, json!({"session_seconds": 7_000})).await;
    let (_, key) = log_in(&session.sim, "ann").await;
    session.sim.advance(5_000).await;
    let answered = session.reset(&key).await;
    assert_eq!(answered.errcode(), 0);
    assert_eq!(answered.text_of("openid"), session.openid);
    let next = answered.text_of("session_key");
    assert_ne!(next, key);
    assert_eq!(session.check(&key).await.errcode(), 87_009);
    assert_eq!(session.check(&next).await.errcode(), 0);
    session.sim.advance(2_000).await;
    assert_eq!(session.check(&next).await.errcode(), 87_009);
}

#[tokio::test]
async fn a_reset_tells_an_expired_key_from_a_wrong_signature() {
    let session = Session::of("ann").await;
    session.sim.switch(MINI, json!({"session_seconds": 100})).await;
    let (_, key) = log_in(&session.sim, "ann").await;
    assert_eq!(session.reset("wrong").await.errcode(), 87_009);
    session.sim.advance(100).await;
    let answered = session.reset(&key).await;
    assert_eq!(answered.errcode(), 87_007);
    assert_eq!(
        without_rid(&answered.errmsg()),
        "session_key is not existd or expired"
    );
}

#[tokio::test]
async fn another_signature_method_is_87008() {
    let session = Session::of("ann").await;
    for path in ["checksession", "resetusersessionkey"] {
        let answered = session.call(path, &session.openid, &session.key, "md5").await;
        assert_eq!(answered.errcode(), 87_008);
        assert_eq!(without_rid(&answered.errmsg()), "invalid sig_method");
    }
}

#[tokio::test]
async fn an_unknown_openid_is_40003_and_an_official_account_48001() {
    let mut session = Session::of("ann").await;
    let answered = session
        .call("checksession", "oUnknown", &session.key, "hmac_sha256")
        .await;
    assert_eq!(answered.errcode(), 40_003);
    session.token = session.sim.classic(OFFICIAL).await.token();
    assert_eq!(session.check(&session.key).await.errcode(), 48_001);
}
