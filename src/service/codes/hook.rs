//! Hands codes to the operator's program: signed as the Standard Webhooks specification says, tried again while that can
//! help, and bounded in time. What happens to the code afterwards is that program's matter.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
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
use crate::tasks::Tasks;

/// Pauses before the second and third attempt.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];
/// How long all attempts together may take: somebody waits for the answer.
const OVERALL: Duration = Duration::from_secs(10);

/// The program did not take the code. The log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotTaken;

pub(super) struct Hook {
    caller: Arc<Caller>,
    tasks: Tasks,
}

struct Caller {
    client: Client,
    url: Url,
    key: hmac::Key,
    clock: Clock,
}

/// What one attempt came to.
enum Outcome {
    Taken,
    /// Asking again is no use.
    Refused(StatusCode),
    /// Asking again may help.
    Failed(String),
}

impl Hook {
    pub(super) fn new(client: Client, hook: &CodesHook, clock: Clock, tasks: Tasks) -> Self {
        let key = Zeroizing::new(hook.key());
        let caller = Caller {
            client,
            url: hook.url.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            clock,
        };
        Self {
            caller: Arc::new(caller),
            tasks,
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
        let (caller, body) = (self.caller.clone(), Zeroizing::new(body.to_string()));
        // A task of its own: what was begun is brought to its end, whether or not somebody still waits.
        let attempts = async move { tokio::time::timeout(OVERALL, caller.attempts(&body)).await };
        let ended = self.tasks.spawn("hand a code over", attempts).await;
        match ended {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => {
                tracing::warn!("the program at codes.url did not take a code within {OVERALL:?}");
                Err(NotTaken)
            }
            Err(_) => Err(NotTaken),
        }
    }
}

impl Caller {
    async fn attempts(&self, body: &str) -> Result<(), NotTaken> {
        // The same at each attempt, so that the receiver can tell a repetition.
        let id = format!("msg_{}", Uuid::now_v7().simple());
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match self.attempt(&id, body).await {
                Outcome::Taken => return Ok(()),
                Outcome::Refused(status) => {
                    tracing::error!(
                        webhook.id = id,
                        "the program at codes.url refuses codes with {status}"
                    );
                    return Err(NotTaken);
                }
                Outcome::Failed(failure) => failure,
            };
            let Some(pause) = pauses.next() else {
                tracing::warn!(
                    webhook.id = id,
                    "the program at codes.url did not take a code: {failure}"
                );
                return Err(NotTaken);
            };
            tokio::time::sleep(*pause).await;
        }
    }

    async fn attempt(&self, id: &str, body: &str) -> Outcome {
        let timestamp = self.clock.now().secs().to_string();
        let signed = Zeroizing::new(format!("{id}.{timestamp}.{body}"));
        let signature = BASE64_STANDARD.encode(hmac::sign(&self.key, signed.as_bytes()));
        let sent = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", format!("v1,{signature}"))
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
                Outcome::Failed(crate::telemetry::Chain(&error).to_string())
            }
        }
    }
}
