//! How fast events reach webhooks: a backlog that waits in the store, and events that are expanded while it is watched,
//! with a receiver in the same process that answers at once. `fanout COUNT WEBHOOKS sqlite:PATH` or
//! `fanout COUNT WEBHOOKS mongodb://…/DATABASE`, on an empty store; prints one line of JSON.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::config::Push;
use wxgate::domain::ids::WebhookId;
use wxgate::service::deliveries::Deliveries;
use wxgate::service::events::Events;
use wxgate::service::records::{COLLECTIONS, Delivery, PushEvent, Webhook};
use wxgate::service::settings::Settings;
use wxgate::service::webhooks::{Address, NewWebhook, Webhooks};
use wxgate::store::{self, OpenMode, Repo};
use wxgate::tasks::Tasks;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// The text of an event as messages of people have it: about 700 bytes.
fn event(clock: &Clock, number: usize, owes: &[WebhookId]) -> Result<PushEvent, serde_json::Error> {
    let now = clock.store_now();
    let id = format!("evt_{:013}{number:016x}", now.millis());
    let body = json!({"id": id, "app": "shop", "data": {"content": "x".repeat(200)}, "payload": {"text": "x".repeat(400)}});
    serde_json::from_value(json!({
        "id": id, "app": "shop", "key": id, "kind": "message", "type": "text", "body": body.to_string(), "owes": owes,
        "accepted_at": now, "expires_at": now + Duration::from_secs(86_400),
    }))
}

async fn receiver(received: Arc<AtomicUsize>) -> std::io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            spawn(answer(stream, received.clone()));
        }
    });
    Ok(url)
}

async fn answer(mut stream: TcpStream, received: Arc<AtomicUsize>) {
    let _ = stream.set_nodelay(true);
    let (mut buffer, mut end) = (vec![0; 1 << 16], 0);
    while let Ok(count) = stream.read(&mut buffer[end..]).await {
        end += count;
        if count == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&buffer[..end]).to_lowercase();
        let Some(head) = text.find("\r\n\r\n") else {
            continue;
        };
        let length = text
            .split_once("content-length: ")
            .and_then(|(_, rest)| rest.split("\r\n").next());
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if end < head + 4 + length {
            continue;
        }
        end = 0;
        received.fetch_add(1, Ordering::Relaxed);
        if stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .is_err()
        {
            return;
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the receiver is another party, not a task of the gateway's"
)]
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

async fn until(received: &AtomicUsize, count: usize) {
    while received.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [count, webhooks, url] = &arguments[..] else {
        return Err("fanout COUNT WEBHOOKS URL".into());
    };
    let (count, fan): (usize, usize) = (count.parse()?, webhooks.parse()?);
    let (clock, handle) = (Clock::system(), Handle::current());
    let engine = store::open(
        &url.clone().into(),
        OpenMode::Serve,
        Path::new(""),
        &clock,
        handle.clone(),
    )
    .await?;
    engine.prepare(COLLECTIONS).await?;
    let sealer = Settings::new(engine.clone(), clock.clone()).sealer(None).await?;
    let webhooks = Arc::new(Webhooks::new(&engine, sealer, clock.clone()));
    let received = Arc::new(AtomicUsize::new(0));
    let address = receiver(received.clone()).await?;
    let mut made: Vec<Webhook> = Vec::new();
    for _ in 0..fan {
        let new = NewWebhook {
            url: Address::parse(&address, true)?,
            events: serde_json::from_value(json!([]))?,
            description: None,
            ordered: false,
            reply: false,
            disabled: false,
            secret: None,
        };
        made.push(webhooks.create(&"shop".parse()?, new).await?.0);
    }
    let ids: Vec<_> = made.iter().map(|webhook| webhook.id.clone()).collect();
    let push = Push {
        timestamp_window: Duration::ZERO,
        retention: Duration::from_secs(86_400),
        webhook_private_networks: true,
        reply_timeout: Duration::from_secs(15),
    };
    let tasks = Tasks::new(handle);
    let log = Events::new(&engine, clock.clone(), push.retention);
    let deliveries = Arc::new(Deliveries::new(
        &engine,
        Arc::new(log),
        webhooks,
        &push,
        clock.clone(),
        tasks.clone(),
    )?);
    let (events, repo) = (
        Repo::new(engine.clone(), clock.clone()),
        Repo::new(engine.clone(), clock.clone()),
    );

    for page in 0..count.div_ceil(500) {
        let numbers = page * 500..count.min(page * 500 + 500);
        let new: Vec<_> = numbers
            .map(|number| event(&clock, number, &[]))
            .collect::<Result<_, _>>()?;
        events.insert_many(&new).await?;
        for id in &ids {
            let waiting: Vec<Delivery> = new
                .iter()
                .map(|event| waiting(event, id))
                .collect::<Result<_, _>>()?;
            repo.insert_many(&waiting).await?;
        }
    }
    let before = resident_kib();
    let began = Instant::now();
    tasks.spawn("deliver", deliveries.clone().run());
    until(&received, count * fan).await;
    let backlog = began.elapsed().as_secs_f64();
    let after = resident_kib();

    tokio::time::sleep(Duration::from_secs(2)).await;
    received.store(0, Ordering::Relaxed);
    let began = Instant::now();
    let expanding = futures_util::stream::iter(0..count).for_each_concurrent(32, |number| {
        let (deliveries, events, clock, ids) = (&deliveries, &events, &clock, &ids);
        async move {
            let event = event(clock, number + count, ids).expect("an event");
            events.insert(&event).await.expect("it is stored");
            deliveries.expand(&event).await.expect("it is expanded");
        }
    });
    expanding.await;
    let expanded = began.elapsed().as_secs_f64();
    until(&received, count * fan).await;
    let fresh = began.elapsed().as_secs_f64();
    let total = u32::try_from(count * fan).map(f64::from)?;
    let figures = json!({
        "deliveries": count * fan, "backlog_per_second": total / backlog, "fresh_per_second": total / fresh,
        "expanded_per_second": total / expanded, "rss_kib_before_and_after_backlog": [before, after],
        "attempts": deliveries.figures().attempts,
    });
    writeln!(std::io::stdout(), "{figures}")?;
    tasks.shutdown(Duration::from_secs(2)).await;
    engine.close().await;
    Ok(())
}

fn waiting(event: &PushEvent, webhook: &WebhookId) -> Result<Delivery, serde_json::Error> {
    serde_json::from_value(json!({
        "id": Delivery::id_of(&event.id, webhook), "app": "shop", "event": event.id, "webhook": webhook,
        "state": "waiting", "due_at": event.accepted_at, "created_at": event.accepted_at,
        "expires_at": event.expires_at,
    }))
}
