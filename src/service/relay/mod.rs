//! Calls of WeChat's API on somebody's behalf: the credential is put in, the answer handed on, and a call that met a dead
//! token is made once more. Who may call what is asked by those who know who calls.

mod answer;
mod draft;
pub mod figures;
mod lane;
mod noting;
mod small;
mod treatment;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

pub use answer::{Answer, Body, Rest};
pub use treatment::{Proof, Treatment, permits};

pub use crate::wechat::{Broken, Payload};

use crate::clock::Clock;
use crate::config::{App, Apps, Gateway};
use crate::domain::api_path::ApiTarget;
use crate::domain::ids::{AppId, AppName, CallerId, UserId};
use crate::service::audit::Audit;
use crate::service::credentials::{self, Credentials, Held, Kind};
use crate::tasks::Tasks;
use crate::telemetry::Chain;
use crate::wechat::{self, Outgoing, Upstream};
use draft::Draft;
use figures::{Outcome, Reason, RelayFigures};
use lane::{Closed, Lane, Turn};
use noting::Note;

/// Calls that carry a person's own credential and none of ours are few.
const FOREIGN_PLACES: usize = 16;

/// A call on somebody's behalf.
pub struct Call {
    /// The app.
    pub app: AppId,
    /// Who makes it.
    pub party: Party,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub target: ApiTarget,
    /// Those of its headers that are for the platform.
    pub headers: HeaderMap,
    /// Its body. What is whole can be sent a second time.
    pub body: Payload,
    /// Our id of the request that asks for it, if one does.
    pub request_id: Option<String>,
}

/// On whose behalf a call is made.
#[derive(Debug, Clone)]
pub enum Party {
    /// One of the company's services.
    Caller(CallerId),
    /// A user.
    User(UserId),
    /// Nobody who is known.
    Nobody,
}

/// Whose request a call of our own making is for.
#[derive(Debug, Clone)]
pub struct Behalf {
    /// Who asks.
    pub party: Party,
    /// Our id of the request.
    pub request_id: Option<String>,
}

/// Why there is no answer of the platform's.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The app is not in the configuration.
    #[error("there is no such app")]
    NoApp,
    /// It would make an access_token, or show one.
    #[error("calls that make access_tokens are not relayed")]
    NotRelayed,
    /// Too many calls of this app are under way.
    #[error("too many calls of this app are under way")]
    Busy,
    /// The platform failed so often that it is left alone for so long.
    #[error("WeChat has failed too often lately")]
    Resting(Duration),
    /// There is no access_token, or no ticket.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// The platform did not answer, or not as it does.
    #[error(transparent)]
    Platform(Arc<wechat::Error>),
    /// The call can be read in two ways, and so cannot be encrypted and signed.
    #[error("{0}")]
    Ambiguous(String),
    /// The platform refused: calls of our own only, since to others its answer is handed on.
    #[error("WeChat refused with errcode {0}")]
    Refused(i64),
}

impl From<wechat::Error> for Error {
    fn from(error: wechat::Error) -> Self {
        Self::Platform(Arc::new(error))
    }
}

/// Makes the calls.
pub struct Relay {
    apps: Apps,
    upstream: Upstream,
    credentials: Arc<Credentials>,
    lanes: HashMap<AppId, Lane>,
    foreign: Lane,
    figures: RelayFigures,
    audit: Arc<Audit>,
    clock: Clock,
    tasks: Tasks,
}

impl Relay {
    /// For these apps.
    #[must_use]
    pub fn new(
        apps: &Apps,
        config: &Gateway,
        upstream: Upstream,
        credentials: Arc<Credentials>,
        audit: Arc<Audit>,
        clock: Clock,
        tasks: Tasks,
    ) -> Self {
        let lane = |app: &App| (app.app_id.clone(), Lane::new(config.concurrency, clock.clone()));
        Self {
            apps: apps.clone(),
            upstream,
            credentials,
            lanes: apps.iter().map(lane).collect(),
            foreign: Lane::new(FOREIGN_PLACES, clock.clone()),
            figures: RelayFigures::new(apps.iter().map(|app| app.name.clone())),
            audit,
            clock,
            tasks,
        }
    }

