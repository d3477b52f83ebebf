//! Brings events to webhooks, at least once. A delivery is a record of its own, made of what an event owes; each process
//! claims some and tries them until they have ended. Which webhooks want an event is not decided here.

mod ask;
mod course;
mod expanded;
mod failure;
mod figures;
mod lane;
mod list;
mod places;
mod post;
mod queue;
mod replay;
mod shared;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use failure::Failure;
pub use figures::Figures;
pub use list::{Listed, Place};
pub use replay::{Replay, Replayed};

use uuid::Uuid;

use self::course::Sequence;
use self::expanded::Expanded;
use self::figures::Counters;
use self::lane::Lane;
use self::places::Places;
use self::post::Sender;
use self::shared::{Claimed, Shared};
use super::events::Events;
use super::records::{PushEvent, Webhook};
use super::webhooks::Webhooks;
use crate::clock::Clock;
use crate::config::Push;
use crate::domain::ids::{EventId, WebhookId};
use crate::store::{self, Engine, Repo, Versioned};
use crate::tasks::Tasks;

/// How often it is looked for webhooks that are new.
const LOOK: Duration = Duration::from_millis(250);

/// Brings events to webhooks.
pub struct Deliveries {
    shared: Arc<Shared>,
    lanes: Mutex<BTreeMap<WebhookId, Arc<Lane>>>,
}

impl Deliveries {
    /// Nothing is taken out of the store before [`Self::run`].
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn new(
        engine: &Arc<dyn Engine>,
        events: Arc<Events>,
        webhooks: Arc<Webhooks>,
        push: &Push,
        clock: Clock,
        tasks: Tasks,
    ) -> reqwest::Result<Self> {
        let shared = Shared {
            repo: Repo::new(engine.clone(), clock.clone()),
            expanded: Expanded::new(events.clone(), clock.clone()),
            events,
            sender: Sender::new(push.webhook_private_networks, webhooks.clone(), clock.clone())?,
            webhooks,
            clock,
            tasks,
            owner: Uuid::new_v4().simple().to_string(),
            counters: Counters::default(),
            places: Places::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            lanes: Mutex::default(),
        })
    }

    /// Makes the deliveries that an event owes, and begins them. One that is there already counts as made.
    ///
    /// # Errors
    /// If the store does not take them. Those that it has taken are on their way; asking again makes none twice.
    pub async fn expand(&self, event: &PushEvent) -> store::Result<()> {
        // Nobody is left to tell about.
        let Some(body) = &event.body else {
            return Ok(());
        };
        let body: Arc<str> = body.as_str().into();
        let (mut records, mut places) = (Vec::new(), Vec::new());
        for id in &event.owes {
            let Some(webhook) = self.shared.webhooks.find(id).await? else {
                continue;
            };
            let lane = self.lane(id);
            let mut record = course::fresh(event, &webhook);
            // A webhook that is not known here yet is left to those who know it.
            let known = self.shared.webhooks.get(id);
            let place = known.and_then(|webhook| lane.place(&webhook));
            if place.is_some() {
                let now = self.shared.clock.store_now();
                course::claim(&mut record, &self.shared.owner, now, Sequence::of(&webhook));
            }
            records.push(record);
            places.push((lane, place));
        }
        if records.is_empty() {
            return Ok(());
        }
        let made = self.shared.repo.insert_many(&records).await?;
        let mut failed = None;
        for ((made, record), (lane, place)) in made.into_iter().zip(records).zip(places) {
            match (made, place) {
                (Ok(()), Some(place)) => {
                    let claimed = Claimed {
                        due: Some(record.created_at),
                        delivery: Versioned { record, version: 1 },
                        body: Some(body.clone()),
                    };
                    lane.begin(claimed, place);
                }
                (Ok(()), None) => lane.wake(),
                (Err(store::Error::Duplicate { .. }), _) => {}
                (Err(error), _) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Keeps every webhook's deliveries going until the process ends.
    pub async fn run(self: Arc<Self>) {
        let tasks = &self.shared.tasks;
        loop {
            for webhook in self.shared.webhooks.feed().all().1 {
                let lane = self.lane(&webhook.id);
                if lane.start() {
                    tasks.spawn("deliver to a webhook", lane.run());
                }
            }
            self.lanes().retain(|_, lane| !lane.has_ended());
            tokio::select! {
                () = tasks.stopping() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Sends an event to a webhook, once, and gives what it says to it; at once nothing, if many wait for it already or it takes
    /// nothing.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn ask(
        &self,
        webhook: &Webhook,
        event: &EventId,
        body: &str,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        self.lane(&webhook.id).ask(webhook, event, body, limit).await
    }

    /// How deliveries stand in this process.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let lanes = self.lanes();
        Figures {
            waiting: lanes.values().filter(|lane| lane.is_waiting()).count(),
            circuits_open: lanes.values().filter(|lane| lane.is_open()).count(),
            ..self.shared.counters.figures()
        }
    }

    fn lane(&self, webhook: &WebhookId) -> Arc<Lane> {
        let mut lanes = self.lanes();
        if let Some(lane) = lanes.get(webhook) {
            return lane.clone();
        }
        let lane = Arc::new(Lane::new(webhook.clone(), self.shared.clone()));
        lanes.insert(webhook.clone(), lane.clone());
        lane
    }

    fn lanes(&self) -> MutexGuard<'_, BTreeMap<WebhookId, Arc<Lane>>> {
        // The map is whole after every step, so a panic elsewhere leaves nothing half done.
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
