//! The rooms' invariants: who may know whom. Read from the sources, so that a wrong `use` fails here.

use std::path::{Path, PathBuf};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// Each room, and what its code must not name.
const FORBIDDEN: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "actix_web",
            "reqwest",
            "mongodb",
            "rusqlite",
            "tokio",
            "crate::store",
            "crate::http",
            "crate::service",
            "crate::wechat",
            "crate::config",
            "crate::clock",
            "rand::",
        ],
    ),
    (
        "wechat",
        &[
            "crate::store",
            "crate::service",
            "crate::http",
            "crate::config",
            "crate::simulator",
            "actix_web",
            "mongodb",
        ],
    ),
    (
        "store",
        &[
            "crate::wechat",
            "crate::service",
            "crate::http",
            "crate::config",
            "crate::simulator",
            "actix_web",
            "reqwest",
        ],
    ),
    (
        "service",
        &[
            "crate::http",
            "crate::simulator",
            "actix_web",
            "mongodb",
            "rusqlite",
        ],
    ),
    (
        "http",
        &[
            "crate::store",
            "crate::wechat",
            "crate::simulator",
            "mongodb",
            "rusqlite",
            "reqwest",
        ],
    ),
    (
        "simulator",
        &[
            "crate::wechat",
            "crate::domain",
            "crate::store",
            "crate::service",
            "crate::http",
            "crate::config",
        ],
    ),
    (
        "assets",
        &[
            "crate::store",
            "crate::service",
            "crate::wechat",
            "crate::simulator",
        ],
    ),
];

#[test]
fn no_room_knows_what_it_must_not() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for (room, forbidden) in FORBIDDEN {
        for path in sources(&Path::new(SOURCES).join(room)) {
            looked_at += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for (number, line) in code.enumerate() {
                for name in forbidden.iter().filter(|name| line.contains(**name)) {
                    wrong.push(format!("{}:~{}: {room} names {name}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(looked_at > 50, "only {looked_at} files were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let mut wrong = Vec::new();
    for path in sources(Path::new(SOURCES)) {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            wrong.push(format!("{} does not begin with its purpose", path.display()));
        }
        if text.lines().count() > 400 {
            wrong.push(format!("{} has more than 400 lines", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
