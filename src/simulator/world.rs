//! Everything the simulated platform remembers, as one value under one lock: it can be cloned, and made
//! anew from the settings. The rules of each part stand with that part.

use std::collections::BTreeMap;

use super::app::App;
use super::call::Call;
use super::calls::Calls;
use super::clock::Moment;
use super::endpoints::Endpoint;
use super::errcode;
use super::faults::Faults;
use super::open::Visitor;
use super::push::caused::Causes;
use super::push::flood::Floods;
use super::push::records::{Pushes, Transcript};
use super::random::Random;
use super::reply::Refusal;
use super::settings::{AppSettings, Settings};
use super::tokens::Tokens;
use super::users::{Identities, Users};
use super::web_tokens::WebTokens;

/// Apps in all.
pub(crate) const MOST_APPS: usize = 1_000;

/// The state of the platform.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Apps by `AppID`.
    pub(crate) apps: BTreeMap<String, App>,
    /// Access tokens of all apps.
    pub(crate) tokens: Tokens,
    /// Tokens of web pages, of all apps.
    pub(crate) web_tokens: WebTokens,
    /// Simulated people.
    pub(crate) users: Users,
    /// Who opens the authorize page.
    pub(crate) visitor: Visitor,
    /// What openids are made from.
    pub(crate) identities: Identities,
    /// What everything else is made from.
    pub(crate) random: Random,
    /// Fault rules.
    pub(crate) faults: Faults,
    /// Received calls.
    pub(crate) calls: Calls,
    /// The log of pushes.
    pub(crate) pushes: Pushes,
    /// What users and apps saw of each other.
    pub(crate) transcript: Transcript,
    /// Floods of messages.
    pub(crate) floods: Floods,
    /// Events that calls have caused and nothing has set off yet.
    pub(crate) causes: Causes,
}

impl World {
    /// The world as it is at the start.
    pub(crate) fn new(settings: &Settings, seed: u64) -> Self {
        Self {
            apps: settings
                .apps
                .iter()
                .map(|app| (app.app_id.clone(), App::new(app)))
                .collect(),
            tokens: Tokens::default(),
            web_tokens: WebTokens::default(),
            users: Users::default(),
            visitor: Visitor::default(),
            identities: Identities::seeded(seed),
            random: Random::seeded(seed),
            faults: Faults::default(),
            calls: Calls::default(),
            pushes: Pushes::default(),
            transcript: Transcript::default(),
            floods: Floods::default(),
            causes: Causes::default(),
        }
    }

    /// Adds an app; `false` if the id is taken or there are too many.
    pub(crate) fn add_app(&mut self, settings: &AppSettings) -> bool {
        if self.apps.len() >= MOST_APPS || self.apps.contains_key(&settings.app_id) {
            return false;
        }
        self.apps.insert(settings.app_id.clone(), App::new(settings));
        true
    }

    /// The app a call concerns, if it exists: named by the call, or the owner of its token.
    pub(crate) fn app_of(&self, call: &Call) -> Option<&App> {
        let named = call.param("appid").and_then(|id| self.apps.get(id.as_ref()));
        named
            .or_else(|| {
                call.param("access_token").and_then(|token| {
                    let owner = self.tokens.owner(&token);
                    self.apps.get(owner.or_else(|| self.web_tokens.owner(&token))?)
                })
            })
            .or_else(|| self.apps.get(call.json().ok()?.get("appid")?.as_str()?))
    }

    /// What an endpoint works with once the app is known.
    pub(crate) fn desk<'a>(
        &'a mut self,
        app_id: &str,
        call: &'a Call,
        endpoint: &'static Endpoint,
        now: Moment,
    ) -> Result<Desk<'a>, Refusal> {
        let Self {
            apps,
            tokens,
            web_tokens,
            users,
            identities,
            random,
            pushes,
            transcript,
            causes,
            calls,
            ..
        } = self;
        let app = apps
            .get_mut(app_id)
            .ok_or_else(|| Refusal::of(errcode::INVALID_APP_ID))?;
        Ok(Desk {
            call,
            endpoint,
            now,
            app,
            tokens,
            web_tokens,
            users,
            identities,
            random,
            pushes,
            transcript,
            causes,
            calls,
        })
    }
}

/// A call whose app is not known yet: the endpoint finds it by the credentials in the call.
pub(crate) struct Visit<'a> {
    /// The call.
    pub(crate) call: &'a Call,
    /// Where it arrived.
    pub(crate) endpoint: &'static Endpoint,
    /// When it is served.
    pub(crate) now: Moment,
    /// The whole state.
    pub(crate) world: &'a mut World,
}

/// A call whose app is known, and the parts of the state that it may touch.
pub(crate) struct Desk<'a> {
    /// The call.
    pub(crate) call: &'a Call,
    /// Where it arrived.
    pub(crate) endpoint: &'static Endpoint,
    /// When it is served.
    pub(crate) now: Moment,
    /// The app.
    pub(crate) app: &'a mut App,
    /// Access tokens of all apps.
    pub(crate) tokens: &'a mut Tokens,
    /// Tokens of web pages, of all apps.
    pub(crate) web_tokens: &'a mut WebTokens,
    /// Simulated people.
    pub(crate) users: &'a Users,
    /// What openids are made from.
    pub(crate) identities: &'a Identities,
    /// What everything else is made from.
    pub(crate) random: &'a mut Random,
    /// The log of pushes, which ids of messages and jobs come from.
    pub(crate) pushes: &'a mut Pushes,
    /// What users and apps saw of each other.
    pub(crate) transcript: &'a mut Transcript,
    /// Events that the call causes.
    pub(crate) causes: &'a mut Causes,
    /// Received calls.
    pub(crate) calls: &'a Calls,
}
