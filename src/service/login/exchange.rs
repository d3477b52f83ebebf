//! Exchanges each code once. The platform takes a code one time only, so an exchange is never repeated: not when
//! its answer is lost, and not when the client sends the code again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use super::Error;
use crate::clock::Clock;
use crate::config::App;
use crate::domain::ids::LoginCode;
use crate::domain::time::Timestamp;
use crate::tasks::Tasks;
use crate::wechat::{self, AppCredentials, Session};

/// A client that lost our answer may ask with the same code again within this time and gets the same session.
const SHARED: Duration = Duration::from_secs(5);
/// For so long after that the code is known as used here. The platform forgets codes after five minutes. (小程序登录.)
const REMEMBERED: Duration = Duration::from_secs(305);
/// At most so many used codes are remembered, the oldest given up first: about 10 MB, and 300 logins a second. The
/// platform knows the others.
const MOST: u64 = 100_000;

type Answer = Option<Result<Session, Arc<wechat::Error>>>;

/// The exchanges that are under way or ended just now, and the codes of the last five minutes.
pub(super) struct Exchanges {
    client: wechat::Client,
    clock: Clock,
    tasks: Tasks,
    /// Kept for a few seconds, so that session keys do not stay in memory; bounded by the number of connections.
    current: Cache<Key, Arc<Exchange>>,
    used: Cache<Key, ()>,
}

/// The digest of an app and a code: no code is kept.
type Key = [u8; 32];

/// One code's exchange, under way or ended.
struct Exchange {
    answer: Shared<BoxFuture<'static, Answer>>,
    /// When it ended, in milliseconds; 0 while it is under way.
    ended: Arc<AtomicI64>,
}

impl Exchange {
    /// Of a code that was used some time ago.
    fn spent() -> Arc<Self> {
        let answer = std::future::ready(None).boxed().shared();
        Arc::new(Self {
            answer,
            ended: Arc::new(AtomicI64::new(1)),
        })
    }
}

impl Exchanges {
    /// A call of `client` takes `timeout` at most.
    pub(super) fn new(client: wechat::Client, clock: Clock, tasks: Tasks, timeout: Duration) -> Self {
        let current = Cache::builder().time_to_live(timeout + 2 * SHARED).build();
        let used = Cache::builder()
            .max_capacity(MOST)
            .time_to_live(REMEMBERED)
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self {
            client,
            clock,
            tasks,
            current,
            used,
        }
    }

    /// What the code stands for. Callers with the same code share one exchange while it is under way and shortly
    /// after; later ones are told that the code was used, without asking the platform.
    pub(super) async fn exchange(&self, app: &App, code: LoginCode) -> Result<Session, Error> {
        let key = key(app, &code);
        // Within the look-up, so that of several callers with one code the same one decides and begins for all.
        let find = async {
            if self.used.contains_key(&key) {
                Exchange::spent()
            } else {
                self.begin(app, code, key)
            }
        };
        let exchange = self.current.get_with(key, find).await;
        let ended = exchange.ended.load(Ordering::Acquire);
        if ended != 0 && self.clock.now() >= Timestamp::from_millis(ended) + SHARED {
            return Err(Error::CodeUsed);
        }
        match exchange.answer.clone().await {
            Some(result) => Ok(result?),
            None => Err(Error::BrokenOff),
        }
    }

    /// Starts the exchange as a task of its own: the answer must not be lost because the client went away.
    fn begin(&self, app: &App, code: LoginCode, key: Key) -> Arc<Exchange> {
        let ended = Arc::new(AtomicI64::new(0));
        let (client, clock, end) = (self.client.clone(), self.clock.clone(), ended.clone());
        let app = AppCredentials {
            app_id: app.app_id.clone(),
            secret: app.app_secret.clone(),
        };
        let used = self.used.clone();
        let task = self.tasks.spawn("code exchange", async move {
            let result = client.code_to_session(&app, &code).await.map_err(Arc::new);
            // Before the exchange counts as ended: from then on the entry among the current ones may go.
            used.insert(key, ()).await;
            end.store(clock.now().millis(), Ordering::Release);
            result
        });
        let answer = async move { task.await.ok() };
        Arc::new(Exchange {
            answer: answer.boxed().shared(),
            ended,
        })
    }
}

fn key(app: &App, code: &LoginCode) -> Key {
    let text = format!("{}\n{}", app.app_id, code);
    digest(&SHA256, text.as_bytes())
        .as_ref()
        .try_into()
        .expect("SHA-256 has 32 bytes")
}
