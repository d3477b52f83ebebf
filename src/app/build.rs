//! The services, built in order from the configuration and an open store.

use std::collections::HashMap;
use std::sync::Arc;

use super::StartError;
use super::background::{self, Keepers, Work};
use crate::assets::Assets;
use crate::clock::Clock;
use crate::config::{Apps, Config};
use crate::domain::ids::AppId;
use crate::domain::time::Timestamp;
use crate::net;
use crate::service::access::Access;
use crate::service::accounts::Accounts;
use crate::service::administrators::Administrators;
use crate::service::aliases::Aliases;
use crate::service::audit::Audit;
use crate::service::avatars::Avatars;
use crate::service::callback::Callback;
use crate::service::callers::Callers;
use crate::service::code_check::CodeCheck;
use crate::service::codes::Codes;
use crate::service::credentials::Credentials;
use crate::service::deliveries::Deliveries;
use crate::service::events::Events;
use crate::service::fingerprint::Fingerprints;
use crate::service::jsapi::Jsapi;
use crate::service::limits::Failures;
use crate::service::login::{Checks, Login};
use crate::service::mini_program::MiniProgram;
use crate::service::oauth::Oauth;
use crate::service::password_check::PasswordCheck;
use crate::service::passwords::Passwords;
use crate::service::push::{Push, Tools};
use crate::service::refresh::Refresh;
use crate::service::relay::Relay;
use crate::service::reply_rules::ReplyRules;
use crate::service::revocations::Revocations;
use crate::service::rooms::Rooms;
use crate::service::seal::Sealer;
use crate::service::sessions::{Ending, Sessions};
use crate::service::settings::{Purpose, Settings};
use crate::service::signing_keys::Keyring;
use crate::service::tokens::Tokens;
use crate::service::typed::{MediaChecks, Typed};
use crate::service::users::Users;
use crate::service::webhooks::Webhooks;
use crate::state::{Health, State};
use crate::store::Engine;
use crate::tasks::Tasks;
use crate::wechat;
use crate::wechat::security::Security;

/// What services stand on.
pub(super) struct Foundation {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) settings: Settings,
    pub(super) sealer: Sealer,
    pub(super) purpose: Purpose,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
}

