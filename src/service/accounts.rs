//! Accounts with a name and a password: made, and given another password. Logins are elsewhere.

use std::net::IpAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::code_check::CodeCheck;
use super::codes::{Codes, Purpose, Refused};
use super::limits::Trial;
use super::password_check::{self, PasswordCheck};
use super::passwords::{self, Passwords, Unacceptable, acceptable};
use super::records::User;
use super::users::{LinkError, Users};
use crate::domain::contact::Contact;
use crate::domain::identity::{IdentityId, IdentityKind};
use crate::domain::ids::{SessionId, UserId};
use crate::store;

/// Why an account is not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The password is not to be had.
    #[error(transparent)]
    Password(#[from] Unacceptable),
    /// The password cannot be hashed now.
    #[error(transparent)]
    Hash(#[from] passwords::Error),
    /// What should prove that it is the user does not.
    #[error(transparent)]
    Proof(#[from] password_check::Error),
    /// The name is somebody's, or the user is gone.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What proves that it is the user who sets a new password.
#[derive(Debug)]
pub enum Proof {
    /// The password there is.
    Old(SecretString),
    /// A code that was sent to a phone or an e-mail address of the user's.
    Code(Contact, SecretString),
    /// The token alone: enough for a user who has no password yet.
    None,
}

/// Makes and changes accounts.
pub struct Accounts {
    users: Arc<Users>,
    passwords: Arc<Passwords>,
    check: PasswordCheck,
    code_check: CodeCheck,
    codes: Arc<Codes>,
}

impl Accounts {
    /// Accounts of these users.
    #[must_use]
    pub fn new(
        users: Arc<Users>,
        passwords: Arc<Passwords>,
        check: PasswordCheck,
        code_check: CodeCheck,
        codes: Arc<Codes>,
    ) -> Self {
        Self {
            users,
            passwords,
            check,
            code_check,
            codes,
        }
    }

    /// Makes an account. An e-mail address is only claimed by it, not proven.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn register(&self, name: &IdentityId, password: SecretString) -> Result<User, Error> {
        acceptable(&password)?;
        // Before the work of hashing, which whoever meets a taken name would cause for nothing.
        if self.users.known_as(name).await?.is_some() {
            return Err(LinkError::Taken.into());
        }
        let hash = self.passwords.hash(password).await?;
        let unproven = name.kind() == IdentityKind::Email;
        let user = self
            .users
            .register(name, unproven, |user| user.password = Some(hash));
        Ok(user.await?)
    }

    /// Makes an account that is known by a phone number or an e-mail address, proven by a code that was sent there.
    /// Whoever only claimed it loses it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn register_proven(
        &self,
        contact: &Contact,
        code: &SecretString,
        password: SecretString,
        address: Option<IpAddr>,
    ) -> Result<User, Error> {
        acceptable(&password)?;
        // Before the code, which would be used up for nothing.
        let room = self.passwords.room()?;
        self.code_check
            .run(contact, Purpose::Register, code, address)
            .await?;
        let id = IdentityId::from(contact);
        let known = self.users.known_as(&id).await?;
        if known.is_some_and(|(identity, _)| !identity.unproven) {
            return Err(LinkError::Taken.into());
        }
        let hash = room.hash(password).await?;
        let user = self.users.register_proven(&id, |user| user.password = Some(hash));
        Ok(user.await?)
    }

    /// Gives the user who has proven `contact` another password, by a code that was sent there, and ends every session.
    ///
    /// # Errors
    /// See [`Error`]. A contact that nobody has proven looks like a wrong code.
    pub async fn reset_password(
        &self,
        contact: &Contact,
        code: &SecretString,
        password: SecretString,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        acceptable(&password)?;
        // Before the code, which would be used up for nothing.
        let room = self.passwords.room()?;
        // Before the look at who it is: whoever has no code learns nothing.
        self.code_check
            .run(contact, Purpose::Password, code, address)
            .await?;
        let known = self.users.known_as(&IdentityId::from(contact)).await?;
        let (_, user) = known
            .filter(|(identity, _)| !identity.unproven)
            .ok_or(password_check::Error::Wrong)?;
        let hash = room.hash(password).await?;
        let change = |user: &mut User| user.password = Some(hash.clone());
        let changed = self.users.update(&user.id, change).await?;
        let user = changed.ok_or(password_check::Error::Wrong)?;
        Ok(self.users.end_sessions(&user.id, None).await?)
    }

    /// Gives a user another password, and ends every session but `session`, also those whose login is under way.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn set_password(
        &self,
        user: &UserId,
        session: &SessionId,
        proof: Proof,
        password: SecretString,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        acceptable(&password)?;
        let found = self.users.get(user).await?.ok_or(LinkError::NoUser)?;
        let trial = Trial {
            account: format!("password of {}", found.id),
            address,
        };
        match proof {
            Proof::Old(old) => self.check.run(trial, found.password.clone(), old).await?,
            Proof::Code(contact, code) => self.redeem(&found, &contact, &code).await?,
            Proof::None if found.password.is_none() => {}
            Proof::None => return Err(password_check::Error::Wrong.into()),
        }
        let hash = self.passwords.hash(password).await?;
        let change = |user: &mut User| {
            // The proof was about the password of then.
            let is_same = user.password == found.password;
            if is_same {
                user.password = Some(hash.clone());
            }
            is_same
        };
        if self
            .users
            .change_and_end(&found.id, Some(session), change)
            .await?
        {
            Ok(())
        } else {
            Err(password_check::Error::Wrong.into())
        }
    }

    async fn redeem(&self, user: &User, contact: &Contact, code: &SecretString) -> Result<(), Error> {
        let id = IdentityId::from(contact);
        let owner = self.users.known_as(&id).await?;
        let is_theirs = owner.is_some_and(|(identity, owner)| owner.id == user.id && !identity.unproven);
        if !is_theirs {
            return Err(password_check::Error::Wrong.into());
        }
        let redeemed = self
            .codes
            .redeem(contact, Purpose::Password, code.expose_secret());
        redeemed.await.map_err(|refused| match refused {
            Refused::Wrong => password_check::Error::Wrong.into(),
            Refused::Store(error) => Error::Store(error),
        })
    }

    /// Gives a user an identity, proven by a code that was sent there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn link(&self, user: &UserId, contact: &Contact, code: &SecretString) -> Result<User, Error> {
        let redeemed = self.codes.redeem(contact, Purpose::Link, code.expose_secret());
        redeemed.await.map_err(|refused| match refused {
            Refused::Wrong => Error::Proof(password_check::Error::Wrong),
            Refused::Store(error) => Error::Store(error),
        })?;
        Ok(self.users.link(user, &IdentityId::from(contact)).await?)
    }
}
