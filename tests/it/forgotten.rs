//! Codes instead of a password or a session: forgotten passwords, proven registrations, and how often codes may fail.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::codes::with;
use crate::support::app::{Builder, TestApp};
use crate::support::receiver::Receiver;
use crate::support::reply::Reply;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    a_forgotten_password_is_set_by_a_code,
    without_a_proven_identity_a_code_is_wrong,
    whoever_proves_an_address_takes_it_over,
    a_phone_with_a_code_is_an_account,
    failures_of_codes_count_together_and_are_forgotten,
    whoever_hangs_up_has_tried_a_code_all_the_same,
    one_session_is_shown_to_its_user,
);

const PASSWORD: &str = "ninety-nine red balloons";
const NEW: &str = "one hundred balloons";
const MAIL: &str = "ann@example.com";
const SET: &str = "POST /v1/user/password";
const USERS: &str = "POST /v1/users";

async fn stage(app: Builder) -> (Receiver, TestApp) {
    let receiver = Receiver::start().await;
    let app = with(app, &receiver).spawn().await;
    (receiver, app)
}

async fn code(app: &TestApp, receiver: &Receiver, target: Value, purpose: &str) -> String {
    let mut body = target;
    body["purpose"] = purpose.into();
    let sent = app.post_json("/v1/codes", &body).await;
    assert_eq!(sent.status, 204, "{}", sent.text);
    receiver.take_one().json()["code"].as_str().unwrap().to_owned()
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn register_proven(app: &TestApp, receiver: &Receiver, mail: &str) -> Reply {
    let code = code(app, receiver, json!({"email": mail}), "register").await;
    let body = json!({"email": mail, "code": code, "password": PASSWORD});
    let made = app.post_json("/v1/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

async fn account(app: &TestApp, token: &str) -> Reply {
    Reply::to(app.request(Method::GET, "/v1/user").bearer_auth(token)).await
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> Reply {
    let body = json!({"type": 101, "account": name, "secret": password});
    app.post_json("/v1/token", &body).await
}

async fn set(app: &TestApp, code: &str) -> Reply {
    let body = json!({"email": MAIL, "code": code, "new": NEW});
    app.post_json("/v1/user/password", &body).await
}

async fn a_forgotten_password_is_set_by_a_code(app: Builder) {
    let (receiver, app) = stage(app).await;
    let made = register_proven(&app, &receiver, MAIL).await;
    assert_eq!(
        account(&app, &made.member("token")).await.ok().json()["identities"][0]["proven"],
        true
    );
    app.advance(61).await;
    let code = code(&app, &receiver, json!({"email": MAIL}), "password").await;
    set(&app, &another(&code)).await.refused(403, 10005, SET);
    // A password that must not be had does not use the code up.
    let bad = json!({"email": MAIL, "code": code, "new": "12345678"});
    app.post_json("/v1/user/password", &bad)
        .await
        .refused(400, 10001, SET);
    // A token that is not good is no missing one.
    let body = json!({"email": MAIL, "code": code, "new": NEW});
    let request = app
        .request(Method::POST, "/v1/user/password")
        .bearer_auth("nonsense");
    Reply::to(request.json(&body)).await.refused(401, 10004, SET);
    let done = set(&app, &code).await;
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    account(&app, &made.member("token"))
        .await
        .refused(401, 10004, "GET /v1/user");
    log_in(&app, MAIL, PASSWORD)
        .await
        .refused(401, 10004, "POST /v1/token");
    log_in(&app, MAIL, NEW).await.ok();
    set(&app, &code).await.refused(403, 10005, SET);
    let without = json!({"new": NEW});
    app.post_json("/v1/user/password", &without)
        .await
        .refused(401, 10004, SET);
}

async fn without_a_proven_identity_a_code_is_wrong(app: Builder) {
    let (receiver, app) = stage(app).await;
    let claimed = json!({"email": MAIL, "password": PASSWORD});
    app.post_json("/v1/users", &claimed).await;
    let sent = code(&app, &receiver, json!({"email": MAIL}), "password").await;
    let wrong = set(&app, &another(&sent)).await;
    wrong.refused(403, 10005, SET);
    assert_eq!(set(&app, &sent).await.text, wrong.text);
    log_in(&app, MAIL, PASSWORD).await.ok();
    let sent = code(&app, &receiver, json!({"phone": "13800138000"}), "password").await;
    let body = json!({"phone": "13800138000", "code": sent, "new": NEW});
    assert_eq!(app.post_json("/v1/user/password", &body).await.text, wrong.text);
}

async fn whoever_proves_an_address_takes_it_over(app: Builder) {
    let (receiver, app) = stage(app).await;
    let claimed = json!({"email": MAIL, "password": "of somebody else"});
    let claimed = app.post_json("/v1/users", &claimed).await;
    let made = register_proven(&app, &receiver, MAIL).await;
    assert_ne!(made.json()["user"]["id"], claimed.json()["user"]["id"]);
    let theirs = account(&app, &claimed.member("token")).await.ok();
    assert_eq!(theirs.json()["identities"], json!([]));
    log_in(&app, MAIL, "of somebody else")
        .await
        .refused(401, 10004, "POST /v1/token");
    let login = log_in(&app, MAIL, PASSWORD).await.ok();
    assert_eq!(login.json()["user"]["id"], made.json()["user"]["id"]);
    // Proven once, it is taken, also for somebody with a code.
    app.advance(61).await;
    let users = app.stored().count("users").await;
    let again = code(&app, &receiver, json!({"email": MAIL}), "register").await;
    let body = json!({"email": MAIL, "code": again, "password": NEW});
    app.post_json("/v1/users", &body).await.refused(409, 10011, USERS);
    assert_eq!(app.stored().count("users").await, users);
}

async fn a_phone_with_a_code_is_an_account(app: Builder) {
    let (receiver, app) = stage(app).await;
    let phone = json!({"phone": "13800138000"});
    let sent = code(&app, &receiver, phone.clone(), "register").await;
    for (body, status, error) in [
        (json!({"phone": "13800138000", "password": PASSWORD}), 400, 10001),
        (
            json!({"username": "ann", "code": sent, "password": PASSWORD}),
            400,
            10001,
        ),
        (
            json!({"phone": "13800138000", "code": another(&sent), "password": PASSWORD}),
            403,
            10005,
        ),
    ] {
        app.post_json("/v1/users", &body)
            .await
            .refused(status, error, USERS);
    }
    let body = json!({"phone": "13800138000", "code": sent, "password": PASSWORD});
    // Of many with the right code one makes an account.
    let made = join_all((0..6).map(|_| app.post_json("/v1/users", &body))).await;
    let made: Vec<_> = made.iter().filter(|made| made.status == 201).collect();
    assert_eq!((made.len(), app.stored().count("users").await), (1, 1));
    app.advance(61).await;
    let sent = code(&app, &receiver, phone, "login").await;
    let body = json!({"type": 102, "account": "13800138000", "secret": sent});
    let login = app.post_json("/v1/token", &body).await.ok();
    assert_eq!(login.json()["user"]["id"], made[0].json()["user"]["id"]);
}

async fn failures_of_codes_count_together_and_are_forgotten(app: Builder) {
    let (receiver, app) = stage(app.set("auth.limits.account_failures", "3")).await;
    register_proven(&app, &receiver, MAIL).await;
    app.advance(61).await;
    let sent = code(&app, &receiver, json!({"email": MAIL}), "password").await;
    for _ in 0..2 {
        set(&app, &another(&sent)).await.refused(403, 10005, SET);
    }
    assert_eq!(set(&app, &sent).await.status, 204);
    // The two are forgotten; three more are too many, whatever the code is for.
    for _ in 0..3 {
        set(&app, "000000").await.refused(403, 10005, SET);
    }
    set(&app, "000000").await.refused(429, 10006, SET);
    let body = json!({"email": MAIL, "code": "000000", "password": PASSWORD});
    app.post_json("/v1/users", &body).await.refused(429, 10006, USERS);
    // A phone that logs in forgets as well.
    let sent = code(&app, &receiver, json!({"phone": "13800138000"}), "login").await;
    let try_phone = async |secret: &str| {
        let body = json!({"type": 102, "account": "13800138000", "secret": secret});
        app.post_json("/v1/token", &body).await.status
    };
    for _ in 0..2 {
        assert_eq!(try_phone(&another(&sent)).await, 401);
    }
    assert_eq!(try_phone(&sent).await, 200);
    for _ in 0..3 {
        assert_eq!(try_phone(&sent).await, 401);
    }
    assert_eq!(try_phone(&sent).await, 429);
}

async fn whoever_hangs_up_has_tried_a_code_all_the_same(app: Builder) {
    use tokio::io::AsyncWriteExt as _;
    let (_, app) = stage(app).await;
    let body = json!({"type": 102, "account": "13800138000", "secret": "000000"}).to_string();
    let head = format!(
        "POST /v1/token HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..5 {
        let mut stream = tokio::net::TcpStream::connect(app.addr()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // Long enough to be read, and gone without the answer.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        drop(stream);
    }
    eventually("the attempts are counted", async || {
        let attempts = app.stored().records("attempts").await;
        attempts.iter().any(|attempts| attempts["count"] == 5)
    })
    .await;
}

async fn one_session_is_shown_to_its_user(app: Builder) {
    let app = app.spawn().await;
    let register = async |name: &str| {
        let body = json!({"username": name, "password": PASSWORD});
        app.post_json("/v1/users", &body).await.member("token")
    };
    let (ann, bob) = (register("ann").await, register("bob").await);
    let get =
        async |path: &str, token: &str| Reply::to(app.request(Method::GET, path).bearer_auth(token)).await;
    let list = get("/v1/user/sessions", &ann).await.ok().json();
    let id = list["sessions"][0]["id"].as_str().unwrap();
    let path = format!("/v1/user/sessions/{id}");
    assert_eq!(get(&path, &ann).await.ok().json(), list["sessions"][0]);
    let route = format!("GET {path}");
    get(&path, &bob).await.refused(404, 10002, &route);
    let nonsense = get("/v1/user/sessions/nonsense", &ann).await;
    nonsense.refused(404, 10002, "GET /v1/user/sessions/nonsense");
    let other = log_in(&app, "ann", PASSWORD).await.ok().member("token");
    let gone = app.request(Method::DELETE, &path).bearer_auth(&other);
    assert_eq!(Reply::to(gone).await.status, 204);
    get(&path, &other).await.refused(404, 10002, &route);
}

#[tokio::test]
async fn registering_leaves_room_for_those_who_log_in() {
    let app = TestApp::builder()
        .set("auth.argon2.concurrent", "1")
        .set("auth.argon2.queue", "7")
        .spawn()
        .await;
    let body = |name: &str| json!({"username": name, "password": PASSWORD});
    assert_eq!(app.post_json("/v1/users", &body("ann")).await.status, 201);
    let crowd = join_all((0..60).map(|index| {
        let app = &app;
        async move {
            app.post_json("/v1/users", &body(&format!("u{index}")))
                .await
                .status
        }
    }));
    let logins = join_all((0..4).map(|_| log_in(&app, "ann", PASSWORD)));
    let (crowd, logins) = tokio::join!(crowd, logins);
    for login in logins {
        login.ok();
    }
    assert!(crowd.contains(&503), "the crowd was too small: {crowd:?}");
    assert!(
        crowd.iter().all(|status| [201, 503].contains(status)),
        "{crowd:?}"
    );
}
