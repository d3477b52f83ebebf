//! Login of administrators, who are no users.

use secrecy::SecretString;

use super::{ATTEMPTS, Error, Login, Visitor};
use crate::domain::contact::Email;
use crate::service::limits::Trial;
use crate::service::password_check;
use crate::service::records::Scope;
use crate::service::sessions::{Opened, Start};

impl Login {
    /// Logs in the administrator of an e-mail address.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn administrator(
        &self,
        email: &str,
        password: SecretString,
        totp: Option<&str>,
        visitor: &Visitor,
    ) -> Result<Opened, Error> {
        let Ok(address) = email.parse::<Email>() else {
            // It costs what an unknown address costs.
            self.password_check.look_for_room()?;
            let trial = Trial {
                account: format!("administrator:{}", email.trim().to_lowercase()),
                address: visitor.address,
            };
            self.password_check.run(trial, None, password).await?;
            return Err(password_check::Error::Wrong.into());
        };
        for _ in 0..ATTEMPTS {
            let admitted = self
                .administrators
                .log_in(&address, password.clone(), totp, visitor.address)
                .await?;
            let start = Start {
                user: admitted.id.clone(),
                scope: Scope::Admin,
                epoch: admitted.epoch,
                app: None,
                device: visitor.device.clone(),
            };
            let session = self.sessions.begin(start).await?;
            // Disabled or changed meanwhile: either this session was found and ended, or the change is seen here.
            let now = self.administrators.get(&admitted.id).await?;
            if now.is_some_and(|now| now.epoch == admitted.epoch && !now.disabled) {
                return Ok(self.sessions.open(session)?);
            }
            self.sessions.ending().end(&session.id).await?;
            // A second factor's code works once.
            if totp.is_some() {
                break;
            }
        }
        Err(Error::Restless)
    }
}
