//! Administrators: who gets in, who no longer, and what a second factor is worth.

use std::net::IpAddr;

use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use totp_rs::Totp;
use wxgate::domain::contact::Email;
use wxgate::domain::ids::UserId;
use wxgate::service::administrators::{Error, FactorChange};
use wxgate::service::password_check;
use wxgate::service::records::{Scope, Session};
use wxgate::store::Repo;

use crate::support::app::Builder;
use crate::support::on_both_stores;
use crate::support::services::Services;

on_both_stores!(
    an_administrator_gets_in_and_nobody_else_does,
    a_second_factor_counts_once_and_is_guessed_no_further_than_a_password,
    another_password_or_being_disabled_ends_all_sessions,
    an_address_belongs_to_one_administrator,
);

const PASSWORD: &str = "correct horse battery";

fn email(text: &str) -> Email {
    text.parse().unwrap()
}

/// One login, as one word.
async fn log_in(services: &Services, who: &str, password: &str, totp: Option<&str>) -> &'static str {
    let who = email(who);
    let logged_in = services
        .administrators
        .log_in(&who, password.into(), totp, None::<IpAddr>);
    match logged_in.await {
        Ok(administrator) => {
            assert_eq!(administrator.email, who.as_str());
            "in"
        }
        Err(error @ password_check::Error::Wrong) => {
            assert_eq!(error.to_string(), "account or password is wrong");
            "wrong"
        }
        Err(password_check::Error::Limited(_)) => "limited",
        Err(error) => panic!("{error}"),
    }
}

async fn an_administrator_gets_in_and_nobody_else_does(app: Builder) {
    let app = app.spawn().await;
    let services = Services::beside(&app).await;
    let ann = email("Ann@Example.com");
    let created = services.administrators.create(&ann, PASSWORD.into(), false).await;
    let created = created.unwrap();
    assert!(created.totp_url.is_none());
    assert_eq!(log_in(&services, "ann@example.COM", PASSWORD, None).await, "in");
    // Who has no second factor may be asked for one by a form.
    assert_eq!(
        log_in(&services, "ann@example.com", PASSWORD, Some("123456")).await,
        "in"
    );
    assert_eq!(
        log_in(&services, "ann@example.com", "wrong horse battery", None).await,
        "wrong"
    );
    assert_eq!(
        log_in(&services, "bob@example.com", PASSWORD, None).await,
        "wrong"
    );
    services.administrators.disable(&ann).await.unwrap();
    assert_eq!(
        log_in(&services, "ann@example.com", PASSWORD, None).await,
        "wrong"
    );
    let found = services
        .administrators
        .get(&created.administrator.id)
        .await
        .unwrap();
    assert!(found.unwrap().disabled);
    // A user of the same name is no administrator, and the records have no password to read.
    let texts = app.stored().texts("administrators").await;
    assert!(texts.len() == 1 && !texts[0].contains("correct horse") && texts[0].contains("$argon2id$"));
}

async fn a_second_factor_counts_once_and_is_guessed_no_further_than_a_password(app: Builder) {
    let app = app.spawn().await;
    let instances = [Services::beside(&app).await, Services::beside(&app).await];
    let [services, _] = &instances;
    let ann = email("ann@example.com");
    let created = services.administrators.create(&ann, PASSWORD.into(), true).await;
    let url = created.unwrap().totp_url.unwrap();
    let phone = Totp::from_url(url.expose_secret()).unwrap();
    let secret = phone.secret().to_base32();
    assert!(!app.stored().texts("administrators").await[0].contains(&secret));
    let shown = |steps: i64| {
        let secs = services.clock.store_now().secs() + 30 * steps;
        phone.generate(secs.try_into().unwrap()).to_string()
    };
    assert_eq!(log_in(services, "ann@example.com", PASSWORD, None).await, "wrong");
    assert_eq!(
        log_in(services, "ann@example.com", PASSWORD, Some(&shown(5))).await,
        "wrong"
    );
    // The right code with a wrong password is not used up.
    let code = shown(0);
    assert_eq!(
        log_in(services, "ann@example.com", "wrong horse battery", Some(&code)).await,
        "wrong"
    );
    let tries = (0..6).map(|index| log_in(&instances[index % 2], "ann@example.com", PASSWORD, Some(&code)));
    let tries = join_all(tries).await;
    assert_eq!(tries.iter().filter(|word| **word == "in").count(), 1, "{tries:?}");
    // Nor does a code of the step before work any more.
    assert_eq!(
        log_in(services, "ann@example.com", PASSWORD, Some(&shown(-1))).await,
        "wrong"
    );
    app.turn(15 * 60);
    // Whoever has the password guesses codes ten times, and not a million.
    for _ in 0..10 {
        assert_eq!(
            log_in(services, "ann@example.com", PASSWORD, Some(&shown(9))).await,
            "wrong"
        );
    }
    assert_eq!(
        log_in(services, "ann@example.com", PASSWORD, Some(&shown(0))).await,
        "limited"
    );
    app.turn(15 * 60);
    assert_eq!(
        log_in(services, "ann@example.com", PASSWORD, Some(&shown(1))).await,
        "in"
    );
}

