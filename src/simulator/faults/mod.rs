//! Fault rules: which calls go wrong, and how. Rules are made over the admin API; each is tried in the
//! order of making. What a damaged answer looks like on the wire is decided by `wire`.

mod effect;
mod rule;

pub(crate) use effect::{Delivery, Effect};
pub(crate) use rule::{NewRule, Rule};

use super::call::Call;
use super::clock::Moment;
use super::random::Random;
use super::reply::{Reply, Style};
use super::world::World;

/// Rules at a time; used-up ones make room.
pub(crate) const MOST: usize = 200;

/// All fault rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    made: u64,
}

impl Faults {
    /// Adds a rule; `None` if its id is taken or there are too many.
    pub(crate) fn add(&mut self, rule: NewRule) -> Option<&Rule> {
        if self.rules.len() >= MOST {
            self.rules.retain(|rule| !rule.used_up());
        }
        self.made += 1;
        let rule = Rule::new(rule, format!("fault-{}", self.made));
        if self.rules.len() >= MOST || self.get(&rule.id).is_some() {
            return None;
        }
        self.rules.push(rule);
        self.rules.last()
    }

    /// A rule by id.
    pub(crate) fn get(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Puts another rule in the place of one; `None` if there is none.
    pub(crate) fn replace(&mut self, id: &str, rule: NewRule) -> Option<&Rule> {
        let place = self.rules.iter_mut().find(|rule| rule.id == id)?;
        *place = Rule::new(NewRule { id: None, ..rule }, id.to_owned());
        Some(place)
    }

    /// Removes a rule; `false` if there is none.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.id != id);
        self.rules.len() < before
    }

    /// Removes all rules.
    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// All rules in order.
    pub(crate) fn all(&self) -> &[Rule] {
        &self.rules
    }
}

/// Who a call is about, as far as rules ask.
#[derive(Debug, Default)]
struct Subject {
    user: Option<String>,
    openid: Option<String>,
}

/// What the fault rules do to one call.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The app the call concerns.
    pub(crate) app_id: Option<String>,
    /// Milliseconds to wait before the call is served.
    pub(crate) wait_before: u64,
    /// Milliseconds to wait before the answer is sent.
    pub(crate) wait_after: u64,
    effect: Option<Effect>,
    after: bool,
    hit: Option<String>,
}

impl Plan {
    /// Asks every rule. Latencies add up; of the other effects the first that applies is taken.
    pub(crate) fn of(world: &mut World, call: &Call, app_id: Option<String>) -> Self {
        let mut plan = Self {
            app_id,
            ..Self::default()
        };
        if world.faults.rules.is_empty() {
            return plan;
        }
        let app_id = plan.app_id.clone();
        let subject = Subject::of(world, call, app_id.as_deref());
        for rule in &mut world.faults.rules {
            if !rule.concerns(call, app_id.as_deref(), &subject) || !rule.strikes(&mut world.random) {
                continue;
            }
            plan.hit.get_or_insert_with(|| rule.id.clone());
            if let Effect::Latency { ms } = rule.effect {
                let wait = if rule.after {
                    &mut plan.wait_after
                } else {
                    &mut plan.wait_before
                };
                *wait += ms;
                continue;
            }
            plan.hit = Some(rule.id.clone());
            plan.after = rule.after;
            plan.effect = Some(rule.effect.clone());
            break;
        }
        plan
    }

    /// Whether the platform serves the call, be it that the answer is then damaged.
    pub(crate) fn needs_answer(&self) -> bool {
        self.after || self.effect.as_ref().is_none_or(Effect::needs_answer)
    }

    /// The rule that struck.
    pub(crate) fn fault_id(&self) -> Option<&str> {
        self.hit.as_deref()
    }

    /// What is sent, given the platform's own answer if the call was served.
    pub(crate) fn deliver(
        &self,
        reply: Option<Reply>,
        call: &Call,
        style: Style,
        random: &mut Random,
        now: Moment,
    ) -> Delivery {
        match (&self.effect, reply) {
            (Some(effect), reply) => effect.deliver(reply, call, style, random, now),
            (None, Some(reply)) => Delivery::Whole(reply),
            // Without an effect the call is always served.
            (None, None) => Delivery::Reset,
        }
    }
}

impl Subject {
    fn of(world: &World, call: &Call, app_id: Option<&str>) -> Self {
        let rules = &world.faults.rules;
        let app = app_id.and_then(|id| world.apps.get(id));
        let Some(app) = app.filter(|_| rules.iter().any(Rule::asks_who)) else {
            return Self::default();
        };
        let user = app.user_of(call).and_then(|index| world.users.get(index));
        Self {
            user: user.map(|user| user.id.clone()),
            openid: user.map(|user| world.identities.openid(&app.id, &user.id)),
        }
    }
}
