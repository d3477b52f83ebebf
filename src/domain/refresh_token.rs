//! Refresh tokens as texts: session, generation and a tag that only we can make. What a token is worth is decided in
//! `rotation`.

use std::fmt;

use super::ids::SessionId;

/// What a token of ours begins with, so that scanners for leaked secrets can know it.
const PREFIX: &str = "wxr_";
/// Longer texts are none of ours: ours have about 100 bytes.
const MAX_LENGTH: usize = 256;
/// The tag's length in bytes.
pub const TAG_LENGTH: usize = 32;

/// One generation of a session's refresh token.
///
/// The text of a token follows from this and a key alone. So a successor can be given again to whoever lost the
/// answer, and a forged token is refused without asking the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The session.
    pub session: SessionId,
    /// How many refreshes came before.
    pub number: i64,
}

/// What a text claims to be.
pub struct Presented {
    /// The generation it claims to be of.
    pub generation: Generation,
    /// The tag that would prove it.
    pub tag: [u8; TAG_LENGTH],
}

impl Generation {
    /// The bytes that the tag is made of. No session id contains a dot.
    #[must_use]
    pub fn message(&self) -> String {
        format!("refresh.{}.{}", self.session, self.number)
    }

    /// The token's text with this tag.
    #[must_use]
    pub fn with_tag(&self, tag: &[u8]) -> String {
        format!("{PREFIX}{self}.{}", hex::encode(tag))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.session, self.number)
    }
}

/// What `text` claims to be, if it is written as we write tokens: every token has one spelling.
#[must_use]
pub fn read(text: &str) -> Option<Presented> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut parts = text.strip_prefix(PREFIX)?.split('.');
    let session = parts.next()?.parse().ok()?;
    let number = parts.next()?.parse().ok()?;
    let mut tag = [0; TAG_LENGTH];
    hex::decode_to_slice(parts.next()?, &mut tag).ok()?;
    let generation = Generation { session, number };
    (generation.with_tag(&tag) == text).then_some(Presented { generation, tag })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_one_spelling() {
        let generation = Generation {
            session: "s1".parse().unwrap(),
            number: 7,
        };
        let text = generation.with_tag(&[0xab; TAG_LENGTH]);
        assert_eq!(read(&text).unwrap().generation, generation);
        let tag = "ab".repeat(TAG_LENGTH);
        for bad in [
            String::new(),
            format!("s1.7.{tag}"),
            format!("wxr_s1.07.{tag}"),
            format!("wxr_s1.+7.{tag}"),
            format!("wxr_s1.7.{}", tag.to_uppercase()),
            format!("wxr_s1.7.{tag}.x"),
            format!("wxr_s1.7.{tag} "),
            format!("wxr_s1.7.{}", &tag[2..]),
            format!("wxr_.7.{tag}"),
            format!("wxr_s/1.7.{tag}"),
            format!("wxr_s1.99999999999999999999.{tag}"),
            "wxr_".repeat(100),
        ] {
            assert!(read(&bad).is_none(), "{bad}");
        }
    }
}
