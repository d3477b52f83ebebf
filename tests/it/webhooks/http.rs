//! What managers and others are answered.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wxgate::domain::standard_webhooks::Secret;
use wxgate::service::records::Grant;

use super::{ROUTE, URL, administrator, call, key, make, manager};
use crate::avatars::log_in;
use crate::support::app::{Builder, TestApp};
use crate::support::on_both_stores;

on_both_stores!(
    a_webhook_is_made_shown_changed_and_deleted,
    managers_are_administrators_and_callers_who_may,
    an_app_has_a_hundred_webhooks_at_most,
    a_secret_is_told_once_and_replaced_with_overlap,
);

fn at(webhook: &Value) -> String {
    format!("{ROUTE}/{}", webhook["id"].as_str().unwrap())
}

async fn a_webhook_is_made_shown_changed_and_deleted(app: Builder) {
    let app = app.spawn().await;
    let key = manager(&app).await;
    let more =
        json!({"events": ["message.text", "event.CLICK:menu_"], "description": "订单", "ordered": true});
    let made = make(&app, &key, more).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let mut made = made.json();
    let secret = made.as_object_mut().unwrap().remove("secret").unwrap();
    assert!(secret.as_str().unwrap().parse::<Secret>().is_ok());
    let times = json!([made["created_at"], made["changed_at"]]);
    assert_eq!(times, json!([app.now().secs(), app.now().secs()]));
    let path = at(&made);
    assert_eq!(
        made,
        json!({
            "id": made["id"], "url": URL, "events": ["message.text", "event.CLICK:menu_"], "description": "订单",
            "ordered": true, "reply": false, "disabled": false,
            "created_at": made["created_at"], "changed_at": made["changed_at"],
        })
    );
    app.turn(1);
    let second = make(&app, &key, json!({"disabled": true})).await.json();
    let members: Vec<_> = second.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members.last().unwrap(), "secret");
    assert_eq!(
        json!([second["events"], second["description"], second["disabled"]]),
        json!([[], null, true])
    );

    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    assert_eq!(listed["webhooks"][0], made);
    assert_eq!(listed["webhooks"][1]["id"], second["id"]);
    assert_eq!(listed["webhooks"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("whsec_"));
    assert_eq!(
        call(&app, Method::GET, &path, &key, &json!({})).await.ok().json(),
        made
    );

    // What is not named stays; what is null is nothing.
    let body = json!({"disabled": true, "ordered": null});
    let changed = call(&app, Method::PATCH, &path, &key, &body).await.ok().json();
    let mut expected = made.clone();
    expected["disabled"] = json!(true);
    expected["changed_at"] = json!(made["changed_at"].as_i64().unwrap() + 1);
    assert_eq!(changed, expected);
    let body = json!({
        "url": "http://other.example.com/", "events": null, "description": "", "ordered": false, "reply": true,
        "disabled": false,
    });
    let changed = call(&app, Method::PATCH, &path, &key, &body).await.ok().json();
    assert_eq!(
        json!([
            changed["url"],
            changed["events"],
            changed["description"],
            changed["ordered"],
            changed["reply"],
            changed["disabled"]
        ]),
        json!(["http://other.example.com/", [], null, false, true, false])
    );
    assert_eq!(
        call(&app, Method::GET, &path, &key, &json!({})).await.ok().json(),
        changed
    );

    let gone = call(&app, Method::DELETE, &path, &key, &json!({})).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let reply = call(&app, method.clone(), &path, &key, &json!({})).await;
        reply.refused(404, 10002, &format!("{method} {path}"));
    }
    let rotation = format!("{path}/secret");
    let reply = call(&app, Method::POST, &rotation, &key, &json!({})).await;
    reply.refused(404, 10002, &format!("POST {rotation}"));
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    assert_eq!(listed["webhooks"].as_array().unwrap().len(), 1);
    let stored = app.stored().texts("webhooks").await.join("\n");
    assert!(
        stored.contains("expires_at"),
        "others are told for a while that it is gone: {stored}"
    );
    let secret = secret.as_str().unwrap().trim_start_matches("whsec_");
    assert!(!stored.contains(secret), "{stored}");
}

