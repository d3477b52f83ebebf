//! One one-time code, checked as somebody's proof: limits, redeeming and counting in the one order that holds under
//! attack. What follows from success is not decided here.

use std::net::IpAddr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::codes::{Codes, Purpose, Refused};
use super::limits::{Failures, Trial};
use super::password_check::Error;
use crate::domain::contact::Contact;
use crate::domain::identity::IdentityId;
use crate::tasks::Tasks;

/// Checks codes of people who are not logged in. Cloning it gives another handle.
#[derive(Clone)]
pub struct CodeCheck {
    codes: Arc<Codes>,
    failures: Failures,
    tasks: Tasks,
}

impl CodeCheck {
    /// Checks with these.
    #[must_use]
    pub fn new(codes: Arc<Codes>, failures: Failures, tasks: Tasks) -> Self {
        Self {
            codes,
            failures,
            tasks,
        }
    }

    /// Uses the code up that was sent to `contact`, for somebody at `address` who may still try. A failure counts for
    /// both, and success forgets those of the contact.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn run(
        &self,
        contact: &Contact,
        purpose: Purpose,
        code: &SecretString,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let (own, contact, code) = (self.clone(), contact.clone(), code.clone());
        // A task of its own: whoever hangs up before the answer has failed all the same.
        let checked = self.tasks.spawn("check a code", async move {
            own.in_order(&contact, purpose, &code, address).await
        });
        checked.await.map_err(|_| Error::BrokenOff)?
    }

    async fn in_order(
        &self,
        contact: &Contact,
        purpose: Purpose,
        code: &SecretString,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let trial = Trial {
            account: IdentityId::from(contact).to_string(),
            address,
        };
        self.failures.check(&trial).await?;
        match self.codes.redeem(contact, purpose, code.expose_secret()).await {
            Ok(()) => Ok(self.failures.forget(&trial).await?),
            Err(Refused::Wrong) => {
                self.failures.note(&trial).await?;
                Err(Error::Wrong)
            }
            Err(Refused::Store(error)) => Err(error.into()),
        }
    }
}
