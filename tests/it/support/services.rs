//! The services about secrets that people know, as another instance of the gateway has them: on the same store, beside
//! the one under test.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::service::administrators::Administrators;
use wxgate::service::callers::Callers;
use wxgate::service::codes::Codes;
use wxgate::service::fingerprint::Fingerprints;
use wxgate::service::limits::Failures;
use wxgate::service::password_check::PasswordCheck;
use wxgate::service::passwords::Passwords;
use wxgate::service::reply_rules::ReplyRules;
use wxgate::service::revocations::Revocations;
use wxgate::service::sessions::Ending;
use wxgate::service::settings::{Purpose, Settings};
use wxgate::service::webhooks::Webhooks;
use wxgate::store::{self, Engine, OpenMode};
use wxgate::tasks::Tasks;

use super::app::TestApp;

pub(crate) struct Services {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Clock,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) check: PasswordCheck,
    pub(crate) codes: Codes,
    pub(crate) administrators: Administrators,
    pub(crate) ending: Ending,
    pub(crate) callers: Callers,
    pub(crate) webhooks: Webhooks,
    pub(crate) reply_rules: ReplyRules,
}

impl Services {
    pub(crate) async fn beside(app: &TestApp) -> Self {
        let (config, clock) = (&app.config, app.clock.clone());
        let url = &config.store.url;
        let engine = store::open(url, OpenMode::Command, Path::new(""), &clock, Handle::current())
            .await
            .unwrap();
        let settings = Settings::new(engine.clone(), clock.clone());
        let sealer = settings.sealer(config.store.master_key.as_ref()).await.unwrap();
        let key = settings.secret(Fingerprints::KEY, &sealer).await.unwrap();
        let fingerprints = Fingerprints::new(&key);
        let tasks = Tasks::new(Handle::current());
        let passwords = Arc::new(Passwords::new(&config.auth.argon2).unwrap());
        let failures = Failures::new(
            engine.clone(),
            fingerprints.clone(),
            config.auth.limits.clone(),
            clock.clone(),
        );
        let check = PasswordCheck::new(passwords.clone(), failures, tasks.clone());
        let revocations = Arc::new(Revocations::new(engine.clone(), clock.clone()));
        let ending = Ending::new(engine.clone(), revocations, config.auth.access_ttl, clock.clone());
        let webhooks = Webhooks::new(&engine, sealer.clone(), clock.clone());
        let reply_rules = ReplyRules::new(&config.apps, &engine, clock.clone());
        let administrators = Administrators::new(
            &engine,
            passwords.clone(),
            check.clone(),
            sealer,
            ending.clone(),
            clock.clone(),
        );
        let codes = Codes::new(
            &config.codes,
            Purpose::Production,
            &engine,
            fingerprints,
            clock.clone(),
            tasks,
        )
        .unwrap();
        let callers = Callers::new(&engine, clock.clone());
        Self {
            engine,
            clock,
            passwords,
            check,
            codes,
            administrators,
            ending,
            callers,
            webhooks,
            reply_rules,
        }
    }
}
