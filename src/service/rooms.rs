//! Rooms: users make them, and every user sees the list. What happens inside a room is not ours.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

use super::fresh_id;
use super::records::{Room, User};
use crate::clock::Clock;
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::store::{self, Engine, Find, Order, Repo};
use futures_util::future::try_join_all;

/// How many rooms a user may have.
pub const PER_OWNER: usize = 100;
/// How many rooms one answer has at most.
pub const PAGE: usize = 100;
/// How long a name may be, in characters.
pub const LONGEST_NAME: usize = 64;

/// The name of a room: 1 to 64 characters without control characters, not blank at its ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomName(String);

/// A text that is no name of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a room's name has 1 to 64 characters, no control characters, and is not blank")]
pub struct BadName;

impl FromStr for RoomName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let name = text.trim();
        let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
        if fits && !name.chars().any(char::is_control) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadName)
        }
    }
}

/// Where a list goes on: behind this room. Its text is opaque to clients, and stays good when the room goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    created_at: Timestamp,
    id: String,
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no position in the list of rooms")]
pub struct BadPosition;

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (millis, id) = text.split_once('.').ok_or(BadPosition)?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let millis = millis.parse().map_err(|_| BadPosition)?;
        if is_id {
            Ok(Self {
                created_at: Timestamp::from_millis(millis),
                id: id.to_owned(),
            })
        } else {
            Err(BadPosition)
        }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.created_at, self.id)
    }
}

/// A room as the list shows it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The room.
    pub room: Room,
    /// What its owner wants to be called.
    pub nickname: Option<String>,
}

/// A part of the list, newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// The rooms.
    pub rooms: Vec<Listed>,
    /// Where it goes on, if there may be more.
    pub next: Option<Position>,
}

/// Why a room is not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The owner has as many as are allowed.
    #[error("there are {PER_OWNER} rooms of this user already")]
    TooMany,
    /// The owner is gone.
    #[error("there is no such user")]
    NoUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Keeps the rooms.
pub struct Rooms {
    records: Repo<Room>,
    users: Repo<User>,
    clock: Clock,
}

impl Rooms {
    /// The rooms in this store.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, clock: Clock) -> Self {
        Self {
            records: Repo::new(engine.clone(), clock.clone()),
            users: Repo::new(engine.clone(), clock.clone()),
            clock,
        }
    }

    /// Makes a room.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, owner: &UserId, name: RoomName) -> Result<Listed, Error> {
        if self.of(owner, PER_OWNER).await?.len() >= PER_OWNER {
            return Err(Error::TooMany);
        }
        let room = Room {
            id: fresh_id::<String>(),
            name: name.0,
            owner: owner.clone(),
            created_at: self.clock.store_now(),
        };
        self.records.insert(&room).await?;
        // Others may have been made between the counting and now. Whoever is beyond the limit gives way.
        let first = self.of(owner, PER_OWNER).await?;
        if first.len() >= PER_OWNER && !first.contains(&room.id) {
            self.records.delete(&room.id).await?;
            return Err(Error::TooMany);
        }
        // Deleted meanwhile, the owner may not have taken it along.
        match self.survivor(owner).await? {
            Some(owner) if owner.deleted_at.is_none() => Ok(Listed {
                room,
                nickname: owner.nickname,
            }),
            _ => {
                self.records.delete(&room.id).await?;
                Err(Error::NoUser)
            }
        }
    }

    /// Up to `limit` rooms behind `after`, newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, limit: usize, after: Option<Position>) -> Result<Page, Error> {
        let limit = limit.clamp(1, PAGE);
        let mut find = Find::by(Room::BY_TIME, []);
        find.order = Order::Descending;
        find.limit = limit;
        find.after = after.map(|after| (after.created_at.into(), after.id));
        let found = self.records.find(find).await?;
        let next = found
            .last()
            .filter(|_| found.len() == limit)
            .map(|last| Position {
                created_at: last.record.created_at,
                id: last.record.id.clone(),
            });
        let owners: BTreeSet<UserId> = found.iter().map(|found| found.record.owner.clone()).collect();
        let names = owners.into_iter().map(async |owner| {
            let nickname = self.nickname(&owner).await?;
            Ok::<_, Error>((owner, nickname))
        });
        let names: BTreeMap<UserId, Option<String>> = try_join_all(names).await?.into_iter().collect();
        let rooms = found.into_iter().map(|found| Listed {
            nickname: names.get(&found.record.owner).cloned().flatten(),
            room: found.record,
        });
        Ok(Page {
            rooms: rooms.collect(),
            next,
        })
    }

    /// Removes every room of a user who is being deleted.
    ///
    /// # Errors
    /// If the store fails; calling it again goes on where it stopped.
    pub async fn forget(&self, owner: &UserId) -> Result<(), Error> {
        loop {
            let rooms = self.of(owner, PER_OWNER).await?;
            if rooms.is_empty() {
                return Ok(());
            }
            for id in rooms {
                self.records.delete(&id).await?;
            }
        }
    }

    /// The ids of a user's rooms, oldest first.
    async fn of(&self, owner: &UserId, limit: usize) -> Result<Vec<String>, Error> {
        let mut find = Find::by(Room::BY_OWNER, [owner.as_str().into()]);
        find.limit = limit;
        let found = self.records.find(find).await?;
        Ok(found.into_iter().map(|found| found.record.id).collect())
    }

    async fn nickname(&self, user: &UserId) -> Result<Option<String>, Error> {
        Ok(self.survivor(user).await?.and_then(|user| user.nickname))
    }

    /// Rooms keep the id of a user who turned out to be another one.
    async fn survivor(&self, user: &UserId) -> Result<Option<User>, Error> {
        let found = self.users.get(user.as_str()).await?;
        match found.as_ref().and_then(|found| found.merged_into.as_ref()) {
            Some(into) => Ok(self.users.get(into.as_str()).await?),
            None => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_something_to_read_and_end_somewhere() {
        assert_eq!(" 茶室 ".parse(), Ok(RoomName("茶室".to_owned())));
        assert!("茶".repeat(64).parse::<RoomName>().is_ok());
        for bad in ["", "  ", "a\nb", "\u{0}", &"茶".repeat(65)] {
            assert_eq!(bad.parse::<RoomName>(), Err(BadName), "{bad:?}");
        }
    }

    #[test]
    fn a_position_is_what_it_says() {
        let text = "1763690000123.019a9f4e6c1d7c02b1d5c5f0a4e9d3b7";
        assert_eq!(text.parse::<Position>().unwrap().to_string(), text);
        for bad in ["", ".", "1.", "x.019a9f4e6c1d7c02b1d5c5f0a4e9d3b7", "1.../etc"] {
            assert_eq!(bad.parse::<Position>(), Err(BadPosition), "{bad}");
        }
    }
}
