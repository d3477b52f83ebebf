//! What calls of WeChat's API on behalf of others are counted by. How figures are shown is not known here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::ids::AppName;
use crate::histogram::{Counted, Histogram};

/// So many different errcodes, and paths, of each app are counted by themselves. Others are together, so that neither
/// WeChat nor a caller makes figures without end.
const MOST: usize = 64;
/// Longer paths are together with the others.
const LONGEST_PATH: usize = 128;
/// The label of all those.
const OTHER: &str = "other";
/// The label of answers without an errcode: files, and objects that have none.
const NONE: &str = "none";
/// The label of calls that were not answered.
const LOST: &str = "lost";
/// The quota of a day is used up, or that of a minute. (全局返回码.)
const QUOTA_EXHAUSTED: [i64; 2] = [45009, 45011];

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, perhaps with an errcode.
    Answered(Option<i64>),
    /// None, or none that can be used.
    Lost,
}

/// Why a call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// As many calls of the app are under way as may be.
    Busy,
    /// WeChat does not answer, and is left alone for a while.
    Circuit,
    /// The caller makes more calls than it may.
    Limited,
}

const REASONS: [(Reason, &str); 3] = [
    (Reason::Busy, "busy"),
    (Reason::Circuit, "circuit"),
    (Reason::Limited, "limited"),
];

/// The figures of all apps of the configuration.
#[derive(Debug)]
pub struct RelayFigures {
    apps: BTreeMap<AppName, Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    /// Of nearly all calls.
    fine: AtomicU64,
    without: AtomicU64,
    lost: AtomicU64,
    errcodes: Mutex<BTreeMap<Label, u64>>,
    exhausted: Mutex<BTreeMap<Label, u64>>,
    refused: [AtomicU64; REASONS.len()],
    took: Histogram,
}

/// What stands beside a number.
type Label = String;

/// The figures of one app.
#[derive(Debug, Clone)]
pub struct AppFigures<'a> {
    /// Which.
    pub app: &'a AppName,
    /// Calls by the errcode of their answers: `none` if they had none, `lost` if there was no answer, `other` for errcodes
    /// beyond the first 64.
    pub calls: BTreeMap<String, u64>,
    /// How long they took.
    pub took: Counted,
    /// Calls that were not made, by why not.
    pub refused: BTreeMap<&'static str, u64>,
    /// Calls that WeChat refused because a quota is used up, by path.
    pub exhausted: BTreeMap<String, u64>,
}

impl RelayFigures {
    /// Nothing was counted yet for these apps. Others are not counted.
    pub fn new(apps: impl IntoIterator<Item = AppName>) -> Self {
        let apps = apps.into_iter().map(|app| (app, Counters::default()));
        Self { apps: apps.collect() }
    }

