//! The end of an account: everything personal goes. A mark decides; what follows from it can be repeated by anybody.

use super::Users;
use crate::domain::ids::UserId;
use crate::service::records::{Identity, User};
use crate::store::{Change, Error, Find, Key, Result};

impl Users {
    /// Deletes a user with all identities and sessions. Says whether there was one.
    ///
    /// # Errors
    /// If the store does not answer. Once it is marked, the user is gone for everybody, and what is left is removed
    /// by [`Self::finish_deletions`].
    pub async fn delete(&self, id: &UserId) -> Result<bool> {
        let Some(user) = self.get(id).await? else {
            self.follow_deletion(id).await?;
            return Ok(false);
        };
        let now = self.clock.store_now();
        let mark = |user: &mut User| {
            if user.merged_into.is_some() {
                return Change::Keep;
            }
            let created_at = user.created_at;
            let epoch = user.epoch + 1;
            *user = User::new(user.id.clone(), created_at);
            user.epoch = epoch;
            user.deleted_at = Some(now);
            Change::Save
        };
        let Some(marked) = self.records.update(user.id.as_str(), mark).await? else {
            self.follow_deletion(id).await?;
            return Ok(false);
        };
        // Merged at this very moment: the deletion is meant for the person.
        if let Some(into) = &marked.merged_into {
            return Box::pin(self.delete(into)).await;
        }
        self.finish_deletion(&marked).await?;
        Ok(true)
    }

    /// Sees to it that a deletion that somebody else has begun is complete, and known here.
    pub(super) async fn follow_deletion(&self, id: &UserId) -> Result<()> {
        let mut next = Some(id.clone());
        while let Some(id) = next {
            let user = self.records.get(id.as_str()).await?;
            self.sessions.ending().end_all(&id, None).await?;
            match user {
                Some(user) if user.deleted_at.is_some() => return self.finish_deletion(&user).await,
                Some(user) => next = user.merged_into,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Removes what belongs to a user who is marked as deleted, and the user last.
    pub(super) async fn finish_deletion(&self, user: &User) -> Result<()> {
        for id in self.absorbed(&user.id).await? {
            self.remove_belongings(&id).await?;
            self.records.delete(id.as_str()).await?;
        }
        self.remove_belongings(&user.id).await?;
        self.records.delete(user.id.as_str()).await?;
        tracing::info!(user = %user.id, "a user was deleted");
        Ok(())
    }

    async fn remove_belongings(&self, id: &UserId) -> Result<()> {
        self.sessions.ending().end_all(id, None).await?;
        // The folder of `media.dir` is a store as well: while it does not work, the user stays marked.
        let removed = self.avatars.forget(id).await;
        removed.map_err(|error| Error::Unavailable(Box::new(error)))?;
        self.rooms
            .forget(id)
            .await
            .map_err(|error| Error::Unavailable(Box::new(error)))?;
        loop {
            let find = Find::by(Identity::BY_USER, [Key::from(id.as_str())]);
            let found = self.identities.find(find).await?;
            if found.is_empty() {
                return Ok(());
            }
            for identity in &found {
                // What was pushed about the person is found by the identity, so it goes first.
                self.events.forget(&identity.record.id).await?;
                // One that went to somebody else meanwhile stays.
                self.identities.take(identity).await?;
            }
        }
    }

    /// Finishes deletions that a crash, or a store that did not answer, has left half done. One that fails is logged
    /// and left for the next time: the others do not wait for it.
    ///
    /// # Errors
    /// If the store does not tell who is marked.
    pub async fn finish_deletions(&self) -> Result<()> {
        let mut find = Find::by(User::BY_DELETION, []);
        loop {
            let marked = self.records.find(find.clone()).await?;
            let Some(last) = marked.last().map(|last| &last.record) else {
                return Ok(());
            };
            find.after = last.deleted_at.map(|at| (Key::from(at), last.id.to_string()));
            for user in marked {
                if let Err(error) = self.finish_deletion(&user.record).await {
                    let error = crate::telemetry::Chain(&error);
                    tracing::warn!(user = %user.record.id, %error, "a user could not be deleted to the end");
                }
            }
        }
    }
}
