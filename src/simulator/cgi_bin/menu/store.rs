//! The menus of one account: the default one and those of some users only. What a menu may look like is asked
//! elsewhere.

use serde_json::{Map, Value};

/// Conditional menus of one account. WeChat publishes no number.
const MOST_CONDITIONAL: usize = 100;

/// The menus of one account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Menus {
    main: Option<Menu>,
    conditional: Vec<Menu>,
}

/// One menu.
#[derive(Debug, Clone)]
pub(crate) struct Menu {
    /// Its number.
    pub(crate) id: u64,
    /// Its buttons, each with a `sub_button`.
    pub(crate) buttons: Vec<Value>,
    /// Who sees it; empty for everybody.
    pub(crate) rule: Map<String, Value>,
}

impl Menus {
    /// Puts a default menu in the place of the one before.
    pub(crate) fn replace(&mut self, id: u64, buttons: Vec<Value>) {
        self.main = Some(Menu {
            id,
            buttons,
            rule: Map::new(),
        });
    }

    /// Adds a conditional menu; `false` if there are too many.
    pub(crate) fn add(&mut self, menu: Menu) -> bool {
        if self.conditional.len() >= MOST_CONDITIONAL {
            return false;
        }
        self.conditional.push(menu);
        true
    }

    /// Removes a conditional menu; `false` if there is none.
    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.conditional.len();
        self.conditional.retain(|menu| menu.id != id);
        self.conditional.len() < before
    }

    /// WeChat: the conditional menus go with the default one.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The menu of everybody for whom there is no other.
    pub(crate) fn main(&self) -> Option<&Menu> {
        self.main.as_ref()
    }

    /// The menus of some users only, in the order they were made.
    pub(crate) fn conditional(&self) -> &[Menu] {
        &self.conditional
    }

    /// The menu that a user with these tags sees. WeChat: the conditional one made last goes first. What phones users
    /// have and in which language is our own choice: Android, `zh_CN`.
    pub(crate) fn seen_by(&self, tags: &[u32]) -> Option<&Menu> {
        let fits = |menu: &&Menu| {
            menu.rule.iter().all(|(name, wanted)| {
                let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
                match name.as_str() {
                    "tag_id" | "group_id" => tags.iter().any(|tag| tag.to_string() == wanted),
                    "client_platform_type" => wanted == "2",
                    "language" => wanted == "zh_CN",
                    // WeChat: sex and places are looked at no more.
                    _ => true,
                }
            })
        };
        self.conditional.iter().rev().find(fits).or(self.main.as_ref())
    }

    /// Whether a button of any menu shows this medium.
    pub(crate) fn show(&self, media_id: &str) -> bool {
        let shows = |button: &Value| button["media_id"] == media_id;
        self.main
            .iter()
            .chain(&self.conditional)
            .flat_map(|menu| &menu.buttons)
            .any(|button| {
                let below = button["sub_button"].as_array();
                shows(button) || below.is_some_and(|below| below.iter().any(shows))
            })
    }
}
