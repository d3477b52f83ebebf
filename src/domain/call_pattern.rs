//! Which calls of WeChat's API somebody may make: `METHOD PATH` with wildcards. Who may, is not known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The methods that can be named. Any other name is more likely a slip than a method.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Longer than any path of WeChat's.
const LONGEST: usize = 512;

/// Calls with a method, or with any (`*`), to paths of a form. In the path `*` is exactly one segment, and `**` any
/// number of them, also none. All else is compared letter by letter.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallPattern {
    /// None is any.
    method: Option<Method>,
    path: Vec<Part>,
}

/// One of [`METHODS`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Method(&'static str);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Part {
    Segment(String),
    One,
    Any,
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not two words.
    #[error("it must be METHOD PATH, such as 'GET /cgi-bin/user/info'")]
    Form,
    /// The method does not exist, as far as is known.
    #[error("the method must be * or one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    Method,
    /// It would match nothing.
    #[error("the path must begin with / and have no empty segment, no . and no ..")]
    Path,
    /// Only whole segments can be wildcards.
    #[error("* and ** stand for whole segments of the path, as in /cgi-bin/*/get")]
    Wildcard,
    /// It has what a decoded path without its query has not.
    #[error("the path is written decoded and without a query: no %, ?, #, \\ or control characters")]
    Character,
    /// It is too long.
    #[error("it is longer than {LONGEST} bytes")]
    Length,
}

impl CallPattern {
    /// Whether this call is one of them. The path is decoded and has no query. One that servers may read in two ways
    /// (empty segments, `.`, `..`) is never one of them.
    #[must_use]
    pub fn matches(&self, method: &str, path: &str) -> bool {
        if self.method.is_some_and(|own| own.0 != method) {
            return false;
        }
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let segments: Vec<&str> = path.split('/').collect();
        segments.iter().all(|segment| !is_ambiguous(segment)) && fits(&self.path, &segments)
    }

    /// Whether this call is the only one that its method and path name: no wildcard is in the path.
    #[must_use]
    pub fn names(&self, method: &str, path: &str) -> bool {
        let exact = |part: &Part| matches!(part, Part::Segment(_));
        self.path.iter().all(exact) && self.matches(method, path)
    }
}

/// Whether the parts cover all segments. What an earlier `**` takes needs no second look once a later one is reached:
/// whatever follows may begin anywhere behind it. So this takes at most parts × segments steps.
fn fits(parts: &[Part], segments: &[&str]) -> bool {
    let (mut part, mut segment) = (0, 0);
    // Behind the last `**`, and where what follows it was tried last.
    let mut again: Option<(usize, usize)> = None;
    while segment < segments.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                part += 1;
                again = Some((part, segment));
                continue;
            }
            Some(Part::One) => {}
            Some(Part::Segment(own)) if own == segments[segment] => {}
            _ => {
                let Some((behind, tried)) = again else {
                    return false;
                };
                again = Some((behind, tried + 1));
                (part, segment) = (behind, tried + 1);
                continue;
            }
        }
        part += 1;
        segment += 1;
    }
    parts[part..].iter().all(|part| *part == Part::Any)
}

fn is_ambiguous(segment: &str) -> bool {
    matches!(segment, "" | "." | "..")
}

impl FromStr for CallPattern {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() > LONGEST {
            return Err(Malformed::Length);
        }
        let mut words = text.split_ascii_whitespace();
        let (Some(method), Some(path), None) = (words.next(), words.next(), words.next()) else {
            return Err(Malformed::Form);
        };
        let method = match method {
            "*" => None,
            name => Some(Method::named(name).ok_or(Malformed::Method)?),
        };
        if path.contains(|c: char| matches!(c, '%' | '?' | '#' | '\\') || c.is_control() || c.is_whitespace())
        {
            return Err(Malformed::Character);
        }
        let path = path.strip_prefix('/').ok_or(Malformed::Path)?;
        let parts = path.split('/').map(Part::read);
        Ok(Self {
            method,
            path: parts.collect::<Result<_, _>>()?,
        })
    }
}

impl Method {
    fn named(name: &str) -> Option<Self> {
        METHODS.into_iter().find(|known| *known == name).map(Self)
    }
}

impl Part {
    fn read(text: &str) -> Result<Self, Malformed> {
        match text {
            "*" => Ok(Self::One),
            "**" => Ok(Self::Any),
            text if is_ambiguous(text) => Err(Malformed::Path),
            text if text.contains('*') => Err(Malformed::Wildcard),
            text => Ok(Self::Segment(text.to_owned())),
        }
    }
}

impl fmt::Display for CallPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method.map_or("*", |method| method.0))?;
        self.path.iter().try_for_each(|part| {
            let text = match part {
                Part::Segment(text) => text,
                Part::One => "*",
                Part::Any => "**",
            };
            write!(f, "/{text}")
        })
    }
}

impl fmt::Debug for CallPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallPattern({self})")
    }
}

impl TryFrom<String> for CallPattern {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<CallPattern> for String {
    fn from(pattern: CallPattern) -> Self {
        pattern.to_string()
    }
}

#[cfg(test)]
mod tests;
