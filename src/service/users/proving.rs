//! A user proves an identity: the first time it makes one, and with a unionid it joins the users of several apps.

use super::{HOPS, LinkError, Users};
use crate::domain::identity::IdentityId;
use crate::domain::ids::{UnionId, UserId};
use crate::service::fresh_id;
use crate::service::records::{Identity, User};
use crate::store::{self, Change, Result};

impl Users {
    /// The user who has just proven this identity. The first time it is made with a fresh user; whoever loses that
    /// race finds the winner's. `touch` brings what the proof has told into the record.
    ///
    /// `unionid` joins the users of several apps: a new identity goes to the user who has the unionid already, and a
    /// unionid that arrives later merges the two.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn prove(
        &self,
        id: &IdentityId,
        unionid: Option<&UnionId>,
        mut touch: impl FnMut(&mut Identity) -> Change + Send,
    ) -> Result<User> {
        loop {
            let identity = match self.identities.update(id.as_str(), &mut touch).await? {
                Some(identity) => identity,
                None => match self.first_proof(id, unionid, &mut touch).await? {
                    Some(identity) => identity,
                    // Somebody else was faster, or it was removed a moment ago.
                    None => continue,
                },
            };
            let mut owner = identity.user.clone();
            if let Some(unionid) = unionid.filter(|unionid| identity.unionid.as_ref() != Some(unionid)) {
                owner = self.join(id, &owner, unionid).await?;
            }
            if let Some(user) = self.complete(id, &owner).await? {
                return Ok(user);
            }
        }
    }

    /// Makes a user who has just proven an identity that nobody else has proven. Whoever only claimed it loses it.
    ///
    /// # Errors
    /// [`LinkError::Taken`] if somebody has proven it.
    pub async fn register_proven(
        &self,
        id: &IdentityId,
        fill: impl FnOnce(&mut User),
    ) -> std::result::Result<User, LinkError> {
        let mut user = User::new(fresh_id(), self.clock.store_now());
        fill(&mut user);
        // First the user: an identity must not be nobody's if this dies between the two.
        self.records.insert(&user).await?;
        loop {
            match self.identities.insert(&self.fresh(id, &user.id)).await {
                Ok(()) => return Ok(user),
                Err(store::Error::Duplicate { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            // Decided on the identity as it is when it is written.
            let take = |identity: &mut Identity| {
                if !identity.unproven {
                    return Change::Keep;
                }
                identity.user = user.id.clone();
                identity.unproven = false;
                Change::Save
            };
            match self.identities.update(id.as_str(), take).await? {
                Some(identity) if identity.user == user.id => return Ok(user),
                Some(_) => {
                    // Nobody has heard of this user.
                    self.records.delete(user.id.as_str()).await?;
                    return Err(LinkError::Taken);
                }
                // It was removed a moment ago.
                None => {}
            }
        }
    }

    async fn first_proof(
        &self,
        id: &IdentityId,
        unionid: Option<&UnionId>,
        touch: &mut (impl FnMut(&mut Identity) -> Change + Send),
    ) -> Result<Option<Identity>> {
        let mut user = fresh_id();
        if let Some(unionid) = unionid {
            user = self.own(&IdentityId::unionid(unionid), &user).await?;
        }
        // That the unionid is the owner's is noted by `join`, which sees whether it still is: a deletion may have
        // taken it away a moment ago.
        let mut identity = self.fresh(id, &user);
        touch(&mut identity);
        match self.identities.insert(&identity).await {
            Ok(()) => Ok(Some(identity)),
            Err(store::Error::Duplicate { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn fresh(&self, id: &IdentityId, user: &UserId) -> Identity {
        Identity {
            id: id.to_string(),
            user: user.clone(),
            unproven: false,
            unionid: None,
            session_keys: Vec::new(),
            created_at: self.clock.store_now(),
        }
    }

    /// Makes `user` the owner of the identity if nobody is. Returns who is.
    pub(super) async fn own(&self, id: &IdentityId, user: &UserId) -> Result<UserId> {
        loop {
            if let Some(found) = self.identities.get(id.as_str()).await? {
                return Ok(found.user);
            }
            match self.identities.insert(&self.fresh(id, user)).await {
                Ok(()) => return Ok(user.clone()),
                Err(store::Error::Duplicate { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The identity's unionid has become known: its owner and the unionid's are the same person.
    async fn join(&self, id: &IdentityId, owner: &UserId, unionid: &UnionId) -> Result<UserId> {
        let by_unionid = IdentityId::unionid(unionid);
        let mut owner = owner.clone();
        loop {
            let other = self.own(&by_unionid, &owner).await?;
            if other == owner {
                break;
            }
            owner = self.merge(&owner, &other).await?;
            // One who was deleted meanwhile has taken the unionid along.
            if self.identities.get(by_unionid.as_str()).await?.is_some() {
                break;
            }
        }
        // Last, so that what a crash has left undone is done at the next login.
        let note = |identity: &mut Identity| {
            // Removed meanwhile and proven anew: then it is another user's.
            if identity.user != owner {
                return Change::Keep;
            }
            identity.unionid = Some(unionid.clone());
            Change::Save
        };
        self.identities.update(id.as_str(), note).await?;
        Ok(owner)
    }

    /// The owner of an identity as a user: made if a first login is under way or died before it could, and the one
    /// that the owner was merged into. None if the user is about to go, and the identity with it: then it is gone.
    async fn complete(&self, id: &IdentityId, owner: &UserId) -> Result<Option<User>> {
        let mut owner = owner.clone();
        for _ in 0..HOPS {
            let Some(user) = self.records.get(owner.as_str()).await? else {
                return self.make(id, &owner).await;
            };
            if user.deleted_at.is_some() {
                self.finish_deletion(&user).await?;
                return Ok(None);
            }
            match user.merged_into {
                None => return Ok(Some(user)),
                Some(into) => {
                    // A merge that has not come to its end, or died.
                    self.finish_merge(&owner, &into).await?;
                    owner = into;
                }
            }
        }
        Ok(None)
    }

    async fn make(&self, id: &IdentityId, owner: &UserId) -> Result<Option<User>> {
        let user = User::new(owner.clone(), self.clock.store_now());
        let user = match self.records.insert(&user).await {
            Ok(()) => user,
            Err(store::Error::Duplicate { .. }) => match self.records.get(owner.as_str()).await? {
                Some(user) => user,
                None => return Ok(None),
            },
            Err(error) => return Err(error),
        };
        // It may have been missing because it was just deleted, with this identity.
        match self.identities.get(id.as_str()).await? {
            Some(identity) if identity.user == *owner => Ok(Some(user)),
            _ => {
                self.records.delete(owner.as_str()).await?;
                Ok(None)
            }
        }
    }
}
