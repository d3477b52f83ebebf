//! What the content checks of texts and media find: rules made over the admin API, each a keyword and what it leads to.
//! What has none of the keywords passes.

use serde::{Deserialize, Serialize};

/// Rules of one app.
pub(crate) const MOST: usize = 1_000;

/// What is to be done with a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Suggest {
    /// Nothing.
    Pass,
    /// Somebody should look at it.
    Review,
    /// Nobody should see it.
    Risky,
}

/// A keyword and what it leads to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// What stands in the text, or in the address of the file.
    pub(crate) keyword: String,
    /// What is to be done.
    #[serde(default = "risky")]
    pub(crate) suggest: Suggest,
    /// WeChat's number of what it is.
    #[serde(default = "other")]
    pub(crate) label: u32,
    /// Why a file could not be checked; WeChat: -1008 if it could not be fetched.
    #[serde(default)]
    pub(crate) errcode: i32,
}

fn risky() -> Suggest {
    Suggest::Risky
}

fn other() -> u32 {
    21_000
}

/// The rules of an app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Checks {
    /// All of them, in the order of making.
    pub(crate) rules: Vec<Rule>,
}

/// What a check comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is to be done.
    pub(crate) suggest: Suggest,
    /// What it is.
    pub(crate) label: u32,
    /// The keyword that was found.
    pub(crate) keyword: Option<String>,
    /// Why there is no result.
    pub(crate) errcode: i32,
}

impl Checks {
    /// The worst that any rule finds in these texts.
    pub(crate) fn find(&self, texts: &[&str]) -> Finding {
        let found = |rule: &&Rule| texts.iter().any(|text| text.contains(&rule.keyword));
        let worst =
            self.rules.iter().filter(found).reduce(
                |worst, rule| {
                    if rule.suggest > worst.suggest { rule } else { worst }
                },
            );
        worst.map_or(
            Finding {
                suggest: Suggest::Pass,
                label: 100,
                keyword: None,
                errcode: 0,
            },
            |rule| Finding {
                suggest: rule.suggest,
                label: rule.label,
                keyword: Some(rule.keyword.clone()),
                errcode: rule.errcode,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_counts() {
        let rule = |keyword: &str, suggest, label| Rule {
            keyword: keyword.into(),
            suggest,
            label,
            errcode: 0,
        };
        let checks = Checks {
            rules: vec![
                rule("buy", Suggest::Review, 10_001),
                rule("fool", Suggest::Risky, 20_003),
                rule("cheap", Suggest::Risky, 20_008),
            ],
        };
        let found = |texts: &[&str]| {
            let finding = checks.find(texts);
            (finding.suggest, finding.label)
        };
        assert_eq!(found(&["hello"]), (Suggest::Pass, 100));
        assert_eq!(found(&["buy"]), (Suggest::Review, 10_001));
        assert_eq!(found(&["buy it cheap", "fool"]), (Suggest::Risky, 20_003));
    }
}
