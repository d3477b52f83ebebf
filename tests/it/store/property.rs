//! Random sequences of operations on both engines and on a model that is simple enough to be believed. All three
//! must agree on every answer, and on everything that is stored in the end.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use wxgate::domain::time::Timestamp;
use wxgate::store::{Document, Error, Find, Key, Order};

use super::model::Model;
use super::stage::{EMAIL, Kind, OWNER, PAIR, RANK, Stage, THINGS};

/// One operation. Ids, values and versions come from small ranges, so that they meet often.
#[derive(Debug, Clone)]
enum Step {
    Insert(u8, Map<String, Value>),
    InsertMany(Vec<(u8, Map<String, Value>)>),
    /// With the stored version and this much more.
    Replace(u8, i64, Map<String, Value>),
    Delete(u8, Option<i64>),
    DeleteBefore(i64, usize),
    Get(u8),
    Find(Find),
    /// The clock goes on.
    Wait(u8),
}

fn text_or_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-2..4_i64).prop_map(|number| json!(number)),
        prop::sample::select(vec!["", "1", "a", "b", "微"]).prop_map(|text| json!(text)),
    ]
}

fn key() -> impl Strategy<Value = Key> {
    text_or_number().prop_map(|value| match value {
        Value::String(text) => Key::Text(text),
        other => Key::Int(other.as_i64().unwrap()),
    })
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let member = prop::option::of(text_or_number());
    let noise = prop::option::of(prop_oneof![
        any::<i64>().prop_map(|number| json!(number)),
        prop::num::f64::NORMAL.prop_map(|number| json!(number)),
        ".*".prop_map(|text| json!({"$text": [text, null]})),
    ]);
    // In hours from the start of the trial, whose steps are taken at half past.
    let until = prop::option::weighted(0.3, 0..5_i64);
    (
        prop::array::uniform4(member),
        prop::option::of(text_or_number()),
        prop::option::of(text_or_number()),
        noise,
        until,
    )
        .prop_map(|([owner, due, rank, email], left, right, noise, until)| {
            let until = until.map(|hours| json!(START + hours * HOUR));
            let all = [
                ("owner", owner),
                ("due", due),
                ("rank", rank),
                ("email", email),
                ("left", left),
                ("right", right),
                ("noise", noise),
                ("until", until),
            ];
            all.into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect()
        })
}

fn find() -> impl Strategy<Value = Find> {
    let index = prop::sample::select(vec![&OWNER, &RANK, &EMAIL, &PAIR]);
    (
        index,
        prop::collection::vec(key(), 2),
        any::<bool>(),
        prop::option::of(key()),
        prop::option::of(key()),
        any::<bool>(),
        1..6_usize,
        prop::option::of((key(), 0..10_u8)),
    )
        .prop_map(|(index, mut equal, whole, from, until, down, limit, after)| {
            equal.truncate(index.fields.len() - usize::from(!whole));
            let after =
                after.map(|(key, id)| (equal.last().filter(|_| whole).cloned().unwrap_or(key), name(id)));
            Find {
                index,
                equal,
                from: from.filter(|_| !whole),
                until: until.filter(|_| !whole),
                order: if down { Order::Descending } else { Order::Ascending },
                limit,
                after,
            }
        })
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 0..10_u8;
    let version = || prop_oneof![4 => Just(0_i64), 1 => -1..3_i64];
    prop_oneof![
        6 => (id(), fields()).prop_map(|(id, fields)| Step::Insert(id, fields)),
        2 => prop::collection::vec((id(), fields()), 0..5).prop_map(Step::InsertMany),
        5 => (id(), version(), fields()).prop_map(|(id, more, fields)| Step::Replace(id, more, fields)),
        2 => (id(), prop::option::of(version())).prop_map(|(id, more)| Step::Delete(id, more)),
        1 => (-2..5_i64, 0..3_usize).prop_map(|(before, limit)| Step::DeleteBefore(before, limit)),
        2 => id().prop_map(Step::Get),
        6 => find().prop_map(Step::Find),
        1 => (0..3_u8).prop_map(Step::Wait),
    ]
}

const HOUR: i64 = 3_600_000;
/// Far ahead, because the engines remove what has expired by their own clocks.
const START: i64 = 4_000_000_000_000;

fn name(id: u8) -> String {
    // Not all of one length, so that the order of texts shows.
    format!("{}", u32::from(id) * 7)
}

/// An answer, in a form that can be compared.
fn told<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(Error::Duplicate { index }) => format!("duplicate {index}"),
        Err(other) => format!("unexpected {other:?}"),
    }
}

fn modelled<T: std::fmt::Debug>(result: Result<T, &'static str>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(index) => format!("duplicate {index}"),
    }
}

struct Trial<'a> {
    stage: &'a Stage,
    model: Model,
    now: Timestamp,
}

