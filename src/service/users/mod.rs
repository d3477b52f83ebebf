//! Users and the ways in which they are known: found, made, linked and merged. What proves an identity, and sessions
//! as such, are elsewhere.

mod deletion;
mod merging;
mod proving;

use std::sync::Arc;

use super::avatars::Avatars;
use super::events::Events;
use super::fresh_id;
use super::records::{Identity, User};
use super::rooms::Rooms;
use super::sessions::Sessions;
use crate::clock::Clock;
use crate::domain::identity::{IdentityId, IdentityKind};
use crate::domain::ids::{SessionId, UserId};
use crate::store::{self, Change, Engine, Find, Key, Repo, Result};

/// A user has no more identities than this; logins of further apps still work, since they are found by their ids.
const MOST: usize = 100;
/// A merged user's pointer is followed so far. Pointers lead to older users only and are shortened, so one is usual.
const HOPS: usize = 16;

/// The users of all apps.
pub struct Users {
    identities: Repo<Identity>,
    records: Repo<User>,
    sessions: Arc<Sessions>,
    avatars: Arc<Avatars>,
    rooms: Arc<Rooms>,
    events: Arc<Events>,
    clock: Clock,
}

/// Why a user is not linked with an identity.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Somebody else has it.
    #[error("it belongs to somebody already")]
    Taken,
    /// The user has no more room for it, or would be left without any.
    #[error("a user has between 1 and {MOST} identities")]
    Bounds,
    /// The user is gone.
    #[error("there is no such user")]
    NoUser,
    /// The user is not known by it.
    #[error("the user has no such identity")]
    NoIdentity,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Users {
    /// The users in this store, with what belongs to them and goes when they go.
    #[must_use]
    pub fn new(
        engine: &Arc<dyn Engine>,
        sessions: Arc<Sessions>,
        avatars: Arc<Avatars>,
        rooms: Arc<Rooms>,
        events: Arc<Events>,
        clock: Clock,
    ) -> Self {
        Self {
            identities: Repo::new(engine.clone(), clock.clone()),
            records: Repo::new(engine.clone(), clock.clone()),
            sessions,
            avatars,
            rooms,
            events,
            clock,
        }
    }

    /// The user of this id, or the one it was merged into. None if the user is gone or about to go.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &UserId) -> Result<Option<User>> {
        let mut id = id.clone();
        for _ in 0..HOPS {
            let user = self.records.get(id.as_str()).await?;
            match user.as_ref().and_then(|user| user.merged_into.clone()) {
                Some(next) => id = next,
                None => return Ok(user.filter(|user| user.deleted_at.is_none())),
            }
        }
        Ok(None)
    }

    /// The user that is known by this identity, and the identity.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn known_as(&self, id: &IdentityId) -> Result<Option<(Identity, User)>> {
        let Some(identity) = self.identities.get(id.as_str()).await? else {
            return Ok(None);
        };
        let user = self.get(&identity.user).await?;
        Ok(user.map(|user| (identity, user)))
    }

    /// All identities of a user, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn identities(&self, user: &UserId) -> Result<Vec<Identity>> {
        let find = Find::by(Identity::BY_USER, [Key::from(user.as_str())]);
        let found = self.identities.find(find).await?;
        let mut found: Vec<_> = found.into_iter().map(|found| found.record).collect();
        found.sort_by_key(|identity| identity.created_at);
        Ok(found)
    }

    /// Makes a user who is known by an identity that nobody has yet. `fill` gives the user what they came with.
    ///
    /// # Errors
    /// [`LinkError::Taken`] if somebody has it.
    pub async fn register(
        &self,
        id: &IdentityId,
        unproven: bool,
        fill: impl FnOnce(&mut User),
    ) -> Result<User, LinkError> {
        if self.identities.get(id.as_str()).await?.is_some() {
            return Err(LinkError::Taken);
        }
        let mut user = User::new(fresh_id(), self.clock.store_now());
        fill(&mut user);
        // First the user: a name must not be taken by nobody if this dies between the two.
        self.records.insert(&user).await?;
        let mut identity = self.fresh(id, &user.id);
        identity.unproven = unproven;
        match self.identities.insert(&identity).await {
            Ok(()) => Ok(user),
            Err(error) => {
                let taken = matches!(error, store::Error::Duplicate { .. });
                // Whether it is known or not that the identity was not written, nobody has heard of this user.
                if taken {
                    self.records.delete(user.id.as_str()).await?;
                    return Err(LinkError::Taken);
                }
                Err(error.into())
            }
        }
    }

    /// Gives a user a further identity that has just been proven. Proven by two users, it shows that they are one.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn link(&self, user: &UserId, id: &IdentityId) -> Result<User, LinkError> {
        let mut user = self.get(user).await?.ok_or(LinkError::NoUser)?;
        if self.identities(&user.id).await?.len() >= MOST {
            return Err(LinkError::Bounds);
        }
        loop {
            self.own(id, &user.id).await?;
            // Decided on the identity as it is when it is written: whoever else proves it at this moment is not to be
            // merged with one who only said that it was theirs.
            let take = |identity: &mut Identity| {
                if !identity.unproven {
                    return Change::Keep;
                }
                identity.user = user.id.clone();
                identity.unproven = false;
                Change::Save
            };
            let Some(identity) = self.identities.update(id.as_str(), take).await? else {
                continue;
            };
            let is_ours = identity.user == user.id;
            let kept = self.merge(&user.id, &identity.user).await?;
            match self.get(&kept).await? {
                // The other one was deleted meanwhile, and the identity with them.
                Some(kept) if !is_ours && kept.id == user.id => user = kept,
                Some(kept) => return Ok(kept),
                None => {
                    // The user was deleted meanwhile, perhaps before the identity could be found.
                    self.withdraw(&user.id, id).await?;
                    return Err(LinkError::NoUser);
                }
            }
        }
    }

    /// Takes an identity from a user. The last one by which the user can log in stays.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn unlink(&self, user: &UserId, id: &IdentityId) -> Result<(), LinkError> {
        let has_password = |user: &User| user.password.is_some();
        let owner = self.get(user).await?.ok_or(LinkError::NoUser)?;
        let known = self.identities(user).await?;
        let others = |known: &[Identity], has_password: bool| {
            known.iter().any(|identity| {
                let other = identity.id.parse::<IdentityId>();
                other.is_ok_and(|other| other != *id && logs_in(other.kind(), has_password))
            })
        };
        if !known.iter().any(|identity| identity.id == id.as_str()) {
            return Err(LinkError::NoIdentity);
        }
        if !others(&known, has_password(&owner)) {
            return Err(LinkError::Bounds);
        }
        let found = self.identities.get_versioned(id.as_str()).await?;
        let Some(found) = found.filter(|found| found.record.user == *user) else {
            return Ok(());
        };
        // A later deletion of the account does not find it any more.
        self.events.forget(id.as_str()).await?;
        self.identities.take(&found).await?;
        // Of two that are taken at once, each may have seen the other one. Then this one is put back.
        let left = self.identities(user).await?;
        let owner = self.get(user).await?;
        if owner.is_none_or(|owner| owner.id != *user || others(&left, has_password(&owner))) {
            return Ok(());
        }
        match self.identities.insert(&found.record).await {
            Ok(()) | Err(store::Error::Duplicate { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        if self.get(user).await?.is_none() {
            self.withdraw(user, id).await?;
        }
        Err(LinkError::Bounds)
    }

    /// Removes an identity that was written while its user was being deleted.
    async fn withdraw(&self, user: &UserId, id: &IdentityId) -> Result<()> {
        let found = self.identities.get_versioned(id.as_str()).await?;
        if let Some(found) = found.filter(|found| found.record.user == *user) {
            self.identities.take(&found).await?;
        }
        Ok(())
    }

    /// Whether a user is still as they were read, in so far as sessions depend on it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn is_unchanged(&self, user: &User) -> Result<bool> {
        let now = self.records.get(user.id.as_str()).await?;
        Ok(now.is_some_and(|now| {
            now.epoch == user.epoch && now.merged_into.is_none() && now.deleted_at.is_none()
        }))
    }

    /// Changes a user. None if the user is gone.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn update(&self, id: &UserId, mut change: impl FnMut(&mut User)) -> Result<Option<User>> {
        loop {
            let Some(user) = self.get(id).await? else {
                return Ok(None);
            };
            let mut is_done = false;
            let changed = self.records.update(user.id.as_str(), |user| {
                is_done = user.deleted_at.is_none() && user.merged_into.is_none();
                if !is_done {
                    return Change::Keep;
                }
                change(user);
                Change::Save
            });
            let changed = changed.await?;
            if is_done {
                return Ok(changed);
            }
            // Merged or deleted at this very moment: the next look tells.
        }
    }

    /// Ends all sessions of a user but `except`, also those whose login is under way.
    ///
    /// # Errors
    /// If the store does not answer. Once the epoch is raised, sessions that were not found end at their next refresh.
    pub async fn end_sessions(&self, id: &UserId, except: Option<&SessionId>) -> Result<()> {
        self.change_and_end(id, except, |_| true).await.map(|_| ())
    }

    /// Changes a user and ends all sessions but `except` with it, so that there is no moment between the two. `change`
    /// says whether it did; if not, nothing ends.
    ///
    /// # Errors
    /// As [`Self::end_sessions`].
    pub async fn change_and_end(
        &self,
        id: &UserId,
        except: Option<&SessionId>,
        mut change: impl FnMut(&mut User) -> bool,
    ) -> Result<bool> {
        let mut id = id.clone();
        let mut is_changed = false;
        loop {
            if let (Some(session), Some(user)) = (except, self.get(&id).await?) {
                // Before the epoch too: a refresh of this session must not come between.
                self.sessions.carry(session, user.epoch + 1).await?;
            }
            // First the epoch: a login that does not see it begins its session early enough to be found.
            let mut applies = false;
            let raised = self.update(&id, |user| {
                applies = is_changed || change(user);
                if applies {
                    user.epoch += 1;
                }
            });
            let Some(user) = raised.await? else {
                self.follow_deletion(&id).await?;
                return Ok(is_changed);
            };
            if !applies {
                return Ok(false);
            }
            is_changed = true;
            if let Some(session) = except {
                self.sessions.carry(session, user.epoch).await?;
            }
            for id in self.absorbed(&user.id).await? {
                self.sessions.ending().end_all(&id, except).await?;
            }
            self.sessions.ending().end_all(&user.id, except).await?;
            // Merged meanwhile, the user's sessions went to the survivor, perhaps before they were found here.
            match self.get(&user.id).await? {
                Some(now) if now.id != user.id => id = now.id,
                _ => return Ok(true),
            }
        }
    }
}

/// Whether a user can log in by an identity of this kind. A unionid comes with another one, and names are for passwords.
fn logs_in(kind: IdentityKind, has_password: bool) -> bool {
    match kind {
        IdentityKind::WeChat | IdentityKind::Phone => true,
        IdentityKind::Email | IdentityKind::Username => has_password,
        IdentityKind::UnionId => false,
    }
}
