//! The end of all sessions of somebody, by a command that has no keys and issues nothing: `Sessions::end_all` is what a
//! gateway does. Why they end is the caller's matter.

use std::time::Duration;

use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::service::records::Session;
use crate::store::{self, Change, Find, Key, Repo};

const PAGE: usize = 500;

/// Ends every session of `user`; running gateways hear of it within two seconds. `access_ttl` is how long an access
/// token may live on.
///
/// # Errors
/// If the store does not answer; some may be ended then.
pub async fn end_all(
    sessions: &Repo<Session>,
    user: &UserId,
    now: Timestamp,
    access_ttl: Duration,
) -> store::Result<()> {
    let mut after = None;
    loop {
        let mut find = Find::by(Session::BY_USER, [Key::Text(user.to_string())]);
        find.limit = PAGE;
        find.after = after;
        let page = sessions.find(find).await?;
        for found in &page {
            let end = |session: &mut Session| {
                if session.ended_at.is_some() {
                    return Change::Keep;
                }
                session.end(now, access_ttl);
                Change::Save
            };
            sessions.update(found.record.id.as_str(), end).await?;
        }
        if page.len() < PAGE {
            return Ok(());
        }
        after = page.last().map(|last| {
            let created = Key::Int(last.record.created_at.millis());
            (created, last.record.id.to_string())
        });
    }
}