fn session(services: &Services, id: usize, user: &UserId) -> Session {
    let now = services.clock.store_now();
    Session {
        id: format!("s{id}").parse().unwrap(),
        user: user.clone(),
        scope: Scope::Admin,
        epoch: 0,
        app: None,
        device: None,
        created_at: now,
        generation: 0,
        rotations: vec![now],
        expires_at: now + std::time::Duration::from_secs(3600),
        ends_at: now + std::time::Duration::from_secs(7200),
        ended_at: None,
    }
}

async fn another_password_or_being_disabled_ends_all_sessions(app: Builder) {
    let app = app.set("auth.access_ttl", "20m").spawn().await;
    let services = Services::beside(&app).await;
    let sessions: Repo<Session> = Repo::new(services.engine.clone(), services.clock.clone());
    let (ann, bob) = (email("ann@example.com"), email("bob@example.com"));
    let mut ids = Vec::new();
    for who in [&ann, &bob] {
        let created = services.administrators.create(who, PASSWORD.into(), false).await;
        ids.push(created.unwrap().administrator.id);
    }
    // More than are read at once.
    let mut all: Vec<_> = (0..1100).map(|id| session(&services, id, &ids[0])).collect();
    all.push(session(&services, 2000, &ids[1]));
    assert!(
        sessions
            .insert_many(&all)
            .await
            .unwrap()
            .iter()
            .all(Result::is_ok)
    );
    let changed = services
        .administrators
        .set_password(&ann, "another horse battery".into(), FactorChange::Keep)
        .await;
    assert_eq!(changed.unwrap().administrator.epoch, 1);
    for id in [0, 499, 500, 1000, 1099] {
        let ended = sessions.get(&format!("s{id}")).await.unwrap().unwrap();
        let at = ended.ended_at.unwrap();
        assert_eq!(ended.expires_at.since(at).as_secs(), 21 * 60, "{id}");
    }
    let others = sessions.get("s2000").await.unwrap().unwrap();
    assert_eq!(others.ended_at, None);
    assert_eq!(
        log_in(&services, "ann@example.com", PASSWORD, None).await,
        "wrong"
    );
    assert_eq!(
        log_in(&services, "ann@example.com", "another horse battery", None).await,
        "in"
    );

    assert_eq!(services.administrators.disable(&bob).await.unwrap().epoch, 1);
    let first = sessions.get("s2000").await.unwrap().unwrap();
    assert!(first.ended_at.is_some());
    // A session ends once.
    app.turn(60);
    services.ending.end_all(&ids[1], None).await.unwrap();
    let again = sessions.get("s2000").await.unwrap().unwrap();
    assert_eq!(
        (again.ended_at, again.expires_at),
        (first.ended_at, first.expires_at)
    );
}

async fn an_address_belongs_to_one_administrator(app: Builder) {
    let app = app.spawn().await;
    let services = Services::beside(&app).await;
    let names = ["bob@example.com", "ann@example.com", "eve@example.com"];
    for name in names {
        services
            .administrators
            .create(&email(name), PASSWORD.into(), false)
            .await
            .unwrap();
    }
    let (ann, joe) = (email("ANN@example.com"), email("joe@example.com"));
    let again = services.administrators.create(&ann, PASSWORD.into(), false);
    assert!(matches!(again.await, Err(Error::Exists)));
    assert!(matches!(
        services.administrators.disable(&joe).await,
        Err(Error::Unknown)
    ));
    let common = services
        .administrators
        .set_password(&ann, "Password1".into(), FactorChange::Keep);
    assert!(matches!(common.await, Err(Error::Password(_))));
    let listed = services.administrators.list().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|one| one.email.as_str()).collect();
    assert_eq!(listed, ["ann@example.com", "bob@example.com", "eve@example.com"]);
}
