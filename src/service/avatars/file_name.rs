//! Names of stored pictures: which texts are one, and which pictures belong together. No storage.

use std::fmt;
use std::str::FromStr;

use super::{Format, SIDES};

/// Where pictures are found.
const FOLDER: &str = "/avatars/";
const HASH: usize = 32;

/// The name of one stored picture: `HASH.jpg` is the largest of an upload, `HASH-96.jpg` one with sides of 96 pixels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName {
    hash: String,
    /// Its place in [`SIDES`].
    size: usize,
    format: Format,
}

/// A text that is no name of a picture of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no name of a picture")]
pub struct Malformed;

impl FileName {
    /// The largest picture of an upload. `hash` has 32 hexadecimal digits.
    pub(super) fn largest(hash: String, format: Format) -> Self {
        Self {
            hash,
            size: SIDES.len() - 1,
            format,
        }
    }

    /// All pictures of the same upload, in the order of [`SIDES`].
    pub(super) fn all(&self) -> [Self; SIDES.len()] {
        std::array::from_fn(|size| Self { size, ..self.clone() })
    }

    /// The name in a path that [`Self::path`] made.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        path.strip_prefix(FOLDER)?.parse().ok()
    }

    /// Where browsers find it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{FOLDER}{self}")
    }

    /// What it contains.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }
}

impl FromStr for FileName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (stem, extension) = text.split_once('.').ok_or(Malformed)?;
        let format = Format::ALL
            .into_iter()
            .find(|format| format.extension() == extension)
            .ok_or(Malformed)?;
        let (hash, size) = match stem.split_once('-') {
            None => (stem, SIDES.len() - 1),
            Some((hash, side)) => {
                let smaller = &SIDES[..SIDES.len() - 1];
                let found = smaller.iter().position(|one| one.to_string() == side);
                (hash, found.ok_or(Malformed)?)
            }
        };
        let is_hash = hash.len() == HASH && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash {
            Ok(Self {
                hash: hash.to_owned(),
                size,
                format,
            })
        } else {
            Err(Malformed)
        }
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hash, extension) = (&self.hash, self.format.extension());
        if self.size == SIDES.len() - 1 {
            write!(f, "{hash}.{extension}")
        } else {
            write!(f, "{hash}-{}.{extension}", SIDES[self.size])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_we_made_and_nothing_else() {
        let hash = "0123456789abcdef0123456789abcdef";
        for stem in [hash.to_owned(), format!("{hash}-96"), format!("{hash}-240")] {
            for extension in ["jpg", "png"] {
                let text = format!("{stem}.{extension}");
                assert_eq!(text.parse::<FileName>().unwrap().to_string(), text);
            }
        }
        let bad = [
            String::new(),
            hash.to_owned(),
            format!("{hash}.gif"),
            format!("{hash}.jpg.png"),
            format!("{hash}.JPG"),
            format!("{hash}-640.jpg"),
            format!("{hash}-096.jpg"),
            format!("{hash}-1.jpg"),
            format!("{hash}-.jpg"),
            format!("{}.jpg", hash.to_uppercase()),
            format!("{}.jpg", &hash[1..]),
            format!("../{hash}.jpg"),
            format!("..%2f{hash}.jpg"),
            format!("{hash}.jpg\0"),
            format!("{hash}.jpg/"),
        ];
        for text in bad {
            assert!(text.parse::<FileName>().is_err(), "{text:?}");
        }
        assert!(FileName::of_path(&format!("/avatars/{hash}.png")).is_some());
        assert!(FileName::of_path(&format!("/other/{hash}.png")).is_none());
    }
}
