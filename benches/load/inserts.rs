//! What the stores themselves can do: how many records of the size of a session, or of an event that was pushed, are
//! inserted in a second, with nothing of ours in between. `inserts session|event SECONDS CONCURRENCY sqlite:PATH` or
//! `… mongodb://…`; prints one line of JSON. Started by `benches/load/run.py`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use rusqlite::Connection;
use serde_json::{Value, json};
use uuid::Uuid;

/// What is inserted.
#[derive(Clone, Copy)]
struct Kind {
    table: &'static str,
    /// Their members, and whether they are unique. What is not unique has the id as its last member.
    indexes: &'static [(&'static [&'static str], bool)],
    record: fn(&str) -> Value,
}

const SESSION: Kind = Kind {
    table: "sessions",
    indexes: &[(&["user", "created_at"], false)],
    record: session,
};

/// As `src/service/records/event.rs` declares it.
const EVENT: Kind = Kind {
    table: "events",
    indexes: &[
        (&["key"], true),
        (&["nonce"], true),
        (&["app"], false),
        (&["subject"], false),
        (&["todo_at"], false),
    ],
    record: event,
};

/// The members of a session that has just begun.
fn session(_: &str) -> Value {
    json!({
        "user": "019ab3f2c8717d31a4c6b8d2e0f1a3b5", "scope": "user", "app": "mini", "device": "wrk",
        "created_at": 1_795_000_000_000_i64, "generation": 0, "rotations": [1_795_000_000_000_i64],
        "expires_at": 1_797_592_000_000_i64, "ends_at": 1_810_552_000_000_i64,
    })
}

/// The members of a text message that was answered by a rule and is owed to nobody.
fn event(id: &str) -> Value {
    let openid = &id[..28];
    let text = format!(
        "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>\
         <CreateTime>1795000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[今天有什么新茶？]]></Content>\
         <MsgId>23456789012345678</MsgId></xml>"
    );
    let body = json!({
        "id": format!("evt_{}", &id[3..]), "app": "shop", "app_id": "wx0123456789abcdef", "kind": "message", "type": "text",
        "openid": openid, "account": "gh_7f083739789a", "created_at": 1_795_000_000, "received_at": 1_795_000_000,
        "ids": {"msg_id": "23456789012345678"}, "data": {"content": "今天有什么新茶？"},
        "payload": {"format": "xml", "text": text},
    });
    json!({
        "app": "shop", "key": format!("{id}{}", &id[..11]), "subject": format!("wechat:wx0123456789abcdef:{openid}"),
        "kind": "message", "type": "text", "body": body.to_string(), "owes": [],
        "answer": {"asked": null, "asking_until": null, "late": false, "later": [], "tries": 0,
                   "passive": {"type": "text", "content": "我们很快回复您。"}},
        "accepted_at": 1_795_000_000_000_i64, "expires_at": 1_797_592_000_000_i64,
    })
}

fn id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// Commits of `group` records each, every one of them synced; one connection, as SQLite has one writer.
fn sqlite(kind: Kind, path: &str, lasting: Duration, group: usize) -> rusqlite::Result<f64> {
    let mut connection = Connection::open(format!("{path}.{group}"))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let table = kind.table;
    let mut sql = format!(
        "CREATE TABLE {table} (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, expires_at INTEGER, \
         fields TEXT NOT NULL) STRICT; \
         CREATE INDEX \"{table}.expires\" ON {table} (expires_at) WHERE expires_at IS NOT NULL"
    );
    for (members, unique) in kind.indexes {
        let mut columns: Vec<_> = members
            .iter()
            .map(|member| format!("json_extract(fields, '$.{member}')"))
            .collect();
        columns.extend((!unique).then(|| "id".to_owned()));
        let (name, columns) = (members[0], columns.join(", "));
        let unique = if *unique { "UNIQUE" } else { "" };
        write!(
            sql,
            "; CREATE {unique} INDEX \"{table}.{name}\" ON {table} ({columns})"
        )
        .expect("a String takes any text");
    }
    connection.execute_batch(&sql)?;
    let (began, mut spent, mut count) = (Instant::now(), Duration::ZERO, 0.0);
    let sql = format!("INSERT INTO {table} VALUES (?, 1, 1797592000000, ?)");
    while began.elapsed() < lasting {
        // Making them is not what is measured.
        let records: Vec<_> = (0..group)
            .map(|_| id())
            .map(|id| ((kind.record)(&id).to_string(), id))
            .collect();
        let writing = Instant::now();
        let transaction = connection.transaction()?;
        for (fields, id) in &records {
            transaction.prepare_cached(&sql)?.execute((id, fields))?;
            count += 1.0;
        }
        transaction.commit()?;
        spent += writing.elapsed();
    }
    Ok(count / spent.as_secs_f64())
}

/// `insert_one` by so many callers at once, each acknowledged by a majority and journaled.
async fn mongo(kind: Kind, url: &str, lasting: Duration, concurrency: usize) -> mongodb::error::Result<f64> {
    let mut options = ClientOptions::parse(url).await?;
    let concern = WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .journal(true)
        .build();
    options.write_concern = Some(concern);
    options.max_pool_size = Some(u32::try_from(concurrency).expect("a small number"));
    let database = Client::with_options(options)?.database("inserts");
    let records = database.collection::<Document>(kind.table);
    let mut indexes = vec![doc! {"key": {"_expires_at": 1}, "name": "expires", "expireAfterSeconds": 0}];
    for (members, unique) in kind.indexes {
        let (mut keys, mut present) = (Document::new(), Document::new());
        for member in *members {
            keys.insert(*member, 1);
            present.insert(*member, doc! {"$exists": true});
        }
        if !unique {
            keys.insert("_id", 1);
        }
        indexes.push(
            doc! {"key": keys, "name": members[0], "unique": *unique, "partialFilterExpression": present},
        );
    }
    database
        .run_command(doc! {"createIndexes": kind.table, "indexes": indexes})
        .await?;
    let expiry = mongodb::bson::DateTime::from_millis(1_797_592_000_000);
    let began = Instant::now();
    let one = async || {
        let mut count = 0.0;
        while began.elapsed() < lasting {
            let id = id();
            let fields = (kind.record)(&id);
            let mut record = doc! {"_id": id, "_version": 1_i64, "_expires_at": expiry};
            record.extend(mongodb::bson::serialize_to_document(&fields)?);
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
    let [kind, seconds, concurrency, url] = &arguments[..] else {
        return Err("inserts session|event SECONDS CONCURRENCY URL".into());
    };
    let kind = if kind == "event" { EVENT } else { SESSION };
    let (lasting, concurrency) = (Duration::from_secs(seconds.parse()?), concurrency.parse()?);
    let rates = match url.strip_prefix("sqlite:") {
        Some(path) => {
            json!({"one": sqlite(kind, path, lasting, 1)?, "grouped": sqlite(kind, path, lasting, concurrency)?})
        }
        None => json!({"one": mongo(kind, url, lasting, concurrency).await?}),
    };
    writeln!(std::io::stdout(), "{rates}")?;
    Ok(())
}
