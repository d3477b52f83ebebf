//! What becomes of webhooks inside: which of them an event is for, what signs, and when instances hear of changes.

use std::time::{Duration, Instant};

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::json;
use wxgate::domain::ids::{AppName, WebhookId};
use wxgate::domain::push::event::Event;
use wxgate::domain::standard_webhooks;
use wxgate::service::records::Webhook;
use wxgate::service::webhooks::{Address, Changes, NewWebhook, Webhooks};

use super::{ROUTE, call, make, manager};
use crate::support::app::{Builder, StoreKind, TestApp};
use crate::support::on_both_stores;
use crate::support::services::Services;

on_both_stores!(
    an_event_is_for_those_who_want_it,
    a_secret_that_was_replaced_signs_until_its_time_is_over,
    webhooks_are_known_from_the_first_request_on,
);

/// Within this an instance knows what was changed on another one.
const BOUND: Duration = Duration::from_secs(2);

fn app_name(name: &str) -> AppName {
    name.parse().unwrap()
}

fn new(events: &[&str], reply: bool) -> NewWebhook {
    NewWebhook {
        url: Address::parse("https://hooks.example.com/", false).unwrap(),
        events: serde_json::from_value(json!(events)).unwrap(),
        description: None,
        ordered: false,
        reply,
        disabled: false,
        secret: None,
    }
}

async fn create(webhooks: &Webhooks, app: &str, events: &[&str], reply: bool) -> WebhookId {
    let created = webhooks.create(&app_name(app), new(events, reply)).await;
    created.unwrap().0.id
}

pub(crate) fn event(app: &str, kind: &str, name: &str, content: &str) -> Event {
    serde_json::from_value(json!({
        "id": "evt_1", "app": app, "app_id": "wx1", "kind": kind, "type": name, "openid": "o1", "account": "gh_1",
        "created_at": 1, "received_at": 1, "ids": {}, "key": content, "data": {"content": content},
        "payload": {"format": "xml", "text": ""},
    }))
    .unwrap()
}

async fn an_event_is_for_those_who_want_it(app: Builder) {
    let app = app.spawn().await;
    let webhooks = Services::beside(&app).await.webhooks;
    let shop = app_name("shop");
    let text = event("shop", "message", "text", "hello");
    let click = event("shop", "event", "CLICK", "menu_1");
    let wanting = |event: &Event| -> Vec<WebhookId> {
        let wanting = webhooks.wanting(event);
        wanting.iter().map(|webhook| webhook.id.clone()).collect()
    };
    assert!(wanting(&text).is_empty());

    let all = create(&webhooks, "shop", &[], false).await;
    let texts = create(&webhooks, "shop", &["message.text"], false).await;
    let clicks = create(&webhooks, "shop", &["event.CLICK:menu_"], false).await;
    create(&webhooks, "game", &[], false).await;
    let asked = create(&webhooks, "shop", &["message"], true).await;
    assert_eq!(wanting(&text), [all.clone(), texts.clone(), asked.clone()]);
    assert_eq!(wanting(&click), [all.clone(), clicks.clone()]);
    assert!(wanting(&event("other", "message", "text", "")).is_empty());

    let disable = Changes {
        disabled: Some(true),
        ..Changes::default()
    };
    webhooks.change(&shop, &all, disable.clone()).await.unwrap();
    assert_eq!(wanting(&text), [texts.clone(), asked.clone()]);
    assert!(webhooks.get(&all).unwrap().disabled, "it is there all the same");
    let enable = Changes {
        disabled: Some(false),
        events: Some(serde_json::from_value(json!(["event"])).unwrap()),
        ..Changes::default()
    };
    webhooks.change(&shop, &all, enable).await.unwrap();
    assert_eq!(wanting(&text), [texts.clone(), asked.clone()]);
    assert_eq!(wanting(&click), [all.clone(), clicks.clone()]);

    webhooks.delete(&shop, &texts).await.unwrap();
    assert_eq!(wanting(&text), [asked]);
    assert!(webhooks.get(&texts).is_none());
    assert!(webhooks.read(&shop, &texts).await.is_err());
    assert_eq!(wanting(&click), [all, clicks]);
}

