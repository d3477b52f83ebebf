//! What the stores themselves can do: how many records of the size of a session are inserted in a second, with nothing
//! of ours in between. `inserts SECONDS CONCURRENCY sqlite:PATH` or `inserts SECONDS CONCURRENCY mongodb://…`; prints
//! one line of JSON. Started by `benches/load/run.py`.

use std::io::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

/// The members of a session that has just begun.
fn session() -> Value {
    json!({
        "user": "019ab3f2c8717d31a4c6b8d2e0f1a3b5", "scope": "user", "app": "mini", "device": "wrk",
        "created_at": 1_795_000_000_000_i64, "generation": 0, "rotations": [1_795_000_000_000_i64],
        "expires_at": 1_797_592_000_000_i64, "ends_at": 1_810_552_000_000_i64,
    })
}

fn id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Commits of `group` records each, every one of them synced; one connection, as SQLite has one writer.
fn sqlite(path: &str, lasting: Duration, group: usize) -> rusqlite::Result<f64> {
    let mut connection = Connection::open(format!("{path}.{group}"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, expires_at INTEGER, \
         fields TEXT NOT NULL) STRICT; \
         CREATE INDEX \"sessions.user\" ON sessions (json_extract(fields, '$.user'), \
         json_extract(fields, '$.created_at'), id); \
         CREATE INDEX \"sessions.expires\" ON sessions (expires_at)",
    )?;
    let fields = session().to_string();
    let (began, mut count) = (Instant::now(), 0.0);
    while began.elapsed() < lasting {
        let transaction = connection.transaction()?;
        let sql = "INSERT INTO sessions VALUES (?, 1, 1797592000000, ?)";
        for _ in 0..group {
            transaction.prepare_cached(sql)?.execute((id(), &fields))?;
            count += 1.0;
        }
        transaction.commit()?;
    }
    Ok(count / began.elapsed().as_secs_f64())
}

/// `insert_one` by so many callers at once, each acknowledged by a majority and journaled.
async fn mongo(url: &str, lasting: Duration, concurrency: usize) -> mongodb::error::Result<f64> {
    let mut options = ClientOptions::parse(url).await?;
    let concern = WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .build();
    options.write_concern = Some(concern);
    options.max_pool_size = Some(u32::try_from(concurrency).expect("a small number"));
    let database = Client::with_options(options)?.database("inserts");
    let records = database.collection::<Document>("sessions");
    let indexes = [
        doc! {"key": {"user": 1, "created_at": 1, "_id": 1}, "name": "user"},
        doc! {"key": {"expires_at": 1}, "name": "expires"},
    ];
    database
        .run_command(doc! {"createIndexes": "sessions", "indexes": indexes.to_vec()})
        .await?;
    let fields = mongodb::bson::serialize_to_document(&session())?;
    let began = Instant::now();
    let one = async || {
        let mut count = 0.0;
        while began.elapsed() < lasting {
            let mut record = doc! {"_id": id(), "version": 1_i64};
            record.extend(fields.clone());
            records.insert_one(record).await?;
            count += 1.0;
        }
        Ok::<f64, mongodb::error::Error>(count)
    };
    let counts = join_all((0..concurrency).map(|_| one())).await;
    let total: f64 = counts.into_iter().sum::<Result<f64, _>>()?;
    Ok(total / began.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [seconds, concurrency, url] = &arguments[..] else {
        return Err("inserts SECONDS CONCURRENCY URL".into());
    };
    let (lasting, concurrency) = (Duration::from_secs(seconds.parse()?), concurrency.parse()?);
    let rates = match url.strip_prefix("sqlite:") {
        Some(path) => {
            json!({"one": sqlite(path, lasting, 1)?, "grouped": sqlite(path, lasting, concurrency)?})
        }
        None => json!({"one": mongo(url, lasting, concurrency).await?}),
    };
    writeln!(std::io::stdout(), "{rates}")?;
    Ok(())
}
