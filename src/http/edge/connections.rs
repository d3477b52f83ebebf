//! Ends connections that take too long. It knows when requests begin and end, not what they say.
//!
//! The HTTP server's own timers cover the first head of a connection and idle time without a byte. A slow second
//! head, a slow or missing body and a client that never reads its answer would stay open for ever. So each
//! connection has a deadline here, which moves when a request begins, is answered and ends, and a second
//! descriptor of its socket through which it is shut down when the deadline has passed.
//!
//! Limits: one more descriptor per connection; only HTTP/1 over plain TCP, where requests follow one another.

use std::any::Any;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry as MetricsRegistry;
use socket2::{SockRef, Socket};
use tokio_util::sync::CancellationToken;

use crate::config::Limits;

/// How often it is looked whether a client is there still.
const LOOK: Duration = Duration::from_millis(250);
/// How often overdue connections are looked for.
const SWEEP_EVERY: Duration = Duration::from_millis(500);
/// The server's own timers come first: they close more politely.
const SLACK: Duration = Duration::from_millis(500);
/// What a client has at least to take its answer, however long the handler took.
const TAKE_AT_LEAST: Duration = Duration::from_secs(5);
/// The deadline of a connection that was already shut down.
const CLOSED: u64 = u64::MAX;
/// What sending an answer that is already written takes at most, unless the client does not read.
const FLUSH: Duration = Duration::from_millis(200);

/// All open connections of the process. Cloning it gives another handle to the same set.
#[derive(Debug, Clone)]
pub struct Connections {
    all: Arc<All>,
}

#[derive(Debug)]
struct All {
    epoch: Instant,
    head: Duration,
    idle: Duration,
    request: Duration,
    live: Mutex<Vec<Weak<Connection>>>,
    open: Gauge,
    ended: Counter,
}

#[derive(Debug)]
struct Connection {
    socket: Socket,
    /// Milliseconds since the epoch of the set.
    deadline: AtomicU64,
    last_request_was_answered: AtomicBool,
    all: Arc<All>,
}

/// One connection, found by its requests as `request.conn_data::<Guard>()`.
#[derive(Debug, Clone)]
pub struct Guard {
    connection: Arc<Connection>,
}

/// A request in progress, until this is dropped: when its answer is wholly with the operating system.
#[derive(Debug)]
pub struct InProgress {
    connection: Arc<Connection>,
}

impl Connections {
    /// An empty set with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let all = All {
            epoch: Instant::now(),
            head: limits.head_timeout + SLACK,
            idle: limits.keep_alive.max(limits.head_timeout) + SLACK,
            // A late body is answered with 408 before that, whatever the two limits are.
            request: limits.request_timeout.max(limits.body_timeout + SLACK),
            live: Mutex::default(),
            open: Gauge::default(),
            ended: Counter::default(),
        };
        Self { all: Arc::new(all) }
    }

    /// What `HttpServer::on_connect` needs. It must be set before the server is bound to an address.
    pub fn on_connect(&self) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
        let all = Arc::clone(&self.all);
        move |io, extensions| {
            if let Some(stream) = io.downcast_ref::<TcpStream>() {
                All::register(&all, stream, extensions);
            }
        }
    }

    /// Shuts down what is overdue and forgets what has ended. Says how many it shut down.
    pub fn sweep(&self, now: Instant) -> usize {
        let now = self.all.millis(now);
        let mut overdue = Vec::new();
        {
            let mut live = self.all.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.retain(|weak| match weak.upgrade() {
                Some(connection) => {
                    if connection.deadline.load(Ordering::Relaxed) < now {
                        overdue.push(connection);
                    }
                    true
                }
                None => false,
            });
            // A flood must not leave its memory behind.
            if live.capacity() > 4 * live.len() + 1024 {
                live.shrink_to_fit();
            }
        }
        overdue.iter().filter(|connection| connection.end(now)).count()
    }

    /// Sweeps until the token is cancelled.
    pub async fn watch(self, stop: CancellationToken) {
        while stop
            .run_until_cancelled(tokio::time::sleep(SWEEP_EVERY))
            .await
            .is_some()
        {
            self.sweep(Instant::now());
        }
    }

    /// How many are open.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.all.open.get()
    }

    /// Adds the metrics of connections to the registry.
    pub fn register(&self, registry: &mut MetricsRegistry) {
        registry.register("http_connections_open", "Open connections", self.all.open.clone());
        let help = "Connections closed because the client took too long";
        registry.register("http_connections_ended", help, self.all.ended.clone());
    }
}

