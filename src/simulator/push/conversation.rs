//! What the platform knows of one user and one app: whether the user follows it, and what the app may still send
//! (客服消息下发条数). Nothing is sent here.

use serde::Serialize;

use crate::simulator::clock::Moment;
use crate::simulator::errcode;
use crate::simulator::reply::Refusal;
use crate::simulator::settings::AppKind;

/// What a user does that lets the app send customer-service messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Sends a message.
    Message,
    /// Clicks the menu: click, `scancode_push` and `scancode_waitmsg` only.
    Menu,
    /// Follows the account.
    Follow,
    /// Scans a QR code.
    Scan,
    /// Enters the session by the contact button of a mini program.
    Enter,
}

impl Action {
    /// WeChat: how many messages within how many seconds.
    fn allowance(self) -> (u32, u32) {
        match self {
            Self::Message => (5, 48 * 3_600),
            Self::Menu | Self::Follow | Self::Scan => (3, 60),
            Self::Enter => (2, 60),
        }
    }
}

/// One user's dealings with one app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conversation {
    /// Whether the user follows; `None` if that was never decided.
    pub(crate) follows: Option<bool>,
    /// At most one for each action.
    allowances: Vec<Allowance>,
    touched: Option<Moment>,
    typing_until: Option<Moment>,
}

#[derive(Debug, Clone)]
struct Allowance {
    action: Action,
    left: u32,
    until: Moment,
}

impl Conversation {
    /// The user does something; the counters of that action start anew.
    pub(crate) fn act(&mut self, action: Action, now: Moment) {
        let (left, seconds) = action.allowance();
        self.allowances.retain(|known| known.action != action);
        self.allowances.push(Allowance {
            action,
            left,
            until: now.plus(seconds),
        });
        self.touched = Some(now);
    }

    /// Takes one message out of what the app may send.
    ///
    /// WeChat: 45015 when no action is recent enough or the user does not follow, 45047 when all is used up. Which of
    /// several allowances is used is our own choice: the one that ends first.
    pub(crate) fn take(&mut self, kind: AppKind, now: Moment) -> Result<(), Refusal> {
        if kind == AppKind::Official && self.follows != Some(true) {
            return Err(Refusal::of(errcode::RESPONSE_OUT_OF_TIME));
        }
        self.allowances.retain(|known| known.until > now);
        if self.allowances.is_empty() {
            return Err(Refusal::of(errcode::RESPONSE_OUT_OF_TIME));
        }
        let usable = self.allowances.iter_mut().filter(|known| known.left > 0);
        let first = usable.min_by_key(|known| known.until);
        let first = first.ok_or_else(|| Refusal::of(errcode::RESPONSE_COUNT))?;
        first.left -= 1;
        self.touched = Some(now);
        self.typing_until = None;
        Ok(())
    }

    /// Shows or hides that somebody is typing.
    ///
    /// WeChat: 45080 unless a message went either way in the last 30 seconds, 45081 while it is shown already, which
    /// takes 15 seconds.
    pub(crate) fn typing(&mut self, begins: bool, now: Moment) -> Result<(), Refusal> {
        if !begins {
            self.typing_until = None;
            return Ok(());
        }
        if self.touched.is_none_or(|at| at.plus(30) < now) {
            return Err(Refusal::of(errcode::TYPING_TOO_LATE));
        }
        if self.typing_until.is_some_and(|until| until > now) {
            return Err(Refusal::of(errcode::TYPING_ALREADY));
        }
        self.typing_until = Some(now.plus(15));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<(), Refusal>) -> Option<i32> {
        result.err().map(|refusal| refusal.code)
    }

    const MINI: AppKind = AppKind::Mini;

    #[test]
    fn a_message_allows_five_within_two_days() {
        let mut talk = Conversation::default();
        assert_eq!(code(talk.take(MINI, Moment(0))), Some(45_015));
        talk.act(Action::Message, Moment(0));
        for _ in 0..5 {
            assert_eq!(code(talk.take(MINI, Moment(1))), None);
        }
        assert_eq!(code(talk.take(MINI, Moment(1))), Some(45_047));
        assert_eq!(code(talk.take(MINI, Moment(0).plus(172_800))), Some(45_015));
        talk.act(Action::Message, Moment(0).plus(172_800));
        assert_eq!(code(talk.take(MINI, Moment(0).plus(172_801))), None);
    }

    #[test]
    fn other_actions_allow_less_for_a_minute() {
        for (action, count) in [
            (Action::Menu, 3),
            (Action::Follow, 3),
            (Action::Scan, 3),
            (Action::Enter, 2),
        ] {
            let mut talk = Conversation::default();
            talk.act(action, Moment(0));
            for _ in 0..count {
                assert_eq!(code(talk.take(MINI, Moment(59_999))), None);
            }
            assert_eq!(code(talk.take(MINI, Moment(59_999))), Some(45_047));
            assert_eq!(code(talk.take(MINI, Moment(60_000))), Some(45_015));
        }
    }

    #[test]
    fn the_allowance_that_ends_first_is_used_first() {
        let mut talk = Conversation::default();
        talk.act(Action::Message, Moment(0));
        talk.act(Action::Menu, Moment(0));
        for _ in 0..3 {
            assert_eq!(code(talk.take(MINI, Moment(0))), None);
        }
        for _ in 0..5 {
            assert_eq!(code(talk.take(MINI, Moment(0).plus(61))), None);
        }
    }

    #[test]
    fn who_does_not_follow_gets_nothing() {
        let mut talk = Conversation::default();
        talk.act(Action::Message, Moment(0));
        assert_eq!(code(talk.take(AppKind::Official, Moment(0))), Some(45_015));
        talk.follows = Some(true);
        assert_eq!(code(talk.take(AppKind::Official, Moment(0))), None);
    }

    #[test]
    fn typing_is_shown_once_at_a_time_and_only_in_talks() {
        let mut talk = Conversation::default();
        assert_eq!(code(talk.typing(true, Moment(0))), Some(45_080));
        talk.act(Action::Message, Moment(0));
        assert_eq!(code(talk.typing(true, Moment(0).plus(10))), None);
        assert_eq!(code(talk.typing(true, Moment(0).plus(24))), Some(45_081));
        assert_eq!(code(talk.typing(false, Moment(0).plus(24))), None);
        assert_eq!(code(talk.typing(true, Moment(0).plus(30))), None);
        assert_eq!(code(talk.typing(true, Moment(0).plus(50))), Some(45_080));
    }
}
