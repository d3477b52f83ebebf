//! Two users who turn out to be one person. A pointer decides; what follows from it can be repeated by anybody.

use super::Users;
use crate::domain::ids::UserId;
use crate::service::records::{Identity, User};
use crate::store::{Change, Find, Key, Result};

impl Users {
    /// Makes one user of two. Returns whom. The younger is merged into the older, whoever asks: so two merges at once
    /// never make a circle.
    pub(super) async fn merge(&self, one: &UserId, other: &UserId) -> Result<UserId> {
        let (mut one, mut other) = (one.clone(), other.clone());
        loop {
            one = self.survivor(one).await?;
            other = self.survivor(other).await?;
            if one == other {
                return Ok(one);
            }
            // Nobody is merged with one who is about to go.
            if let Some(gone) = self.going(&one).await? {
                self.finish_deletion(&gone).await?;
                return Ok(other);
            }
            if let Some(gone) = self.going(&other).await? {
                self.finish_deletion(&gone).await?;
                return Ok(one);
            }
            // Our ids sort by the time they were made.
            let (old, young) = if one < other {
                (&one, &other)
            } else {
                (&other, &one)
            };
            self.ensure(old).await?;
            self.ensure(young).await?;
            let mut pointed = false;
            let point = |user: &mut User| {
                pointed = user.merged_into.is_none() && user.deleted_at.is_none();
                if !pointed {
                    return Change::Keep;
                }
                user.merged_into = Some(old.clone());
                // A login of the younger that is under way must look again.
                user.epoch += 1;
                Change::Save
            };
            self.records.update(young.as_str(), point).await?;
            if pointed {
                tracing::info!(from = %young, into = %old, "two users are one person and were merged");
                self.finish_merge(young, old).await?;
                let kept = self.settle(old.clone()).await?;
                // Deleted at this very moment, without knowledge of what it was given: the deletion is meant for the
                // person.
                let now = self.records.get(kept.as_str()).await?;
                if now.is_none_or(|now| now.deleted_at.is_some()) {
                    let gone = User::new(kept.clone(), self.clock.store_now());
                    self.finish_deletion(&gone).await?;
                }
                return Ok(kept);
            }
            // It was merged or deleted meanwhile: the next look tells.
        }
    }

    /// The user of this id, if it is being deleted.
    async fn going(&self, id: &UserId) -> Result<Option<User>> {
        let user = self.records.get(id.as_str()).await?;
        Ok(user.filter(|user| user.deleted_at.is_some()))
    }

    /// The survivor itself may have been merged meanwhile, by somebody who did not see what it was given.
    async fn settle(&self, mut id: UserId) -> Result<UserId> {
        while let Some(next) = self
            .records
            .get(id.as_str())
            .await?
            .and_then(|user| user.merged_into)
        {
            self.finish_merge(&id, &next).await?;
            id = next;
        }
        Ok(id)
    }

    async fn survivor(&self, mut id: UserId) -> Result<UserId> {
        for _ in 0..super::HOPS {
            match self
                .records
                .get(id.as_str())
                .await?
                .and_then(|user| user.merged_into)
            {
                Some(next) => id = next,
                None => break,
            }
        }
        Ok(id)
    }

    /// A user of a first login that has not written it yet.
    async fn ensure(&self, id: &UserId) -> Result<()> {
        let user = User::new(id.clone(), self.clock.store_now());
        match self.records.insert(&user).await {
            Ok(()) | Err(crate::store::Error::Duplicate { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What the survivor lacks is taken from the other, who keeps nothing of it: so a merge that died here can be
    /// finished, and what the survivor gives up later does not come back.
    async fn inherit(&self, from: &UserId, into: &UserId) -> Result<()> {
        let has_any =
            |user: &User| user.nickname.is_some() || user.avatar.is_some() || user.password.is_some();
        let Some(young) = self.records.get(from.as_str()).await?.filter(has_any) else {
            return Ok(());
        };
        let take = |user: &mut User| {
            user.nickname = user.nickname.take().or_else(|| young.nickname.clone());
            user.avatar = user.avatar.take().or_else(|| young.avatar.clone());
            user.password = user.password.take().or_else(|| young.password.clone());
            Change::Save
        };
        self.records.update(into.as_str(), take).await?;
        let empty = |user: &mut User| {
            (user.nickname, user.avatar, user.password) = (None, None, None);
            Change::Save
        };
        self.records.update(from.as_str(), empty).await.map(|_| ())
    }

    /// Gives everything of a merged user to the other. Idempotent, so that a merge that died can be finished by
    /// whoever meets it.
    pub(super) async fn finish_merge(&self, from: &UserId, into: &UserId) -> Result<()> {
        self.inherit(from, into).await?;
        loop {
            let find = Find::by(Identity::BY_USER, [Key::from(from.as_str())]);
            let found = self.identities.find(find).await?;
            for identity in &found {
                let give = |identity: &mut Identity| {
                    if identity.user != *from {
                        return Change::Keep;
                    }
                    identity.user = into.clone();
                    Change::Save
                };
                self.identities.update(&identity.record.id, give).await?;
            }
            if found.is_empty() {
                break;
            }
        }
        // The pointer raised the epoch once; what began before the one before was to end anyway.
        let least = self
            .records
            .get(from.as_str())
            .await?
            .map_or(0, |user| user.epoch - 1);
        let epoch = self
            .records
            .get(into.as_str())
            .await?
            .map_or(0, |user| user.epoch);
        self.sessions.give(from, least, into, epoch).await?;
        // Pointers to the merged one lead on at once.
        for id in self.absorbed(from).await? {
            let point = |user: &mut User| {
                user.merged_into = Some(into.clone());
                Change::Save
            };
            self.records.update(id.as_str(), point).await?;
        }
        Ok(())
    }

    /// The users who were merged into this one, directly or by way of others.
    pub(super) async fn absorbed(&self, id: &UserId) -> Result<Vec<UserId>> {
        let mut all: Vec<UserId> = Vec::new();
        let mut next = Some(id.clone());
        let mut looked = 0;
        while let Some(id) = next {
            let mut find = Find::by(User::BY_SURVIVOR, [Key::from(id.as_str())]);
            find.limit = 1000;
            let found = self.records.find(find).await?;
            // Pointers lead to older users only, so that nobody is met twice.
            all.extend(found.into_iter().map(|found| found.record.id));
            next = all.get(looked).cloned();
            looked += 1;
        }
        Ok(all)
    }
}
