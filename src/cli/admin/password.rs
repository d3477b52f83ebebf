//! Where a command's password comes from: typed twice on a terminal, else the one line of standard input. It is never
//! an argument, which others could read in the list of processes.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::service::passwords::acceptable;

/// More than any password has.
const MOST: u64 = 4096;

/// A password that may be used, or one line that says why there is none.
pub(super) fn read() -> Result<SecretString, String> {
    let password = if io::stdin().is_terminal() {
        typed()?
    } else {
        only_line(io::stdin().lock().take(MOST))?
    };
    acceptable(&password).map_err(|error| error.to_string())?;
    Ok(password)
}

fn typed() -> Result<SecretString, String> {
    let ask = |prompt: &str| {
        let typed = rpassword::prompt_password(prompt);
        typed
            .map(SecretString::from)
            .map_err(|error| format!("no password could be read: {error}"))
    };
    let password = ask("Password: ")?;
    acceptable(&password).map_err(|error| error.to_string())?;
    if ask("Again: ")?.expose_secret() != password.expose_secret() {
        return Err("the two passwords differ".to_owned());
    }
    Ok(password)
}

/// The one line there is. Everything is read, so that a second line is noticed and not left out.
fn only_line(input: impl io::Read) -> Result<SecretString, String> {
    let mut lines = io::BufReader::new(input).lines();
    let mut next = || {
        let line = lines.next().transpose();
        line.map(|line| line.map(Zeroizing::new))
            .map_err(|error| format!("the password on standard input cannot be read: {error}"))
    };
    let Some(first) = next()? else {
        return Err("the password is read from standard input, which is empty".to_owned());
    };
    if next()?.is_some() {
        return Err("the password on standard input must be exactly one line".to_owned());
    }
    Ok(first.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_exactly_one_line() {
        let read = |text: &str| {
            only_line(text.as_bytes())
                .ok()
                .map(|line| line.expose_secret().to_owned())
        };
        assert_eq!(read("a b c \n").as_deref(), Some("a b c "));
        assert_eq!(read("a b c ").as_deref(), Some("a b c "));
        assert_eq!(read("abc\r\n").as_deref(), Some("abc"));
        for wrong in ["", "abc\n\n", "abc\ndef", "abc\ndef\n"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert!(only_line(&b"abc\xff\n"[..]).is_err());
    }
}
