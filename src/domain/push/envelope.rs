//! The encryption of pushes and replies. (消息加解密.) Whether an envelope is signed is checked before, with
//! [`signature::callback`]; AES-CBC alone tells nothing about who wrote it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::cipher::{
    AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;
use serde_json::json;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};
use zeroize::Zeroizing;

use super::payload::{Format, MAX_BODY};
use super::xml::cdata;
use crate::domain::ids::AppId;
use crate::domain::signature;

/// Plain texts are padded to a multiple of this, although a block of AES has half of it.
const PADDED_TO: usize = 32;
/// What precedes the text: 16 random bytes and its length.
const HEAD: usize = 20;

/// The last of the 43 characters has two bits that mean nothing and need not be zero.
const KEY_TEXT: GeneralPurpose = GeneralPurpose::new(&STANDARD, NO_PAD.with_decode_allow_trailing_bits(true));

/// The key that an EncodingAESKey stands for.
#[derive(Clone)]
pub struct AesKey(Zeroizing<[u8; 32]>);

/// A text that is no EncodingAESKey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an EncodingAESKey has 43 characters: letters and digits")]
pub struct NotAKey;

/// An envelope that does not open: damage, another key, or another app. Which of them is not told, because it would
/// help whoever tries envelopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the envelope does not open with this key, or was made for another app")]
pub struct Refused;

impl FromStr for AesKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let bytes = Zeroizing::new(KEY_TEXT.decode(text).map_err(|_| NotAKey)?);
        let mut key = Zeroizing::new([0; 32]);
        if text.len() != 43 || bytes.len() != key.len() {
            return Err(NotAKey);
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(..)")
    }
}

impl AesKey {
    /// Opens what stands in `Encrypt`; it must have been made for `app_id`.
    ///
    /// # Errors
    /// [`Refused`], whatever the reason.
    pub fn open(&self, encrypted: &str, app_id: &AppId) -> Result<String, Refused> {
        let longest = (MAX_BODY + 1024) / 3 * 4;
        if encrypted.len() > longest {
            return Err(Refused);
        }
        let mut bytes = Zeroizing::new(BASE64_STANDARD.decode(encrypted).map_err(|_| Refused)?);
        if bytes.is_empty() || !bytes.len().is_multiple_of(PADDED_TO) {
            return Err(Refused);
        }
        let key = DecryptingKey::cbc(self.cipher_key()).expect("AES-256 has a CBC mode");
        let context = DecryptionContext::Iv128(FixedLength::from(self.iv()));
        key.decrypt(&mut bytes, context).map_err(|_| Refused)?;
        let text = inside(&bytes, app_id)?;
        std::str::from_utf8(text).map(str::to_owned).map_err(|_| Refused)
    }

    /// Makes what stands in `Encrypt`. `random` must be different each time.
    #[must_use]
    pub fn seal(&self, random: [u8; 16], text: &str, app_id: &AppId) -> String {
        let app_id = app_id.as_str().as_bytes();
        let length = HEAD + text.len() + app_id.len();
        let pad = PADDED_TO - length % PADDED_TO;
        let text_length = u32::try_from(text.len()).expect("no text has 4 GiB");
        let mut bytes = Zeroizing::new(Vec::with_capacity(length + pad));
        bytes.extend_from_slice(&random);
        bytes.extend_from_slice(&text_length.to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(app_id);
        bytes.resize(length + pad, u8::try_from(pad).expect("at most 32"));
        let key = EncryptingKey::cbc(self.cipher_key()).expect("AES-256 has a CBC mode");
        // The platform fixes the IV. What varies is the random first block.
        let context = EncryptionContext::Iv128(FixedLength::from(self.iv()));
        key.less_safe_encrypt(&mut bytes, context)
            .expect("whole blocks are encrypted");
        BASE64_STANDARD.encode(&*bytes)
    }

    fn cipher_key(&self) -> UnboundCipherKey {
        UnboundCipherKey::new(&AES_256, &*self.0).expect("the key has 32 bytes")
    }

    fn iv(&self) -> [u8; 16] {
        self.0[..16].try_into().expect("the key has 32 bytes")
    }
}

/// The text between head and AppID, if padding, length and AppID are right.
///
/// All of them are looked at whatever the first ones were, so that the time taken does not say which was wrong.
fn inside<'a>(bytes: &'a [u8], app_id: &AppId) -> Result<&'a [u8], Refused> {
    let wrong = [0; PADDED_TO];
    let tail: &[u8; PADDED_TO] = bytes.last_chunk().unwrap_or(&wrong);
    let pad = tail[PADDED_TO - 1];
    let mut good = !pad.ct_eq(&0) & pad.ct_lt(&33);
    for (place, byte) in (1..=32_u8).zip(tail.iter().rev()) {
        let is_text = pad.ct_lt(&place);
        good &= is_text | byte.ct_eq(&pad);
    }
    let content = bytes.len() - usize::from(u8::conditional_select(&1, &pad, good));
    let app_id = app_id.as_str().as_bytes();
    let told = bytes[16..HEAD].try_into().map_or(0, u32::from_be_bytes);
    // The AppID ends where the padding begins, so the text's length follows from both; what is told must agree.
    let start_of_id = content.saturating_sub(app_id.len()).max(HEAD);
    let follows = u32::try_from(start_of_id - HEAD).unwrap_or(u32::MAX);
    let end_of_id = (start_of_id + app_id.len()).min(bytes.len());
    good &= told.ct_eq(&follows);
    good &= Choice::from(u8::from(end_of_id == content));
    good &= bytes[start_of_id.min(end_of_id)..end_of_id].ct_eq(app_id);
    if bool::from(good) {
        Ok(&bytes[HEAD..start_of_id])
    } else {
        Err(Refused)
    }
}

