//! Patterns against paths, one by one and against a plain reading of what they mean.

use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> CallPattern {
    text.parse().unwrap()
}

#[test]
fn a_star_is_one_segment_and_two_are_any_number() {
    let cases = [
        ("GET /cgi-bin/user/info", "/cgi-bin/user/info", true),
        ("GET /cgi-bin/user/info", "/cgi-bin/user/infos", false),
        ("GET /cgi-bin/user/info", "/cgi-bin/user", false),
        ("GET /cgi-bin/user/info", "/cgi-bin/user/info/get", false),
        ("GET /cgi-bin/user/info", "/CGI-BIN/user/info", false),
        ("GET /cgi-bin/*/get", "/cgi-bin/menu/get", true),
        ("GET /cgi-bin/*/get", "/cgi-bin/get", false),
        ("GET /cgi-bin/*/get", "/cgi-bin/a/b/get", false),
        ("GET /cgi-bin/**", "/cgi-bin", true),
        ("GET /cgi-bin/**", "/cgi-bin/a", true),
        ("GET /cgi-bin/**", "/cgi-bin/a/b/c", true),
        ("GET /cgi-bin/**", "/cgi-binary/a", false),
        ("GET /**/get", "/get", true),
        ("GET /**/get", "/a/get/b/get", true),
        ("GET /**/get", "/a/get/b", false),
        ("GET /**/a/*/b/**", "/a/a/x/b", true),
        ("GET /**/a/*/b/**", "/x/a/x/b/c/d", true),
        ("GET /**/a/*/b/**", "/x/a/b", false),
        ("* /**", "/a", true),
        ("GET /标签/*", "/标签/get", true),
    ];
    for (text, path, expected) in cases {
        assert_eq!(pattern(text).matches("GET", path), expected, "{text} on {path}");
    }
}

#[test]
fn methods_are_compared_as_they_are() {
    assert!(pattern("* /a").matches("DELETE", "/a"));
    assert!(pattern("POST /a").matches("POST", "/a"));
    for other in ["GET", "post", "POSTS", ""] {
        assert!(!pattern("POST /a").matches(other, "/a"), "{other}");
    }
}

#[test]
fn a_path_with_two_readings_is_never_allowed() {
    for path in [
        "", "/", "a", "//a", "/a/", "/a//b", "/a/.", "/a/../b", "/..", "/./a", "*", "?",
    ] {
        assert!(!pattern("* /**").matches("GET", path), "{path}");
    }
}

#[test]
fn what_could_never_match_is_refused() {
    let cases = [
        ("", Malformed::Form),
        ("GET", Malformed::Form),
        ("/cgi-bin/a", Malformed::Form),
        ("GET /a /b", Malformed::Form),
        ("get /a", Malformed::Method),
        ("GETS /a", Malformed::Method),
        ("GET,POST /a", Malformed::Method),
        ("** /a", Malformed::Method),
        ("GET a", Malformed::Path),
        ("GET https://api.weixin.qq.com/a", Malformed::Path),
        ("GET /", Malformed::Path),
        ("GET /a/", Malformed::Path),
        ("GET //a", Malformed::Path),
        ("GET /a/../b", Malformed::Path),
        ("GET /a/./b", Malformed::Path),
        ("GET /a*", Malformed::Wildcard),
        ("GET /***", Malformed::Wildcard),
        ("GET /a?b=c", Malformed::Character),
        ("GET /a#b", Malformed::Character),
        ("GET /a%2fb", Malformed::Character),
        ("GET /a\\b", Malformed::Character),
        ("GET /a\u{0}", Malformed::Character),
        ("GET /a\u{3000}b", Malformed::Character),
    ];
    for (text, expected) in cases {
        assert_eq!(text.parse::<CallPattern>(), Err(expected), "{text:?}");
    }
    let long = format!("GET /{}", "a".repeat(LONGEST));
    assert_eq!(long.parse::<CallPattern>(), Err(Malformed::Length));
}

#[test]
fn many_wildcards_take_no_time() {
    let many = format!("GET /{}z", "**/a/".repeat(80));
    let path = "/a".repeat(20_000);
    assert!(!pattern(&many).matches("GET", &path));
}

/// What a pattern means, read word by word. It takes its time.
fn means(parts: &[&str], segments: &[&str]) -> bool {
    match (parts.split_first(), segments.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), next) => {
            means(rest, segments) || next.is_some_and(|(_, segments)| means(parts, segments))
        }
        (Some((part, rest)), Some((segment, segments))) => {
            (*part == "*" || part == segment) && means(rest, segments)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_mean_what_is_written(
        parts in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "**"]), 1..7),
        segments in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..8),
    ) {
        let text = format!("* /{}", parts.join("/"));
        let path = format!("/{}", segments.join("/"));
        prop_assert_eq!(pattern(&text).matches("GET", &path), means(&parts, &segments));
    }

    #[test]
    fn what_is_read_is_written_as_it_was(text in "(GET|POST|\\*) (/([a-z.]{3,5}|\\*|\\*\\*)){1,5}") {
        let Ok(pattern) = text.parse::<CallPattern>() else {
            // Three to five dots are a name like any other.
            return Err(TestCaseError::fail(text));
        };
        prop_assert_eq!(pattern.to_string(), text);
        let kept = serde_json::to_string(&pattern).unwrap();
        prop_assert_eq!(serde_json::from_str::<CallPattern>(&kept).unwrap(), pattern);
    }

    #[test]
    fn no_text_and_no_path_breaks_it(text in "\\PC{0,40}", path in "\\PC{0,40}") {
        let _ = text.parse::<CallPattern>();
        let _ = pattern("* /**/a/*").matches("GET", &path);
    }
}
