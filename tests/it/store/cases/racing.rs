//! Many at once: exactly one wins, nothing is lost.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::json;
use wxgate::store::{Change, Collection, Document, Error, Find, Record, Repo};

use crate::store::stage::{BY_EMAIL, EMAIL, Kind, Stage, THINGS, map};

/// A record for the typed layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Counter {
    id: String,
    pub(crate) count: u64,
}

impl Counter {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            count: 0,
        }
    }
}

impl Record for Counter {
    const COLLECTION: &'static Collection = &THINGS;

    fn id(&self) -> &str {
        &self.id
    }
}

/// Runs `work` so many times at once, on all threads.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    count: usize,
    work: impl Fn(usize) -> F,
) -> Vec<T> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..count {
        tasks.spawn(work(number));
    }
    tasks.join_all().await
}

pub(crate) async fn one_winner(kind: Kind) {
    let stage = Stage::new(kind).await;
    let now = stage.now();
    let outcomes = at_once(200, |number| {
        let engine = stage.engine.clone();
        async move {
            let fields = map(json!({"email": "same"}));
            engine.insert(&THINGS, format!("{number}"), fields, now).await
        }
    })
    .await;
    let mut winners = 0;
    for outcome in outcomes {
        match outcome {
            Ok(()) => winners += 1,
            Err(Error::Duplicate { index: "by_email" }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(stage.find(Find::by(&EMAIL, ["same".into()])).await.len(), 1);
    assert_eq!(BY_EMAIL, EMAIL);
}

pub(crate) async fn no_update_is_lost(kind: Kind) {
    let stage = Stage::new(kind).await;
    let counters = Repo::<Counter>::new(stage.engine.clone(), stage.clock.clone());
    counters.insert(&Counter::new("a")).await.unwrap();
    let outcomes = at_once(200, |_| {
        let counters = counters.clone();
        async move { counters.update("a", add_one).await }
    })
    .await;
    let mut seen: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap().unwrap().count)
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        (1..=200).collect::<Vec<_>>(),
        "each update saw its own count"
    );
    assert_eq!(counters.get("a").await.unwrap().unwrap().count, 200);
}

pub(crate) async fn updates_of_two_handles(kind: Kind) {
    let stage = Stage::new(kind).await;
    let another = stage.another().await;
    let repos = [stage.engine.clone(), another.clone()]
        .map(|engine| Repo::<Counter>::new(engine, stage.clock.clone()));
    repos[0].insert(&Counter::new("a")).await.unwrap();
    let outcomes = at_once(60, |number| {
        let counters = repos[number % 2].clone();
        async move { counters.update("a", add_one).await }
    })
    .await;
    for outcome in outcomes {
        outcome.unwrap();
    }
    assert_eq!(repos[0].get("a").await.unwrap().unwrap().count, 60);
    another.close().await;
}

pub(crate) async fn one_claims(kind: Kind) {
    let stage = Stage::new(kind).await;
    let now = stage.now();
    for round in 0..10 {
        let id = format!("{round}");
        stage.insert(&id, json!({"owner": "nobody"})).await.unwrap();
        let outcomes = at_once(20, |number| {
            let (engine, id) = (stage.engine.clone(), id.clone());
            async move {
                let fields = map(json!({"owner": format!("{number}")}));
                let claim = Document {
                    id,
                    version: 1,
                    fields,
                };
                engine
                    .replace(&THINGS, claim, now)
                    .await
                    .unwrap()
                    .then_some(number)
            }
        })
        .await;
        let winners: Vec<_> = outcomes.into_iter().flatten().collect();
        let [winner] = winners[..] else {
            panic!("{winners:?}")
        };
        let found = stage.get(&id).await.unwrap();
        assert_eq!(found.fields["owner"], format!("{winner}"));
        assert_eq!(found.version, 2);
    }
}

pub(crate) async fn one_takes(kind: Kind) {
    let stage = Stage::new(kind).await;
    let counters = Repo::<Counter>::new(stage.engine.clone(), stage.clock.clone());
    for round in 0..10 {
        let id = format!("{round}");
        counters.insert(&Counter::new(&id)).await.unwrap();
        let found = Arc::new(counters.get_versioned(&id).await.unwrap().unwrap());
        let outcomes = at_once(20, |_| {
            let (counters, found) = (counters.clone(), found.clone());
            async move { counters.take(&found).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.into_iter().filter(|took| *took).count(), 1);
    }
}

/// What was acknowledged is there for whoever opens the store next.
pub(crate) async fn durable(kind: Kind) {
    let stage = Stage::new(kind).await;
    let now = stage.now();
    let outcomes = at_once(1000, |number| {
        let engine = stage.engine.clone();
        async move {
            let fields = map(json!({"n": number}));
            engine.insert(&THINGS, format!("{number}"), fields, now).await
        }
    })
    .await;
    for outcome in outcomes {
        outcome.unwrap();
    }
    stage.engine.close().await;
    assert!(matches!(
        stage.insert("late", json!({})).await,
        Err(Error::Unavailable(_))
    ));
    let again = stage.another().await;
    let all = (0..1000).map(|number| {
        let again = again.clone();
        async move { again.get(&THINGS, &format!("{number}"), now).await.unwrap() }
    });
    for (number, found) in join_all(all).await.into_iter().enumerate() {
        assert_eq!(found.unwrap().fields["n"], number);
    }
    again.close().await;
}

pub(crate) async fn the_stores_clock(kind: Kind) {
    let stage = Stage::new(kind).await;
    stage.engine.ping().await.unwrap();
    let here = stage.clock.store_now();
    let there = stage.engine.now().await.unwrap();
    let apart = there.millis() - here.millis();
    assert!((-1000..5000).contains(&apart), "{apart} ms");
}

fn add_one(counter: &mut Counter) -> Change {
    counter.count += 1;
    Change::Save
}
