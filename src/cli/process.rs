//! The process around a command: its runtime, and the signals that end it. What the command does is not known here.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use super::{Exit, output};
use crate::tasks::Tasks;

/// HTTP workers have threads of their own; here run background tasks and the client of WeChat.
const THREADS: usize = 2;
/// How long a thread that hangs may hold up the end of the process.
const PATIENCE: Duration = Duration::from_secs(1);

/// Runs a command's work to its end.
pub(super) fn run(work: impl Future<Output = Exit>) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(format_args!("no threads can be started: {error}"));
            return Exit::Failed;
        }
    };
    let exit = runtime.block_on(work);
    runtime.shutdown_timeout(PATIENCE);
    exit
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
}

/// What a serving command runs beside its server, and its end by signal.
pub(super) struct Process {
    /// The command's own tasks.
    pub(super) tasks: Tasks,
    ending: CancellationToken,
}

impl Process {
    /// Listens for signals from here on, so that none is missed while the command starts.
    pub(super) fn start() -> io::Result<Self> {
        let tasks = Tasks::new(Handle::current());
        let ending = CancellationToken::new();
        let mut signals = Signals::new()?;
        let (token, own) = (ending.clone(), tasks.clone());
        tasks.spawn("signals", async move {
            tokio::select! {
                () = signals.next() => {}
                () = own.stopping() => return,
            }
            tracing::info!("ending; a second signal ends at once");
            token.cancel();
            tokio::select! {
                () = signals.next() => std::process::exit(1),
                () = own.stopping() => {}
            }
        });
        Ok(Self { tasks, ending })
    }

    /// Done when the command is to end.
    pub(super) fn ending(&self) -> impl Future<Output = ()> + Send + 'static {
        self.ending.clone().cancelled_owned()
    }

    /// Ends everything.
    pub(super) async fn finish(self) {
        self.ending.cancel();
        self.tasks.shutdown(2 * PATIENCE).await;
    }
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