/// How many worker threads the limits ask for.
#[must_use]
pub fn workers(limits: &Limits) -> usize {
    match limits.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}

/// The share of one worker in the process's connections, for `HttpServer::max_connections`.
#[must_use]
pub fn per_worker(limits: &Limits, workers: usize) -> usize {
    limits.connections.div_ceil(workers.max(1)).max(1)
}

impl All {
    fn register(all: &Arc<Self>, stream: &TcpStream, extensions: &mut Extensions) {
        let io = SockRef::from(stream);
        // Neither option is vital, and both fail on a socket that is already dead.
        let _ = io.set_tcp_nodelay(true);
        #[cfg(target_os = "linux")]
        let _ = io.set_tcp_user_timeout(Some(all.request));
        let Ok(socket) = io.try_clone() else {
            // No descriptors are left. A connection nobody watches is worse than none.
            let _ = io.shutdown(Shutdown::Both);
            return;
        };
        all.open.inc();
        let deadline = AtomicU64::new(all.millis(Instant::now() + all.head));
        let connection = Arc::new(Connection {
            socket,
            deadline,
            last_request_was_answered: AtomicBool::new(false),
            all: Arc::clone(all),
        });
        all.live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::downgrade(&connection));
        extensions.insert(Guard { connection });
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.epoch).as_millis()).unwrap_or(CLOSED)
    }
}

impl Guard {
    /// A request's head is there.
    #[must_use]
    pub fn request_started(&self, now: Instant) -> InProgress {
        let connection = Arc::clone(&self.connection);
        connection.move_deadline(now + connection.all.request);
        InProgress { connection }
    }

    /// The request in progress may take until then, if it may not take longer already, and its answer as long again
    /// as answers usually may.
    pub fn allow(&self, until: Instant) {
        let all = &self.connection.all;
        let until = all.millis(until + all.request);
        // One that was shut down already stays so: there is no later deadline than its.
        self.connection.deadline.fetch_max(until, Ordering::Relaxed);
    }

    /// Whether an earlier answer was to be the last of this connection.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.connection.last_request_was_answered.load(Ordering::Relaxed)
    }

    /// Ends when the client has closed the connection, or its half of it: who does that waits for no answer, by the
    /// measure of other proxies too. It is looked for a few times a second.
    pub async fn left(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let mut byte = [std::mem::MaybeUninit::uninit()];
            match self.connection.socket.peek(&mut byte) {
                Ok(0) => return,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => return,
                // A byte of the next request, or nothing.
                _ => {}
            }
        }
    }

    /// Ends the connection of a request that must not be answered.
    ///
    /// The server answers what it had already read when an answer said `Connection: close`. The pause lets it send
    /// that answer first; then nothing more goes out.
    pub async fn hang_up(&self) {
        tokio::time::sleep(FLUSH).await;
        // It fails when the client was faster.
        let _ = self.connection.socket.shutdown(Shutdown::Write);
    }
}

impl InProgress {
    /// This request's answer is the last of its connection, even if more requests were already read.
    pub fn is_last(&self) {
        self.connection
            .last_request_was_answered
            .store(true, Ordering::Relaxed);
    }

    /// The handler has produced its answer; the client has what is left of the time to take it.
    pub fn answered(&self, now: Instant) {
        let connection = &self.connection;
        let least = connection
            .all
            .millis(now + TAKE_AT_LEAST.min(connection.all.request));
        if connection.deadline.load(Ordering::Relaxed) < least {
            connection.deadline.store(least, Ordering::Relaxed);
        }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.connection
            .move_deadline(Instant::now() + self.connection.all.idle);
    }
}

impl Connection {
    fn move_deadline(&self, to: Instant) {
        self.deadline.store(self.all.millis(to), Ordering::Relaxed);
    }

    /// Shuts it down unless its deadline has moved meanwhile.
    fn end(&self, now: u64) -> bool {
        let seen = self.deadline.load(Ordering::Relaxed);
        let still = seen < now
            && self
                .deadline
                .compare_exchange(seen, CLOSED, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if still {
            // What the client did not take must not stay in the kernel: closing now resets the connection.
            let _ = self.socket.set_linger(Some(Duration::ZERO));
            // It fails when the client was faster.
            let _ = self.socket.shutdown(Shutdown::Both);
            self.all.ended.inc();
        }
        still
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open.dec();
    }
}
