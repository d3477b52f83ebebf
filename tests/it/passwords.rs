//! Passwords as proofs: how often they may be wrong, whoever asks, at which instance and how many at once.

use std::net::IpAddr;
use std::num::NonZero;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use wxgate::service::limits::Trial;
use wxgate::service::password_check::Error;

use crate::support::app::{Builder, TestApp};
use crate::support::reply::Reply;
use crate::support::services::Services;
use crate::support::{eventually, on_both_stores};

on_both_stores!(
    a_crowd_of_guesses_gets_no_further_than_one_guesser,
    an_address_that_fails_on_many_accounts_waits,
    success_takes_no_failure_back,
    whoever_hangs_up_has_failed_all_the_same,
    hashes_get_the_parameters_of_today,
);

const PASSWORD: &str = "correct horse battery";

fn trial(account: &str, address: Option<&str>) -> Trial {
    Trial {
        account: account.to_owned(),
        address: address.map(|address| address.parse::<IpAddr>().unwrap()),
    }
}

/// At the next login, without ending anything.
async fn hashes_get_the_parameters_of_today(app: Builder) {
    let mut app = app.spawn().await;
    let ann = json!({"username": "ann", "password": PASSWORD});
    let token = app.post_json("/v1/users", &ann).await.member("token");
    let bob = "bob@example.com".parse().unwrap();
    let services = Services::beside(&app).await;
    services
        .administrators
        .create(&bob, PASSWORD.into(), false)
        .await
        .unwrap();
    app.stop().await;
    app.reconfigure(|config| config.auth.argon2.iterations = 3);
    app.start().await;
    let was_renewed = async |collection: &str| {
        let record = app.stored().records(collection).await.remove(0);
        assert_eq!(record["epoch"].as_i64().unwrap_or_default(), 0);
        record["password"].as_str().unwrap().contains("t=3,")
    };
    let log_in = async |password: &str, kind: i64, name: &str| {
        let body = json!({"type": kind, "account": name, "secret": password});
        app.post_json("/v1/token", &body).await.status
    };
    for (collection, kind, name) in [("users", 101, "ann"), ("administrators", 200, "bob@example.com")] {
        assert_eq!(log_in("wrong password", kind, name).await, 401);
        assert!(!was_renewed(collection).await);
        assert_eq!(log_in(PASSWORD, kind, name).await, 200);
        eventually("the hash is renewed", async || was_renewed(collection).await).await;
        assert_eq!(log_in("wrong password", kind, name).await, 401);
        assert_eq!(log_in(PASSWORD, kind, name).await, 200);
    }
    let account = app.request(reqwest::Method::GET, "/v1/user").bearer_auth(token);
    Reply::to(account).await.ok();
}

/// One check, as one word.
async fn check(services: &Services, trial: Trial, phc: &str, password: &str) -> &'static str {
    match services
        .check
        .run(trial, Some(phc.to_owned()), password.into())
        .await
    {
        Ok(()) => "right",
        Err(Error::Wrong) => "wrong",
        Err(Error::Limited(wait)) => {
            assert!(wait <= Duration::from_secs(15 * 60), "{wait:?}");
            "limited"
        }
        Err(Error::Busy) => "busy",
        Err(error) => panic!("{error}"),
    }
}

fn count(answers: &[&str], word: &str) -> usize {
    answers.iter().filter(|answer| **answer == word).count()
}

/// How many have a turn at the same time at one instance.
fn turns() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

async fn a_crowd_of_guesses_gets_no_further_than_one_guesser(app: Builder) {
    let app = app.set("auth.argon2.queue", "500").spawn().await;
    let instances = [Services::beside(&app).await, Services::beside(&app).await];
    let phc = instances[0].passwords.hash(PASSWORD.into()).await.unwrap();
    let guesses = (0..200).map(|guess| {
        let (services, phc) = (&instances[guess % 2], &phc);
        let guess = format!("guess number {guess}");
        async move { check(services, trial("email::ann@example.com", None), phc, &guess).await }
    });
    let answers = join_all(guesses).await;
    let wrong = count(&answers, "wrong");
    // Those who had a turn together with the tenth.
    let most = 10 + instances.len() * turns() - 1;
    assert!((10..=most).contains(&wrong), "{wrong} were tried");
    assert_eq!(wrong + count(&answers, "limited"), 200);

    let [one, other] = &instances;
    let ann = || trial("email::ann@example.com", None);
    assert_eq!(check(one, ann(), &phc, PASSWORD).await, "limited");
    assert_eq!(
        check(one, trial("email::bob@example.com", None), &phc, PASSWORD).await,
        "right"
    );
    app.turn(15 * 60 - 60);
    assert_eq!(check(other, ann(), &phc, PASSWORD).await, "limited");
    app.turn(60);
    assert_eq!(check(other, ann(), &phc, PASSWORD).await, "right");
    assert_eq!(check(one, ann(), &phc, "another guess").await, "wrong");
}

