//! Login with what a person knows: a password, or a one-time code that was sent to a phone.

use secrecy::SecretString;

use super::{ATTEMPTS, Error, LoggedIn, Login, Visitor};
use crate::domain::contact::{Contact, Phone};
use crate::domain::identity::IdentityId;
use crate::domain::ids::AppName;
use crate::service::codes::Purpose;
use crate::service::limits::Trial;
use crate::service::password_check;
use crate::service::records::User;
use crate::store::Change;

impl Login {
    /// Logs in the user of a user name or an e-mail address. Administrators are not found here.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn password(
        &self,
        account: &str,
        password: SecretString,
        visitor: &Visitor,
    ) -> Result<LoggedIn, Error> {
        self.password_check.look_for_room()?;
        // A text that cannot be a name costs what an unknown name costs.
        let id = IdentityId::named(account);
        let trial = Trial {
            account: id
                .as_ref()
                .map_or_else(|| format!("no name:{account}"), ToString::to_string),
            address: visitor.address,
        };
        for _ in 0..ATTEMPTS {
            let known = match &id {
                Some(id) => self.users.known_as(id).await?,
                None => None,
            };
            let user = known.map(|(_, user)| user);
            let phc = user.as_ref().and_then(|user| user.password.clone());
            self.password_check
                .run(trial.clone(), phc, password.clone())
                .await?;
            // Without a user there was nothing to be right about.
            let user = user.ok_or(password_check::Error::Wrong)?;
            if let Some(opened) = self.enter(&user, None, visitor).await? {
                self.renew(&user, password);
                return Ok(LoggedIn { opened, user });
            }
        }
        Err(Error::Restless)
    }

    fn renew(&self, user: &User, password: SecretString) {
        let Some(old) = user.password.clone() else {
            return;
        };
        let (users, id) = (self.users.clone(), user.id.clone());
        self.password_check
            .renew(&old.clone(), password, async move |new| {
                let renew = |user: &mut User| {
                    if user.password.as_ref() == Some(&old) {
                        user.password = Some(new.clone());
                    }
                };
                users.update(&id, renew).await.map(|_| ())
            });
    }

    /// Logs in the user of a phone number, by the code that was sent there; the first time makes one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn phone(
        &self,
        phone: Phone,
        code: &SecretString,
        visitor: &Visitor,
    ) -> Result<LoggedIn, Error> {
        let contact = Contact::Phone(phone);
        self.code_check
            .run(&contact, Purpose::Login, code, visitor.address)
            .await?;
        self.proven(&IdentityId::from(&contact), None, visitor).await
    }

    /// Logs in whoever has just proven an identity that brings nothing with it.
    pub(super) async fn proven(
        &self,
        id: &IdentityId,
        app: Option<AppName>,
        visitor: &Visitor,
    ) -> Result<LoggedIn, Error> {
        for _ in 0..ATTEMPTS {
            let user = self.users.prove(id, None, |_| Change::Keep).await?;
            if let Some(opened) = self.enter(&user, app.clone(), visitor).await? {
                return Ok(LoggedIn { opened, user });
            }
        }
        Err(Error::Restless)
    }
}
