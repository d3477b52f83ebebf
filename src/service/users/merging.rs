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
            let young_user = self.records.update(young.as_str(), point).await?;
            if pointed {
                tracing::info!(from = %young, into = %old, "two users are one person and were merged");
                if let Some(young_user) = young_user {
                    self.inherit(old, young_user).await?;
                }
                self.finish_merge(young, old).await?;
                return self.settle(old.clone()).await;
            }
            // It was merged or deleted meanwhile.
            if young_user.is_none_or(|user| user.deleted_at.is_some()) {
                return Ok(old.clone());
            }
        }
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

    /// What the survivor lacks is taken from the other.
    async fn inherit(&self, old: &UserId, young: User) -> Result<()> {
        let take = |user: &mut User| {
            user.nickname = user.nickname.take().or_else(|| young.nickname.clone());
            user.avatar = user.avatar.take().or_else(|| young.avatar.clone());
            user.password = user.password.take().or_else(|| young.password.clone());
            Change::Save
        };
        self.records.update(old.as_str(), take).await.map(|_| ())
    }

    /// Gives everything of a merged user to the other. Idempotent, so that a merge that died can be finished by
    /// whoever meets it.
    pub(super) async fn finish_merge(&self, from: &UserId, into: &UserId) -> Result<()> {
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
        self.sessions.give(from, into).await?;
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

    /// The users who were merged into this one.
    pub(super) async fn absorbed(&self, id: &UserId) -> Result<Vec<UserId>> {
        let mut find = Find::by(User::BY_SURVIVOR, [Key::from(id.as_str())]);
        find.limit = 1000;
        let found = self.records.find(find).await?;
        Ok(found.into_iter().map(|found| found.record.id).collect())
    }
}
