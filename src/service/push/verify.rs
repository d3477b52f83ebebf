//! Whether a push is WeChat's, and what it says. Nothing is stored here.

use secrecy::SecretString;
use std::time::Duration;

use super::{Error, Push, Pushed};
use crate::config::{App, Encryption};
use crate::domain::push::envelope::AesKey;
use crate::domain::push::payload::Payload;
use crate::domain::signature;

/// What a push of WeChat's says, and the key that it was encrypted with, if it was: the reply is encrypted with that one.
type Opened<'a> = (Payload, Option<&'a AesKey>);

impl Push {
    /// Opens a push of `app`.
    ///
    /// Every refusal is the same to whoever sent it; the log tells an operator whose console is set to another mode.
    pub(super) fn open(&self, app: &App, token: &SecretString, pushed: &Pushed) -> Result<Opened<'_>, Error> {
        match app.encryption {
            Encryption::Plain => {
                let given = pushed.signature.as_deref().ok_or(Error::Refused)?;
                self.check(app, token, &[&pushed.timestamp, &pushed.nonce], given)?;
                self.check_time(app, &pushed.timestamp)?;
                if pushed.encrypt_type.as_deref().is_some_and(|kind| kind != "raw") {
                    tracing::warn!(app = %app.name, "an encrypted push came for an app whose apps.encryption is \"plain\": set it as 消息加解密方式 is in WeChat's console");
                    return Err(Error::Refused);
                }
                let payload = Payload::parse(&pushed.body)?;
                Ok((payload, None))
            }
            // 消息加解密说明: only msg_signature covers what is encrypted. What a compatible push has besides is not looked at.
            Encryption::Compatible | Encryption::Safe => self.open_encrypted(app, token, pushed),
        }
    }

    fn open_encrypted(&self, app: &App, token: &SecretString, pushed: &Pushed) -> Result<Opened<'_>, Error> {
        let is_encrypted = pushed.encrypt_type.as_deref().is_none_or(|kind| kind == "aes");
        let Some(given) = pushed.msg_signature.as_deref().filter(|_| is_encrypted) else {
            // Anybody can send this, so that it is told only if WeChat could have sent it.
            let plain = pushed.signature.as_deref();
            if self.may_tell(&app.app_id, "plain")
                && plain.is_some_and(|given| is_signed(token, &[&pushed.timestamp, &pushed.nonce], given))
            {
                tracing::warn!(app = %app.name, "a plain push came for an app with encryption: set apps.encryption as 消息加解密方式 is in WeChat's console");
            }
            return Err(Error::Refused);
        };
        let envelope = Payload::parse(&pushed.body)?;
        let encrypted = envelope.text("Encrypt").ok_or(Error::Refused)?;
        self.check(app, token, &[&pushed.timestamp, &pushed.nonce, &encrypted], given)?;
        self.check_time(app, &pushed.timestamp)?;
        let keys = self.keys.get(&app.app_id).ok_or(Error::Refused)?;
        let opened = keys
            .iter()
            .find_map(|key| Some((key, key.open(&encrypted, &app.app_id).ok()?)));
        let Some((key, text)) = opened else {
            tracing::warn!(app = %app.name, "a push with the right signature does not open: is apps.aes_key the EncodingAESKey of WeChat's console, and the AppID right?");
            return Err(Error::Refused);
        };
        let payload = Payload::parse(text.as_bytes())?;
        Ok((payload, Some(key)))
    }

    fn check(&self, app: &App, token: &SecretString, values: &[&str], given: &str) -> Result<(), Error> {
        if is_signed(token, values, given) {
            return Ok(());
        }
        if self.may_tell(&app.app_id, "signature") {
            tracing::warn!(app = %app.name, "a push with a wrong signature is refused; if WeChat sent it, apps.token is not the Token of 服务器配置");
        }
        Err(Error::Refused)
    }

    /// Only behind the signature: what anybody sends does not get into the log.
    fn check_time(&self, app: &App, timestamp: &str) -> Result<(), Error> {
        let window = self.settings.timestamp_window;
        let plain =
            (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
        let Some(then) = plain.then(|| timestamp.parse::<i64>().ok()).flatten() else {
            return Err(Error::Refused);
        };
        let apart = Duration::from_secs(self.tools.clock.now().secs().abs_diff(then));
        if window > Duration::ZERO && apart > window {
            if self.may_tell(&app.app_id, "time") {
                tracing::warn!(app = %app.name, seconds = apart.as_secs(), "a push is refused for its timestamp: is this machine's clock right? push.timestamp_window bounds it");
            }
            return Err(Error::Refused);
        }
        Ok(())
    }
}

fn is_signed(token: &SecretString, values: &[&str], given: &str) -> bool {
    signature::callback(token, values).matches(given)
}
