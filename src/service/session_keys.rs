//! The session_keys of an identity: sealed, the latest first, and the one before, which a page may still use. What
//! they open is not known here. (小程序登录, session_key.)

use std::cmp::Reverse;

use secrecy::{ExposeSecret, SecretString};

use super::records::{Identity, SessionKey};
use super::seal::Sealer;
use crate::domain::time::Timestamp;

/// How many are kept.
const MOST: usize = 2;

/// Keeps a key that the platform handed out at this moment. It may be one that is kept already: the platform hands
/// out the same again, and callers who share an exchange bring it twice.
pub(super) fn keep(sealer: &Sealer, identity: &mut Identity, key: &SecretString, at: Timestamp) {
    let place = place(identity);
    // One that cannot be opened is of no use to anybody.
    identity.session_keys.retain(|kept| {
        sealer
            .open(&place, &kept.key)
            .is_ok_and(|kept| kept.expose_secret() != key.expose_secret())
    });
    let key = sealer.seal(&place, key);
    identity.session_keys.insert(0, SessionKey { key, at });
    identity.session_keys.sort_by_key(|kept| Reverse(kept.at));
    identity.session_keys.truncate(MOST);
}

/// The keys, latest first.
pub(super) fn open(sealer: &Sealer, identity: &Identity) -> Vec<SecretString> {
    let place = place(identity);
    let kept = identity.session_keys.iter();
    kept.filter_map(|kept| sealer.open(&place, &kept.key).ok())
        .collect()
}

/// Where an identity's secrets are sealed for.
fn place(identity: &Identity) -> String {
    format!("identities/{}", identity.id)
}
