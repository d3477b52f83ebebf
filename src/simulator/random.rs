//! Strings the platform makes up: tokens, tickets, codes, request ids. One seedable source, so that a
//! seeded simulator repeats itself.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::clock::Moment;

const WORD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The simulator's only source of randomness.
///
/// The generator is a fast one whose state can be cloned, as a snapshot of the world needs; it is not a
/// cryptographic one, for nothing made here guards anything real.
#[derive(Debug, Clone)]
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    /// A source that repeats itself for the same seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// This many characters of `[0-9A-Za-z_-]`.
    pub(crate) fn word(&mut self, length: usize) -> String {
        let mut word = String::with_capacity(length);
        self.extend(&mut word, length);
        word
    }

    /// This many lower-case hexadecimal digits, an even number.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut bytes = vec![0; digits / 2];
        self.0.fill_bytes(&mut bytes);
        hex::encode(bytes)
    }

    /// This many digits, the first of them not 0.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        let digit = |place| self.0.random_range(u8::from(place == 0)..10);
        (0..length)
            .map(digit)
            .map(|digit| char::from(b'0' + digit))
            .collect()
    }

    /// Sixteen letters and digits.
    pub(crate) fn printable(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            // The last two of the alphabet are no letters.
            *byte = WORD[self.0.random_range(0..WORD.len() - 2)];
        }
        bytes
    }

    /// In another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.0.random_range(0..=last));
        }
    }

    /// An access token. WeChat: 136 to 512 characters, beginning with digits and `_`.
    pub(crate) fn token(&mut self) -> String {
        let mut token = format!("{}_", self.0.random_range(50..100));
        self.extend(&mut token, 150);
        token
    }

    /// A `session_key`: base64 of 16 bytes.
    pub(crate) fn session_key(&mut self) -> String {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        STANDARD.encode(bytes)
    }

    /// A request id: three groups of eight hexadecimal digits, the first being the time.
    pub(crate) fn request_id(&mut self, now: Moment) -> String {
        let mut id = String::with_capacity(26);
        let (second, third) = (self.0.next_u32(), self.0.next_u32());
        // Writing to a String cannot fail.
        let _ = write!(id, "{:08x}-{second:08x}-{third:08x}", now.seconds());
        id
    }

    /// True this often: 0 is never, 1 always.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability >= 1.0 || self.0.random::<f64>() < probability
    }

    /// Bytes that are no text.
    pub(crate) fn garbage(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        // 0xFF stands in no UTF-8 text, so no parser can take this for one by accident.
        if let Some(first) = bytes.first_mut() {
            *first = 0xFF;
        }
        bytes
    }

    fn extend(&mut self, word: &mut String, length: usize) {
        for _ in 0..length {
            let index = self.0.random_range(0..WORD.len());
            word.push(char::from(WORD[index]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_strings() {
        let (mut one, mut other) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(one.token(), other.token());
        assert_eq!(one.session_key(), other.session_key());
    }

    #[test]
    fn strings_have_the_platforms_shapes() {
        let mut random = Random::seeded(1);
        let token = random.token();
        assert!(
            (136..=512).contains(&token.len()) && token.as_bytes()[2] == b'_',
            "{token}"
        );
        assert_eq!(random.session_key().len(), 24);
        assert_eq!(random.hex(16).len(), 16);
        assert!(
            random
                .request_id(Moment(1_632_000_000_000))
                .starts_with("61465800-")
        );
    }
}
