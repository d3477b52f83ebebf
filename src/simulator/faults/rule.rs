//! One fault rule: which calls it is about, how often it strikes. What it does is its effect's matter.

use serde::{Deserialize, Serialize};

use super::{Effect, Subject};
use crate::simulator::call::Call;
use crate::simulator::random::Random;

/// A rule as it is asked for. Absent conditions hold for every call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRule {
    /// The rule's name; one is made up if absent.
    #[serde(default)]
    pub(crate) id: Option<String>,
    /// Only calls of this app.
    #[serde(default)]
    pub(crate) app_id: Option<String>,
    /// Only calls of this path; with `*` at the end, of every path that begins so.
    #[serde(default)]
    pub(crate) path: Option<String>,
    /// Only calls about this user.
    #[serde(default)]
    pub(crate) user: Option<String>,
    /// Only calls about the user of this openid.
    #[serde(default)]
    pub(crate) openid: Option<String>,
    /// How often the rule strikes, 0 to 1.
    #[serde(default = "always")]
    pub(crate) probability: f64,
    /// How many times it strikes; absent, without end.
    #[serde(default)]
    pub(crate) count: Option<u32>,
    /// How many calls it lets pass first.
    #[serde(default)]
    pub(crate) skip: u32,
    /// Whether the platform serves the call before the effect: the answer is lost, not the call.
    #[serde(default)]
    pub(crate) after: bool,
    /// What happens.
    pub(crate) effect: Effect,
}

fn always() -> f64 {
    1.0
}

impl NewRule {
    /// What is wrong with the rule, in words for whoever wrote it.
    pub(crate) fn problem(&self) -> Option<String> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Some("probability must be from 0 to 1".into());
        }
        let texts = [&self.id, &self.app_id, &self.path, &self.user, &self.openid];
        if texts
            .into_iter()
            .flatten()
            .any(|text| text.is_empty() || text.len() > 200)
        {
            return Some("id, app_id, path, user and openid have 1 to 200 bytes".into());
        }
        if self
            .path
            .as_deref()
            .is_some_and(|path| !path.starts_with(['/', '*']))
        {
            return Some("path begins with / or is *".into());
        }
        self.effect.problem()
    }
}

/// A rule at work.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rule {
    /// The rule's name.
    pub(crate) id: String,
    app_id: Option<String>,
    path: Option<String>,
    user: Option<String>,
    openid: Option<String>,
    probability: f64,
    /// How many more times it strikes.
    count: Option<u32>,
    /// How many more calls it lets pass.
    skip: u32,
    pub(super) after: bool,
    pub(super) effect: Effect,
    /// How many times it has struck.
    hits: u64,
}

impl Rule {
    /// The rule that was asked for; `name` is its id unless it brings one.
    pub(super) fn new(rule: NewRule, name: String) -> Self {
        let NewRule {
            id,
            app_id,
            path,
            user,
            openid,
            probability,
            count,
            skip,
            after,
            effect,
        } = rule;
        let id = id.unwrap_or(name);
        Self {
            id,
            app_id,
            path,
            user,
            openid,
            probability,
            count,
            skip,
            after,
            effect,
            hits: 0,
        }
    }

    /// Whether it will never strike again.
    pub(super) fn used_up(&self) -> bool {
        self.count == Some(0)
    }

    /// Whether it is about one user.
    pub(super) fn asks_who(&self) -> bool {
        self.user.is_some() || self.openid.is_some()
    }

    /// Whether the call is one that the rule is about.
    pub(super) fn concerns(&self, call: &Call, app_id: Option<&str>, subject: &Subject) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        let path = self
            .path
            .as_deref()
            .is_none_or(|path| match path.strip_suffix('*') {
                Some(prefix) => call.path.starts_with(prefix),
                None => call.path == path,
            });
        path && is(&self.app_id, app_id)
            && is(&self.user, subject.user.as_deref())
            && is(&self.openid, subject.openid.as_deref())
    }

    /// Whether it strikes this time; if so it is counted.
    pub(super) fn strikes(&mut self, random: &mut Random) -> bool {
        if self.used_up() {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if !random.chance(self.probability) {
            return false;
        }
        self.count = self.count.map(|count| count - 1);
        self.hits += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::Method;
    use actix_web::web::Bytes;

    fn rule(json: serde_json::Value) -> Rule {
        let rule: NewRule = serde_json::from_value(json).unwrap();
        assert_eq!(rule.problem(), None);
        Rule::new(rule, "a".into())
    }

    fn concerns(rule: &Rule, path: &str) -> bool {
        let call = Call::new(Method::GET, path, "", Bytes::new(), [127, 0, 0, 1].into());
        rule.concerns(&call, Some("wx1"), &Subject::default())
    }

    #[test]
    fn paths_match_exactly_or_by_their_beginning() {
        let reset = serde_json::json!({"type": "reset"});
        let exact = rule(serde_json::json!({"path": "/cgi-bin/token", "effect": reset}));
        assert!(concerns(&exact, "/cgi-bin/token") && !concerns(&exact, "/cgi-bin/token2"));
        let prefix = rule(serde_json::json!({"path": "/cgi-bin/*", "app_id": "wx1", "effect": reset}));
        assert!(concerns(&prefix, "/cgi-bin/token") && !concerns(&prefix, "/sns/jscode2session"));
        let other = rule(serde_json::json!({"app_id": "wx2", "effect": reset}));
        assert!(!concerns(&other, "/cgi-bin/token"));
        let user = rule(serde_json::json!({"user": "ann", "effect": reset}));
        assert!(!concerns(&user, "/cgi-bin/token"));
    }

    #[test]
    fn a_rule_skips_then_strikes_its_number_of_times() {
        let mut rule = rule(serde_json::json!({"skip": 1, "count": 2, "effect": {"type": "hang"}}));
        let mut random = Random::seeded(1);
        let struck: Vec<bool> = (0..5).map(|_| rule.strikes(&mut random)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn half_of_the_calls_are_struck_by_a_probability_of_a_half() {
        let mut rule = rule(serde_json::json!({"probability": 0.5, "effect": {"type": "reset"}}));
        let mut random = Random::seeded(1);
        let struck = (0..1_000).filter(|_| rule.strikes(&mut random)).count();
        assert!((400..600).contains(&struck), "{struck}");
    }

    #[test]
    fn nonsense_is_refused() {
        let problem = |json| serde_json::from_value::<NewRule>(json).unwrap().problem();
        let reset = serde_json::json!({"type": "reset"});
        assert!(problem(serde_json::json!({"probability": 1.5, "effect": reset})).is_some());
        assert!(problem(serde_json::json!({"path": "cgi-bin", "effect": reset})).is_some());
        let latency = serde_json::json!({"type": "latency", "ms": 86_400_000});
        assert!(problem(serde_json::json!({"effect": latency})).is_some());
    }
}
