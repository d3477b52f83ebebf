//! Menus of official accounts: what WeChat demands of one, so that all of it is told at once and before. (自定义菜单)

use serde_json::{Map, Value};

/// The most bytes of a name at the bottom of the chat, and of one above it.
const NAME: usize = 16;
const SUB_NAME: usize = 60;
const KEY: usize = 128;
const URL: usize = 1024;

/// What a button of each type must have.
const TYPES: [(&str, &[&str]); 12] = [
    ("click", &["key"]),
    ("view", &["url"]),
    ("scancode_push", &["key"]),
    ("scancode_waitmsg", &["key"]),
    ("pic_sysphoto", &["key"]),
    ("pic_photo_or_album", &["key"]),
    ("pic_weixin", &["key"]),
    ("location_select", &["key"]),
    ("media_id", &["media_id"]),
    ("view_limited", &["media_id"]),
    ("article_id", &["article_id"]),
    ("article_view_limited", &["article_id"]),
];

/// A button that leads to a mini program; old clients open the address.
const MINI_PROGRAM: (&str, &[&str]) = ("miniprogram", &["url", "appid", "pagepath"]);

/// Everything that is wrong with a menu; nothing if WeChat should take it.
#[must_use]
pub fn problems(menu: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(members) = menu.as_object() else {
        return vec!["the menu must be an object {\"button\": […]}".to_owned()];
    };
    for name in members.keys().filter(|name| *name != "button") {
        problems.push(match name.as_str() {
            "matchrule" => "matchrule is for conditional menus; this makes the menu of all".to_owned(),
            name => format!("{name} is no member of a menu"),
        });
    }
    match members.get("button").and_then(Value::as_array) {
        Some(buttons) if (1..=3).contains(&buttons.len()) => {
            for (index, button) in buttons.iter().enumerate() {
                check(&mut problems, &format!("button.{index}"), button, true);
            }
        }
        _ => problems.push("button must be a list of 1 to 3 buttons".to_owned()),
    }
    problems
}

fn check(problems: &mut Vec<String>, at: &str, button: &Value, is_top: bool) {
    let Some(members) = button.as_object() else {
        problems.push(format!("{at} must be an object"));
        return;
    };
    let longest = if is_top { NAME } else { SUB_NAME };
    check_text(problems, at, members, "name", longest);
    let below = members.get("sub_button");
    let below_is_empty = below.is_none_or(|below| below.as_array().is_some_and(Vec::is_empty));
    if is_top && !below_is_empty {
        match below.and_then(Value::as_array) {
            Some(buttons) if buttons.len() <= 5 => {
                for (index, button) in buttons.iter().enumerate() {
                    check(problems, &format!("{at}.sub_button.{index}"), button, false);
                }
            }
            _ => problems.push(format!("{at}.sub_button must be a list of 1 to 5 buttons")),
        }
        let others = members
            .keys()
            .filter(|name| *name != "name" && *name != "sub_button");
        for name in others {
            problems.push(format!("{at}.{name} means nothing on a button that opens others"));
        }
        return;
    }
    if !below_is_empty {
        problems.push(format!(
            "{at}.sub_button: buttons above others have none themselves"
        ));
    }
    let Some(kind) = members.get("type").and_then(Value::as_str) else {
        problems.push(format!("{at}.type is missing"));
        return;
    };
    let mut known = TYPES.iter().chain([&MINI_PROGRAM]);
    let Some((_, needed)) = known.find(|(name, _)| *name == kind) else {
        problems.push(format!("{at}.type is {kind:?}, which WeChat does not know"));
        return;
    };
    for name in *needed {
        let longest = match *name {
            "key" => KEY,
            "url" | "pagepath" => URL,
            _ => 256,
        };
        check_text(problems, at, members, name, longest);
    }
    if let Some(url) = members.get("url").and_then(Value::as_str)
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        problems.push(format!("{at}.url must be an http or https address"));
    }
    let usual = ["name", "type", "sub_button"];
    for name in members.keys().filter(|name| !usual.contains(&name.as_str())) {
        if !needed.contains(&name.as_str()) {
            problems.push(format!("{at}.{name} is no member of a button of type {kind}"));
        }
    }
}

fn check_text(
    problems: &mut Vec<String>,
    at: &str,
    members: &Map<String, Value>,
    name: &str,
    longest: usize,
) {
    match members.get(name) {
        None => problems.push(format!("{at}.{name} is missing")),
        Some(Value::String(text)) if text.is_empty() => problems.push(format!("{at}.{name} is empty")),
        Some(Value::String(text)) if text.len() > longest => {
            let length = text.len();
            problems.push(format!("{at}.{name} has {length} bytes; WeChat takes {longest}"));
        }
        Some(Value::String(_)) => {}
        Some(_) => problems.push(format!("{at}.{name} must be a text")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documents_menus_are_fine() {
        let menu = json!({"button": [
            {"type": "click", "name": "今日歌曲", "key": "V1001_TODAY_MUSIC"},
            {"name": "菜单", "sub_button": [
                {"type": "view", "name": "搜索", "url": "http://www.soso.com/"},
                {"type": "miniprogram", "name": "wxa", "url": "http://mp.weixin.qq.com", "appid": "wx286b93c14bbf93aa", "pagepath": "pages/lunar/index"},
                {"type": "scancode_waitmsg", "name": "扫码带提示", "key": "rselfmenu_0_0", "sub_button": []},
                {"type": "media_id", "name": "图片", "media_id": "m"},
                {"type": "article_id", "name": "发布后的图文消息", "article_id": "a"},
            ]},
        ]});
        assert_eq!(problems(&menu), Vec::<String>::new());
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let six = vec![json!({"type": "click", "name": "a", "key": "k"}); 6];
        let menu = json!({"matchrule": {}, "button": [
            {"type": "click", "name": "seventeen bytes!!"},
            {"name": "菜单", "type": "view", "sub_button": six},
            {"name": "", "sub_button": [
                {"type": "view", "name": "x".repeat(61), "url": "weixin://"},
                {"type": "call", "name": "a"},
                {"type": "click", "name": "a", "key": 1, "url": "https://a.example"},
                {"name": "a", "sub_button": [{}]},
                3,
            ]},
        ]});
        let expected = [
            "matchrule is for conditional menus; this makes the menu of all",
            "button.0.name has 17 bytes; WeChat takes 16",
            "button.0.key is missing",
            "button.1.sub_button must be a list of 1 to 5 buttons",
            "button.1.type means nothing on a button that opens others",
            "button.2.name is empty",
            "button.2.sub_button.0.name has 61 bytes; WeChat takes 60",
            "button.2.sub_button.0.url must be an http or https address",
            "button.2.sub_button.1.type is \"call\", which WeChat does not know",
            "button.2.sub_button.2.key must be a text",
            "button.2.sub_button.2.url is no member of a button of type click",
            "button.2.sub_button.3.sub_button: buttons above others have none themselves",
            "button.2.sub_button.3.type is missing",
            "button.2.sub_button.4 must be an object",
        ];
        assert_eq!(problems(&menu), expected);
        for odd in [
            json!([]),
            json!({}),
            json!({"button": []}),
            json!({"button": vec![json!({}); 4]}),
        ] {
            assert_eq!(problems(&odd).len(), 1, "{odd}");
        }
    }
}
