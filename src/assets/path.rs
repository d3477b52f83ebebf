//! Which file a request path names. Pure: what cannot be a file of the site is refused here, before any disk is asked.

use percent_encoding::percent_decode_str;

/// Long enough for every file of ours, short enough that nobody makes us resolve a novel.
const LONGEST: usize = 1024;

/// The segment that stands for "whatever version": pages on disk, which nobody rewrites, carry it.
pub(super) const ANY_VERSION: &str = "HASH";

/// A path that stays inside the site: relative, decoded, without empty, hidden or upward segments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SitePath {
    /// The file below the site's root, with `/` between segments.
    pub(super) file: String,
    /// The version of `/static/<version>/…`.
    pub(super) version: Option<String>,
}

impl SitePath {
    /// Reads a request path as it was sent. It is decoded once, after it was split: an encoded slash therefore is a
    /// character of a name, and no name has one.
    pub(super) fn parse(raw: &str) -> Option<Self> {
        if raw.len() > LONGEST {
            return None;
        }
        let mut segments: Vec<String> = Vec::new();
        let mut rest = raw.strip_prefix('/')?.split('/').peekable();
        while let Some(segment) = rest.next() {
            let index = segment.is_empty() && rest.peek().is_none();
            segments.push(if index {
                "index.html".to_owned()
            } else {
                name(segment)?
            });
        }
        let version = match segments.as_slice() {
            [first, version, _, ..] if first == "static" && is_version(version) => Some(version.clone()),
            _ => None,
        };
        let file = segments[if version.is_some() { 2 } else { 0 }..].join("/");
        Some(Self { file, version })
    }
}

/// One segment as a file name, or `None` if no file of a site is called so. The rules are those of the pickiest
/// system we run on: dots and blanks at the end vanish on Windows, colons name streams and drives there. A percent
/// sign left after decoding means a double encoding, and those are only sent to slip past somebody.
fn name(segment: &str) -> Option<String> {
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    let bad = |character: char| character.is_control() || matches!(character, '/' | '\\' | ':' | '%');
    let fine =
        !name.is_empty() && !name.starts_with('.') && !name.ends_with(['.', ' ']) && !name.contains(bad);
    fine.then(|| name.into_owned())
}

fn is_version(segment: &str) -> bool {
    segment == ANY_VERSION || (segment.len() == 16 && segment.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::SitePath;

    fn file(raw: &str) -> Option<String> {
        SitePath::parse(raw).map(|path| path.file)
    }

    #[test]
    fn names_files_below_the_root() {
        assert_eq!(file("/").as_deref(), Some("index.html"));
        assert_eq!(file("/MP_verify_abc.txt").as_deref(), Some("MP_verify_abc.txt"));
        assert_eq!(file("/h5/main.js").as_deref(), Some("h5/main.js"));
        assert_eq!(file("/%E5%9B%BE.png").as_deref(), Some("图.png"));
        assert_eq!(file("/docs/").as_deref(), Some("docs/index.html"));
    }

    #[test]
    fn takes_the_version_out() {
        let path = SitePath::parse("/static/0123456789abcdef/lib/ui.js").unwrap();
        assert_eq!(
            (path.file.as_str(), path.version.as_deref()),
            ("lib/ui.js", Some("0123456789abcdef"))
        );
        assert_eq!(file("/static/HASH/lib/ui.js").as_deref(), Some("lib/ui.js"));
        assert_eq!(
            file("/static/images/a.png").as_deref(),
            Some("static/images/a.png")
        );
        assert_eq!(
            file("/static/0123456789abcdef").as_deref(),
            Some("static/0123456789abcdef")
        );
    }

    #[test]
    fn refuses_what_leaves_the_root() {
        let corpus = [
            "",
            "x",
            "//",
            "//etc/passwd",
            "/..",
            "/../x",
            "/a/../x",
            "/%2e%2e/x",
            "/%2E./x",
            "/a%2f..%2fx",
            "/a%2Fx",
            "/..%5cx",
            "/a\\..\\x",
            "/%5c",
            "/x%00.txt",
            "/%00",
            "/.env",
            "/.git/config",
            "/a/.hidden",
            "/%2eenv",
            "/%252e%252e/x",
            "/c:/x",
            "/a.txt:stream",
            "/a./x",
            "/a.txt.",
            "/a%20",
            "/a//b",
            "/%ff",
            "/a%0d%0ab",
            "/static/HASH/../x",
            "/static/HASH/%2e%2e/x",
            "/static/HASH//etc/passwd",
        ];
        for raw in corpus {
            assert_eq!(SitePath::parse(raw), None, "{raw}");
        }
        assert_eq!(SitePath::parse(&format!("/{}", "a".repeat(1024))), None);
    }
}
