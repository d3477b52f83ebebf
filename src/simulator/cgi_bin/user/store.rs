//! What an official account knows of those who follow it: since when and how, their tags, remarks, the blacklist.
//! Whether somebody follows is not kept here but with the conversation.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::simulator::cgi_bin::qrcode::store::Scene;
use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::{Refusal, refuse};

/// WeChat: tags of one account, and of one user.
const MOST_TAGS: usize = 100;
const MOST_TAGS_OF_USER: usize = 20;
/// Characters of the name of a tag.
const MOST_NAME: usize = 30;
/// The number of the first tag of an account's own.
const FIRST_TAG: u32 = 100;
/// WeChat: the tags 0, 1 and 2 are the platform's own, of which one is shown.
const STARRED: (u32, &str) = (2, "星标组");

/// What one account knows of its users.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fans {
    by_user: HashMap<usize, Fan>,
    tags: Vec<Tag>,
    made: u32,
    blacklist: HashSet<usize>,
}

/// What one account knows of one user.
#[derive(Debug, Clone)]
pub(crate) struct Fan {
    /// Since when the user follows.
    pub(crate) since: Moment,
    /// The code that was scanned, if one was.
    pub(crate) scene: Option<Scene>,
    /// What the account calls the user.
    pub(crate) remark: String,
    tags: Vec<u32>,
}

/// A tag of an account's own.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    /// Its number.
    pub(crate) id: u32,
    /// Its name.
    pub(crate) name: String,
}

impl Fans {
    /// Somebody does something that has them follow or unfollow. What was known of those who unfollow is forgotten
    /// (our own choice).
    pub(crate) fn note(
        &mut self,
        user: usize,
        before: Option<bool>,
        after: Option<bool>,
        how: impl FnOnce() -> (Option<Scene>, Moment),
    ) {
        match after {
            Some(true) if before != Some(true) => {
                let (scene, since) = how();
                let fan = Fan {
                    since,
                    scene,
                    remark: String::new(),
                    tags: Vec::new(),
                };
                self.by_user.insert(user, fan);
            }
            Some(false) => {
                self.by_user.remove(&user);
            }
            _ => {}
        }
    }

    /// What is known of a user.
    pub(crate) fn get(&self, user: usize) -> Option<&Fan> {
        self.by_user.get(&user)
    }

    /// The same, to change.
    pub(crate) fn get_mut(&mut self, user: usize) -> Option<&mut Fan> {
        self.by_user.get_mut(&user)
    }

    /// The tags of a user.
    pub(crate) fn tags_of(&self, user: usize) -> &[u32] {
        self.by_user.get(&user).map_or(&[], |fan| &fan.tags)
    }

    /// The users with a tag, in no order.
    pub(crate) fn tagged(&self, tag: u32) -> impl Iterator<Item = usize> {
        let tagged = self
            .by_user
            .iter()
            .filter(move |(_, fan)| fan.tags.contains(&tag));
        tagged.map(|(user, _)| *user)
    }

    /// All tags and how many have them, the platform's own first.
    pub(crate) fn tags(&self) -> Vec<(u32, &str, usize)> {
        let own = self.tags.iter().map(|tag| (tag.id, tag.name.as_str()));
        let all = std::iter::once(STARRED).chain(own);
        all.map(|(id, name)| (id, name, self.tagged(id).count()))
            .collect()
    }

    /// Makes a tag. WeChat: 45157, 45158, 45056.
    pub(crate) fn add_tag(&mut self, name: &str) -> Result<&Tag, Refusal> {
        self.check_name(name)?;
        if self.tags.len() >= MOST_TAGS {
            return refuse(errcode::TAG_COUNT);
        }
        let id = FIRST_TAG + self.made;
        self.made += 1;
        self.tags.push(Tag {
            id,
            name: name.to_owned(),
        });
        self.tags.last().ok_or_else(|| Refusal::of(errcode::SYSTEM_ERROR))
    }

    /// Gives a tag another name. WeChat: 45058 for the platform's own.
    pub(crate) fn rename_tag(&mut self, id: u32, name: &str) -> Result<(), Refusal> {
        let at = self.own_tag(id)?;
        if self.tags[at].name != name {
            self.check_name(name)?;
            name.clone_into(&mut self.tags[at].name);
        }
        Ok(())
    }

    /// Removes a tag from the account and from all users.
    pub(crate) fn remove_tag(&mut self, id: u32) -> Result<(), Refusal> {
        let at = self.own_tag(id)?;
        self.tags.remove(at);
        for fan in self.by_user.values_mut() {
            fan.tags.retain(|tag| *tag != id);
        }
        Ok(())
    }

    /// WeChat: 45159 for a tag that does not exist.
    pub(crate) fn check_tag(&self, id: u32) -> Result<(), Refusal> {
        if id == STARRED.0 || self.tags.iter().any(|tag| tag.id == id) {
            return Ok(());
        }
        refuse(errcode::INVALID_TAG)
    }

    /// Gives users a tag, or takes it from them. WeChat: 45059 for more than twenty; then nobody gets it (our own
    /// choice).
    pub(crate) fn tag(&mut self, users: &[usize], id: u32, give: bool) -> Result<(), Refusal> {
        let full = |user: &&usize| {
            let tags = self.tags_of(**user);
            tags.len() >= MOST_TAGS_OF_USER && !tags.contains(&id)
        };
        if give && users.iter().any(|user| full(&user)) {
            return refuse(errcode::TAGS_OF_USER);
        }
        for user in users {
            if let Some(fan) = self.by_user.get_mut(user) {
                fan.tags.retain(|tag| *tag != id);
                if give {
                    // WeChat: the latest stands first.
                    fan.tags.insert(0, id);
                }
            }
        }
        Ok(())
    }

    /// Puts a user on the blacklist, or takes them off it.
    pub(crate) fn blacklist(&mut self, user: usize, put: bool) {
        if put {
            self.blacklist.insert(user);
        } else {
            self.blacklist.remove(&user);
        }
    }

    /// Whether a user is on the blacklist.
    pub(crate) fn is_blacklisted(&self, user: usize) -> bool {
        self.blacklist.contains(&user)
    }

    /// Everybody on the blacklist, in no order.
    pub(crate) fn blacklisted(&self) -> impl Iterator<Item = usize> {
        self.blacklist.iter().copied()
    }

    fn own_tag(&self, id: u32) -> Result<usize, Refusal> {
        if id <= STARRED.0 {
            return refuse(errcode::SYSTEM_TAG);
        }
        let at = self.tags.iter().position(|tag| tag.id == id);
        at.ok_or_else(|| Refusal::of(errcode::INVALID_TAG))
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        let taken = name == STARRED.1 || self.tags.iter().any(|tag| tag.name == name);
        if name.is_empty() || taken {
            return refuse(errcode::INVALID_TAG_NAME);
        }
        if name.chars().count() > MOST_NAME {
            return refuse(errcode::LONG_TAG_NAME);
        }
        Ok(())
    }
}

impl Fan {
    /// WeChat: how the user came to the account.
    pub(crate) fn came_by(&self) -> &'static str {
        match self.scene {
            Some(_) => "ADD_SCENE_QR_CODE",
            None => "ADD_SCENE_SEARCH",
        }
    }

    /// `qr_scene` and `qr_scene_str`.
    pub(crate) fn scenes(&self) -> (Value, Value) {
        match &self.scene {
            None => (0.into(), "".into()),
            Some(Scene::Number(number)) => ((*number).into(), "".into()),
            Some(Scene::Text(text)) => (0.into(), text.as_str().into()),
        }
    }
}
