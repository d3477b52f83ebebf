//! Mini-program login: `wx.login` code → openid → our user, or phone number code → our user. (小程序登录,
//! 手机号快速验证.)

use super::{ATTEMPTS, Error, LoggedIn, Login, Visitor};
use crate::domain::identity::IdentityId;
use crate::domain::ids::LoginCode;
use crate::service::records::Identity;
use crate::service::session_keys;
use crate::store::Change;

impl Login {
    /// Logs in the user of a phone number, by the code of a mini program's phone number button.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn mini_program_phone(
        &self,
        app: Option<&str>,
        code: &LoginCode,
        visitor: &Visitor,
    ) -> Result<LoggedIn, Error> {
        let app = self.mini(app).ok_or(Error::NoApp)?;
        let phone = self.mini_program.phone(app.name.as_str(), code).await?;
        self.proven(&IdentityId::from(&phone), Some(app.name.clone()), visitor)
            .await
    }

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
        let now = self.clock.store_now();
        for _ in 0..ATTEMPTS {
            let keep = |identity: &mut Identity| {
                session_keys::keep(&self.sealer, identity, &proof.session_key, now);
                Change::Save
            };
            let user = self.users.prove(&id, proof.unionid.as_ref(), keep).await?;
            if let Some(opened) = self.enter(&user, Some(app.name.clone()), visitor).await? {
                return Ok(LoggedIn { opened, user });
            }
        }
        Err(Error::Restless)
    }
}
