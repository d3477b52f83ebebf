//! Which calls are noted for the audit, and what of them. How notes are kept is not known here.

use super::{Answer, Call, Error, Party};
use crate::config::App;
use crate::domain::state_change::changes_state;
use crate::service::audit::{Audit, Entry};

/// Nobody has waited for the answer, which may have come or not. (nginx's status for that.)
const LEFT: u16 = 499;
/// There was no answer.
const UNANSWERED: u16 = 503;

/// The note of a call that changes something. It is made when this is dropped, so that a call that nobody waited for
/// has one as well.
pub(super) struct Note<'a> {
    audit: &'a Audit,
    entry: Option<Entry>,
}

impl<'a> Note<'a> {
    /// A call is about to be made.
    pub(super) fn begin(audit: &'a Audit, app: &App, call: &Call) -> Self {
        let path = call.target.decoded();
        let (caller, user) = match &call.party {
            Party::Caller(caller) => (Some(caller.clone()), None),
            Party::User(user) => (None, Some(user.clone())),
            Party::Nobody => (None, None),
        };
        let entry = changes_state(call.method.as_str(), path).then(|| Entry {
            at: audit.now(),
            caller,
            user,
            app: app.name.clone(),
            method: call.method.to_string(),
            path: path.to_owned(),
            status: LEFT,
            errcode: None,
            rid: None,
            request_id: call.request_id.clone(),
        });
        Self { audit, entry }
    }

    /// The call has ended so. What was not made has no note.
    pub(super) fn end(mut self, outcome: &Result<Answer, Error>) {
        let Some(entry) = &mut self.entry else { return };
        entry.at = self.audit.now();
        match outcome {
            Ok(answer) => {
                entry.status = answer.status;
                entry.errcode = answer.errcode;
                entry.rid.clone_from(&answer.rid);
            }
            Err(Error::Platform(error)) if error.may_have_arrived() => entry.status = UNANSWERED,
            Err(_) => self.entry = None,
        }
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.audit.note(entry);
        }
    }
}
