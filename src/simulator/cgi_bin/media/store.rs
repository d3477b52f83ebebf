//! The media of one app: for three days, or until they are deleted. Of long ones only a beginning is held.

use std::collections::HashMap;

use super::kinds::Kind;
use crate::simulator::clock::Moment;
use crate::simulator::content::Content;

/// WeChat: seconds that a medium lives that was not added for good.
pub(crate) const LIFETIME: u32 = 3 * 86_400;
/// Media that go by themselves, of one app.
const MOST_TEMPORARY: usize = 1_000;
/// Bytes of memory that the media of one app hold; beyond, only the first few of each.
const MOST_HELD: usize = 64 * 1_024 * 1_024;
const FEW: usize = 4 * 1_024;
/// WeChat: permanent pictures, and media of any other kind.
const MOST_IMAGES: usize = 100_000;
const MOST_OTHERS: usize = 1_000;

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct Medium {
    /// What it is named by.
    pub(crate) id: String,
    /// What it was uploaded as.
    pub(crate) kind: Kind,
    /// What is in it.
    pub(crate) content: Content,
    /// What kind of bytes.
    pub(crate) content_type: String,
    /// The end of its name.
    pub(crate) extension: &'static str,
    /// The SHA-256 of what was uploaded.
    pub(crate) sha256: String,
    /// When it was.
    pub(crate) created: Moment,
    /// Whether it stays until it is deleted.
    pub(crate) permanent: bool,
    /// The name of the file.
    pub(crate) name: String,
    /// Title and introduction of a video.
    pub(crate) described: Option<(String, String)>,
    /// Where a picture is shown.
    pub(crate) url: Option<String>,
}

impl Medium {
    /// The name that a download has.
    pub(crate) fn filename(&self) -> String {
        format!("{}.{}", self.id, self.extension)
    }

    /// Whether its days are over.
    pub(crate) fn gone(&self, now: Moment) -> bool {
        !self.permanent && self.created.plus(LIFETIME) <= now
    }
}

/// The media of one app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Media {
    by_id: HashMap<String, (u64, Medium)>,
    made: u64,
}

impl Media {
    /// Adds a medium. Of a medium that is not held whole a download repeats the beginning.
    pub(crate) fn add(&mut self, mut medium: Medium, now: Moment) {
        let temporary = |medium: &Medium| !medium.permanent;
        if temporary(&medium) {
            self.by_id.retain(|_, (_, known)| !known.gone(now));
            let known = self.by_id.values().filter(|(_, known)| temporary(known));
            if known.clone().count() >= MOST_TEMPORARY {
                let oldest = known.min_by_key(|(number, _)| *number);
                if let Some(id) = oldest.map(|(_, known)| known.id.clone()) {
                    self.by_id.remove(&id);
                }
            }
        }
        let held: usize = self.by_id.values().map(|(_, known)| known.content.held()).sum();
        if held + medium.content.held() > MOST_HELD {
            medium.content = medium.content.shrunk(FEW);
        }
        self.made += 1;
        self.by_id.insert(medium.id.clone(), (self.made, medium));
    }

    /// Whether there may be one more permanent medium of this kind.
    pub(crate) fn has_room(&self, kind: Kind) -> bool {
        let most = if kind == Kind::Image {
            MOST_IMAGES
        } else {
            MOST_OTHERS
        };
        self.count(kind) < most
    }

    /// A medium that still exists.
    pub(crate) fn get(&self, id: &str, now: Moment) -> Option<&Medium> {
        let (_, medium) = self.by_id.get(id)?;
        (!medium.gone(now)).then_some(medium)
    }

    /// Whether an upload had this id, be it that it is gone.
    pub(crate) fn had(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Removes a permanent medium; `false` if there is none.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let there = self.by_id.get(id).is_some_and(|(_, medium)| medium.permanent);
        there && self.by_id.remove(id).is_some()
    }

    /// How many permanent media of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.permanent(kind).count()
    }

    /// The permanent media of a kind, the newest first.
    pub(crate) fn listed(&self, kind: Kind) -> Vec<&Medium> {
        newest_first(self.permanent(kind))
    }

    /// All media, the newest first.
    pub(crate) fn all(&self) -> Vec<&Medium> {
        newest_first(self.by_id.values())
    }

    /// The ids of all media that still exist.
    pub(crate) fn ids(&self, now: Moment) -> impl Iterator<Item = &str> {
        let there = self.by_id.values().filter(move |(_, medium)| !medium.gone(now));
        there.map(|(_, medium)| medium.id.as_str())
    }

    fn permanent(&self, kind: Kind) -> impl Iterator<Item = &(u64, Medium)> {
        let fits = move |(_, medium): &&(u64, Medium)| medium.permanent && medium.kind == kind;
        self.by_id.values().filter(fits)
    }
}

fn newest_first<'a>(media: impl Iterator<Item = &'a (u64, Medium)>) -> Vec<&'a Medium> {
    let mut media: Vec<_> = media.collect();
    media.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
    media.into_iter().map(|(_, medium)| medium).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medium(id: usize, permanent: bool, bytes: usize) -> Medium {
        Medium {
            id: id.to_string(),
            kind: Kind::Image,
            content: Content::from(vec![1; bytes]),
            content_type: "image/jpeg".into(),
            extension: "jpg",
            sha256: String::new(),
            created: Moment(0),
            permanent,
            name: String::new(),
            described: None,
            url: None,
        }
    }

    #[test]
    fn what_is_not_permanent_goes_after_three_days() {
        let mut media = Media::default();
        media.add(medium(1, false, 1), Moment(0));
        media.add(medium(2, true, 1), Moment(0));
        let end = Moment(0).plus(LIFETIME);
        assert!(media.get("1", Moment(end.0 - 1)).is_some());
        assert!(media.get("1", end).is_none() && media.had("1"));
        assert!(media.get("2", end).is_some());
        assert!(!media.remove("1") && media.remove("2"));
    }

    #[test]
    fn media_hold_no_more_than_so_much_memory() {
        let mut media = Media::default();
        for id in 0..100 {
            media.add(medium(id, true, 1_024 * 1_024), Moment(0));
        }
        let held: usize = media.all().iter().map(|medium| medium.content.held()).sum();
        assert!(held < MOST_HELD + 100 * 128 * 1_024, "{held}");
        assert!(
            media
                .all()
                .iter()
                .all(|medium| medium.content.len() == 1_024 * 1_024)
        );
    }

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let mut media = Media::default();
        for id in 0..=MOST_TEMPORARY {
            media.add(medium(id, false, 1), Moment(0));
        }
        assert!(media.get("0", Moment(0)).is_none());
        assert!(media.get("1", Moment(0)).is_some());
    }
}
