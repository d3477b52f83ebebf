//! Rules for replies: those in the store, which are made while the gateway runs, and those of the configuration behind
//! them. Who may make them is not decided here, and neither is what becomes of a reply.
//!
//! The store's rules are tried first, smaller positions before larger ones, then the configuration's in their order: what
//! is changed for a week takes the place of what is always there, and gives it back. Of the rules for everything else the
//! first counts, and only if no other rule holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;

use super::derived::Derived;
use super::feed::{Feed, TOMBSTONE};
use super::records::ReplyRule;
use crate::clock::Clock;
use crate::config::Apps;
use crate::domain::ids::{AppName, RuleId};
use crate::domain::push::event::Event;
use crate::domain::push::reply::Reply;
use crate::domain::push::rule::Rule;
use crate::domain::push::rules::{Found, Rules};
use crate::domain::time::Timestamp;
use crate::store::{self, Change, Engine};

/// How many rules an app may have in the store.
pub const PER_APP: usize = 500;
/// How many of them may have regular expressions, which cost more than all others together.
pub const EXPRESSIONS_PER_APP: usize = 50;

/// What the rules say to an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matched {
    /// A rule for this very thing.
    Rule(Reply),
    /// The rule for everything else.
    Default(Reply),
    /// Nothing.
    None,
}

/// Why a rule is not as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The app has none of this id.
    #[error("there is no such rule")]
    NotFound,
    /// The app has as many as are allowed.
    #[error("the app has {PER_APP} rules already")]
    TooMany,
    /// The app has as many with regular expressions as are allowed.
    #[error("the app has {EXPRESSIONS_PER_APP} rules with regular expressions already")]
    TooManyExpressions,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Keeps the rules of all apps.
pub struct ReplyRules {
    feed: Arc<Feed<ReplyRule>>,
    configured: BTreeMap<AppName, Vec<Rule>>,
    prepared: Derived<BTreeMap<AppName, Rules>>,
    clock: Clock,
    /// Taken by whoever makes one, so that those who are counted are all there are.
    making: Mutex<()>,
}

impl ReplyRules {
    /// The rules of these apps and those in this store, of which none is known before the feed is loaded.
    #[must_use]
    pub fn new(apps: &Apps, engine: &Arc<dyn Engine>, clock: Clock) -> Self {
        let configured = apps.iter().map(|app| (app.name.clone(), app.replies.clone()));
        Self {
            feed: Arc::new(Feed::new(engine.clone(), clock.clone())),
            configured: configured.collect(),
            prepared: Derived::default(),
            clock,
            making: Mutex::default(),
        }
    }

    /// Where they come from, for whoever loads and follows it.
    #[must_use]
    pub fn feed(&self) -> &Arc<Feed<ReplyRule>> {
        &self.feed
    }

    /// What the app's rules say to an event. The reply is as the rule has it, placeholders and all.
    #[must_use]
    pub fn reply_to(&self, app: &AppName, event: &Event) -> Matched {
        let prepared = self.prepared.of(&self.feed, |stored| self.prepare(&stored));
        match prepared.get(app).map(|rules| rules.find(event)) {
            Some(Found::Rule(reply)) => Matched::Rule(reply.clone()),
            Some(Found::Default(reply)) => Matched::Default(reply.clone()),
            Some(Found::None) | None => Matched::None,
        }
    }

    /// The app's rules in the store, in the order in which they are tried, as far as this instance has heard of them.
    #[must_use]
    pub fn list(&self, app: &AppName) -> Vec<Arc<ReplyRule>> {
        let (_, mut all) = self.feed.all();
        all.retain(|rule| rule.app == *app);
        in_order(&mut all);
        all
    }

    /// The app's rules in the configuration, in the order in which they are tried.
    #[must_use]
    pub fn configured(&self, app: &AppName) -> &[Rule] {
        self.configured.get(app).map_or(&[], Vec::as_slice)
    }

