//! A program of the operator's that keeps a book of what it gets: for every webhook, under which ids each message came. How
//! it answers, the test decides.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};

use crate::support::receiver::{Answer, give, read, spawn};

/// What has just been entered.
pub(super) struct Entry {
    /// The path of the webhook's address.
    pub(super) path: String,
    /// WeChat's id of the message.
    pub(super) msg_id: String,
    /// How often it came to this webhook before.
    pub(super) before: usize,
}

/// What a webhook has got: of every message the ids that it came under, and how often it came.
pub(super) type Page = BTreeMap<String, (BTreeSet<String>, usize)>;

/// It ends with the test's runtime.
#[derive(Clone)]
pub(super) struct Book {
    addr: SocketAddr,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
    answer: fn(&Entry) -> Answer,
}

impl Book {
    pub(super) async fn open(answer: fn(&Entry) -> Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let book = Self {
            addr: listener.local_addr().unwrap(),
            pages: Arc::default(),
            answer,
        };
        let own = book.clone();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                spawn(own.clone().serve(stream));
            }
        });
        book
    }

    /// The address of a webhook.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// What the webhook of this path has got.
    pub(super) fn page(&self, path: &str) -> Page {
        let pages = self.pages.lock().unwrap();
        pages.get(path).cloned().unwrap_or_default()
    }

    /// How many messages the webhook of this path knows.
    pub(super) fn messages(&self, path: &str) -> usize {
        self.pages.lock().unwrap().get(path).map_or(0, Page::len)
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        // A request that broke off is none: whoever sent it does not count on it.
        while let Some(request) = read(&mut stream).await {
            let event = request.json();
            let msg_id = event["ids"]["msg_id"].as_str().expect("a message has an id");
            let webhook_id = request.header("webhook-id");
            assert_eq!(event["id"], Value::from(webhook_id.as_str()));
            let path = request.line.split(' ').nth(1).unwrap().to_owned();
            let before = {
                let mut pages = self.pages.lock().unwrap();
                let page = pages.entry(path.clone()).or_default();
                let (ids, times) = page.entry(msg_id.to_owned()).or_default();
                ids.insert(webhook_id);
                *times += 1;
                *times - 1
            };
            let entry = Entry {
                path,
                msg_id: msg_id.to_owned(),
                before,
            };
            if give(&mut stream, (self.answer)(&entry)).await.is_none() {
                return;
            }
        }
    }
}