impl Trial<'_> {
    async fn take(&mut self, step: &Step) -> (String, String) {
        let (engine, now) = (&self.stage.engine, self.now);
        self.model.purge(now);
        let version = |model: &Model, id: &str| model.documents.get(id).map_or(1, |(version, _)| *version);
        match step {
            Step::Wait(hours) => {
                self.now = now + Duration::from_hours(u64::from(*hours));
                (String::new(), String::new())
            }
            Step::Insert(id, fields) => {
                let id = name(*id);
                let expected = modelled(self.model.insert(&id, fields));
                (
                    told(engine.insert(&THINGS, id, fields.clone(), now).await),
                    expected,
                )
            }
            Step::InsertMany(documents) => {
                let documents: Vec<_> = documents
                    .iter()
                    .map(|(id, fields)| (name(*id), fields.clone()))
                    .collect();
                let mut expected = Vec::new();
                for (id, fields) in &documents {
                    self.model.purge(now);
                    expected.push(modelled(self.model.insert(id, fields)));
                }
                let results = engine.insert_many(&THINGS, documents, now).await.unwrap();
                let results: Vec<_> = results.into_iter().map(told).collect();
                (results.join(", "), expected.join(", "))
            }
            Step::Replace(id, more, fields) => {
                let id = name(*id);
                let version = version(&self.model, &id) + more;
                let expected = modelled(self.model.replace(&id, version, fields));
                let fields = fields.clone();
                let document = Document { id, version, fields };
                (told(engine.replace(&THINGS, document, now).await), expected)
            }
            Step::Delete(id, more) => {
                let id = name(*id);
                let version = more.map(|more| version(&self.model, &id) + more);
                let matches = |(stored, _): &(i64, _)| version.is_none_or(|version| version == *stored);
                let expected = self.model.documents.get(&id).is_some_and(matches);
                if expected {
                    self.model.documents.remove(&id);
                }
                let outcome = engine.delete(&THINGS, &id, version, now).await;
                (told(outcome), format!("{expected:?}"))
            }
            Step::DeleteBefore(before, limit) => {
                if self.model.some_expired {
                    return (String::new(), String::new());
                }
                let expected = self.model.delete_before(*before, *limit);
                let before = Timestamp::from_millis(*before);
                let outcome = engine.delete_before(&THINGS, &RANK, before, *limit).await;
                (told(outcome), format!("{expected}"))
            }
            Step::Get(id) => {
                let id = name(*id);
                let expected = self.model.documents.get(&id).map(|(version, fields)| Document {
                    id: id.clone(),
                    version: *version,
                    fields: fields.clone(),
                });
                let found = engine.get(&THINGS, &id, now).await.unwrap();
                if found == expected {
                    return (String::new(), String::new());
                }
                (format!("{found:?}"), format!("{expected:?}"))
            }
            Step::Find(find) => {
                let expected = self.model.find(find);
                let found = engine.find(&THINGS, find.clone(), now).await;
                let ids = found.map(|found| found.into_iter().map(|found| found.id).collect::<Vec<_>>());
                (told(ids), format!("{expected:?}"))
            }
        }
    }

    /// Everything that is there, compared and removed.
    async fn clear(&mut self) -> (Vec<Document>, Vec<Document>) {
        self.model.purge(self.now);
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for id in (0..10).map(name) {
            found.extend(self.stage.engine.get(&THINGS, &id, self.now).await.unwrap());
            let known = self.model.documents.remove(&id);
            expected.extend(known.map(|(version, fields)| Document {
                id: id.clone(),
                version,
                fields,
            }));
            self.stage
                .engine
                .delete(&THINGS, &id, None, Timestamp::from_millis(i64::MIN))
                .await
                .unwrap();
        }
        (found, expected)
    }
}

fn agrees(kind: Kind) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let stage = runtime.block_on(Stage::new(kind));
    let config = Config {
        cases: 64,
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..Config::default()
    };
    let seed = seed();
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let steps = prop::collection::vec(step(), 0..=80);
    let outcome = runner.run(&steps, |steps| {
        let mut trial = Trial {
            stage: &stage,
            model: Model::default(),
            now: Timestamp::from_millis(START + HOUR / 2),
        };
        runtime.block_on(async {
            for (number, step) in steps.iter().enumerate() {
                let (answer, expected) = trial.take(step).await;
                if answer != expected {
                    trial.clear().await;
                    let what = format!("step {number}, {step:?}: {answer}, but the model says {expected}");
                    return Err(TestCaseError::fail(what));
                }
            }
            let (found, expected) = trial.clear().await;
            prop_assert_eq!(found, expected);
            Ok(())
        })
    });
    if let Err(failure) = outcome {
        panic!("with PROPERTY_SEED={seed}: {failure}");
    }
}

/// Another one each time, unless a failure is to be seen again.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a setting of the tests, not of the product"
)]
fn seed() -> u64 {
    let given = std::env::var("PROPERTY_SEED").ok();
    given.map_or_else(rand::random, |seed| seed.parse().unwrap())
}

#[test]
fn sqlite_agrees_with_the_model() {
    agrees(Kind::Sqlite);
}

#[test]
fn mongodb_agrees_with_the_model() {
    agrees(Kind::ReplicaSet);
}
