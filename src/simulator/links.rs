//! Links that lead into a mini program (URL Scheme, URL Link, Short Link): what each leads to, until when, and how often
//! links were opened today.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::clock::Moment;
use super::errcode;
use super::random::Random;
use super::reply::Refusal;

/// Links that are remembered of one app; the oldest are forgotten.
const MOST: usize = 100_000;
/// WeChat: calls a second, of all links together.
const CALLS_A_SECOND: u32 = 100;
/// WeChat: opens a day, of all links together (6,000,000 on another page).
pub(crate) const OPENS_A_DAY: u32 = 3_000_000;

/// What kind of link it is, with the scene that the mini program is then opened in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `weixin://dl/business/?t=…`
    Scheme,
    /// `https://wxaurl.cn/…`
    Url,
    /// `#小程序://…`
    Short,
}

impl Kind {
    /// WeChat's number of the launch scene (场景值).
    pub(crate) fn scene(self) -> u32 {
        match self {
            Self::Scheme => 1065,
            Self::Url => 1194,
            Self::Short => 1179,
        }
    }
}

/// One link.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// What kind of link it is.
    pub(crate) kind: Kind,
    /// The page.
    pub(crate) path: String,
    /// The query of the page.
    pub(crate) query: String,
    /// Which version is opened.
    pub(crate) version: String,
    /// The settings of cloud development, as they were given.
    pub(crate) cloud_base: Option<Value>,
    /// When it was made.
    pub(crate) made: Moment,
    /// When it ends; a permanent one does not.
    pub(crate) ends: Option<Moment>,
}

/// All links of an app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    by_text: HashMap<String, Link>,
    in_order: VecDeque<String>,
    /// Permanent short links so far.
    pub(crate) permanent: u32,
    second: i64,
    this_second: u32,
    day: i64,
    opened: u32,
}

impl Links {
    /// Counts a call. WeChat: 44990 beyond a hundred in one second.
    pub(crate) fn charge(&mut self, now: Moment) -> Result<(), Refusal> {
        if self.second != now.seconds() {
            (self.second, self.this_second) = (now.seconds(), 0);
        }
        if self.this_second >= CALLS_A_SECOND {
            return Err(Refusal::of(errcode::SECOND_QUOTA));
        }
        self.this_second += 1;
        Ok(())
    }

    /// Makes a link, whose text begins with `head`.
    pub(crate) fn add(&mut self, head: &str, link: Link, random: &mut Random) -> String {
        let text = format!("{head}{}", random.word(11));
        if self.in_order.len() >= MOST
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.by_text.remove(&oldest);
        }
        self.in_order.push_back(text.clone());
        self.by_text.insert(text.clone(), link);
        text
    }

    /// A link that works. WeChat: 85403 for an unknown one; that one past its end is unknown is our own choice.
    pub(crate) fn find(&self, text: &str, now: Moment) -> Result<&Link, Refusal> {
        let found = self.by_text.get(text);
        found
            .filter(|link| link.ends.is_none_or(|end| end > now))
            .ok_or_else(|| Refusal::of(errcode::NO_SUCH_LINK))
    }

    /// How often links may still be opened today.
    pub(crate) fn opens_left(&self, now: Moment) -> u32 {
        if self.day == now.day() {
            OPENS_A_DAY.saturating_sub(self.opened)
        } else {
            OPENS_A_DAY
        }
    }

    /// Somebody opens a link.
    pub(crate) fn open(&mut self, text: &str, now: Moment) -> Result<&Link, Refusal> {
        if self.day != now.day() {
            (self.day, self.opened) = (now.day(), 0);
        }
        if self.opened >= OPENS_A_DAY {
            return Err(Refusal::of(errcode::OPENED_TOO_OFTEN));
        }
        self.find(text, now)?;
        self.opened += 1;
        self.find(text, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Refusal>) -> Option<i32> {
        result.err().map(|refusal| refusal.code)
    }

    fn link(ends: Option<Moment>) -> Link {
        Link {
            kind: Kind::Url,
            path: String::new(),
            query: String::new(),
            version: "release".into(),
            cloud_base: None,
            made: Moment(0),
            ends,
        }
    }

    #[test]
    fn a_link_works_until_its_end_and_opens_are_counted_by_the_day() {
        let (mut links, mut random) = (Links::default(), Random::seeded(1));
        let text = links.add("x/", link(Some(Moment(60_000))), &mut random);
        let now = Moment(59_999);
        assert_eq!(code(links.open(&text, now)), None);
        assert_eq!(links.opens_left(now), OPENS_A_DAY - 1);
        assert_eq!(code(links.open(&text, Moment(60_000))), Some(85_403));
        assert_eq!(code(links.open("x/other", now)), Some(85_403));
        assert_eq!(links.opens_left(now), OPENS_A_DAY - 1);
        assert_eq!(links.opens_left(now.plus(86_400)), OPENS_A_DAY);
    }

    #[test]
    fn a_hundred_calls_are_taken_in_one_second() {
        let mut links = Links::default();
        for _ in 0..100 {
            assert_eq!(code(links.charge(Moment(1_999))), None);
        }
        assert_eq!(code(links.charge(Moment(1_999))), Some(44_990));
        assert_eq!(code(links.charge(Moment(2_000))), None);
    }

    #[test]
    fn the_oldest_links_are_forgotten() {
        let (mut links, mut random) = (Links::default(), Random::seeded(1));
        let first = links.add("", link(None), &mut random);
        for _ in 0..MOST {
            links.add("", link(None), &mut random);
        }
        assert_eq!(code(links.find(&first, Moment(0))), Some(85_403));
        assert_eq!(links.by_text.len(), MOST);
    }
}
