//! What a refresh token of some generation is worth: the rule by which a session's tokens follow each other. Tokens as
//! texts and the store are not known here. (RFC 9700, 4.14.)

use std::time::Duration;

use super::time::Timestamp;

/// So many refreshes within the grace are remembered; no client needs more.
pub const MOST: usize = 256;

/// The generations of one session's refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The generation that is good now.
    pub generation: i64,
    /// When the latest generations were made, the current one last.
    pub made: Vec<Timestamp>,
}

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the current one: the next generation takes its place.
    Rotate,
    /// It was used a moment ago, by a request at the same time or one whose answer was lost: it yields the current
    /// one, as it did then.
    Successor,
    /// It was used a moment ago, and its successor too. The client has a newer one.
    Overtaken,
    /// It was used long ago: somebody has a copy.
    Stolen,
    /// There is no such generation yet. Only a store that was set back can make one.
    Unknown,
}

/// More refreshes within the grace than are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many refreshes in a short time")]
pub struct TooMany;

impl Rotation {
    /// What the token of generation `presented` is worth now.
    #[must_use]
    pub fn judge(&self, presented: i64, now: Timestamp, grace: Duration) -> Verdict {
        if presented > self.generation {
            return Verdict::Unknown;
        }
        if presented == self.generation {
            return Verdict::Rotate;
        }
        // It was used when the generation after it was made.
        let later = usize::try_from(self.generation - presented - 1).unwrap_or(usize::MAX);
        let used = self.made.iter().rev().nth(later);
        match used {
            Some(used) if now.since(*used) < grace => {
                if later == 0 {
                    Verdict::Successor
                } else {
                    Verdict::Overtaken
                }
            }
            _ => Verdict::Stolen,
        }
    }

    /// Puts the next generation in the place of the current one.
    ///
    /// # Errors
    /// [`TooMany`] within the grace.
    pub fn rotate(&mut self, now: Timestamp, grace: Duration) -> Result<(), TooMany> {
        self.made.retain(|made| now.since(*made) < grace);
        if self.made.len() >= MOST {
            return Err(TooMany);
        }
        self.made.push(now);
        self.generation += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn a_token_works_once_and_for_the_grace_gives_its_successor_again() {
        let mut rotation = Rotation {
            generation: 0,
            made: vec![at(0)],
        };
        assert_eq!(rotation.judge(0, at(100), GRACE), Verdict::Rotate);
        rotation.rotate(at(100), GRACE).unwrap();
        assert_eq!(rotation.judge(1, at(100), GRACE), Verdict::Rotate);
        assert_eq!(rotation.judge(0, at(109), GRACE), Verdict::Successor);
        assert_eq!(rotation.judge(0, at(110), GRACE), Verdict::Stolen);
        assert_eq!(rotation.judge(0, at(100), Duration::ZERO), Verdict::Stolen);
        assert_eq!(rotation.judge(2, at(100), GRACE), Verdict::Unknown);
    }

    #[test]
    fn an_older_token_is_forgiven_until_the_grace_of_its_own_use_is_over() {
        let mut rotation = Rotation {
            generation: 0,
            made: vec![at(0)],
        };
        for time in [100, 103, 106] {
            rotation.rotate(at(time), GRACE).unwrap();
        }
        assert_eq!(rotation.judge(2, at(107), GRACE), Verdict::Successor);
        assert_eq!(rotation.judge(1, at(107), GRACE), Verdict::Overtaken);
        assert_eq!(rotation.judge(0, at(109), GRACE), Verdict::Overtaken);
        assert_eq!(rotation.judge(0, at(110), GRACE), Verdict::Stolen);
        assert_eq!(rotation.judge(1, at(110), GRACE), Verdict::Overtaken);
        assert_eq!(rotation.judge(-1, at(107), GRACE), Verdict::Stolen);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut rotation = Rotation {
            generation: 0,
            made: vec![at(0)],
        };
        for _ in 0..MOST - 1 {
            rotation.rotate(at(1), GRACE).unwrap();
        }
        assert_eq!(rotation.rotate(at(1), GRACE), Err(TooMany));
        rotation.rotate(at(11), GRACE).unwrap();
        assert_eq!(rotation.made.len(), 1);
    }
}
