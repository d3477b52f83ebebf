//! An app's events one after the other, from a place in the log on, for those who follow it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::ids::{first_at, time_of};
use super::seats::Seat;
use super::{Events, PAGE, SETTLED};
use crate::domain::ids::{AppName, CallerId, EventId};
use crate::domain::time::Timestamp;
use crate::service::records::PushEvent;
use crate::store::{self, Find, Key};

/// An event's id has the time of its acceptance and is in the store a little later, so that a younger one can be there
/// before an older one: events this young are left for the next look.
const LAG: Duration = Duration::from_secs(1);
/// How often it is looked for events that came later than that.
const STRAGGLERS: Duration = Duration::from_secs(4);
/// Who comes back gets what is that much older again: it may not have been there.
const OVERLAP: Duration = SETTLED;
/// Bodies of about so many bytes are given at once.
const BYTES: usize = 1 << 20;
/// How many events are read at first, until it is known how long they are.
const FIRST_PAGE: usize = 25;

/// What a follower gets.
#[derive(Debug)]
pub enum Item {
    /// An event: its id and its JSON.
    Event(EventId, String),
    /// What was between these two times is forgotten.
    Gap(Timestamp, Timestamp),
}

/// A place in an app's log, for one of those who may follow at the same time.
pub struct Follower {
    stream: Stream,
    _seat: Seat,
}

impl Follower {
    /// See [`Stream::next`].
    ///
    /// # Errors
    /// If the store does not answer; nothing is lost by it.
    pub async fn next(&mut self) -> store::Result<Vec<Item>> {
        self.stream.next().await
    }
}

impl Events {
    /// From now on, or from the event `after` on. Nothing if too many follow already, or too many of this caller.
    #[must_use]
    pub fn follow(
        self: &Arc<Self>,
        caller: &CallerId,
        app: AppName,
        after: Option<&EventId>,
    ) -> Option<Follower> {
        Some(Follower {
            _seat: self.seats.take(caller)?,
            stream: Stream::new(self.clone(), app, after),
        })
    }
}

/// A place in an app's log.
pub struct Stream {
    events: Arc<Events>,
    app: AppName,
    /// The first id that is wanted.
    start: String,
    /// Everything before this id has been looked at once.
    seen: String,
    /// When everything before `seen` was looked at again: what was settled then needs no other look.
    looked: Timestamp,
    /// When somebody asked for what is new last.
    asked: Instant,
    /// Looking at it again is under way.
    again: Option<Again>,
    /// What was given and will be met again.
    given: BTreeSet<EventId>,
    gap: Option<(Timestamp, Timestamp)>,
    /// How many events are read at once.
    page: usize,
}

/// A look for what came late.
struct Again {
    began: Timestamp,
    /// Everything before this id has been looked at.
    seen: String,
}

impl Stream {
    /// From now on, or from the event `after` on.
    #[must_use]
    pub fn new(events: Arc<Events>, app: AppName, after: Option<&EventId>) -> Self {
        let now = events.clock.store_now();
        let (mut from, mut gap) = (now, None);
        if let Some(time) = after.and_then(time_of) {
            // One of the future was made before the clock was set back.
            from = time.min(now) - OVERLAP;
            let kept = now - events.retention;
            if from < kept {
                gap = Some((from, kept));
                from = kept;
            }
        }
        Self {
            events,
            app,
            start: first_at(from),
            seen: first_at(from),
            looked: now,
            asked: Instant::now(),
            again: None,
            given: BTreeSet::new(),
            gap,
            page: FIRST_PAGE,
        }
    }

    /// Whether a stream can begin behind this id.
    #[must_use]
    pub fn knows(id: &EventId) -> bool {
        time_of(id).is_some()
    }

    /// What is new since the last time, or a part of it. Nothing, if there is nothing new.
    ///
    /// # Errors
    /// If the store does not answer; nothing is lost by it.
    pub async fn next(&mut self) -> store::Result<Vec<Item>> {
        let now = self.events.clock.store_now();
        self.follow_the_clock(now);
        let mut items = Vec::new();
        items.extend(self.gap.take().map(|(from, until)| Item::Gap(from, until)));
        let read = match self.look_again(now, &mut items).await {
            Ok(()) if items.is_empty() => self.look_on(now, &mut items).await,
            other => other,
        };
        // What was taken is given, whatever happened after that.
        match read {
            Err(error) if items.is_empty() => Err(error),
            _ => Ok(items),
        }
    }

    /// If the clock was set back, the log grows from there on.
    fn follow_the_clock(&mut self, now: Timestamp) {
        let asked = std::mem::replace(&mut self.asked, Instant::now());
        if now >= self.looked {
            return;
        }
        let jumped = self.looked.since(now) > LAG;
        self.looked = now;
        self.again = None;
        if jumped {
            // That was at some time after it was asked last.
            let here = first_at(now - asked.elapsed() - OVERLAP);
            for place in [&mut self.start, &mut self.seen] {
                if *place > here {
                    place.clone_from(&here);
                }
            }
        }
    }

    /// Now and then: looks for events that were not there yet when their places were looked at.
    async fn look_again(&mut self, now: Timestamp, items: &mut Vec<Item>) -> store::Result<()> {
        if self.again.is_none() && now.since(self.looked) >= STRAGGLERS {
            let seen = self.settled().max(self.start.clone());
            self.again = Some(Again { began: now, seen });
        }
        while let Some(again) = &self.again {
            let (began, from) = (again.began, again.seen.clone());
            let read = self.read(&from, &self.seen.clone(), items).await?;
            self.again = read.map(|seen| Again { began, seen });
            if self.again.is_none() {
                self.looked = began;
                let settled = self.settled();
                self.given.retain(|id| id.as_str() >= settled.as_str());
            }
            if !items.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Looks at places for the first time.
    async fn look_on(&mut self, now: Timestamp, items: &mut Vec<Item>) -> store::Result<()> {
        let until = first_at(now - LAG);
        while self.seen < until && items.is_empty() {
            let read = self.read(&self.seen.clone(), &until, items).await?;
            self.seen = read.unwrap_or_else(|| until.clone());
        }
        Ok(())
    }

    /// Gives what was not given before of a page of the app's events behind `from` and before `until`. Says where it goes
    /// on, if it does.
    async fn read(
        &mut self,
        from: &str,
        until: &str,
        items: &mut Vec<Item>,
    ) -> store::Result<Option<String>> {
        if from >= until {
            return Ok(None);
        }
        let app = Key::from(self.app.as_str());
        let mut find = Find::by(PushEvent::BY_APP, [app.clone()]);
        find.after = Some((app, from.to_owned()));
        find.limit = self.page;
        let page = self.events.repo.find_page(find).await?;
        let settled = self.settled();
        let mut bytes = 0;
        for PushEvent { id, body, .. } in page.found.into_iter().map(|found| found.record) {
            if id.as_str() >= until {
                return Ok(None);
            }
            let place = id.to_string();
            if let Some(body) = body {
                bytes += body.len();
                // What is settled is not met again, so it need not be remembered.
                if place < settled || self.given.insert(id.clone()) {
                    items.push(Item::Event(id, body));
                }
            }
            if bytes >= BYTES {
                self.page = (self.page / 4).max(1);
                return Ok(Some(place));
            }
        }
        self.page = (self.page * 2).min(PAGE);
        Ok(page.next.map(|(_, last)| last))
    }

    /// The first id that may have come after the last look.
    fn settled(&self) -> String {
        first_at(self.looked - SETTLED)
    }
}