/// The encrypted form of a reply, which safe mode demands.
///
/// `nonce` is the one of the request: WeChat's documents want it back. It came from outside, so it is escaped.
#[must_use]
#[expect(
    clippy::too_many_arguments,
    reason = "each is a value of its own, and none has a default"
)]
pub fn encrypted_reply(
    format: Format,
    token: &SecretString,
    key: &AesKey,
    app_id: &AppId,
    timestamp: i64,
    nonce: &str,
    random: [u8; 16],
    text: &str,
) -> String {
    let encrypt = key.seal(random, text, app_id);
    let signature = signature::callback(token, &[&timestamp.to_string(), nonce, &encrypt]);
    let signature = signature.as_str();
    match format {
        Format::Json => json!({
            "Encrypt": encrypt, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce
        })
        .to_string(),
        Format::Xml => format!(
            "<xml><Encrypt>{}</Encrypt><MsgSignature>{}</MsgSignature><TimeStamp>{timestamp}</TimeStamp>\
             <Nonce>{}</Nonce></xml>",
            cdata(&encrypt),
            cdata(signature),
            cdata(nonce),
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::push::payload::Payload;

    /// Its last character has the bits `10` where zeros would be canonical.
    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    fn key() -> AesKey {
        KEY.parse().unwrap()
    }

    fn app() -> AppId {
        "wx5823bf96d3bd56c7".parse().unwrap()
    }

    /// Encrypts any bytes, so that a test can make wrong envelopes.
    fn raw(bytes: &[u8]) -> String {
        let mut bytes = bytes.to_vec();
        let context = EncryptionContext::Iv128(FixedLength::from(key().iv()));
        let cipher = EncryptingKey::cbc(key().cipher_key()).unwrap();
        cipher.less_safe_encrypt(&mut bytes, context).unwrap();
        BASE64_STANDARD.encode(bytes)
    }

    /// Head, text and AppID, filled up with `pad` bytes of `pad`.
    fn padded(told: u32, text: &str, app_id: &str, pad: u8) -> Vec<u8> {
        let mut bytes = vec![7; 16];
        bytes.extend(told.to_be_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend(app_id.as_bytes());
        bytes.extend(std::iter::repeat_n(pad, pad.into()));
        bytes
    }

    #[test]
    fn keys_have_43_characters_whatever_their_last_bits() {
        for last in ["A", "B", "C", "D"] {
            let text = format!("{}{last}", &KEY[..42]);
            assert!(text.parse::<AesKey>().is_ok(), "{text}");
        }
        for text in [
            "",
            &KEY[..42],
            &format!("{KEY}A"),
            &format!("{KEY}="),
            &KEY.replace('7', " "),
        ] {
            assert_eq!(text.parse::<AesKey>().err(), Some(NotAKey), "{text}");
        }
        assert_eq!(format!("{:?}", key()), "AesKey(..)");
    }

    #[test]
    fn every_length_of_padding_up_to_32_opens_and_no_other() {
        let id = app();
        for pad in 1..=32 {
            let length = (96 - HEAD - id.as_str().len()) - usize::from(pad);
            let text = "x".repeat(length);
            let told = u32::try_from(length).unwrap();
            let good = padded(told, &text, id.as_str(), pad);
            assert_eq!(key().open(&raw(&good), &id), Ok(text), "{pad}");
            for wrong in 96 - usize::from(pad)..95 {
                let mut bad = good.clone();
                bad[wrong] ^= 1;
                assert_eq!(key().open(&raw(&bad), &id), Err(Refused), "{pad} {wrong}");
            }
        }
        let mut zero = padded(58, &"x".repeat(58), id.as_str(), 0);
        assert_eq!(key().open(&raw(&zero), &id), Err(Refused));
        zero[95] = 33;
        assert_eq!(key().open(&raw(&zero), &id), Err(Refused));
        let text = "x".repeat(25);
        assert_eq!(
            key().open(&raw(&padded(25, &text, id.as_str(), 33)), &id),
            Err(Refused)
        );
    }

    #[test]
    fn whatever_is_wrong_there_is_one_error() {
        let id = app();
        let good = padded(20, &"x".repeat(20), id.as_str(), 6);
        assert!(key().open(&raw(&good), &id).is_ok());
        for told in [0, 19, 21, 38, 45, u32::MAX, u32::MAX - 19] {
            let bad = padded(told, &"x".repeat(20), id.as_str(), 6);
            assert_eq!(key().open(&raw(&bad), &id), Err(Refused), "{told}");
        }
        for foreign in ["wx5823bf96d3bd56c8", "Wx5823bf96d3bd56c7"] {
            let bad = padded(20, &"x".repeat(20), foreign, 6);
            assert_eq!(key().open(&raw(&bad), &id), Err(Refused), "{foreign}");
        }
        // An AppID that ends like another, and a text that ends like the AppID.
        let long = padded(20, &"x".repeat(20), "xwx5823bf96d3bd56c7", 5);
        assert_eq!(key().open(&raw(&long), &id), Err(Refused));
        let short = padded(38, &("x".repeat(20) + id.as_str()), "", 6);
        assert_eq!(key().open(&raw(&short), &id), Err(Refused));
        // Longer than all of the content.
        let endless: AppId = "a".repeat(64).parse().unwrap();
        assert_eq!(key().open(&raw(&good), &endless), Err(Refused));
        assert_eq!(key().open(&raw(&[32; 32]), &endless), Err(Refused));
        assert_eq!(key().open(&raw(&[1; 32]), &id), Err(Refused));
        let mut invalid = padded(20, &"x".repeat(20), id.as_str(), 6);
        invalid[25] = 0xff;
        assert_eq!(key().open(&raw(&invalid), &id), Err(Refused), "not UTF-8");
        let sealed = raw(&good);
        let without_padding = sealed.trim_end_matches('=');
        assert_ne!(sealed, without_padding);
        let half_a_pad = raw(&good[..48]);
        let endless = "A".repeat(MAX_BODY * 2);
        for bad in [
            "",
            "A",
            "not base64!",
            "AAAA",
            without_padding,
            &half_a_pad,
            &endless,
        ] {
            assert_eq!(key().open(bad, &id), Err(Refused), "{bad}");
        }
        let other: AesKey = "A".repeat(43).parse().unwrap();
        assert_eq!(other.open(&sealed, &id), Err(Refused));
    }

    #[test]
    fn a_nonce_is_escaped() {
        let nonce = "1]]></Nonce><x>\"}";
        for format in [Format::Xml, Format::Json] {
            let token = "token".into();
            let reply = encrypted_reply(format, &token, &key(), &app(), 1, nonce, [1; 16], "text");
            let read = Payload::parse(reply.as_bytes()).unwrap();
            assert_eq!(read.members.len(), 4, "{reply}");
            assert_eq!(read.text("Nonce").unwrap(), nonce);
            assert_eq!(read.integer("TimeStamp"), Some(1));
            let encrypt = read.text("Encrypt").unwrap();
            assert!(
                signature::callback(&token, &["1", nonce, &encrypt])
                    .matches(&read.text("MsgSignature").unwrap())
            );
            assert_eq!(key().open(&encrypt, &app()).unwrap(), "text");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(text in ".{0,200}", random in any::<[u8; 16]>(), id in "[A-Za-z0-9_-]{1,64}") {
            let id: AppId = id.parse().unwrap();
            prop_assert_eq!(key().open(&key().seal(random, &text, &id), &id), Ok(text));
        }

        #[test]
        fn no_envelope_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..130), pad in 0..40_u8) {
            let _ = key().open(&BASE64_STANDARD.encode(&bytes), &app());
            let mut bytes = bytes;
            bytes.resize(bytes.len() / 32 * 32 + 32, pad);
            let _ = key().open(&raw(&bytes), &app());
        }
    }
}
