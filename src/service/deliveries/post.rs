//! One signed POST to a webhook, bounded in time and in what is read of the answer. Whether it is repeated is not decided
//! here.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::failure::Failure;
use crate::clock::Clock;
use crate::domain::ids::EventId;
use crate::domain::standard_webhooks::{self, ID, SIGNATURE, TIMESTAMP};
use crate::net::{self, check_url};
use crate::service::records::Webhook;
use crate::service::webhooks::Webhooks;

/// How long an attempt lasts at most.
const ATTEMPT: Duration = Duration::from_secs(15);
/// How long of that the connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;
/// How long the rest of an answer is waited for that nobody needs, so that its connection can be used again.
const REMAINDER: Duration = Duration::from_millis(200);

/// Sends.
pub(super) struct Sender {
    client: Client,
    private_allowed: bool,
    webhooks: Arc<Webhooks>,
    clock: Clock,
}

impl Sender {
    pub(super) fn new(private_allowed: bool, webhooks: Arc<Webhooks>, clock: Clock) -> reqwest::Result<Self> {
        Ok(Self {
            client: net::webhook_client(private_allowed, CONNECT, ATTEMPT)?,
            private_allowed,
            webhooks,
            clock,
        })
    }

    /// Sends an event, and says with which status the receiver has taken it.
    pub(super) async fn deliver(
        &self,
        webhook: &Webhook,
        event: &EventId,
        body: &str,
    ) -> Result<u16, Failure> {
        let answer = self.post(webhook, event, body, ATTEMPT);
        let answer = timeout(ATTEMPT, answer).await.map_err(|_| Failure::TimedOut)??;
        let status = answer.status().as_u16();
        // What it says is of no interest, and neither is whether it comes to an end.
        let _ = timeout(REMAINDER, read(answer)).await;
        if (200..300).contains(&status) {
            Ok(status)
        } else {
            Err(Failure::Status(status))
        }
    }

    /// Sends an event, and gives what the receiver says to it.
    pub(super) async fn ask(
        &self,
        webhook: &Webhook,
        event: &EventId,
        body: &str,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        let limit = limit.min(ATTEMPT);
        let deadline = Instant::now() + limit;
        let answer = timeout_at(deadline, self.post(webhook, event, body, limit));
        let answer = answer.await.map_err(|_| Failure::TimedOut)??;
        if !answer.status().is_success() {
            return Err(Failure::Status(answer.status().as_u16()));
        }
        timeout_at(deadline, read(answer))
            .await
            .map_err(|_| Failure::TimedOut)?
    }

    async fn post(
        &self,
        webhook: &Webhook,
        event: &EventId,
        body: &str,
        limit: Duration,
    ) -> Result<Response, Failure> {
        let url: Url = webhook.url.parse().map_err(|_| Failure::Unusable)?;
        // An address that stands in the URL itself is not resolved, and so not judged, by the client.
        check_url(&url, self.private_allowed)?;
        let secrets = self.webhooks.secrets(webhook, self.clock.store_now())?;
        let now = self.clock.now().secs();
        let signature = standard_webhooks::sign(&secrets, event.as_str(), now, body.as_bytes());
        let request = self
            .client
            .post(url)
            .timeout(limit)
            .header(CONTENT_TYPE, "application/json")
            .header(ID, event.as_str())
            .header(TIMESTAMP, now)
            .header(SIGNATURE, signature)
            .body(body.to_owned());
        Ok(request.send().await?)
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
