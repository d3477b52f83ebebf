//! The records for those who look into them, newest first. Nothing is changed here.

use std::fmt;
use std::str::FromStr;

use super::{Audit, AuditRecord};
use crate::domain::ids::{AppName, CallerId};
use crate::domain::time::Timestamp;
use crate::store::{self, Find, Key, Order};

/// How many are read at once where some of them are left out.
const PAGE: usize = 200;
/// So many pages are looked through for one part of a list.
const PAGES: usize = 20;
/// The longest id of a record.
const LONGEST_ID: usize = 64;

/// Which records are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Those of one app.
    pub app: Option<AppName>,
    /// Those of one caller.
    pub caller: Option<CallerId>,
    /// Only what is older.
    pub before: Option<Before>,
}

/// Where a part of the list begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Before this time.
    Time(Timestamp),
    /// Behind the last record of the part before: its time and its id.
    Record(Timestamp, String),
}

/// A part of the records.
#[derive(Debug)]
pub struct Listed {
    /// Newest first; perhaps fewer than there could be, or none.
    pub records: Vec<AuditRecord>,
    /// Where the next part begins; nothing at the end.
    pub next: Option<Before>,
}

impl Audit {
    /// Up to `limit` of the records that are wanted.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(&self, wanted: Wanted, limit: usize) -> store::Result<Listed> {
        let Wanted { app, caller, before } = wanted;
        let (index, of) = match (&caller, &app) {
            (Some(caller), _) => (AuditRecord::BY_CALLER, Some(caller.as_str())),
            (None, Some(app)) => (AuditRecord::BY_APP, Some(app.as_str())),
            (None, None) => (AuditRecord::BY_TIME, None),
        };
        // A caller's records of one app are among those of others.
        let is_mixed = caller.is_some() && app.is_some();
        let mut find = Find::by(index, of.map(Key::from));
        find.order = Order::Descending;
        match before {
            Some(Before::Time(time)) => find.until = Some(time.into()),
            Some(Before::Record(time, id)) => find.after = Some((time.into(), id)),
            None => {}
        }
        let mut records: Vec<AuditRecord> = Vec::new();
        for _ in 0..PAGES {
            find.limit = if is_mixed { PAGE } else { limit - records.len() };
            let page = self.repo.find_page(find.clone()).await?;
            find.after = page.next;
            for record in page.found.into_iter().map(|found| found.record) {
                if app.as_ref().is_some_and(|app| record.app != *app) {
                    continue;
                }
                if records.len() == limit {
                    // One more than is wanted: it is the first of the next part.
                    let next = records.last().map(Before::of);
                    return Ok(Listed { records, next });
                }
                records.push(record);
            }
            if find.after.is_none() || records.len() == limit {
                break;
            }
        }
        let next = find.after.and_then(|(key, id)| match key {
            Key::Int(millis) => Some(Before::Record(Timestamp::from_millis(millis), id)),
            Key::Text(_) => None,
        });
        Ok(Listed { records, next })
    }
}

impl Before {
    fn of(record: &AuditRecord) -> Self {
        Self::Record(record.at, record.id.clone())
    }
}

impl fmt::Display for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{}", time.secs()),
            Self::Record(time, id) => write!(f, "{time}.{id}"),
        }
    }
}

impl FromStr for Before {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let Some((millis, id)) = text.split_once('.') else {
            return Ok(Self::Time(Timestamp::from_secs(text.parse().map_err(drop)?)));
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(plain) {
            return Err(());
        }
        let time = Timestamp::from_millis(millis.parse().map_err(drop)?);
        Ok(Self::Record(time, id.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_and_read() {
        for text in ["1700000000", "1700000000001.aud_0123abc"] {
            assert_eq!(text.parse::<Before>().unwrap().to_string(), text);
        }
        for wrong in ["", "x", "1.", ".aud_1", "x.aud_1", "1.aud 1", "1.1.1"] {
            assert_eq!(wrong.parse::<Before>(), Err(()), "{wrong}");
        }
    }
}
