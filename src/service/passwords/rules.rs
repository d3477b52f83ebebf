//! Which passwords may be chosen: long enough, and not among those that everybody tries first. No rule of composition:
//! those make passwords worse.

use secrecy::{ExposeSecret, SecretString};

const LEAST_CHARACTERS: usize = 8;
const MOST_CHARACTERS: usize = 128;
const MOST_BYTES: usize = 512;

/// Common passwords in lower case, one a line; see the file NOTICE beside it.
const COMMON: &str = include_str!("common.txt");

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unacceptable {
    /// Fewer than eight characters.
    #[error("a password needs at least {LEAST_CHARACTERS} characters")]
    TooShort,
    /// More than anybody types.
    #[error("a password has at most {MOST_CHARACTERS} characters")]
    TooLong,
    /// One of those that are tried first.
    #[error("this password is one of the most common ones; choose another")]
    Common,
}

/// Whether a password may be chosen.
///
/// # Errors
/// Why not.
pub fn acceptable(password: &SecretString) -> Result<(), Unacceptable> {
    let password = password.expose_secret();
    let length = password.chars().count();
    if length < LEAST_CHARACTERS {
        return Err(Unacceptable::TooShort);
    }
    if length > MOST_CHARACTERS || password.len() > MOST_BYTES {
        return Err(Unacceptable::TooLong);
    }
    let is_common = |common: &str| {
        let mut lower = password.chars().flat_map(char::to_lowercase);
        common.chars().all(|character| lower.next() == Some(character)) && lower.next().is_none()
    };
    if COMMON.lines().any(is_common) {
        return Err(Unacceptable::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_characters_and_bounded_in_bytes() {
        let check = |text: &str| acceptable(&text.into());
        assert_eq!(check("xK7 pq9"), Err(Unacceptable::TooShort));
        assert_eq!(check("小明小明小明小"), Err(Unacceptable::TooShort));
        assert_eq!(check("xK7 pq9z"), Ok(()));
        assert_eq!(check(&"x7".repeat(32)), Ok(()));
        assert_eq!(check(&"明".repeat(128)), Ok(()));
        assert_eq!(check(&"x".repeat(129)), Err(Unacceptable::TooLong));
        assert_eq!(check(&"🔑".repeat(128)), Ok(()));
    }

    #[test]
    fn common_passwords_are_refused_in_any_case_and_others_that_contain_them_are_not() {
        let check = |text: &str| acceptable(&text.into());
        for common in [
            "password",
            "PassWord",
            "12345678",
            "iloveyou",
            "QWERTYUIOP",
            "trustno1",
        ] {
            assert_eq!(check(common), Err(Unacceptable::Common), "{common}");
        }
        for other in [
            "password of mine",
            " password",
            "correct horse battery staple",
            "aaaaaaab!",
        ] {
            assert_eq!(check(other), Ok(()), "{other}");
        }
    }

    #[test]
    fn the_list_has_what_it_should_have() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() >= 3000, "{}", lines.len());
        for line in lines {
            assert!(line.chars().count() >= LEAST_CHARACTERS, "{line:?}");
            assert_eq!(line, line.to_lowercase());
        }
    }
}
