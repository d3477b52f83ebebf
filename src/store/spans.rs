//! A search as spans of its index: the one place that says what a [`Find`] means. No engine is known here.

use std::cmp::Ordering;

use super::engine::{Find, Key, Order, Result};
use super::limits::{Broken, refused};
use super::record::{Collection, Index};

/// The most documents that one search may ask for.
const MAX_LIMIT: usize = 1000;

/// A contiguous part of an index. A search reads one, or one behind the other until it has enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    /// Values of the first members.
    pub(super) equal: Vec<Key>,
    /// Where the next member begins. Only if `equal` leaves one open.
    pub(super) lower: Option<Lower>,
    /// Where the next member ends, excluded. Only if `equal` leaves one open.
    pub(super) upper: Option<Key>,
    /// Only ids behind this one, in the order of the search. Only if `equal` has all members.
    pub(super) behind: Option<String>,
}

/// Where a span begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lower {
    /// With this value.
    At(Key),
    /// Behind this value.
    Above(Key),
}

impl Span {
    /// The member that is left open, if there is one.
    pub(super) fn open_member(&self, index: &Index) -> Option<&'static str> {
        index.fields.get(self.equal.len()).copied()
    }
}

/// The spans of a search, in its order.
pub(super) fn spans(collection: &'static Collection, find: &Find) -> Result<Vec<Span>> {
    if let Some(what) = misfit(collection, find) {
        let index = find.index.name;
        return Err(refused(collection, Broken::Search { index, what }));
    }
    if find.equal.len() == find.index.fields.len() {
        return Ok(vec![Span {
            equal: find.equal.clone(),
            lower: None,
            upper: None,
            behind: find.after.as_ref().map(|(_, id)| id.clone()),
        }]);
    }
    let mut rest = Span {
        equal: find.equal.clone(),
        lower: find.from.clone().map(Lower::At),
        upper: find.until.clone(),
        behind: None,
    };
    let Some((key, id)) = &find.after else {
        return Ok(vec![rest]);
    };
    let mut spans = Vec::with_capacity(2);
    let place = place(key, find);
    if place == Ordering::Equal {
        let mut equal = find.equal.clone();
        equal.push(key.clone());
        spans.push(Span {
            equal,
            lower: None,
            upper: None,
            behind: Some(id.clone()),
        });
    }
    match (find.order, place) {
        // The mark lies at the far end: nothing is behind it.
        (Order::Ascending, Ordering::Greater) | (Order::Descending, Ordering::Less) => return Ok(Vec::new()),
        // The mark lies before the near end: everything is behind it.
        (Order::Ascending, Ordering::Less) | (Order::Descending, Ordering::Greater) => {}
        (Order::Ascending, Ordering::Equal) => rest.lower = Some(Lower::Above(key.clone())),
        (Order::Descending, Ordering::Equal) => rest.upper = Some(key.clone()),
    }
    spans.push(rest);
    Ok(spans)
}

/// Whether `key` lies before, within or behind the search's range.
fn place(key: &Key, find: &Find) -> Ordering {
    if find.from.as_ref().is_some_and(|from| key < from) {
        Ordering::Less
    } else if find.until.as_ref().is_some_and(|until| key >= until) {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

fn misfit(collection: &'static Collection, find: &Find) -> Option<&'static str> {
    let members = find.index.fields.len();
    let ranged = find.from.is_some() || find.until.is_some();
    if !collection.indexes.contains(find.index) {
        Some("is not declared by its collection")
    } else if find.equal.len() > members || find.equal.len() + 1 < members {
        Some("must give a value for each member but the last")
    } else if find.equal.len() == members && ranged {
        Some("gives the last member both a value and a range")
    } else if !(1..=MAX_LIMIT).contains(&find.limit) {
        Some("must ask for 1 to 1000 documents")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static BY: Index = Index {
        name: "by",
        fields: &["a", "b"],
        unique: false,
    };
    static THINGS: Collection = Collection {
        name: "things",
        indexes: &[Index {
            name: "by",
            fields: &["a", "b"],
            unique: false,
        }],
        expires: None,
    };

    fn find(order: Order, after: i64) -> Find {
        Find {
            from: Some(Key::Int(10)),
            until: Some(Key::Int(20)),
            order,
            after: Some((Key::Int(after), "id".to_owned())),
            ..Find::by(&BY, ["x".into()])
        }
    }

    #[test]
    fn a_mark_within_the_range_splits_it_behind_its_ties() {
        let up = spans(&THINGS, &find(Order::Ascending, 15)).unwrap();
        assert_eq!(up[0].equal, ["x".into(), Key::Int(15)]);
        assert_eq!(up[0].behind.as_deref(), Some("id"));
        assert_eq!(up[1].lower, Some(Lower::Above(Key::Int(15))));
        assert_eq!(up[1].upper, Some(Key::Int(20)));
        let down = spans(&THINGS, &find(Order::Descending, 15)).unwrap();
        assert_eq!(down[1].lower, Some(Lower::At(Key::Int(10))));
        assert_eq!(down[1].upper, Some(Key::Int(15)));
    }

    #[test]
    fn a_mark_outside_the_range_hides_all_or_nothing() {
        for (order, mark, count) in [
            (Order::Ascending, 5, 1),
            (Order::Ascending, 20, 0),
            (Order::Descending, 20, 1),
            (Order::Descending, 9, 0),
        ] {
            assert_eq!(spans(&THINGS, &find(order, mark)).unwrap().len(), count);
        }
    }

    #[test]
    fn a_search_that_does_not_fit_its_index_is_refused() {
        let whole = [Key::Int(1), Key::Int(2)];
        let cases = [
            Find::by(&BY, []),
            Find {
                limit: 0,
                ..Find::by(&BY, whole.clone())
            },
            Find {
                limit: 1001,
                ..Find::by(&BY, whole.clone())
            },
            Find {
                from: Some(Key::Int(1)),
                ..Find::by(&BY, whole)
            },
        ];
        for case in cases {
            assert!(spans(&THINGS, &case).is_err(), "{case:?}");
        }
    }
}
