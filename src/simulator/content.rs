//! Bytes of any number that are held in few: what was uploaded, what is downloaded. A long content is a beginning that
//! repeats itself up to a length.

use actix_web::web::Bytes;
use aws_lc_rs::digest;

/// Bytes of one piece when a content is read.
const PIECE: usize = 64 * 1_024;
/// Bytes of one content that are held.
pub(crate) const MOST_HELD: usize = 1_024 * 1_024;

/// Some bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Content {
    held: Bytes,
    length: u64,
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            length: bytes.len() as u64,
            held: bytes.into(),
        }
    }
}

impl Content {
    /// These bytes, over and over, up to a length. Without any it is empty.
    pub(crate) fn repeated(held: Bytes, length: u64) -> Self {
        let empty = held.is_empty();
        let held = match held.len() {
            // Pieces are not to be crumbs.
            few @ 1..PIECE if length > few as u64 => held.repeat(PIECE / few + 1).into(),
            _ => held,
        };
        Self {
            held,
            length: if empty { 0 } else { length },
        }
    }

    /// So many bytes, of which the one at `i` is `i` modulo 251.
    pub(crate) fn pattern(length: u64) -> Self {
        Self::repeated((0..251).collect(), length)
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// How many bytes of memory it holds.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// The first bytes.
    pub(crate) fn head(&self) -> &[u8] {
        let length = usize::try_from(self.length).unwrap_or(usize::MAX);
        &self.held[..self.held.len().min(length)]
    }

    /// The same with fewer bytes.
    pub(crate) fn cut(mut self, length: u64) -> Self {
        self.length = self.length.min(length);
        self
    }

    /// The same length, holding no more than so many bytes.
    pub(crate) fn shrunk(self, most: usize) -> Self {
        if self.held.len() <= most {
            return self;
        }
        Self::repeated(Bytes::copy_from_slice(&self.held[..most]), self.length)
    }

    /// All bytes, piece by piece.
    pub(crate) fn pieces(self) -> Pieces {
        Pieces {
            content: self,
            read: 0,
        }
    }

    /// The SHA-256 of all bytes, in hexadecimal digits.
    pub(crate) fn sha256(&self) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        self.clone().pieces().for_each(|piece| hash.update(&piece));
        hex::encode(hash.finish())
    }
}

/// The pieces of a content.
#[derive(Debug)]
pub(crate) struct Pieces {
    content: Content,
    read: u64,
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let held = &self.content.held;
        let left = self.content.length - self.read;
        if left == 0 || held.is_empty() {
            return None;
        }
        let begin = usize::try_from(self.read % held.len() as u64).ok()?;
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE);
        let piece = held.slice(begin..held.len().min(begin.saturating_add(most)));
        self.read += piece.len() as u64;
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: Content) -> Vec<u8> {
        content.pieces().flatten().collect()
    }

    #[test]
    fn a_content_repeats_itself_up_to_its_length() {
        let long = read(Content::pattern(200_000));
        assert_eq!(long.len(), 200_000);
        assert!(
            long.iter()
                .enumerate()
                .all(|(at, byte)| usize::from(*byte) == at % 251)
        );
        assert_eq!(read(Content::pattern(3)), [0, 1, 2]);
        assert!(read(Content::repeated(Bytes::new(), 9)).is_empty());
        assert_eq!(read(Content::pattern(9).cut(4)), [0, 1, 2, 3]);
        let few = Content::repeated(vec![7; 100_000].into(), 150_000).shrunk(10);
        assert!(few.held() < 100_000);
        assert_eq!(read(few), vec![7; 150_000]);
    }

    #[test]
    fn the_hash_is_of_all_bytes() {
        // FIPS 180-4: "abc".
        let abc = Content::from(b"abc".to_vec()).sha256();
        assert!(abc.starts_with("ba7816bf8f01cfea"), "{abc}");
        assert_ne!(
            Content::pattern(300_000).sha256(),
            Content::pattern(300_001).sha256()
        );
    }
}
