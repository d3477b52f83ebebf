//! The second factor: codes of an authenticator app (RFC 6238, six digits, 30 seconds). That each is used once is seen
//! to elsewhere.

use secrecy::{ExposeSecret, SecretString};
use totp_rs::{Builder, Secret, Totp};

use crate::domain::contact::Email;
use crate::domain::time::Timestamp;

const STEP: u64 = 30;
/// A phone's clock may be so many steps off.
const SKEW: u16 = 1;
/// What authenticator apps show beside the address.
const ISSUER: &str = "wxgate";

pub(super) struct SecondFactor(Totp);

impl SecondFactor {
    pub(super) fn generate(email: &Email) -> Self {
        Self::new(Secret::from(rand::random::<[u8; 20]>()), email.as_str())
            .expect("160 bits are long enough, and an e-mail address has no colon")
    }

    /// The one whose secret this is, in base32; nothing if it is none.
    pub(super) fn open(secret: &SecretString) -> Option<Self> {
        Self::new(Secret::try_from_base32(secret.expose_secret()).ok()?, "")
    }

    fn new(secret: Secret, account: &str) -> Option<Self> {
        let totp = Builder::new()
            .with_digits(6)
            .with_skew(SKEW)
            .with_step_duration(STEP)
            .with_secret(secret)
            .with_account_name(account)
            .with_issuer(Some(ISSUER))
            .build();
        totp.ok().map(Self)
    }

    pub(super) fn secret(&self) -> SecretString {
        self.0.secret().to_base32().into()
    }

    /// What an authenticator app reads it from.
    pub(super) fn url(&self) -> SecretString {
        let url = self.0.to_url();
        url.expect("it was made with the address of an administrator")
            .into()
    }

    /// The time step that `code` belongs to, if it is good at `now`.
    pub(super) fn step(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code = code.trim();
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let step = self.0.check(code, u64::try_from(now.secs()).ok()?)?;
        i64::try_from(step).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret of SHA-1, and the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc_for_a_step_before_and_after() {
        let factor = SecondFactor::open(&"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()).unwrap();
        for (secs, code, step) in [
            (1_111_111_109, "081804", 37_037_036),
            (1_234_567_890, "005924", 41_152_263),
            (20_000_000_000, "353130", 666_666_666),
        ] {
            let at = |secs| factor.step(code, Timestamp::from_secs(secs));
            let start = step * 30;
            assert_eq!(at(secs), Some(step));
            assert_eq!((at(start - 30), at(start + 59)), (Some(step), Some(step)));
            assert_eq!((at(start - 31), at(start + 60)), (None, None));
        }
        for wrong in ["", "81804", "0818040", "08180a", "+81804", "０８１８０４"] {
            assert_eq!(
                factor.step(wrong, Timestamp::from_secs(1_111_111_109)),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_authenticator_app_gets_all_it_needs() {
        let factor = SecondFactor::generate(&"ann+x@example.com".parse().unwrap());
        let (url, secret) = (factor.url(), factor.secret());
        let expected = format!(
            "otpauth://totp/wxgate:ann%2Bx%40example.com?secret={}&issuer=wxgate",
            secret.expose_secret()
        );
        assert_eq!(url.expose_secret(), expected);
        assert_eq!(secret.expose_secret().len(), 32);
    }
}