    /// Makes a call. Where it ends before its answer the platform is told so by the end of the connection.
    ///
    /// # Errors
    /// See [`Error`]. The platform's own errors are answers.
    pub async fn send(&self, call: Call) -> Result<Answer, Error> {
        let app = self.apps.with_id(call.app.as_str()).ok_or(Error::NoApp)?;
        let treatment = Treatment::of(call.target.decoded());
        match treatment {
            Treatment::Refused => Err(Error::NotRelayed),
            Treatment::Ticket => self.ticket(&call).await,
            Treatment::Token | Treatment::Secret(_) | Treatment::Foreign => {
                let note = Note::begin(&self.audit, app, &call);
                let answer = self.pass_on(app, treatment, call).await;
                note.end(&answer);
                answer
            }
        }
    }

    /// For each app how many calls are under way, and whether the platform is left alone at the moment.
    pub fn lanes(&self) -> impl Iterator<Item = (&AppName, usize, bool)> {
        let lanes = self
            .apps
            .iter()
            .filter_map(|app| Some((app, self.lanes.get(&app.app_id)?)));
        lanes.map(|(app, lane)| (&app.name, lane.busy(), lane.is_open()))
    }

    /// What is counted.
    #[must_use]
    pub fn figures(&self) -> &RelayFigures {
        &self.figures
    }

    async fn pass_on(&self, app: &App, treatment: Treatment, call: Call) -> Result<Answer, Error> {
        let lane = match treatment {
            Treatment::Foreign => &self.foreign,
            _ => self.lanes.get(&app.app_id).ok_or(Error::NoApp)?,
        };
        let whole = matches!(call.body, Payload::Whole(_));
        let (place, turn) = lane.enter(whole).map_err(|closed| match closed {
            Closed::Full => {
                self.figures.refused(&app.name, Reason::Busy);
                Error::Busy
            }
            Closed::Broken(rest) => {
                self.figures.refused(&app.name, Reason::Circuit);
                Error::Resting(rest)
            }
        })?;
        let request_id = call.request_id.clone();
        let (draft, body) = Draft::of(call);
        let began = Instant::now();
        let answer = match treatment {
            Treatment::Secret(proof) => {
                let answer = self.send_once(draft.proven(app, proof, body), Some(&app.app_secret));
                answer.await
            }
            Treatment::Foreign => {
                let query = draft.target.whole_query().to_owned();
                self.send_once(draft.outgoing(query, body), None).await
            }
            _ => self.send_with_token(app, &draft, body).await,
        };
        self.note(app, &draft.target, turn, began, &answer);
        if let Err(Error::Platform(error)) = &answer {
            tracing::warn!(
                app = %app.name,
                path = ?draft.target.decoded(),
                request_id,
                error = %Chain(&**error),
                "a call was not answered"
            );
        }
        Ok(answer?.holding(place))
    }

    /// Once. The credential in it is not shown in what comes back.
    async fn send_once(
        &self,
        outgoing: Outgoing,
        credential: Option<&SecretString>,
    ) -> Result<Answer, Error> {
        let answer = Answer::read(self.upstream.send(outgoing).await?).await?;
        match credential {
            Some(credential) => Ok(answer.without(credential).await?),
            None => Ok(answer),
        }
    }

    /// With the app's access_token, and once more with another one if that one is dead and the body is there still: a
    /// call with a dead token has changed nothing, whatever its method.
    async fn send_with_token(&self, app: &App, draft: &Draft, body: Payload) -> Result<Answer, Error> {
        let held = self.credentials.access_token(&app.app_id).await?;
        let again = match &body {
            Payload::Whole(bytes) => Some(bytes.clone()),
            Payload::Stream { .. } => None,
        };
        let answer = self.attempt(app, draft, &held, body).await?;
        if !answer.is_dead_token() {
            return Ok(answer);
        }
        let Some(bytes) = again else {
            // The next call is to find a good one.
            self.replace_later(app, &held);
            return Ok(answer);
        };
        match self.credentials.replace_dead(&app.app_id, &held.value).await {
            Ok(next) => self.attempt(app, draft, &next, Payload::Whole(bytes)).await,
            Err(error) => {
                tracing::debug!(app = %app.name, %error, "a dead access_token could not be replaced");
                Ok(answer)
            }
        }
    }

