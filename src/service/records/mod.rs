//! What the services keep in the store. Rules about these records are with the service that owns them.

mod administrator;
mod attempts;
mod audit;
mod caller;
mod caller_use;
mod code;
mod credential;
mod delivery;
mod event;
mod media;
mod media_check;
mod oauth;
mod reply_rule;
mod room;
mod session;
mod setting;
mod signing_key;
mod user;
mod webhook;

pub use administrator::Administrator;
pub use attempts::Attempts;
pub use audit::AuditRecord;
pub use caller::{Caller, Grant};
pub use caller_use::CallerUse;
pub use code::{Code, Sendings};
pub use credential::{Age, Budget, Credential, Forced, Lease};
pub use delivery::{Attempt, Delivery, DeliveryState};
pub use event::{Answer, PushEvent};
pub use media::Media;
pub use media_check::MediaCheck;
pub use oauth::{OauthCode, OauthOutcome, OauthScope, OauthState};
pub use reply_rule::ReplyRule;
pub use room::Room;
pub use session::{Scope, Session};
pub use setting::Setting;
pub use signing_key::SigningKey;
pub use user::{Identity, SessionKey, User};
pub use webhook::Webhook;

use crate::store::{Collection, Record};

/// Every collection there is.
pub const COLLECTIONS: &[&Collection] = &[
    Setting::COLLECTION,
    SigningKey::COLLECTION,
    Credential::COLLECTION,
    Identity::COLLECTION,
    User::COLLECTION,
    Session::COLLECTION,
    Media::COLLECTION,
    Room::COLLECTION,
    Administrator::COLLECTION,
    Attempts::COLLECTION,
    Code::COLLECTION,
    Sendings::COLLECTION,
    OauthState::COLLECTION,
    OauthCode::COLLECTION,
    Caller::COLLECTION,
    CallerUse::COLLECTION,
    Webhook::COLLECTION,
    ReplyRule::COLLECTION,
    PushEvent::COLLECTION,
    Delivery::COLLECTION,
    AuditRecord::COLLECTION,
    MediaCheck::COLLECTION,
];

/// Ties a record type to its collection, keyed by its member `id`.
macro_rules! stored_in {
    ($record:ty, $collection:expr) => {
        impl Record for $record {
            const COLLECTION: &'static Collection = &$collection;

            fn id(&self) -> &str {
                self.id.as_ref()
            }
        }
    };
}

use stored_in;