fn texts(webhooks: &Webhooks, webhook: &Webhook, app: &TestApp) -> Vec<String> {
    let secrets = webhooks.secrets(webhook, app.now()).unwrap();
    // The signatures are what the receiver's library takes, whichever of the secrets it knows.
    let signature = standard_webhooks::sign(&secrets, "evt_1", 1, b"{}");
    assert_eq!(signature.split(' ').count(), secrets.len());
    let texts = secrets
        .iter()
        .map(|secret| secret.text().expose_secret().to_owned());
    texts.collect()
}

async fn a_secret_that_was_replaced_signs_until_its_time_is_over(app: Builder) {
    let app = app.spawn().await;
    let webhooks = Services::beside(&app).await.webhooks;
    let shop = app_name("shop");
    let (made, first) = webhooks.create(&shop, new(&[], false)).await.unwrap();
    let first = first.expose_secret().to_owned();
    let id = made.id;
    let secrets = || texts(&webhooks, &webhooks.get(&id).unwrap(), &app);
    let rotate = async |overlap| {
        let secret = webhooks.rotate(&shop, &id, Duration::from_secs(overlap)).await;
        secret.unwrap().expose_secret().to_owned()
    };
    assert_eq!(secrets(), std::slice::from_ref(&first));

    let second = rotate(60).await;
    assert_eq!(secrets(), [second.clone(), first]);
    app.turn(58);
    assert_eq!(secrets().len(), 2);
    app.turn(3);
    assert_eq!(secrets(), std::slice::from_ref(&second));

    // Two within the overlap: the one before last is given up.
    let third = rotate(60).await;
    let fourth = rotate(60).await;
    assert_eq!(secrets(), [fourth.clone(), third]);
    let fifth = rotate(0).await;
    assert_eq!(secrets(), [fifth], "a secret that leaked ends at once");

    // Sealed for its place: another webhook's record cannot be made to show it.
    let mut other = create_record(&webhooks, &shop).await;
    other.secret = webhooks.get(&id).unwrap().secret.clone();
    assert!(webhooks.secrets(&other, app.now()).is_err());
}

async fn create_record(webhooks: &Webhooks, app: &AppName) -> Webhook {
    webhooks.create(app, new(&[], false)).await.unwrap().0
}

async fn webhooks_are_known_from_the_first_request_on(app: Builder) {
    let mut app = app.spawn().await;
    let key = manager(&app).await;
    let made = make(&app, &key, json!({})).await.member("id");
    let gone = make(&app, &key, json!({})).await.member("id");
    let path = format!("{ROUTE}/{gone}");
    assert_eq!(
        call(&app, Method::DELETE, &path, &key, &json!({})).await.status,
        204
    );
    app.restart().await;
    let listed = call(&app, Method::GET, ROUTE, &key, &json!({})).await.ok().json();
    let ids: Vec<_> = listed["webhooks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|webhook| &webhook["id"])
        .collect();
    assert_eq!(ids, [&json!(made)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_instances_hear_of_changes_within_two_seconds() {
    let one = TestApp::builder().store(StoreKind::Mongo).spawn().await;
    let two = TestApp::builder().store(StoreKind::MongoAt(one.store_url()));
    let two = two.platform(one.simulator()).spawn().await;
    let key = manager(&one).await;
    let listed = async |app: &TestApp| {
        let reply = call(app, Method::GET, ROUTE, &key, &json!({})).await;
        reply.text
    };
    let heard = async |part: &str, is_there: bool| {
        let began = Instant::now();
        while listed(&two).await.contains(part) != is_there {
            assert!(began.elapsed() < BOUND, "{part}: {}", listed(&two).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let made = make(&one, &key, json!({})).await.member("id");
    let path = format!("{ROUTE}/{made}");
    heard(&made, true).await;
    // Whoever is sent to the other instance sees it at once, and can change it there.
    call(&two, Method::GET, &path, &key, &json!({})).await.ok();
    let change = json!({"description": "changed on the other one"});
    call(&two, Method::PATCH, &path, &key, &change).await.ok();
    let change = json!({"description": "changed here after that"});
    call(&one, Method::PATCH, &path, &key, &change).await.ok();
    heard("changed here after that", true).await;
    assert_eq!(
        call(&one, Method::DELETE, &path, &key, &json!({})).await.status,
        204
    );
    heard(&made, false).await;
}
