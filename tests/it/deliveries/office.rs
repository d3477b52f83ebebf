//! What the tests of deliveries stand on: a store of their own, and instances that deliver, each with its own runtime, so
//! that one can be killed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use wxgate::clock::Clock;
use wxgate::config::Push;
use wxgate::domain::ids::{EventId, WebhookId};
use wxgate::service::deliveries::Deliveries;
use wxgate::service::events::Events;
use wxgate::service::records::{Answer, Delivery, DeliveryState, PushEvent, Webhook};
use wxgate::service::seal::Sealer;
use wxgate::service::settings::Settings;
use wxgate::service::webhooks::{Address, Changes, NewWebhook, Webhooks};
use wxgate::store::{self, Engine, OpenMode, Repo};
use wxgate::tasks::Tasks;

use crate::support::app::{Builder, TestApp};
use crate::support::eventually;
use crate::support::receiver::Receiver;

/// A store without a gateway.
pub(super) struct Office {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) clock: Clock,
    pub(super) events: Repo<PushEvent>,
    pub(super) deliveries: Repo<Delivery>,
    pub(super) push: Push,
    sealer: Sealer,
    made: AtomicU64,
    _app: TestApp,
}

/// An instance that delivers.
pub(super) struct Instance {
    pub(super) deliveries: Arc<Deliveries>,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) log: Arc<Events>,
    pub(super) tasks: Tasks,
    runtime: Option<Runtime>,
}

impl Office {
    pub(super) async fn open(builder: Builder) -> Self {
        let mut app = builder.set("push.webhook_private_networks", "true").spawn().await;
        app.stop().await;
        let (config, clock) = (&app.config, app.clock.clone());
        let url = &config.store.url;
        let engine = store::open(url, OpenMode::Serve, Path::new(""), &clock, Handle::current())
            .await
            .unwrap();
        let settings = Settings::new(engine.clone(), clock.clone());
        Self {
            events: Repo::new(engine.clone(), clock.clone()),
            deliveries: Repo::new(engine.clone(), clock.clone()),
            push: config.push.clone(),
            sealer: settings.sealer(config.store.master_key.as_ref()).await.unwrap(),
            made: AtomicU64::new(0),
            engine,
            clock,
            _app: app,
        }
    }

    /// An instance that delivers, as far as [`Instance::run`] is called too.
    pub(super) async fn instance(&self) -> Instance {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let tasks = Tasks::new(runtime.handle().clone());
        let webhooks = Arc::new(Webhooks::new(
            &self.engine,
            self.sealer.clone(),
            self.clock.clone(),
        ));
        webhooks.feed().load().await.unwrap();
        let log = Arc::new(Events::new(&self.engine, self.clock.clone(), self.push.retention));
        let deliveries = Deliveries::new(
            &self.engine,
            log.clone(),
            webhooks.clone(),
            &self.push,
            self.clock.clone(),
            tasks.clone(),
        );
        Instance {
            deliveries: Arc::new(deliveries.unwrap()),
            webhooks,
            log,
            tasks,
            runtime: Some(runtime),
        }
    }

    pub(super) async fn running(&self) -> Instance {
        let instance = self.instance().await;
        instance.run();
        instance
    }

    /// An event of now that owes deliveries to these webhooks. It is in the store.
    pub(super) async fn event(&self, owes: &[&WebhookId]) -> PushEvent {
        let event = self.event_to_be(owes);
        self.events.insert(&event).await.unwrap();
        event
    }

    /// An event that is not in the store.
    pub(super) fn event_to_be(&self, owes: &[&WebhookId]) -> PushEvent {
        let now = self.clock.store_now();
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let id = format!("evt_{:013}{number:016x}", now.millis());
        let mut event = PushEvent {
            id: id.parse().unwrap(),
            app: "shop".parse().unwrap(),
            key: id.clone(),
            nonce: None,
            digest: None,
            subject: None,
            kind: "message".to_owned(),
            type_: "text".to_owned(),
            body: Some(format!(
                "{{\"id\":\"{id}\",\"data\":{{\"content\":\"你好 {number}\"}}}}"
            )),
            owes: owes.iter().map(|id| (*id).clone()).collect(),
            answer: Answer::default(),
            todo_at: None,
            owed_at: None,
            accepted_at: now,
            expires_at: now + self.push.retention,
        };
        event.note_left(now);
        event
    }

