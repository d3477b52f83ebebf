//! Login of readers of H5 pages, whom WeChat's authorize page has sent back. How they got there is `oauth`'s matter.
//! (网页授权.)

use super::{ATTEMPTS, Error, LoggedIn, Login, Visitor};
use crate::domain::identity::IdentityId;
use crate::service::oauth::Proven;
use crate::service::password_check;
use crate::service::records::User;
use crate::store::Change;

impl Login {
    /// Logs in the reader of an H5 page, by the one-time code that the page got back. Where an app is named,
    /// the code has to be that app's.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn web_page(
        &self,
        named: Option<&str>,
        code: &str,
        visitor: &Visitor,
    ) -> Result<LoggedIn, Error> {
        let proven = self.oauth.redeem(code).await?;
        let Proven {
            app,
            app_id,
            openid,
            unionid,
            nickname,
            ..
        } = proven.ok_or(password_check::Error::Wrong)?;
        if named.is_some_and(|named| named != app.as_str()) {
            return Err(password_check::Error::Wrong.into());
        }
        let id = IdentityId::wechat(&app_id, &openid);
        for _ in 0..ATTEMPTS {
            let mut user = self.users.prove(&id, unionid.as_ref(), |_| Change::Keep).await?;
            // A user who has chosen a name keeps it.
            if user.nickname.is_none() && nickname.is_some() {
                let name = |user: &mut User| {
                    user.nickname = user.nickname.take().or_else(|| nickname.clone());
                };
                user = self.users.update(&user.id, name).await?.unwrap_or(user);
            }
            if let Some(opened) = self.enter(&user, Some(app.clone()), visitor).await? {
                return Ok(LoggedIn { opened, user });
            }
        }
        Err(Error::Restless)
    }
}
