//! What can go wrong with a call to the platform. Neither addresses nor bodies are kept: both carry secrets.

use std::fmt;
use std::io;

/// What a call answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Longer error texts of the platform are cut.
const MAX_TEXT: usize = 300;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The platform answered with an errcode.
    #[error("WeChat refused with errcode {errcode}: {errmsg:?}")]
    Refused {
        /// Its code. (返回码说明, 全局返回码.)
        errcode: i64,
        /// Its text, for people; only the code has a fixed meaning.
        errmsg: String,
    },
    /// There was no answer: no connection, a timeout, a broken connection.
    #[error("WeChat did not answer ({})", .0)]
    Lost(Lost),
    /// There was no sign of an answer in time.
    #[error("WeChat did not answer in time")]
    Silent,
    /// There was an answer that is none of the platform's: a proxy's page, cut-off JSON, a missing member.
    #[error("WeChat's answer cannot be used: {0}")]
    Unusable(&'static str),
}

/// Whether this errcode says that the access_token in the call is dead. (返回码 40001, 40014, 42001.)
#[must_use]
pub fn says_dead_token(errcode: i64) -> bool {
    matches!(errcode, 40001 | 40014 | 42001)
}

/// How an answer got lost, with the transport's own error without its URL.
#[derive(Debug)]
pub struct Lost {
    source: reqwest::Error,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match () {
            () if self.source.is_timeout() => "timeout",
            () if self.source.is_connect() => "no connection",
            () => "broken connection",
        };
        f.write_str(kind)?;
        let mut source = std::error::Error::source(&self.source);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl Lost {
    /// Whether there was no answer in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.source.is_timeout()
    }

    /// Whether a connection was there, but no TLS on it: an untrusted certificate, or no TLS at the other end.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        let mut source = std::error::Error::source(&self.source);
        while let Some(cause) = source {
            if let Some(error) = cause.downcast_ref::<io::Error>()
                && is_tls(error)
            {
                return self.source.is_connect();
            }
            source = cause.source();
        }
        false
    }
}

/// The TLS library's errors arrive in these two kinds, which a mere TCP connect never has, and sometimes in another
/// error of the same type, whose `source` then skips them.
fn is_tls(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    ) || error
        .get_ref()
        .and_then(|inner| inner.downcast_ref())
        .is_some_and(is_tls)
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        // The URL holds the AppSecret or a token in its query.
        let source = error.without_url();
        Self::Lost(Lost { source })
    }
}

impl Error {
    pub(super) fn refused(errcode: i64, errmsg: &str) -> Self {
        Self::Refused {
            errcode,
            errmsg: errmsg.chars().take(MAX_TEXT).collect(),
        }
    }

    /// The platform's errcode, if it gave one.
    #[must_use]
    pub fn errcode(&self) -> Option<i64> {
        match self {
            Self::Refused { errcode, .. } => Some(*errcode),
            Self::Lost(_) | Self::Silent | Self::Unusable(_) => None,
        }
    }

    /// The address that WeChat refuses calls from, if that is what it says: it has to be on the list in the console.
    /// (返回码 40164.)
    #[must_use]
    pub fn refused_address(&self) -> Option<&str> {
        match self {
            Self::Refused {
                errcode: 40164,
                errmsg,
            } => address_in(errmsg),
            _ => None,
        }
    }

    /// Whether the access_token in the call is dead: a new one may help. (返回码 40001, 40014, 42001.)
    #[must_use]
    pub fn is_dead_token(&self) -> bool {
        self.errcode().is_some_and(says_dead_token)
    }

    /// Whether there was no answer at all.
    #[must_use]
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Silent)
    }

    /// Whether the platform may have carried out the call: it was sent, and there is no answer that says otherwise.
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Refused { .. } => false,
            Self::Lost(lost) => !lost.source.is_connect(),
            Self::Silent | Self::Unusable(_) => true,
        }
    }

    /// Whether the same call may succeed in a moment: the platform is busy (-1), or its answer was lost or useless.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused { errcode, .. } => *errcode == -1,
            Self::Lost(_) | Self::Silent | Self::Unusable(_) => true,
        }
    }

    /// Whether only a person or the next day can help: wrong AppID or AppSecret, an address the console does not
    /// list, a spent quota.
    #[must_use]
    pub fn needs_operator(&self) -> bool {
        matches!(
            self.errcode(),
            Some(
                40002
                    | 40013
                    | 40125
                    | 40164
                    | 40243
                    | 41002
                    | 41004
                    | 45009
                    | 48001
                    | 50004
                    | 50007
                    | 89501
                    | 89503
                    | 89506
                    | 89507
            )
        )
    }
}

/// The address in `invalid ip 114.221.21.30 ipv6 ::ffff:114.221.21.30, not in whitelist`.
fn address_in(errmsg: &str) -> Option<&str> {
    let mut words = errmsg.split([' ', ',']).filter(|word| !word.is_empty());
    let words = words.by_ref().skip_while(|word| *word != "ip").skip(1);
    words
        .map(|word| word.trim_start_matches("::ffff:"))
        .find(|word| word.parse::<std::net::IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_refused_address_is_found_in_every_known_form_of_the_text() {
        for (errmsg, address) in [
            (
                "invalid ip 114.221.21.30 ipv6 ::ffff:114.221.21.30, not in whitelist rid: 658c",
                Some("114.221.21.30"),
            ),
            (
                "invalid ip 114.221.21.30, not in whitelist hint: [x]",
                Some("114.221.21.30"),
            ),
            (
                "invalid ip  ipv6 2001:db8::1, not in whitelist",
                Some("2001:db8::1"),
            ),
            ("invalid ip, not in whitelist", None),
            ("", None),
        ] {
            assert_eq!(address_in(errmsg), address, "{errmsg}");
        }
    }
}
