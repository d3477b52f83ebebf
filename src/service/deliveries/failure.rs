//! Why a receiver did not take an event. Nothing of its address and nothing that it said is in here.

use crate::net::{Forbidden, guard};
use crate::service::webhooks::Unusable;

/// Why a receiver did not take an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing may be sent to its address.
    #[error("nothing was sent: {0}")]
    Forbidden(#[from] Forbidden),
    /// Too many wait for it already, or it has taken nothing lately.
    #[error("nothing was sent: it takes nothing, or too many wait for its answers")]
    Busy,
    /// Its address is none, or its secret cannot be read.
    #[error("nothing was sent: the webhook cannot be used")]
    Unusable,
    /// Its name has no address.
    #[error("it was not reached: its name was not resolved")]
    Unresolved,
    /// Nobody listens at its address.
    #[error("it was not reached: the connection was refused")]
    ConnectionRefused,
    /// No connection was made: no way there, or no TLS on it that can be trusted.
    #[error("it was not reached: no connection, or no TLS that can be trusted")]
    Unreachable,
    /// It did not answer in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// The connection ended before the answer did.
    #[error("the connection broke")]
    Broken,
    /// It answered with something else than success.
    #[error("it answered {0}")]
    Status(u16),
    /// Its answer was longer than is read.
    #[error("its answer was too long")]
    TooLong,
}

impl Failure {
    /// A word for figures.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Forbidden(_) => "forbidden",
            Self::Busy => "busy",
            Self::Unusable => "unusable",
            Self::Unresolved => "unresolved",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::Status(_) => "refused",
            Self::TooLong => "too_long",
        }
    }
}

impl From<Unusable> for Failure {
    fn from(_: Unusable) -> Self {
        Self::Unusable
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        if guard::is_refusal(&error) {
            Self::Forbidden(Forbidden::NotPublic)
        } else if error.is_timeout() {
            Self::TimedOut
        } else if error.is_connect() {
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                // What the client's resolver says is known by its text alone.
                if cause.to_string().contains("dns error") {
                    return Self::Unresolved;
                }
                let io = cause.downcast_ref::<std::io::Error>();
                if io.is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused) {
                    return Self::ConnectionRefused;
                }
                source = cause.source();
            }
            Self::Unreachable
        } else {
            Self::Broken
        }
    }
}