async fn an_address_that_fails_on_many_accounts_waits(app: Builder) {
    let app = app.set("auth.limits.address_failures", "5").spawn().await;
    let services = Services::beside(&app).await;
    let phc = services.passwords.hash(PASSWORD.into()).await.unwrap();
    for account in 0..5 {
        // Machines of one network.
        let address = format!("2001:db8:0:7::{account}");
        let trial = trial(&format!("username::u{account}"), Some(&address));
        assert_eq!(check(&services, trial, &phc, "spring 2026").await, "wrong");
    }
    let from = |address| check(&services, trial("username::ann", address), &phc, PASSWORD);
    assert_eq!(from(Some("2001:db8:0:7:8::1")).await, "limited");
    assert_eq!(from(Some("2001:db8:0:8::1")).await, "right");
    assert_eq!(from(Some("192.0.2.1")).await, "right");
    assert_eq!(from(None).await, "right");
    // Nothing in the store names anybody.
    let texts = app.stored().texts("attempts").await;
    assert!(!texts.is_empty());
    for text in texts {
        for plain in ["2001:", "db8:", "username::", "192.0."] {
            assert!(!text.contains(plain), "{text}");
        }
    }
}

async fn success_takes_no_failure_back(app: Builder) {
    let app = app.set("auth.limits.address_failures", "12").spawn().await;
    let services = Services::beside(&app).await;
    let phc = services.passwords.hash(PASSWORD.into()).await.unwrap();
    let ann = || trial("username::ann", Some("192.0.2.1"));
    for _ in 0..9 {
        assert_eq!(check(&services, ann(), &phc, "wrong one").await, "wrong");
    }
    assert_eq!(check(&services, ann(), &phc, PASSWORD).await, "right");
    assert_eq!(check(&services, ann(), &phc, "wrong one").await, "wrong");
    assert_eq!(check(&services, ann(), &phc, PASSWORD).await, "limited");
    // Nor one of the address.
    let bob = || trial("username::bob", Some("192.0.2.1"));
    assert_eq!(check(&services, bob(), &phc, "wrong one").await, "wrong");
    assert_eq!(check(&services, bob(), &phc, PASSWORD).await, "right");
    assert_eq!(check(&services, bob(), &phc, "wrong one").await, "wrong");
    assert_eq!(check(&services, bob(), &phc, PASSWORD).await, "limited");
}

async fn whoever_hangs_up_has_failed_all_the_same(app: Builder) {
    let app = app.set("auth.limits.account_failures", "1").spawn().await;
    let services = Services::beside(&app).await;
    let phc = services.passwords.hash(PASSWORD.into()).await.unwrap();
    let guess = services.check.run(
        trial("username::ann", None),
        Some(phc.clone()),
        "wrong one".into(),
    );
    let hung_up = tokio::time::timeout(Duration::from_millis(5), guess).await;
    assert!(hung_up.is_err(), "it takes longer than that");
    eventually("the guess is counted", async || {
        app.stored().count("attempts").await == 1
    })
    .await;
    assert_eq!(
        check(&services, trial("username::ann", None), &phc, PASSWORD).await,
        "limited"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_turned_away_within_two_seconds() {
    let app = TestApp::builder()
        .set("auth.argon2.concurrent", "1")
        .set("auth.argon2.queue", "3")
        .spawn()
        .await;
    let services = Services::beside(&app).await;
    let phc = services.passwords.hash(PASSWORD.into()).await.unwrap();
    let started = Instant::now();
    let one = |index: usize| {
        let (services, phc) = (&services, &phc);
        async move {
            check(
                services,
                trial(&format!("username::u{index}"), None),
                phc,
                PASSWORD,
            )
            .await
        }
    };
    let answers = join_all((0..100).map(one)).await;
    let right = count(&answers, "right");
    assert!((1..=99).contains(&right), "{right}");
    assert_eq!(right + count(&answers, "busy"), 100);
    // Two seconds of waiting, and those who got their turn just before.
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        check(&services, trial("username::u", None), &phc, PASSWORD).await,
        "right"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_does_not_exist_costs_as_much_as_a_wrong_password() {
    let app = TestApp::builder().spawn().await;
    let services = Services::beside(&app).await;
    let phc = services.passwords.hash(PASSWORD.into()).await.unwrap();
    let (mut known, mut unknown) = (Duration::MAX, Duration::MAX);
    // The quickest of several in turn: what else the machine does only adds to it.
    for _ in 0..9 {
        for (phc, least) in [(Some(phc.as_str()), &mut known), (None, &mut unknown)] {
            let started = Instant::now();
            let right = services.passwords.verify(phc, "wrong one".into()).await.unwrap();
            assert!(!right);
            *least = (*least).min(started.elapsed());
        }
    }
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.7..1.4).contains(&ratio), "{known:?} and {unknown:?}");
}
