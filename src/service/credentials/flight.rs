//! One slot for each value: what is in memory, the one flight that is under way, and the cool-down after failures.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared as SharedFuture};
use secrecy::SecretString;

use super::{Held, Kind, Shared};
use crate::domain::time::Timestamp;
use crate::service::seal::CannotOpen;
use crate::store;
use crate::telemetry;
use crate::wechat::{self, AppCredentials};

/// What is held on demand is renewed until nobody has asked for it during two of its lifetimes.
const WANTED: Duration = Duration::from_secs(2 * 7200);

/// Why there is no token or ticket. Cloned to all who wait for the same flight.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The app is not one of ours, or has nothing of this kind.
    #[error("there is no such app")]
    NoApp,
    /// The platform refused or could not be reached.
    #[error("the platform gives no token or ticket")]
    Platform(#[source] Arc<wechat::Error>),
    /// A ticket needs a token, and there is none.
    #[error("there is no access_token to fetch a ticket with")]
    NoToken(#[source] Arc<Error>),
    /// The store could not be reached, and with it the right to ask the platform.
    #[error("the store gives no token or ticket")]
    Store(#[source] Arc<store::Error>),
    /// What the store has cannot be opened.
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    /// The calls allowed for now are spent.
    #[error("the budget of token calls is spent for {}", humantime::format_duration(Duration::from_secs(.0.as_secs())))]
    Spent(Duration),
    /// It takes too long, here or at the instance that is fetching.
    #[error("fetching takes too long")]
    Slow,
    /// The platform goes on returning a token that it does not take.
    #[error("the platform returns a dead token, and it must not be forced again yet")]
    StillDead,
}

impl Error {
    /// The platform's own error, if it is the cause.
    #[must_use]
    pub fn platform(&self) -> Option<&wechat::Error> {
        match self {
            Self::Platform(error) => Some(error),
            Self::NoToken(error) => error.platform(),
            _ => None,
        }
    }
}

impl From<wechat::Error> for Error {
    fn from(error: wechat::Error) -> Self {
        Self::Platform(Arc::new(error))
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Store(Arc::new(error))
    }
}

type Outcome = Result<Arc<Held>, Error>;
type Flight = SharedFuture<BoxFuture<'static, Outcome>>;

/// The place of one value.
pub(super) struct Slot {
    pub(super) app: AppCredentials,
    pub(super) kind: Kind,
    current: ArcSwapOption<Held>,
    state: Mutex<State>,
    /// When somebody asked for it last, in milliseconds of the store's time. Counts only for [`Kind::is_on_demand`].
    wanted_at: AtomicI64,
}

#[derive(Default)]
struct State {
    flight: Option<Flight>,
    failures: u32,
    /// After what concerns all flights.
    cool: Cool,
    /// After what concerns only those that were to replace a dead token: whoever reports one again and again must not
    /// keep us from renewing.
    cool_reports: Cool,
}

/// Until when a failure is the answer to all who ask.
#[derive(Default)]
struct Cool {
    until: Timestamp,
    last: Option<Error>,
}

impl Cool {
    fn error(&self, now: Timestamp) -> Option<&Error> {
        self.last.as_ref().filter(|_| now < self.until)
    }
}

impl Slot {
    pub(super) fn new(app: AppCredentials, kind: Kind) -> Self {
        Self {
            app,
            kind,
            current: ArcSwapOption::empty(),
            state: Mutex::default(),
            wanted_at: AtomicI64::new(i64::MIN),
        }
    }

    /// The key of the shared record.
    pub(super) fn id(&self) -> String {
        format!("{}:{}", self.app.app_id, self.kind.as_str())
    }

    /// The value in memory, if it is good.
    pub(super) fn current(&self, now: Timestamp) -> Option<Arc<Held>> {
        self.current.load_full().filter(|held| held.is_good(now))
    }

    /// The value in memory, good or not.
    pub(super) fn latest(&self) -> Option<Arc<Held>> {
        self.current.load_full()
    }

    /// Takes a value over unless a newer one is there.
    pub(super) fn take(&self, held: &Arc<Held>) {
        self.current.rcu(|current| match current {
            Some(current) if current.age_rank() > held.age_rank() => Some(current.clone()),
            _ => Some(held.clone()),
        });
    }

    /// Notes that somebody asks for it.
    pub(super) fn want(&self, now: Timestamp) {
        if self.kind.is_on_demand() {
            self.wanted_at.store(now.millis(), Ordering::Relaxed);
        }
    }

    /// Whether it should be held: what is there on demand only while somebody asks for it now and then.
    pub(super) fn is_wanted(&self, now: Timestamp) -> bool {
        if !self.kind.is_on_demand() {
            return true;
        }
        let wanted_at = self.wanted_at.load(Ordering::Relaxed);
        wanted_at != i64::MIN && now < Timestamp::from_millis(wanted_at) + WANTED
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.current
            .load()
            .as_ref()
            .is_none_or(|held| now >= held.renew_at)
    }

    pub(super) fn is_cooling(&self, now: Timestamp) -> bool {
        self.lock().cool.error(now).is_some()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a flight ended; `is_report` if it was to replace a dead token.
    fn land(&self, outcome: &Outcome, is_report: bool, now: Timestamp) {
        let mut state = self.lock();
        state.flight = None;
        match outcome {
            Ok(held) => {
                self.take(held);
                (state.failures, state.cool, state.cool_reports) = (0, Cool::default(), Cool::default());
            }
            Err(error) => {
                let cool = Cool {
                    until: now + cool_down(self.kind, error, state.failures),
                    last: Some(error.clone()),
                };
                if is_report && matches!(error, Error::Spent(_) | Error::StillDead) {
                    state.cool_reports = cool;
                } else {
                    state.cool = cool;
                }
                // The token's own flight counts and reports what keeps a ticket waiting.
                if !matches!(error, Error::NoToken(_)) {
                    state.failures = state.failures.saturating_add(1);
                    tracing::warn!(
                        app_id = %self.app.app_id,
                        kind = self.kind.as_str(),
                        failures = state.failures,
                        error = %telemetry::Chain(error),
                        "fetching a credential failed"
                    );
                    if let Some(address) = error.platform().and_then(wechat::Error::refused_address) {
                        tracing::error!(
                            app_id = %self.app.app_id,
                            address,
                            "WeChat refuses calls from this address: add it to IP白名单 in the console (开发 > 基本配置)"
                        );
                    }
                }
            }
        }
    }
}

/// Lets the next caller start anew when a flight ends by a panic.
struct Grounded(Arc<Slot>);

impl Drop for Grounded {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().flight = None;
        }
    }
}

impl Shared {
    /// Joins the flight for this slot, or starts one: to fill or renew it, or to replace the dead token `dead`.
    /// While failures cool down, their last error is the answer at once.
    pub(super) fn fly(self: &Arc<Self>, slot: &Arc<Slot>, dead: Option<&SecretString>) -> Flight {
        let now = self.clock.store_now();
        let mut state = slot.lock();
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let is_report = dead.is_some();
        let cooling = state
            .cool
            .error(now)
            .or_else(|| state.cool_reports.error(now).filter(|_| is_report));
        if let Some(error) = cooling {
            return std::future::ready(Err(error.clone())).boxed().shared();
        }
        let (shared, target, dead) = (self.clone(), slot.clone(), dead.cloned());
        let task = self.tasks.spawn("credential", async move {
            let _grounded = Grounded(target.clone());
            let outcome = shared.refresh(&target, dead.as_ref()).await;
            target.land(&outcome, is_report, shared.clock.store_now());
            outcome
        });
        let flight = async move { task.await.unwrap_or(Err(Error::Slow)) };
        let flight = flight.boxed().shared();
        state.flight = Some(flight.clone());
        flight
    }
}

/// How long to wait after a failure that followed `failures` others. Only calls that the platform answered badly make
/// the pauses grow: the store, and a token that is not there, recover by themselves.
fn cool_down(kind: Kind, error: &Error, failures: u32) -> Duration {
    // A wrong AppSecret may also be told as 40001 when a token is fetched. (获取接口调用凭据.)
    let wrong_secret = |error: &wechat::Error| kind == Kind::AccessToken && error.errcode() == Some(40001);
    let (first, most) = match error {
        Error::Spent(wait) => return *wait,
        Error::Platform(error) if error.needs_operator() || wrong_secret(error) => {
            (Duration::from_secs(5), Duration::from_secs(300))
        }
        // Somebody may report a token that lives, and then it dies: all who report it meanwhile wait for this.
        Error::StillDead => (Duration::from_millis(500), Duration::from_secs(5)),
        Error::Platform(_) => (Duration::from_millis(500), Duration::from_secs(30)),
        Error::NoApp | Error::NoToken(_) | Error::Store(_) | Error::Sealed(_) | Error::Slow => {
            return Duration::from_millis(500);
        }
    };
    let backoff = first.saturating_mul(1 << failures.min(16)).min(most);
    backoff.mul_f64(rand::random_range(0.8..1.0))
}