    /// Once, with this access_token; encrypted and signed if the app and the call are in that mode.
    async fn attempt(&self, app: &App, draft: &Draft, held: &Held, body: Payload) -> Result<Answer, Error> {
        let path = draft.target.decoded();
        let security = self.upstream.security(&app.app_id, path);
        let security = security.filter(|_| draft.method == Method::POST);
        let (Some(security), Payload::Whole(bytes)) = (security, &body) else {
            return self
                .send_once(draft.with_token(held, body), Some(&held.value))
                .await;
        };
        let url = self.upstream.url(draft.target.path());
        let query: Vec<_> = draft.target.params().collect();
        let sealed = match security.seal(&url, &query, bytes, self.clock.now()) {
            Ok(sealed) => sealed,
            // Nobody is to get it through in plain: all calls of this mode have JSON objects.
            Err(error) => return Err(Error::Ambiguous(error.to_string())),
        };
        let incoming = self.upstream.send(draft.sealed(held, sealed)).await?;
        let open = |header: &dyn Fn(&str) -> Option<String>, body: &[u8]| {
            let opened = security.open(&url, header, body, self.clock.now());
            opened.map_err(|error| wechat::Error::Unusable(error.text()))
        };
        let answer = Answer::read_sealed(incoming, open).await?;
        Ok(answer.without(&held.value).await?)
    }

    fn replace_later(&self, app: &App, dead: &Arc<Held>) {
        let (credentials, app_id, dead) = (self.credentials.clone(), app.app_id.clone(), dead.clone());
        // Whether it works is noted where it is done.
        drop(self.tasks.spawn("replace a dead token", async move {
            drop(credentials.replace_dead(&app_id, &dead.value).await);
        }));
    }

    /// Tells the lane and the figures how a call went.
    fn note(
        &self,
        app: &App,
        target: &ApiTarget,
        mut turn: Turn<'_>,
        began: Instant,
        answer: &Result<Answer, Error>,
    ) {
        let (outcome, trouble) = match answer {
            Ok(answer) => (Outcome::Answered(answer.errcode), answer.is_trouble()),
            // An answer that cannot be used is one all the same: a wrong key is no outage.
            Err(Error::Platform(error)) => (Outcome::Lost, error.is_silence()),
            // That there is no token says nothing about the rest of the platform.
            Err(_) => return turn.innocent(),
        };
        self.figures
            .record(&app.name, target.decoded(), outcome, began.elapsed());
        if trouble && turn.failed() {
            tracing::error!(app = %app.name, "WeChat's API fails; calls are refused for the time being");
        } else if !trouble && turn.went_well() {
            tracing::info!(app = %app.name, "WeChat's API works again");
        }
    }

    /// `GET /cgi-bin/ticket/getticket`, from what we hold. (JS-SDK 说明文档, 附录1.)
    async fn ticket(&self, call: &Call) -> Result<Answer, Error> {
        if call.method != Method::GET {
            return Ok(Answer::of_ours(
                &json!({"errcode": 43001, "errmsg": "require GET method"}),
            ));
        }
        let held = match call.target.param("type").as_deref() {
            Some("jsapi") => self.credentials.jsapi_ticket(&call.app).await,
            Some("wx_card") => self.credentials.get(&call.app, Kind::CardTicket).await,
            _ => {
                return Ok(Answer::of_ours(
                    &json!({"errcode": 40097, "errmsg": "invalid args"}),
                ));
            }
        };
        let held = match held {
            // A mini program has no tickets.
            Err(credentials::Error::NoApp) => {
                return Ok(Answer::of_ours(
                    &json!({"errcode": 48001, "errmsg": "api unauthorized"}),
                ));
            }
            held => held?,
        };
        Ok(Answer::of_ours(&json!({
            "errcode": 0,
            "errmsg": "ok",
            "ticket": held.value.expose_secret(),
            "expires_in": self.credentials.lasting(&held).expires_in.as_secs(),
        })))
    }
}

impl Answer {
    fn holding(mut self, place: tokio::sync::OwnedSemaphorePermit) -> Self {
        if let Body::Stream(rest) = &mut self.body {
            rest.place = Some(place);
        }
        self
    }
}
