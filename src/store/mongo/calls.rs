//! How every operation is called: as a task of its own, so many at once, with a deadline for whoever waits. What
//! an operation does is not known here.
//!
//! The driver's futures must not be dropped half way (the connection would be left in an unknown state), and
//! the driver has no deadline of its own for an answer. So the task goes on after its caller has been told.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::store::engine::{Error, Result};

/// How long the traces of a write are looked for after its deadline.
const LOOK: Duration = Duration::from_millis(800);

#[derive(Clone)]
pub(super) struct Calls {
    handle: Handle,
    /// As many as there are connections: the driver's own queue for a connection knows no deadline.
    places: Arc<Semaphore>,
    /// For those who look for the traces of a write when all other places are taken by stuck ones.
    looks: Arc<Semaphore>,
    writable: watch::Receiver<bool>,
}

/// Why an operation has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("no MongoDB server that takes writes is known")]
    NoServer,
    #[error("too many operations are under way")]
    Crowded,
    #[error("the connection to MongoDB is closed")]
    Closed,
    #[error("MongoDB took too long to answer")]
    Slow,
    #[error("an operation ended without an outcome")]
    Lost,
}

impl Trouble {
    /// Whether the operation may have reached the server.
    fn was_sent(self) -> bool {
        match self {
            Self::NoServer | Self::Crowded | Self::Closed => false,
            Self::Slow | Self::Lost => true,
        }
    }
}

impl Calls {
    pub(super) fn new(handle: Handle, at_once: usize, writable: watch::Receiver<bool>) -> Self {
        Self {
            handle,
            places: Arc::new(Semaphore::new(at_once)),
            looks: Arc::new(Semaphore::new(at_once)),
            writable,
        }
    }

    /// Runs something on the driver's runtime.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(work)
    }

    /// Waits until a server that takes writes is known. Says whether it is.
    pub(super) async fn server(&self, deadline: Instant) -> bool {
        let mut writable = self.writable.clone();
        matches!(
            timeout_at(deadline, writable.wait_for(|writable| *writable)).await,
            Ok(Ok(_))
        )
    }

    /// Runs an operation that can be repeated without harm.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.call(Instant::now() + limit, work)
            .await
            .unwrap_or_else(|trouble| Err(Error::Unavailable(Box::new(trouble))))
    }

    /// Runs a write. If its outcome does not come in time, `traces` looks for what it has done, and finds the
    /// outcome or nothing.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T>> + Send + 'static,
        traces: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Result<T> {
        match self.call(deadline, work).await {
            Ok(Err(Error::Indeterminate(cause))) => {
                self.look(traces).await.ok_or(Error::Indeterminate(cause))
            }
            Ok(outcome) => outcome,
            Err(trouble) if trouble.was_sent() => {
                let found = self.look(traces).await;
                found.ok_or_else(|| Error::Indeterminate(Box::new(trouble)))
            }
            Err(trouble) => Err(Error::Unavailable(Box::new(trouble))),
        }
    }

    /// Takes no more operations.
    pub(super) fn close(&self) {
        self.places.close();
        self.looks.close();
    }

    async fn call<T: Send + 'static>(
        &self,
        deadline: Instant,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Trouble> {
        if !self.server(deadline).await {
            return Err(Trouble::NoServer);
        }
        let place = match timeout_at(deadline, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => place,
            Ok(Err(_)) => return Err(Trouble::Closed),
            Err(_) => return Err(Trouble::Crowded),
        };
        let task = self.spawn(async move {
            let outcome = work.await;
            drop(place);
            outcome
        });
        match timeout_at(deadline, task).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Trouble::Lost),
            Err(_) => Err(Trouble::Slow),
        }
    }

    async fn look<T: Send + 'static>(
        &self,
        traces: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Option<T> {
        let place = self.looks.clone().try_acquire_owned().ok()?;
        let task = self.spawn(async move {
            let found = traces.await;
            drop(place);
            found
        });
        timeout_at(Instant::now() + LOOK, task).await.ok()?.ok()?
    }
}
