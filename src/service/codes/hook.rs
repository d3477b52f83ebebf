//! Hands codes to the operator's program: signed as the Standard Webhooks specification says, tried again while that can
//! help, and bounded in time. What happens to the code afterwards is that program's matter.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{LIFETIME, Purpose};
use crate::clock::Clock;
use crate::config::CodesHook;
use crate::domain::contact::Contact;
use crate::domain::standard_webhooks::{self, Secret};

/// Pauses before the second and third attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];
/// How long all attempts together may take: somebody waits for the answer.
const OVERALL: Duration = Duration::from_secs(10);

/// The program did not take the code, as far as is known. The log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// It cannot be on its way: the program refused it every time, or was never reached.
    ForSure,
    /// It may be on its way all the same: an answer is missing, or says nothing about that.
    Perhaps,
}

pub(super) struct Hook {
    client: Client,
    url: Url,
    secret: Secret,
    clock: Clock,
}

/// What one attempt came to.
enum Outcome {
    Taken,
    /// Asking again is no use.
    Refused(StatusCode),
    /// Asking again may help. The code did not get there.
    Unreached(String),
    /// Asking again may help. The code may have got there.
    Failed(String),
}

impl Hook {
    pub(super) fn new(client: Client, hook: &CodesHook, clock: Clock) -> Self {
        Self {
            client,
            url: hook.url.clone(),
            secret: hook.secret.clone(),
            clock,
        }
    }

    pub(super) async fn hand_over(
        &self,
        target: &Contact,
        purpose: Purpose,
        code: &SecretString,
    ) -> Result<(), NotTaken> {
        let body = json!({
            "channel": target.channel(),
            target.channel(): target.as_str(),
            "code": code.expose_secret(),
            "purpose": purpose.as_str(),
            "expires_in": LIFETIME.as_secs(),
        });
        let body = Zeroizing::new(body.to_string());
        let attempts = tokio::time::timeout(OVERALL, self.attempts(&body));
        attempts.await.unwrap_or_else(|_| {
            tracing::warn!("the program at codes.url did not take a code within {OVERALL:?}");
            Err(NotTaken::Perhaps)
        })
    }

    async fn attempts(&self, body: &str) -> Result<(), NotTaken> {
        // The same at each attempt, so that the receiver can tell a repetition.
        let id = format!("msg_{}", Uuid::now_v7().simple());
        let mut pauses = PAUSES.iter();
        let mut not_taken = NotTaken::ForSure;
        loop {
            let failure = match self.attempt(&id, body).await {
                Outcome::Taken => return Ok(()),
                Outcome::Refused(status) => {
                    tracing::error!(
                        webhook.id = id,
                        "the program at codes.url refuses codes with {status}"
                    );
                    return Err(not_taken);
                }
                Outcome::Unreached(failure) => failure,
                Outcome::Failed(failure) => {
                    not_taken = NotTaken::Perhaps;
                    failure
                }
            };
            let Some(pause) = pauses.next() else {
                tracing::warn!(
                    webhook.id = id,
                    "the program at codes.url did not take a code: {failure}"
                );
                return Err(not_taken);
            };
            tokio::time::sleep(*pause).await;
        }
    }

    async fn attempt(&self, id: &str, body: &str) -> Outcome {
        let timestamp = self.clock.now().secs();
        let secrets = std::slice::from_ref(&self.secret);
        let signature = standard_webhooks::sign(secrets, id, timestamp, body.as_bytes());
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(standard_webhooks::ID, id)
            .header(standard_webhooks::TIMESTAMP, timestamp)
            .header(standard_webhooks::SIGNATURE, signature)
            .body(body.to_owned())
            .send()
            .await;
        match sent.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Outcome::Taken,
            Ok(status) if status.is_server_error() => Outcome::Failed(format!("it answered {status}")),
            // A redirect is refused as well: the code is for this address.
            Ok(status) => Outcome::Refused(status),
            Err(error) => {
                // The address may hold a secret of the operator's.
                let error = error.without_url();
                let failure = crate::telemetry::Chain(&error).to_string();
                if error.is_connect() {
                    Outcome::Unreached(failure)
                } else {
                    Outcome::Failed(failure)
                }
            }
        }
    }
}