    /// Counts a call that was made, by what came of it. The path is decoded and has no query.
    pub fn record(&self, app: &AppName, path: &str, outcome: Outcome, took: Duration) {
        let Some(counters) = self.apps.get(app) else {
            return;
        };
        counters.took.observe(took);
        let errcode = match outcome {
            Outcome::Answered(errcode) => errcode,
            Outcome::Lost => {
                counters.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
        };
        match errcode {
            None => drop(counters.without.fetch_add(1, Ordering::Relaxed)),
            Some(0) => drop(counters.fine.fetch_add(1, Ordering::Relaxed)),
            Some(errcode) => count(&counters.errcodes, &errcode.to_string()),
        }
        if errcode.is_some_and(|errcode| QUOTA_EXHAUSTED.contains(&errcode)) {
            let path = if path.len() > LONGEST_PATH { OTHER } else { path };
            count(&counters.exhausted, path);
        }
    }

    /// Counts a call that was not made.
    pub fn refused(&self, app: &AppName, why: Reason) {
        let Some(counters) = self.apps.get(app) else {
            return;
        };
        for ((reason, _), counter) in REASONS.iter().zip(&counters.refused) {
            if *reason == why {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What was counted, app by app.
    pub fn all(&self) -> impl Iterator<Item = AppFigures<'_>> {
        self.apps.iter().map(|(app, counters)| counters.figures(app))
    }
}

impl Counters {
    fn figures<'a>(&self, app: &'a AppName) -> AppFigures<'a> {
        let mut calls = copy(&self.errcodes);
        for (label, counter) in [("0", &self.fine), (NONE, &self.without), (LOST, &self.lost)] {
            calls.insert(label.to_owned(), counter.load(Ordering::Relaxed));
        }
        let refused = REASONS.iter().zip(&self.refused);
        AppFigures {
            app,
            calls,
            took: self.took.counted(),
            refused: refused
                .map(|((_, reason), counter)| (*reason, counter.load(Ordering::Relaxed)))
                .collect(),
            exhausted: copy(&self.exhausted),
        }
    }
}

fn count(counts: &Mutex<BTreeMap<Label, u64>>, label: &str) {
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(count) = counts.get_mut(label) {
        *count += 1;
        return;
    }
    let label = if counts.len() < MOST { label } else { OTHER };
    *counts.entry(label.to_owned()).or_default() += 1;
}

fn copy(counts: &Mutex<BTreeMap<Label, u64>>) -> BTreeMap<Label, u64> {
    counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOK: Duration = Duration::from_millis(3);
    const EXHAUSTED: Outcome = Outcome::Answered(Some(45009));

    fn figures() -> (RelayFigures, AppName) {
        let shop: AppName = "shop".parse().unwrap();
        (RelayFigures::new([shop.clone()]), shop)
    }

    #[test]
    fn calls_are_counted_by_errcode_and_quotas_by_path() {
        let (figures, shop) = figures();
        for (path, errcode) in [
            ("/cgi-bin/user/info", Some(0)),
            ("/cgi-bin/media/get", None),
            ("/cgi-bin/user/info", Some(45009)),
            ("/cgi-bin/menu/create", Some(45009)),
            ("/cgi-bin/menu/create", Some(45011)),
            ("/cgi-bin/menu/create", Some(-1)),
        ] {
            figures.record(&shop, path, Outcome::Answered(errcode), TOOK);
        }
        figures.record(&shop, "/cgi-bin/user/info", Outcome::Lost, TOOK);
        figures.refused(&shop, Reason::Busy);
        figures.refused(&shop, Reason::Busy);
        figures.refused(&"game".parse().unwrap(), Reason::Busy);
        let all: Vec<_> = figures.all().collect();
        let [shop] = all.as_slice() else { panic!("{all:?}") };
        let calls = [
            ("-1", 1),
            ("0", 1),
            ("45009", 2),
            ("45011", 1),
            ("lost", 1),
            ("none", 1),
        ];
        assert_eq!(shop.calls, calls.map(|(label, n)| (label.to_owned(), n)).into());
        let exhausted = [("/cgi-bin/menu/create", 2), ("/cgi-bin/user/info", 1)];
        assert_eq!(
            shop.exhausted,
            exhausted.map(|(label, n)| (label.to_owned(), n)).into()
        );
        assert_eq!(shop.refused, [("busy", 2), ("circuit", 0), ("limited", 0)].into());
        assert_eq!(shop.took.count, 7);
    }

    #[test]
    fn what_others_choose_does_not_grow_without_end() {
        let (figures, shop) = figures();
        for number in 0..1000 {
            figures.record(&shop, "/x", Outcome::Answered(Some(100_000 + number)), TOOK);
            figures.record(&shop, &format!("/x/{number}"), EXHAUSTED, TOOK);
        }
        figures.record(&shop, &"x".repeat(LONGEST_PATH + 1), EXHAUSTED, TOOK);
        let shop = figures.all().next().unwrap();
        // With `other`, and with the three that are always there.
        assert_eq!(shop.calls.len(), MOST + 4);
        assert_eq!(shop.calls.values().sum::<u64>(), 2001);
        assert_eq!(shop.exhausted.len(), MOST + 1);
        assert_eq!(shop.exhausted[OTHER], 1001 - MOST as u64);
    }
}
