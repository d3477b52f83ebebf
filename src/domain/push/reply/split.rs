//! Replies that are more than one message.

use super::{MAX_PARTS, MAX_TEXT, Malformed, Problem, Reply};

/// A character has up to four bytes, so a cut between characters wastes three at most.
const SURELY_FITS: usize = MAX_TEXT - 3;

impl Reply {
    /// The messages that this reply becomes: the first can answer the push, the others are customer-service messages.
    ///
    /// A long text is cut at the end of a line or sentence where that is possible, else between characters. News are cut
    /// to `articles`, because WeChat shows nothing at all if there are more; see
    /// [`Event::articles_allowed`](crate::domain::push::event::Event::articles_allowed).
    ///
    /// # Errors
    /// A text that is too long for five messages.
    pub fn parts(self, articles: usize) -> Result<Vec<Self>, Malformed> {
        match self {
            Self::Text { content } => {
                let texts = split(&content).ok_or(Malformed {
                    member: "content",
                    problem: Problem::Long,
                })?;
                let parts = texts.into_iter().map(|text| Self::Text {
                    content: text.to_owned(),
                });
                Ok(parts.collect())
            }
            Self::News { articles: mut all } => {
                all.truncate(articles.max(1));
                Ok(vec![Self::News { articles: all }])
            }
            other => Ok(vec![other]),
        }
    }
}

/// At most [`MAX_PARTS`] pieces of at most [`MAX_TEXT`] bytes; nothing if they are not enough.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    for left in (0..MAX_PARTS).rev() {
        let at = if rest.len() <= MAX_TEXT {
            rest.len()
        } else {
            cut(rest, left)
        };
        let (piece, after) = rest.split_at(at);
        let piece = if after.is_empty() {
            piece
        } else {
            piece.trim_end_matches(['\r', '\n'])
        };
        // A message of blanks alone would be shown as a fault of the account.
        if !piece.trim().is_empty() {
            pieces.push(piece);
        }
        rest = after;
        if rest.is_empty() {
            return Some(pieces);
        }
    }
    None
}

/// Where to cut a text that is too long, so that `left` more pieces surely hold the rest if that is possible.
fn cut(text: &str, left: usize) -> usize {
    let longest = text.floor_char_boundary(MAX_TEXT);
    let least = text.len().saturating_sub(left * SURELY_FITS).max(MAX_TEXT / 2);
    if least >= longest {
        return longest;
    }
    let start = text.ceil_char_boundary(least);
    let window = &text[start..longest];
    let after = |ends: &[char]| {
        let mut found = window.char_indices().rev();
        found
            .find(|(_, character)| ends.contains(character))
            .map(|(at, end)| start + at + end.len_utf8())
    };
    let best = after(&['\n'])
        .or_else(|| after(&['。', '！', '？', '；', '…', '!', '?', ';']))
        .or_else(|| window.rfind(". ").map(|at| start + at + 2))
        .or_else(|| after(&['，', ',', ' ', '　']))
        .unwrap_or(longest);
    // A link that is cut is shown as its source, so the cut goes before it.
    open_link(&text[..best])
        .filter(|&link| link > least)
        .unwrap_or(best)
}

/// Where the link begins that is still open at the end of `text`.
fn open_link(text: &str) -> Option<usize> {
    let start = text.rfind("<a ")?;
    (!text[start..].contains("</a>")).then_some(start)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Article;
    use super::*;

    #[test]
    fn a_text_is_cut_at_the_best_place() {
        let line = "x".repeat(1500) + "\n" + &"y".repeat(1000);
        assert_eq!(split(&line).unwrap(), ["x".repeat(1500), "y".repeat(1000)]);
        let sentence = "好".repeat(500) + "。" + &"好".repeat(500);
        assert_eq!(
            split(&sentence).unwrap(),
            ["好".repeat(500) + "。", "好".repeat(500)]
        );
        let nothing = "好".repeat(1000);
        assert_eq!(split(&nothing).unwrap(), ["好".repeat(682), "好".repeat(318)]);
        let early = "x".repeat(10) + "\n" + &"y".repeat(2100);
        assert_eq!(
            split(&early).unwrap()[0].len(),
            2048,
            "half a message is not given up for a line"
        );
        for before in [2000, 2030] {
            let before = "x".repeat(before);
            let linked = format!("{before}<a href=\"https://a.example/\">here and there</a>{before}");
            assert_eq!(split(&linked).unwrap()[0], before, "links stay whole");
        }
        let fits = "x".repeat(MAX_TEXT);
        assert_eq!(split(&fits).unwrap(), [fits.as_str()]);
    }

    #[test]
    fn five_messages_are_the_most() {
        let full = "x".repeat(MAX_TEXT * MAX_PARTS);
        assert_eq!(split(&full).unwrap().len(), MAX_PARTS);
        assert_eq!(split(&(full + "x")), None);
        // Cut at lines this would take more than five.
        let lines = format!("{}\n", "x".repeat(1200)).repeat(8);
        assert_eq!(split(&lines).unwrap().len(), MAX_PARTS);
        let long = Reply::Text {
            content: "好".repeat(3411),
        };
        assert_eq!(long.check(), Ok(()), "10233 bytes");
        let error = Malformed {
            member: "content",
            problem: Problem::Long,
        };
        assert_eq!(long.parts(8), Err(error));
    }

    #[test]
    fn news_are_cut_to_what_is_shown() {
        let article = |title: &str| Article {
            title: title.to_owned(),
            description: None,
            pic_url: None,
            url: "https://a.example/".to_owned(),
        };
        let news = Reply::News {
            articles: vec![article("1"), article("2"), article("3")],
        };
        assert_eq!(news.clone().parts(8), Ok(vec![news.clone()]));
        assert_eq!(
            news.parts(1),
            Ok(vec![Reply::News {
                articles: vec![article("1")]
            }])
        );
        let image = Reply::Image {
            media_id: "m".to_owned(),
        };
        assert_eq!(image.clone().parts(1), Ok(vec![image]));
    }

    proptest! {
        #[test]
        fn nothing_but_breaks_and_blanks_is_lost(
            words in proptest::collection::vec("[a好\u{1f600}。\n ,<]{0,40}|<a href='x'>|</a>", 0..300)
        ) {
            let text = words.concat();
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            match split(&text) {
                Some(pieces) => {
                    prop_assert!(pieces.len() <= MAX_PARTS);
                    prop_assert!(pieces.iter().all(|piece| piece.len() <= MAX_TEXT));
                    prop_assert_eq!(solid(&pieces.concat()), solid(&text));
                }
                None => prop_assert!(text.len() > SURELY_FITS * MAX_PARTS),
            }
        }
    }
}