/// Builds everything that handlers use, and what has to run beside them.
///
/// # Errors
/// See [`StartError`].
#[expect(
    clippy::too_many_lines,
    reason = "it is a list, read from its beginning to its end"
)]
pub(super) async fn build(
    config: Config,
    foundation: Foundation,
) -> Result<(Arc<State>, Vec<Work>), StartError> {
    let Foundation {
        engine,
        settings,
        sealer,
        purpose,
        clock,
        tasks,
    } = foundation;
    let http = net::client(config.platform.connect_timeout, config.platform.timeout)?;
    let secured = secured(&config.apps);
    let client =
        wechat::Client::new(http, config.platform.api_url.clone()).secured(secured.clone(), clock.clone());
    let credentials = Arc::new(Credentials::new(
        &config.apps,
        config.platform.clone(),
        client.clone(),
        engine.clone(),
        sealer.clone(),
        clock.clone(),
        tasks.clone(),
    ));
    let connect_timeout = config.platform.connect_timeout;
    let patience = wechat::Patience {
        silence: config.gateway.timeout,
        whole: config.gateway.transfer_timeout,
    };
    let audit = Arc::new(Audit::new(
        &engine,
        clock.clone(),
        tasks.clone(),
        config.gateway.audit_retention,
    ));
    let relay = Arc::new(Relay::new(
        &config.apps,
        &config.gateway,
        wechat::Upstream::new(
            move || net::relay_client(connect_timeout),
            &config.platform.api_url,
            patience,
        )
        .secured(secured),
        credentials.clone(),
        audit.clone(),
        clock.clone(),
        tasks.clone(),
    ));
    let alias_key = settings.secret(Aliases::KEY, &sealer).await?;
    let keyring = Keyring::open(engine.clone(), clock.clone(), sealer.clone(), &config.auth).await?;
    let tokens = Arc::new(Tokens::new(keyring.known(), config.auth.clone(), clock.clone()));
    let revocations = Arc::new(Revocations::new(engine.clone(), clock.clone()));
    let ending = Ending::new(
        engine.clone(),
        revocations.clone(),
        config.auth.access_ttl,
        clock.clone(),
    );
    let sessions = Arc::new(Sessions::new(
        engine.clone(),
        &settings.secret(Sessions::KEY, &sealer).await?,
        tokens.clone(),
        ending.clone(),
        config.auth.clone(),
        clock.clone(),
    ));
    let media = config.media.dir.clone();
    let avatars = Arc::new(Avatars::new(&engine, clock.clone(), tasks.clone(), media));
    let rooms = Arc::new(Rooms::new(&engine, clock.clone()));
    let events = Arc::new(Events::new(&engine, clock.clone(), config.push.retention));
    let users = Arc::new(Users::new(
        &engine,
        sessions.clone(),
        avatars.clone(),
        rooms.clone(),
        events.clone(),
        clock.clone(),
    ));
    let fingerprints = Fingerprints::new(&settings.secret(Fingerprints::KEY, &sealer).await?);
    let passwords = Arc::new(Passwords::new(&config.auth.argon2)?);
    let limits = config.auth.limits.clone();
    let failures = Failures::new(engine.clone(), fingerprints.clone(), limits, clock.clone());
    let password_check = PasswordCheck::new(passwords.clone(), failures.clone(), tasks.clone());
    let administrators = Administrators::new(
        &engine,
        passwords.clone(),
        password_check.clone(),
        sealer.clone(),
        ending,
        clock.clone(),
    );
    let codes = Arc::new(Codes::new(
        &config.codes,
        purpose,
        &engine,
        fingerprints.clone(),
        clock.clone(),
        tasks.clone(),
    )?);
    let oauth = Arc::new(Oauth::new(
        &config,
        client.clone(),
        &engine,
        &settings.secret(Oauth::KEY, &sealer).await?,
        sealer.clone(),
        clock.clone(),
        tasks.clone(),
    ));
    let mini_program = Arc::new(MiniProgram::new(
        config.apps.clone(),
        client.clone(),
        credentials.clone(),
        users.clone(),
        &engine,
        sealer.clone(),
        clock.clone(),
    ));
    let refresh = Refresh::new(sessions.clone(), users.clone(), administrators.clone());
    let code_check = CodeCheck::new(codes.clone(), failures, tasks.clone());
    let checks = Checks {
        administrators,
        password_check: password_check.clone(),
        code_check: code_check.clone(),
        oauth: oauth.clone(),
        mini_program: mini_program.clone(),
    };
    let webhooks = Arc::new(Webhooks::new(&engine, sealer.clone(), clock.clone()));
    let deliveries = Arc::new(Deliveries::new(
        &engine,
        events.clone(),
        webhooks.clone(),
        &config.push,
        clock.clone(),
        tasks.clone(),
    )?);
    let login = Login::new(
        config.apps.clone(),
        client.clone(),
        config.platform.timeout,
        users.clone(),
        sessions.clone(),
        checks,
        sealer,
        clock.clone(),
        tasks.clone(),
    );
    let accounts = Accounts::new(
        users.clone(),
        passwords,
        password_check,
        code_check,
        codes.clone(),
    );
    // Before the port is open: a session that was ended is known as such from the first request on.
    revocations.catch_up(Timestamp::default()).await?;
    let callers = Arc::new(Callers::new(&engine, clock.clone()));
    callers.feed().load().await?;
    let aliases = Aliases::new(&alias_key, callers.clone(), clock.clone());
    webhooks.feed().load().await?;
    let reply_rules = Arc::new(ReplyRules::new(&config.apps, &engine, clock.clone()));
    reply_rules.feed().load().await?;
    let callback = Arc::new(Callback::new(config.apps.clone()));
    let media_checks = Arc::new(MediaChecks::new(&engine, fingerprints.clone(), clock.clone()));
    let tools = Tools {
        callback: callback.clone(),
        events: events.clone(),
        webhooks: webhooks.clone(),
        deliveries: deliveries.clone(),
        rules: reply_rules.clone(),
        media_checks: media_checks.clone(),
        fingerprints,
        client,
        credentials: credentials.clone(),
        clock: clock.clone(),
        tasks: tasks.clone(),
    };
    let push = Arc::new(Push::new(&config.apps, config.push.clone(), tools));
    let state = Arc::new(State {
        callback,
        push,
        events,
        jsapi: Jsapi::new(
            config.apps.clone(),
            credentials.clone(),
            clock.clone(),
            config.jsapi.expose_ticket,
        ),
        login,
        oauth,
        mini_program,
        callers,
        audit,
        typed: Typed::new(
            relay.clone(),
            media_checks,
            config.platform.clone(),
            clock.clone(),
        ),
        relay,
        aliases,
        webhooks,
        deliveries,
        reply_rules,
        access: Access::new(tokens.clone(), revocations.clone()),
        tokens,
        refresh,
        sessions,
        users,
        accounts,
        codes,
        avatars,
        rooms,
        credentials,
        assets: Assets::new(
            Some(config.server.static_dir.clone()),
            &config.server.frame_ancestors,
        ),
        health: Health::default(),
        config,
    });
    let keepers = Keepers {
        engine,
        revocations,
        keyring,
        clock,
        tasks,
    };
    let background = background::all(&state, keepers);
    Ok((state, background))
}

/// The apps that call WeChat's API in the signed and encrypted mode.
pub(crate) fn secured(apps: &Apps) -> HashMap<AppId, Arc<Security>> {
    let keyed = apps.iter().filter_map(|app| {
        let found = app.api_security.as_ref()?;
        let security = Security::new(app.app_id.clone(), found.keys.clone(), found.paths.clone());
        Some((app.app_id.clone(), Arc::new(security)))
    });
    keyed.collect()
}