    /// Makes a rule, which has been checked.
    ///
    /// # Errors
    /// See [`Error`]. Instances that make rules of one app in the same half second may exceed the limits.
    pub async fn create(&self, app: &AppName, rule: Rule, position: i64) -> Result<ReplyRule, Error> {
        let _turn = self.making.lock().await;
        let rules = self.list(app);
        if rules.len() >= PER_APP {
            return Err(Error::TooMany);
        }
        self.make_room(app, None, &rule)?;
        let now = self.clock.store_now();
        let rule = ReplyRule {
            id: fresh_id(),
            app: app.clone(),
            rule,
            position,
            created_at: now,
            changed_at: now,
            deleted_at: None,
            expires_at: None,
        };
        self.feed.repo().insert(&rule).await?;
        self.feed.note(&rule);
        Ok(rule)
    }

    /// A rule of an app, as the store has it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&self, app: &AppName, id: &RuleId) -> Result<ReplyRule, Error> {
        let found = self.feed.repo().get(id.as_str()).await?;
        found
            .filter(|rule| rule.app == *app && rule.deleted_at.is_none())
            .ok_or(Error::NotFound)
    }

    /// Puts another rule, which has been checked, in a rule's place.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn replace(
        &self,
        app: &AppName,
        id: &RuleId,
        rule: Rule,
        position: i64,
    ) -> Result<ReplyRule, Error> {
        let _turn = self.making.lock().await;
        self.make_room(app, Some(id), &rule)?;
        self.update(app, id, |stored, _| {
            stored.rule = rule.clone();
            stored.position = position;
        })
        .await
    }

    /// Deletes a rule.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn delete(&self, app: &AppName, id: &RuleId) -> Result<(), Error> {
        let gone = self.update(app, id, |stored, now| {
            stored.deleted_at = Some(now);
            stored.expires_at = Some(now + TOMBSTONE);
        });
        gone.await.map(|_| ())
    }

    /// Whether a rule with expressions may be beside the others, one of which it may replace.
    fn make_room(&self, app: &AppName, replaced: Option<&RuleId>, rule: &Rule) -> Result<(), Error> {
        let others = self.list(app);
        let costly = |other: &&Arc<ReplyRule>| other.rule.is_expression() && Some(&other.id) != replaced;
        if rule.is_expression() && others.iter().filter(costly).count() >= EXPRESSIONS_PER_APP {
            return Err(Error::TooManyExpressions);
        }
        Ok(())
    }

    fn prepare(&self, stored: &[Arc<ReplyRule>]) -> BTreeMap<AppName, Rules> {
        let mut rules: BTreeMap<&AppName, Vec<Arc<ReplyRule>>> = BTreeMap::new();
        for rule in stored {
            rules.entry(&rule.app).or_default().push(rule.clone());
        }
        // An app that is not configured has no events.
        let apps = self.configured.iter().map(|(app, configured)| {
            let mut stored = rules.remove(app).unwrap_or_default();
            in_order(&mut stored);
            let stored = stored.iter().map(|stored| stored.rule.clone());
            (app.clone(), Rules::new(stored.chain(configured.iter().cloned())))
        });
        apps.collect()
    }

    /// Changes a rule of an app at a time that is later than the change before.
    async fn update(
        &self,
        app: &AppName,
        id: &RuleId,
        change: impl Fn(&mut ReplyRule, Timestamp),
    ) -> Result<ReplyRule, Error> {
        let mut is_there = false;
        let changed = self.feed.repo().update(id.as_str(), |rule| {
            is_there = rule.app == *app && rule.deleted_at.is_none();
            if !is_there {
                return Change::Keep;
            }
            rule.changed_at = self.feed.change_after(rule.changed_at);
            change(rule, rule.changed_at);
            Change::Save
        });
        let changed = changed.await?;
        let changed = changed.filter(|_| is_there).ok_or(Error::NotFound)?;
        self.feed.note(&changed);
        Ok(changed)
    }
}

/// Smaller positions first, then in the order in which they were made: ids begin with their time.
fn in_order(rules: &mut [Arc<ReplyRule>]) {
    rules.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
}

fn fresh_id() -> RuleId {
    let id = format!("rul_{}", Uuid::now_v7().simple());
    id.parse().expect("rul_ and 32 hexadecimal digits are an id")
}