    /// So many events that wait for a webhook, none of them tried: what another instance has expanded.
    pub(super) async fn backlog(&self, webhook: &Webhook, count: usize) -> Vec<EventId> {
        let events: Vec<_> = (0..count).map(|_| self.event_to_be(&[])).collect();
        let deliveries: Vec<_> = events.iter().map(|event| waiting(event, &webhook.id)).collect();
        for events in events.chunks(500) {
            for made in self.events.insert_many(events).await.unwrap() {
                made.unwrap();
            }
        }
        for deliveries in deliveries.chunks(500) {
            for made in self.deliveries.insert_many(deliveries).await.unwrap() {
                made.unwrap();
            }
        }
        events.into_iter().map(|event| event.id).collect()
    }

    pub(super) fn turn(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(super) async fn delivery(&self, event: &EventId, webhook: &Webhook) -> Delivery {
        let id = Delivery::id_of(event, &webhook.id);
        self.deliveries.get(&id).await.unwrap().unwrap()
    }

    /// Waits until a delivery is as it should be.
    pub(super) async fn until(
        &self,
        event: &EventId,
        webhook: &Webhook,
        is_so: impl Fn(&Delivery) -> bool,
    ) -> Delivery {
        let mut found = None;
        eventually("a delivery is as it should be", async || {
            found = Some(self.delivery(event, webhook).await);
            found.as_ref().is_some_and(&is_so)
        })
        .await;
        found.unwrap()
    }

    pub(super) async fn until_delivered(&self, event: &EventId, webhook: &Webhook) -> Delivery {
        self.until(event, webhook, |one| one.state == DeliveryState::Delivered)
            .await
    }
}

/// What a delivery looks like that nobody has tried.
pub(super) fn waiting(event: &PushEvent, webhook: &WebhookId) -> Delivery {
    let record = serde_json::json!({
        "id": Delivery::id_of(&event.id, webhook), "app": event.app, "event": event.id, "webhook": webhook,
        "state": "waiting", "due_at": event.accepted_at, "created_at": event.accepted_at,
        "expires_at": event.expires_at,
    });
    serde_json::from_value(record).unwrap()
}

/// A webhook of the app `shop` at this address.
pub(super) async fn make(webhooks: &Webhooks, url: &str, ordered: bool) -> Webhook {
    let new = NewWebhook {
        url: Address::parse(url, true).unwrap(),
        events: serde_json::from_value(serde_json::json!([])).unwrap(),
        description: None,
        ordered,
        reply: false,
        disabled: false,
        secret: None,
    };
    let made = webhooks.create(&"shop".parse().unwrap(), new).await;
    made.unwrap().0
}

impl Instance {
    pub(super) fn run(&self) {
        self.tasks.spawn("deliver", self.deliveries.clone().run());
        let (feed, tasks) = (self.webhooks.feed().clone(), self.tasks.clone());
        self.tasks
            .spawn("follow webhooks", async move { feed.follow(tasks).await });
    }

    /// A webhook at this receiver.
    pub(super) async fn webhook(&self, receiver: &Receiver) -> Webhook {
        make(&self.webhooks, &receiver.url(), false).await
    }

    pub(super) async fn ordered_webhook(&self, receiver: &Receiver) -> Webhook {
        make(&self.webhooks, &receiver.url(), true).await
    }

    pub(super) async fn change(&self, webhook: &Webhook, changes: Changes) {
        self.webhooks
            .change(&webhook.app, &webhook.id, changes)
            .await
            .unwrap();
    }

    pub(super) async fn expand(&self, event: &PushEvent) {
        self.deliveries.expand(event).await.unwrap();
    }

    /// Ends it as SIGTERM does.
    pub(super) async fn stop(self) {
        assert!(
            self.tasks.shutdown(Duration::from_secs(2)).await,
            "it ends in time"
        );
    }

    /// Ends it as SIGKILL does: nothing that it was about to do is done any more.
    pub(super) fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
