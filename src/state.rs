//! What a request handler may use. Built once, shared by all workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::assets::Assets;
use crate::config::Config;
use crate::service::access::Access;
use crate::service::accounts::Accounts;
use crate::service::aliases::Aliases;
use crate::service::audit::Audit;
use crate::service::avatars::Avatars;
use crate::service::callback::Callback;
use crate::service::callers::Callers;
use crate::service::codes::Codes;
use crate::service::credentials::Credentials;
use crate::service::deliveries::Deliveries;
use crate::service::events::Events;
use crate::service::jsapi::Jsapi;
use crate::service::login::Login;
use crate::service::mini_program::MiniProgram;
use crate::service::oauth::Oauth;
use crate::service::push::Push;
use crate::service::refresh::Refresh;
use crate::service::relay::Relay;
use crate::service::reply_rules::ReplyRules;
use crate::service::rooms::Rooms;
use crate::service::sessions::Sessions;
use crate::service::tokens::Tokens;
use crate::service::typed::Typed;
use crate::service::users::Users;
use crate::service::webhooks::Webhooks;

/// The services and facts that handlers use.
pub struct State {
    /// The configuration.
    pub config: Config,
    /// WeChat's server checks.
    pub callback: Arc<Callback>,
    /// What WeChat pushes.
    pub push: Arc<Push>,
    /// The log of that.
    pub events: Arc<Events>,
    /// Signatures for pages.
    pub jsapi: Jsapi,
    /// Logins.
    pub login: Login,
    /// Web pages in WeChat.
    pub oauth: Arc<Oauth>,
    /// What mini programs know of their users.
    pub mini_program: Arc<MiniProgram>,
    /// The company's own services.
    pub callers: Arc<Callers>,
    /// Who changed what.
    pub audit: Arc<Audit>,
    /// Calls of WeChat's API on their behalf.
    pub relay: Arc<Relay>,
    /// Those of them that have a form of our own.
    pub typed: Typed,
    /// The tokens that SDKs get for them.
    pub aliases: Aliases,
    /// The company's programs that hear of events.
    pub webhooks: Arc<Webhooks>,
    /// Events on their way to webhooks.
    pub deliveries: Arc<Deliveries>,
    /// Rules for replies.
    pub reply_rules: Arc<ReplyRules>,
    /// Our own tokens.
    pub tokens: Arc<Tokens>,
    /// Users' pictures.
    pub avatars: Arc<Avatars>,
    /// Rooms.
    pub rooms: Arc<Rooms>,
    /// Whether a token is good now.
    pub access: Access,
    /// Refresh tokens for the next ones.
    pub refresh: Refresh,
    /// What logins began.
    pub sessions: Arc<Sessions>,
    /// The users.
    pub users: Arc<Users>,
    /// Accounts with names and passwords.
    pub accounts: Accounts,
    /// One-time codes.
    pub codes: Arc<Codes>,
    /// The platform's tokens and tickets.
    pub credentials: Arc<Credentials>,
    /// The site's files.
    pub assets: Assets,
    /// How the process is.
    pub health: Health,
}

/// How the process is, as far as it can tell without asking anybody.
#[derive(Debug)]
pub struct Health {
    stopping: AtomicBool,
    store_answers: AtomicBool,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            stopping: AtomicBool::new(false),
            store_answers: AtomicBool::new(true),
        }
    }
}

impl Health {
    /// Notes that the process is ending.
    pub fn note_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Notes whether the store answered lately.
    pub fn note_store(&self, answers: bool) {
        if self.store_answers.swap(answers, Ordering::Relaxed) != answers {
            if answers {
                tracing::info!("the store answers again");
            } else {
                tracing::error!("the store does not answer");
            }
        }
    }

    /// Whether the store answered lately.
    #[must_use]
    pub fn store_answers(&self) -> bool {
        self.store_answers.load(Ordering::Relaxed)
    }

    /// Whether the process is ending.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
