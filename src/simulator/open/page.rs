//! The text of the pages, in Chinese and English. They work without scripts.

use std::fmt::Write as _;

use super::{AUTHORIZE, STYLE};
use crate::simulator::users::User;

/// What the asking page says and carries on.
pub(super) struct Asking<'a> {
    /// The account that asks.
    pub(super) app_id: &'a str,
    /// The parameters to carry on, in their order.
    pub(super) carried: &'a [(&'a str, &'a str)],
    /// Whom it can be.
    pub(super) users: &'a [User],
    /// Whom it is unless another is chosen.
    pub(super) chosen: usize,
    /// Whether it is a snapshot unless chosen otherwise.
    pub(super) snapshot: bool,
}

/// Users that the asking page offers.
const MOST: usize = 50;

/// The page that asks for consent.
pub(super) fn asking(asking: &Asking<'_>) -> String {
    let mut form = String::new();
    for (name, value) in asking.carried {
        let value = escaped(value);
        // Writing to a String cannot fail.
        let _ = writeln!(form, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
    }
    form.push_str("<label>用户 User<select name=\"sim_user\">\n");
    for (index, user) in asking.users.iter().enumerate() {
        if index < MOST || index == asking.chosen {
            let selected = if index == asking.chosen { " selected" } else { "" };
            let (id, nickname) = (escaped(&user.id), escaped(&user.nickname));
            let _ = writeln!(form, "<option value=\"{id}\"{selected}>{nickname}</option>");
        }
    }
    let checked = if asking.snapshot { " checked" } else { "" };
    let app_id = escaped(asking.app_id);
    page(&format!(
        "<h1>申请使用 · Request for access</h1>\n\
         <p><code>{app_id}</code></p>\n\
         <p>获取你的昵称、头像 · Your nickname and picture</p>\n\
         <form method=\"get\" action=\"{AUTHORIZE}\">\n{form}</select></label>\n\
         <label><input type=\"checkbox\" name=\"sim_snapshot\" value=\"true\"{checked}> 快照页 Snapshot page</label>\n\
         <button name=\"sim_decision\" value=\"allow\">允许 Allow</button>\n\
         <button name=\"sim_decision\" value=\"refuse\">拒绝 Refuse</button>\n</form>\n"
    ))
}

/// The page about a link that cannot be served.
pub(super) fn problem(number: Option<u32>, text: &str, english: &str) -> String {
    let number = number.map_or_else(String::new, |number| {
        format!("<p>错误码 Error code: {number}</p>\n")
    });
    let (text, english) = (escaped(text), escaped(english));
    page(&format!("<h1>{text}</h1>\n<p>{english}</p>\n{number}"))
}

fn page(main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>模拟 SIMULATED</title>\n<link rel=\"stylesheet\" href=\"{STYLE}\">\n</head>\n<body>\n\
         <header>模拟 SIMULATED</header>\n<main>\n{main}</main>\n</body>\n</html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_elsewhere_is_text() {
        let page = asking(&Asking {
            app_id: "wx1",
            carried: &[("state", "\"><script>'&")],
            users: &[],
            chosen: 0,
            snapshot: false,
        });
        assert!(
            page.contains("value=\"&quot;&gt;&lt;script&gt;&#39;&amp;\""),
            "{page}"
        );
    }
}