async fn managers_are_administrators_and_callers_who_may(app: Builder) {
    let app = app.spawn().await;
    let user = log_in(&app, "ann").await;
    let manager = manager(&app).await;
    let administrator = administrator(&app).await;
    let others = [Grant::RawToken, Grant::SessionKey, Grant::Events, Grant::Metrics];
    let without = key(&app, &["shop"], &others).await;
    let elsewhere = key(&app, &["game"], &[Grant::Webhooks]).await;
    let webhook = at(&make(&app, &manager, json!({})).await.json());
    let rule = json!({"when": "default", "reply": {"type": "text", "content": "hello"}});
    let replies = "/v1/apps/shop/replies";
    let made = call(&app, Method::POST, replies, &manager, &rule).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let reply = format!("{replies}/{}", made.member("id"));
    for (method, path) in [
        (Method::GET, ROUTE),
        (Method::POST, ROUTE),
        (Method::GET, &webhook),
        (Method::PATCH, &webhook),
        (Method::POST, &format!("{webhook}/secret")),
        (Method::GET, &format!("{webhook}/deliveries")),
        (Method::POST, &format!("{webhook}/replay")),
        (Method::DELETE, &webhook),
        (Method::GET, replies),
        (Method::POST, replies),
        (Method::GET, &reply),
        (Method::PUT, &reply),
        (Method::DELETE, &reply),
    ] {
        let asked = format!("{method} {path}");
        // Who may not is told so whatever the body is.
        for body in ["{}", "{"] {
            let ask = |token: Option<&str>| {
                let request = app.request(method.clone(), path).body(body);
                match token {
                    Some(token) => request.bearer_auth(token),
                    None => request,
                }
            };
            for (token, status, code) in [
                (None, 401, 10004),
                (Some("nonsense"), 401, 10004),
                (Some("wxk_nonsense"), 401, 10004),
                (Some(user.as_str()), 403, 10005),
                (Some(&without), 403, 10005),
                (Some(&elsewhere), 403, 10005),
            ] {
                let reply = crate::support::reply::Reply::to(ask(token)).await;
                reply.refused(status, code, &asked);
            }
        }
    }
    for token in [&manager, &administrator] {
        for path in [ROUTE, replies, &webhook, &reply] {
            call(&app, Method::GET, path, token, &json!({})).await.ok();
        }
        for path in ["/v1/apps/nowhere/webhooks", "/v1/apps/nowhere/replies"] {
            let reply = call(&app, Method::GET, path, token, &json!({})).await;
            reply.refused(404, 10002, &format!("GET {path}"));
        }
    }
    // An administrator manages every app, and finds nothing of one under another.
    let game = "/v1/apps/game/webhooks";
    let made = call(&app, Method::POST, game, &administrator, &json!({"url": URL})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (foreign, own) = (
        format!("{ROUTE}/{}", made.member("id")),
        format!("{game}/{}", made.member("id")),
    );
    call(&app, Method::GET, &own, &administrator, &json!({}))
        .await
        .ok();
    for method in [Method::GET, Method::PATCH, Method::DELETE] {
        let reply = call(&app, method.clone(), &foreign, &administrator, &json!({})).await;
        reply.refused(404, 10002, &format!("{method} {foreign}"));
    }
    let listed = call(&app, Method::GET, game, &administrator, &json!({}))
        .await
        .ok()
        .json();
    assert_eq!(listed["webhooks"].as_array().unwrap().len(), 1);
}

async fn an_app_has_a_hundred_webhooks_at_most(app: Builder) {
    let app = app.spawn().await;
    let key = manager(&app).await;
    let all = (0..110).map(|_| make(&app, &key, json!({})));
    let replies: Vec<_> = join_all(all).await.iter().map(|reply| reply.status).collect();
    let made = replies.iter().filter(|status| **status == 201).count();
    let refused = replies.iter().filter(|status| **status == 409).count();
    assert_eq!((made, refused), (100, 10), "{replies:?}");
    let reply = make(&app, &key, json!({})).await;
    reply.refused(409, 10011, &format!("POST {ROUTE}"));
    // One that is gone makes room.
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    let first = at(&listed["webhooks"][0]);
    assert_eq!(
        call(&app, Method::DELETE, &first, &key, &json!({})).await.status,
        204
    );
    assert_eq!(make(&app, &key, json!({})).await.status, 201);
}

async fn a_secret_is_told_once_and_replaced_with_overlap(app: Builder) {
    let app = app.spawn().await;
    let key = manager(&app).await;
    let given = "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
    let made = make(&app, &key, json!({"secret": given})).await.json();
    assert_eq!(made["secret"], given);
    let path = at(&made);
    let rotation = format!("{path}/secret");
    let mut seen = vec![given.to_owned()];
    for (body, lasts) in [
        (json!({}), Some(24 * 3600)),
        (json!({"overlap": null}), Some(24 * 3600)),
        (json!({"overlap": "90m"}), Some(90 * 60)),
        (json!({"overlap": "7d"}), Some(7 * 24 * 3600)),
        (json!({"overlap": "0s"}), None),
    ] {
        let reply = call(&app, Method::POST, &rotation, &key, &body).await.ok();
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let members: Vec<_> = reply.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["secret"]);
        let secret = reply.member("secret");
        assert!(secret.parse::<Secret>().is_ok() && !seen.contains(&secret));
        seen.push(secret);
        let shown = call(&app, Method::GET, &path, &key, &json!({})).await.ok();
        assert!(!shown.text.contains("whsec_"));
        let until = shown.json().get("previous_secret_until").and_then(Value::as_i64);
        let off = until
            .zip(lasts)
            .map(|(until, lasts)| until - lasts - app.now().secs());
        assert!(off.is_none_or(|off| (-2..=2).contains(&off)), "{body}: {off:?}");
        assert_eq!(until.is_some(), lasts.is_some(), "{body}");
    }
    for overlap in [json!("8d"), json!("soon"), json!(60), json!("-1s"), json!(["1h"])] {
        let reply = call(&app, Method::POST, &rotation, &key, &json!({"overlap": overlap})).await;
        reply.refused(400, 10001, &format!("POST {rotation}"));
    }
    let stored = app.stored().texts("webhooks").await.join("\n");
    for secret in seen {
        assert!(!stored.contains(secret.trim_start_matches("whsec_")), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_are_wrong_are_refused_without_quoting_secrets() {
    let app = TestApp::builder().spawn().await;
    let key = manager(&app).await;
    let many: Vec<_> = (0..51).map(|number| format!("event.CLICK:{number}")).collect();
    let wrong = [
        json!({"events": "message.text"}),
        json!({"events": [1]}),
        json!({"events": ["message.te xt"]}),
        json!({"events": [""]}),
        json!({"events": ["nothing.text"]}),
        json!({"events": many}),
        json!({"description": "a".repeat(257)}),
        json!({"description": "a\nb"}),
        json!({"description": 1}),
        json!({"ordered": "yes"}),
        json!({"reply": 1}),
        json!({"disabled": []}),
        json!({"url": 1}),
        json!({"url": ["https://a.example.com/"]}),
    ];
    let path = at(&make(&app, &key, json!({})).await.json());
    for body in &wrong {
        let reply = make(&app, &key, body.clone()).await;
        reply.refused(400, 10001, &format!("POST {ROUTE}"));
        let reply = call(&app, Method::PATCH, &path, &key, body).await;
        reply.refused(400, 10001, &format!("PATCH {path}"));
    }
    for secret in [
        "s3cret",
        "whsec_",
        "whsec_s3cret",
        "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE",
        &format!("whsec_{}", "A".repeat(200)),
    ] {
        let reply = make(&app, &key, json!({"secret": secret})).await;
        let told = reply.refused(400, 10001, &format!("POST {ROUTE}"));
        assert!(secret == "whsec_" || !told.to_string().contains(secret), "{told}");
    }
    for body in [json!({}), json!({"url": null}), json!({"url": ""})] {
        let reply = call(&app, Method::POST, ROUTE, &key, &body).await;
        let told = reply.refused(400, 10001, &format!("POST {ROUTE}"));
        assert_eq!(told["msg"], json!(["url字段是必填参数"]));
    }
    // Everything that is wrong is told at once.
    let reply = make(
        &app,
        &key,
        json!({"url": "ftp://a.example", "events": 1, "secret": "x"}),
    )
    .await;
    let told = reply.refused(400, 10001, &format!("POST {ROUTE}"));
    assert_eq!(told["msg"].as_array().unwrap().len(), 3, "{told}");
    for id in ["whk_nothing", "nothing", "rul_1", "whk_..", "whk_%2e%2e"] {
        let path = format!("{ROUTE}/{id}");
        assert_eq!(
            call(&app, Method::GET, &path, &key, &json!({})).await.status,
            404,
            "{id}"
        );
    }
    assert_eq!(app.stored().count("webhooks").await, 1);
}
