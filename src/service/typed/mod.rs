//! Calls of WeChat's API with a form of our own, for what mini programs and pages need directly: messages, content checks,
//! mini-program codes, links, QR codes. Each is checked before WeChat is asked. Who may ask is not decided here.

mod check;
mod code;
mod custom;
mod link;
mod media_checks;
mod message;
mod pace;
mod problems;
mod qrcode;

use std::sync::Arc;
use std::time::Duration;

pub use check::{CheckMedia, CheckText, MEDIA_PATH, TEXT_PATH};
pub use code::{CODE_PATH, Picture, WxaCode};
pub use custom::Custom;
pub use link::{Link, LinkKind};
pub use media_checks::MediaChecks;
pub use message::{Message, Subscribe, Template};
pub use qrcode::{QR_PATH, QrCode, Scene};

use crate::clock::Clock;
use crate::config::{App, Platform};
use crate::domain::ids::UserId;
use crate::service::StoreError;
use crate::service::relay::{self, Relay};
use code::Pictures;
use pace::Pace;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be meant.
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
    /// A user asks too often; so long to wait.
    #[error("too often")]
    Limited(Duration),
    /// There is no such check.
    #[error("there is no such check")]
    NoCheck,
    /// WeChat gives none.
    #[error(transparent)]
    Relay(#[from] relay::Error),
    /// The store gives none.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the calls.
pub struct Typed {
    relay: Arc<Relay>,
    checks: Arc<MediaChecks>,
    pictures: Pictures,
    pace: Pace,
    platform: Platform,
    clock: Clock,
}

impl Typed {
    /// Over `relay`.
    #[must_use]
    pub fn new(relay: Arc<Relay>, checks: Arc<MediaChecks>, platform: Platform, clock: Clock) -> Self {
        Self {
            relay,
            checks,
            pictures: Pictures::default(),
            pace: Pace::default(),
            platform,
            clock,
        }
    }

    /// Counts a call of a user's, of whom there are many and none pays for anything.
    ///
    /// # Errors
    /// [`Error::Limited`] above what one user may have.
    pub fn count(&self, user: &UserId) -> Result<(), Error> {
        self.pace.take(user, self.clock.now()).map_err(Error::Limited)
    }
}

/// An app of the kind that a call is for.
fn of_kind(app: &App, kind: crate::config::AppKind) -> Result<(), Error> {
    if app.kind == kind {
        return Ok(());
    }
    Err(Error::Invalid(vec![match kind {
        crate::config::AppKind::Official => "this is for official accounts".to_owned(),
        crate::config::AppKind::Mini => "this is for mini programs".to_owned(),
    }]))
}
