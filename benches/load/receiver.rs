//! A receiver of webhooks that does nothing but note when which event came: `receiver PORT`. It answers POST at once, or, if
//! the path is `/hung`, never; `GET /figures` tells what came since `GET /reset`. Started by `benches/load/run.py`.

use std::collections::HashSet;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What has come.
#[derive(Default)]
struct Came {
    /// How long after its acceptance each event came, in milliseconds: the time of that is in its id.
    after: Vec<u64>,
    different: HashSet<String>,
    first: u64,
    last: u64,
}

fn lock(came: &Mutex<Came>) -> MutexGuard<'_, Came> {
    came.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the receiver is another party, with a clock of its own"
    )]
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Came {
    fn note(&mut self, id: &str) {
        let now = now();
        let accepted: u64 = id
            .get(4..17)
            .and_then(|millis| millis.parse().ok())
            .unwrap_or(now);
        self.after.push(now.saturating_sub(accepted));
        self.different.insert(id.to_owned());
        self.last = now;
        if self.first == 0 {
            self.first = now;
        }
    }

    fn figures(&self) -> String {
        let mut after = self.after.clone();
        after.sort_unstable();
        let at = |percent: usize| after.get((after.len() * percent / 100).min(after.len().saturating_sub(1)));
        json!({
            "count": after.len(), "different": self.different.len(), "first": self.first, "last": self.last,
            "p50": at(50), "p99": at(99), "max": after.last(),
        })
        .to_string()
    }
}

/// What a header says, of a head in small letters.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.split("\r\n");
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

async fn serve(mut stream: TcpStream, came: Arc<Mutex<Came>>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut buffer, mut end) = (vec![0; 1 << 17], 0);
    loop {
        let count = stream.read(&mut buffer[end..]).await?;
        end += count;
        if count == 0 {
            return Ok(());
        }
        let Some(length) = buffer[..end].windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&buffer[..length]).to_lowercase();
        let body: usize = header(&head, "content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        if end < length + 4 + body {
            continue;
        }
        end = 0;
        let mut answer = String::new();
        if head.starts_with("get /reset") {
            *lock(&came) = Came::default();
        } else if head.starts_with("get /figures") {
            answer = lock(&came).figures();
        } else if head.starts_with("post /hung") {
            pending::<()>().await;
        } else if let Some(id) = header(&head, "webhook-id") {
            lock(&came).note(id);
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("receiver PORT")?.parse()?;
    let came = Arc::<Mutex<Came>>::default();
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        #[expect(clippy::disallowed_methods, reason = "the receiver is no part of the gateway")]
        tokio::spawn(serve(stream, came.clone()));
    }
}
