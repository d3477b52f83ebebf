//! What is in a store, read past the product: with the driver alone, as somebody does who has got hold of it.

use std::path::{Path, PathBuf};

use mongodb::bson::{Document, doc};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

/// A store to look into.
pub(crate) enum Stored {
    Sqlite(PathBuf),
    Mongo { url: String, database: String },
}

impl Stored {
    /// How many records a collection has.
    pub(crate) async fn count(&self, collection: &str) -> u64 {
        match self {
            Self::Sqlite(file) => {
                let sql = format!("SELECT count(*) FROM \"{collection}\"");
                let count: i64 = open(file).query_row(&sql, [], |row| row.get(0)).unwrap();
                count.try_into().unwrap()
            }
            Self::Mongo { .. } => self.documents(collection).await.len() as u64,
        }
    }

    /// Every record of a collection, as text.
    pub(crate) async fn texts(&self, collection: &str) -> Vec<String> {
        match self {
            Self::Sqlite(file) => {
                let connection = open(file);
                let sql = format!("SELECT id || ' ' || fields FROM \"{collection}\"");
                let mut rows = connection.prepare(&sql).unwrap();
                let texts = rows.query_map([], |row| row.get(0)).unwrap();
                texts.map(Result::unwrap).collect()
            }
            Self::Mongo { .. } => {
                let documents = self.documents(collection).await;
                documents.iter().map(ToString::to_string).collect()
            }
        }
    }

    /// Every record of a collection as the store shows it.
    pub(crate) async fn records(&self, collection: &str) -> Vec<Value> {
        match self {
            Self::Sqlite(file) => {
                let connection = open(file);
                let sql = format!("SELECT fields FROM \"{collection}\"");
                let mut rows = connection.prepare(&sql).unwrap();
                let texts = rows.query_map([], |row| row.get::<_, String>(0)).unwrap();
                texts
                    .map(|text| serde_json::from_str(&text.unwrap()).unwrap())
                    .collect()
            }
            Self::Mongo { .. } => {
                let documents = self.documents(collection).await;
                documents
                    .iter()
                    .map(|document| serde_json::to_value(document).unwrap())
                    .collect()
            }
        }
    }

    /// Every byte of every collection that logins write.
    pub(crate) async fn everything(&self) -> String {
        let mut all = String::new();
        for collection in [
            "identities",
            "users",
            "sessions",
            "credentials",
            "signing_keys",
            "settings",
        ] {
            all.push_str(&self.texts(collection).await.join("\n"));
        }
        if let Self::Sqlite(file) = self {
            // What was deleted may still be in the file and in its log.
            for suffix in ["", "-wal"] {
                let path = PathBuf::from(format!("{}{suffix}", file.display()));
                all.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()));
            }
        }
        all
    }

    async fn documents(&self, collection: &str) -> Vec<Document> {
        let Self::Mongo { url, database } = self else {
            return Vec::new();
        };
        let client = mongodb::Client::with_uri_str(url).await.unwrap();
        let mut cursor = client
            .database(database)
            .collection::<Document>(collection)
            .find(doc! {})
            .await
            .unwrap();
        let mut found = Vec::new();
        while cursor.advance().await.unwrap() {
            found.push(cursor.deserialize_current().unwrap());
        }
        client.shutdown().immediate(true).await;
        found
    }
}

fn open(file: &Path) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}
