//! The statements that read. Threads and deadlines are elsewhere.

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde_json::{Map, Value};

use super::schema::{index_name, member};
use super::unavailable;
use crate::domain::time::Timestamp;
use crate::store::engine::{Document, Error, Find, Key, Order, Result};
use crate::store::record::Collection;
use crate::store::spans::{Lower, Span};

pub(super) fn get(
    connection: &Connection,
    collection: &'static Collection,
    id: &str,
    now: Timestamp,
) -> Result<Option<Document>> {
    let table = collection.name;
    let sql = format!(
        "SELECT id, version, fields FROM \"{table}\" WHERE id = ?1 AND (expires_at IS NULL OR expires_at > ?2)"
    );
    let found = connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row(params![id, now.millis()], stored).optional())
        .map_err(unavailable)?;
    found.map(|stored| stored.decode(collection)).transpose()
}

pub(super) fn find(
    connection: &Connection,
    collection: &'static Collection,
    find: &Find,
    spans: &[Span],
    now: Timestamp,
) -> Result<Vec<Document>> {
    let mut found = Vec::new();
    for span in spans {
        let limit = find.limit - found.len();
        if limit == 0 {
            break;
        }
        let search = Search::new(collection, find, span, limit, now);
        let stored = connection
            .prepare_cached(&search.sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params_from_iter(search.values), stored)?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .map_err(unavailable)?;
        for document in stored {
            found.push(document.decode(collection)?);
        }
    }
    Ok(found)
}

pub(super) fn now(connection: &Connection) -> Result<Timestamp> {
    connection
        .prepare_cached("SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)")
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map(Timestamp::from_millis)
        .map_err(unavailable)
}

pub(super) fn ping(connection: &Connection) -> Result<()> {
    // Unlike SELECT 1 this looks at the file, or finds that it cannot.
    connection
        .prepare_cached("SELECT count(*) FROM sqlite_schema")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
        .map(drop)
        .map_err(unavailable)
}

/// The statement that searches one span.
struct Search {
    sql: String,
    values: Vec<SqlValue>,
}

impl Search {
    fn new(collection: &Collection, find: &Find, span: &Span, limit: usize, now: Timestamp) -> Self {
        // INDEXED BY makes it an error to search in any other way than by the index.
        let table = collection.name;
        let index = index_name(collection, find.index);
        let sql = format!(
            "SELECT id, version, fields FROM \"{table}\" INDEXED BY {index} \
             WHERE (expires_at IS NULL OR expires_at > ?1)"
        );
        let values = vec![SqlValue::Integer(now.millis())];
        let mut search = Self { sql, values };
        for (name, key) in find.index.fields.iter().zip(&span.equal) {
            search.also(&member(name), "=", key);
        }
        let (beyond, direction) = match find.order {
            Order::Ascending => (">", "ASC"),
            Order::Descending => ("<", "DESC"),
        };
        if let Some(id) = &span.behind {
            search.also("id", beyond, &Key::Text(id.clone()));
        }
        // A unique index does not hold ids. Nor need it: all its members together have one document at most.
        let mut order = Vec::new();
        if let Some(open) = span.open_member(find.index).map(member) {
            search.range(&open, span);
            order.push(format!("{open} {direction}"));
        }
        if !find.index.unique {
            order.push(format!("id {direction}"));
        }
        if !order.is_empty() {
            search.push(&[" ORDER BY ", &order.join(", ")]);
        }
        search
            .values
            .push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        search.push(&[" LIMIT ?", &search.values.len().to_string()]);
        search
    }

    fn range(&mut self, open: &str, span: &Span) {
        match &span.lower {
            Some(Lower::At(key)) => self.also(open, ">=", key),
            Some(Lower::Above(key)) => self.also(open, ">", key),
            // Documents without the member are in the index here, unlike in MongoDB; they come before the
            // smallest value there is.
            None => self.also(open, ">=", &Key::Int(i64::MIN)),
        }
        if let Some(key) = &span.upper {
            self.also(open, "<", key);
        }
    }

    fn push(&mut self, parts: &[&str]) {
        self.sql.extend(parts.iter().copied());
    }

    fn also(&mut self, operand: &str, comparison: &str, key: &Key) {
        self.values.push(match key {
            Key::Int(number) => SqlValue::Integer(*number),
            Key::Text(text) => SqlValue::Text(text.clone()),
        });
        let place = self.values.len().to_string();
        self.push(&[" AND ", operand, " ", comparison, " ?", &place]);
    }
}

/// A row as it is stored.
struct Stored {
    id: String,
    version: i64,
    fields: String,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        id: row.get(0)?,
        version: row.get(1)?,
        fields: row.get(2)?,
    })
}

impl Stored {
    fn decode(self, collection: &'static Collection) -> Result<Document> {
        match serde_json::from_str::<Map<String, Value>>(&self.fields) {
            Ok(fields) => Ok(Document {
                id: self.id,
                version: self.version,
                fields,
            }),
            Err(cause) => Err(Error::unreadable(collection, self.id, cause)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::record::Index;
    use crate::store::spans::spans;
    use crate::store::sqlite::schema;

    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[
            Index {
                name: "by",
                fields: &["a", "b"],
                unique: false,
            },
            Index {
                name: "one",
                fields: &["a", "b"],
                unique: true,
            },
        ],
        expires: Some("until"),
    };

    /// Every shape of a search is a range of its index, in the index's own order: no scan, no sorting.
    #[test]
    fn searches_go_by_their_index() {
        let connection = Connection::open_in_memory().unwrap();
        schema::prepare(&connection, &[&THINGS]).unwrap();
        let finds = THINGS.indexes.iter().flat_map(|index| {
            let open = Find::by(index, ["x".into()]);
            let descending = Find {
                order: Order::Descending,
                ..open.clone()
            };
            let ranged = Find {
                from: Some(Key::Int(1)),
                until: Some(Key::Int(9)),
                ..open.clone()
            };
            let whole = Find::by(index, ["x".into(), "y".into()]);
            [open, descending, ranged, whole].into_iter().flat_map(|find| {
                let resumed = Find {
                    after: Some((Key::Int(5), "id".to_owned())),
                    ..find.clone()
                };
                [find, resumed]
            })
        });
        for find in finds {
            for span in spans(&THINGS, &find).unwrap() {
                let search = Search::new(&THINGS, &find, &span, 10, Timestamp::from_millis(0));
                let plan: Vec<String> = connection
                    .prepare(&format!("EXPLAIN QUERY PLAN {}", search.sql))
                    .unwrap()
                    .query_map(params_from_iter(search.values), |row| row.get(3))
                    .unwrap()
                    .collect::<rusqlite::Result<_>>()
                    .unwrap();
                let how = format!("SEARCH things USING INDEX things.{} (", find.index.name);
                assert_eq!(plan.len(), 1, "{plan:?}\n{}", search.sql);
                assert!(plan[0].starts_with(&how), "{plan:?}\n{}", search.sql);
                let bounds = span.equal.len() + usize::from(span.open_member(find.index).is_some());
                assert!(
                    plan[0].matches("<expr>").count() >= bounds,
                    "{plan:?}\n{}",
                    search.sql
                );
            }
        }
    }
}
