//! Mini-program login: `wx.login` code → openid → our user. (小程序登录.)

use std::cmp::Reverse;

use secrecy::{ExposeSecret, SecretString};

use super::{ATTEMPTS, Error, LoggedIn, Login, Visitor};
use crate::domain::identity::IdentityId;
use crate::domain::ids::LoginCode;
use crate::service::records::{Identity, SessionKey};
use crate::store::Change;

/// How many session_keys are kept: a page may still use the one before the latest.
const SESSION_KEYS: usize = 2;

impl Login {
    /// Logs in whoever the code of the named mini program (or of the first one) stands for.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn mini_program(
        &self,
        app: Option<&str>,
        code: LoginCode,
        visitor: &Visitor,
    ) -> Result<LoggedIn, Error> {
        let app = self.mini(app).ok_or(Error::NoApp)?;
        let proof = self.exchanges.exchange(app, code).await?;
        let id = IdentityId::wechat(&app.app_id, &proof.openid);
        let key = SessionKey {
            key: self.sealer.seal(&place(&id), &proof.session_key),
            at: self.clock.store_now(),
        };
        for _ in 0..ATTEMPTS {
            let keep = |identity: &mut Identity| {
                // The platform may hand out the same key again, and callers who share an exchange bring it twice.
                identity
                    .session_keys
                    .retain(|kept| !self.is_key(&id, kept, &proof.session_key));
                identity.session_keys.insert(0, key.clone());
                identity.session_keys.sort_by_key(|kept| Reverse(kept.at));
                identity.session_keys.truncate(SESSION_KEYS);
                Change::Save
            };
            let user = self.users.prove(&id, proof.unionid.as_ref(), keep).await?;
            if let Some(opened) = self.enter(&user, Some(app.name.clone()), visitor).await? {
                return Ok(LoggedIn { opened, user });
            }
        }
        Err(Error::Restless)
    }

    fn is_key(&self, id: &IdentityId, kept: &SessionKey, key: &SecretString) -> bool {
        // One that cannot be opened is of no use to anybody.
        self.sealer
            .open(&place(id), &kept.key)
            .map_or(true, |kept| kept.expose_secret() == key.expose_secret())
    }
}

/// Where an identity's secrets are sealed for.
fn place(id: &IdentityId) -> String {
    format!("identities/{id}")
}
