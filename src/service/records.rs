//! What the services keep in the store. Rules about these records are with the service that owns them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::seal::Sealed;
use crate::domain::ids::{AppName, UnionId, UserId};
use crate::domain::time::Timestamp;
use crate::store::{Collection, Index, Record};

/// Every collection there is.
pub const COLLECTIONS: &[&Collection] = &[
    Setting::COLLECTION,
    SigningKey::COLLECTION,
    Credential::COLLECTION,
    Identity::COLLECTION,
    User::COLLECTION,
    Session::COLLECTION,
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

/// A fact about the store itself.
#[derive(Clone, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub id: String,
    /// Its value.
    pub value: String,
}

/// The value may be the master key.
impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

stored_in!(
    Setting,
    Collection {
        name: "settings",
        indexes: &[],
        expires: None
    }
);

/// A key that signs our tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// Which algorithm it is for, and the how-manieth of its kind.
    pub id: String,
    /// The name that tokens carry in their header.
    pub kid: String,
    /// The private key or shared secret.
    pub secret: Sealed,
    /// The public key in base64url, for algorithms that have one.
    #[serde(default)]
    pub public: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

stored_in!(
    SigningKey,
    Collection {
        name: "signing_keys",
        indexes: &[],
        expires: None
    }
);

/// A token or ticket of the platform, shared by all instances.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Credential {
    /// `APPID:KIND`.
    pub id: String,
    /// The value, once there is one.
    #[serde(default)]
    pub value: Option<Sealed>,
    /// Counts the values.
    #[serde(default)]
    pub generation: i64,
    /// The value's real end.
    #[serde(default)]
    pub expires_at: Timestamp,
    /// When to fetch the next one.
    #[serde(default)]
    pub renew_at: Timestamp,
    /// What is known of the value's age.
    #[serde(default)]
    pub age: Age,
    /// Who is fetching.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// Calls left; see `service::credentials::budget`.
    #[serde(default)]
    pub budget: Budget,
    /// Forced refreshes, which the platform limits to 20 a day.
    #[serde(default)]
    pub forced: Forced,
}

/// What is known of the age of a value that the platform hands out more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Age {
    /// It was made after this moment: the platform returned another value then, or could not have kept it longer.
    pub born_after: Timestamp,
    /// When the platform returned it first.
    pub first_seen: Timestamp,
    /// When the platform returned it last.
    pub last_seen: Timestamp,
}

/// The right of one instance to fetch. It ends by itself, and the record's version fences its holder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lease {
    /// The instance.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

/// A bucket of calls.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Budget {
    /// Thousandths of calls spent and not yet given back.
    pub spent: i64,
    /// When `spent` was true.
    pub at: Timestamp,
}

/// Forced refreshes of one day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Forced {
    /// Days since the epoch, in the platform's time zone.
    pub day: i64,
    /// How many on that day.
    pub count: u32,
    /// The last of all.
    pub last: Timestamp,
}

stored_in!(
    Credential,
    Collection {
        name: "credentials",
        indexes: &[],
        expires: None
    }
);

/// One way in which a user is known, and whose it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Identity {
    /// `wechat:APPID:OPENID`.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// The user within the Open Platform account, once the platform has told.
    #[serde(default)]
    pub unionid: Option<UnionId>,
    /// The latest session_key and the one before, latest first.
    #[serde(default)]
    pub session_keys: Vec<SessionKey>,
    /// When it was first seen.
    pub created_at: Timestamp,
}

/// A session_key of the platform's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionKey {
    /// The key.
    pub key: Sealed,
    /// When it was handed out.
    pub at: Timestamp,
}

stored_in!(
    Identity,
    Collection {
        name: "identities",
        indexes: &[Index {
            name: "user",
            fields: &["user"],
            unique: false
        }],
        expires: None,
    }
);

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Our id of the user.
    pub id: String,
    /// When the user first logged in.
    pub created_at: Timestamp,
}

stored_in!(
    User,
    Collection {
        name: "users",
        indexes: &[],
        expires: None
    }
);

/// A login and what follows from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// The claim `sid`.
    pub id: String,
    /// Whose it is.
    pub user: UserId,
    /// Where the user logged in.
    pub app: AppName,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends without use.
    pub expires_at: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
}

stored_in!(
    Session,
    Collection {
        name: "sessions",
        indexes: &[Index {
            name: "user",
            fields: &["user", "created_at"],
            unique: false
        }],
        expires: Some("expires_at"),
    }
);
