//! The shape of `static/`: third-party files are what VENDOR.toml says, own files keep the house rules. Offline.
#![allow(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

/// Addresses that are names, not places: nobody ever fetches them.
const NAMES: [&str; 2] = ["http://www.w3.org/", "https://github.com/weui/weui)"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("static")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Every file below `static/`, by its name with slashes.
fn files() -> BTreeSet<String> {
    fn walk(root: &Path, folder: &Path, into: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, into);
            } else {
                into.insert(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace('\\', "/"),
                );
            }
        }
    }
    let mut names = BTreeSet::new();
    walk(&root(), &root(), &mut names);
    names
}

fn is_own(name: &str) -> bool {
    !name.starts_with("vendor/") && !name.starts_with("licenses/") && name != "icons.svg"
}

fn is_script(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "js")
}

fn own_with(ending: &str) -> Vec<String> {
    files()
        .into_iter()
        .filter(|name| is_own(name) && name.ends_with(ending))
        .collect()
}

fn vendored() -> toml::Table {
    read("VENDOR.toml").parse().unwrap()
}

fn entries<'a>(table: &'a toml::Table, kind: &str) -> Vec<&'a toml::Value> {
    table[kind].as_array().unwrap().iter().collect()
}

fn text<'a>(entry: &'a toml::Value, key: &str) -> &'a str {
    entry[key].as_str().unwrap_or_else(|| panic!("{key} in {entry}"))
}

/// What a module imports: the quoted text after each `from` or `import`.
fn imports(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for keyword in ["from", "import"] {
        for (at, _) in source.match_indices(keyword) {
            let rest = source[at + keyword.len()..].trim_start_matches([' ', '(']);
            let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) else {
                continue;
            };
            if let Some(end) = rest[1..].find(quote) {
                found.push(rest[1..=end].to_owned());
            }
        }
    }
    found
}

fn resolve(from: &str, to: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[test]
fn vendored_files_are_the_listed_ones_byte_for_byte() {
    let table = vendored();
    let mut listed = BTreeSet::new();
    for entry in entries(&table, "file")
        .into_iter()
        .chain(entries(&table, "sprite"))
    {
        let name = text(entry, "to");
        let bytes = fs::read(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            hex::encode(digest(&SHA256, &bytes)),
            text(entry, "sha256"),
            "{name}"
        );
        assert_eq!(
            i64::try_from(bytes.len()).unwrap(),
            entry["bytes"].as_integer().unwrap(),
            "{name}"
        );
        assert!(listed.insert(name.to_owned()), "{name} is listed twice");
    }
    let shipped: BTreeSet<_> = files()
        .into_iter()
        .filter(|name| name.starts_with("vendor/"))
        .collect();
    listed.remove("icons.svg");
    assert_eq!(listed, shipped);
}

#[test]
fn every_package_has_a_licence_text_and_an_exact_version() {
    let table = vendored();
    let packages = entries(&table, "package");
    let index = read("licenses/index.txt");
    for package in &packages {
        let licence = read(text(package, "licence_text"));
        assert!(licence.len() > 500, "{package}");
        assert!(text(package, "integrity").starts_with("sha512-"), "{package}");
        assert!(
            text(package, "version")
                .chars()
                .all(|one| one.is_ascii_digit() || one == '.'),
            "{package}"
        );
        assert!(index.contains(&format!(
            "{} {} ({})",
            text(package, "name"),
            text(package, "version"),
            text(package, "licence")
        )));
    }
    assert_eq!(
        files()
            .iter()
            .filter(|name| name.starts_with("licenses/"))
            .count(),
        packages.len() + 1
    );
    for kind in ["file", "sprite"] {
        for entry in entries(&table, kind) {
            assert!(
                packages
                    .iter()
                    .any(|package| text(package, "name") == text(entry, "package")),
                "{entry}"
            );
        }
    }
}

#[test]
fn modules_import_files_of_the_site_and_nothing_else() {
    let names = files();
    for name in names.iter().filter(|name| is_script(name)) {
        let source = read(name);
        for import in imports(&source) {
            assert!(
                import.starts_with("./") || import.starts_with("../"),
                "{name} imports {import}"
            );
            assert!(names.contains(&resolve(name, &import)), "{name} imports {import}");
            let vendor = resolve(name, &import).starts_with("vendor/");
            assert!(
                !vendor || name.starts_with("vendor/") || name == "lib/ui.js",
                "{name} imports {import}"
            );
        }
    }
}

#[test]
fn nothing_points_to_another_place() {
    for name in files()
        .iter()
        .filter(|name| !name.starts_with("licenses/") && *name != "VENDOR.toml")
    {
        let source = NAMES
            .iter()
            .fold(read(name), |text, known| text.replace(known, ""));
        assert!(
            !source.contains("http://") && !source.contains("https://"),
            "an absolute address in {name}"
        );
        assert!(!source.contains("sourceMappingURL"), "a source map in {name}");
    }
}

#[test]
fn own_files_are_short_and_explain_themselves() {
    for name in files().into_iter().filter(|name| is_own(name)) {
        assert!(read(&name).lines().count() <= 300, "{name}");
    }
    for name in own_with(".js") {
        assert!(
            read(&name).starts_with("// "),
            "{name} does not say what it is for"
        );
        for forbidden in [
            "innerHTML",
            "dangerouslySetInnerHTML",
            "eval(",
            "new Function",
            "document.write",
            "crypto.subtle",
        ] {
            assert!(
                !read(&name).contains(forbidden) || name == "lib/sha1.js",
                "{forbidden} in {name}"
            );
        }
    }
}

#[test]
fn pages_have_nothing_inline_and_preload_what_they_need() {
    for name in own_with(".html") {
        let page = read(&name);
        assert!(
            !page.contains("<style") && !page.contains(" style=") && !page.contains(" on"),
            "{name}"
        );
        for script in page.split("<script").skip(1) {
            assert!(
                script.contains(" src=") && script.contains("></script>"),
                "{name}"
            );
        }
        let linked = |marker: &str| -> BTreeSet<String> {
            let lines = page.lines().filter(|line| line.contains(marker));
            lines
                .filter_map(|line| {
                    line.split("/static/HASH/")
                        .nth(1)?
                        .split('"')
                        .next()
                        .map(str::to_owned)
                })
                .collect()
        };
        let entries = linked("type=\"module\"");
        let (mut needed, mut open) = (BTreeSet::new(), entries.iter().cloned().collect::<Vec<_>>());
        while let Some(module) = open.pop() {
            let found = imports(&read(&module))
                .into_iter()
                .map(|import| resolve(&module, &import));
            open.extend(found.filter(|one| needed.insert(one.clone())));
        }
        let needed: BTreeSet<_> = needed.difference(&entries).cloned().collect();
        assert_eq!(linked("modulepreload"), needed, "{name}");
    }
}

#[test]
fn both_languages_have_the_same_texts_and_places() {
    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
            .collect()
    }
    let load = |name| -> BTreeMap<String, String> { serde_json::from_str(&read(name)).unwrap() };
    let (zh, en) = (load("i18n/zh.json"), load("i18n/en.json"));
    assert_eq!(zh.keys().collect::<Vec<_>>(), en.keys().collect::<Vec<_>>());
    for (key, text) in &zh {
        assert_eq!(places(text), places(&en[key]), "{key}");
        assert_eq!(text.matches('`').count() % 2, 0, "{key}");
        assert_eq!(en[key].matches('`').count() % 2, 0, "{key}");
    }
    for name in own_with(".js") {
        let source = read(&name);
        for (at, _) in source.match_indices("t('") {
            let called =
                !source[..at].ends_with(|before: char| before.is_ascii_alphanumeric() || before == '.');
            let Some((key, rest)) = source[at + 3..].split_once('\'') else {
                continue;
            };
            assert!(
                !called || !rest.starts_with([',', ')']) || zh.contains_key(key),
                "{key} in {name}"
            );
        }
    }
}

#[test]
fn components_carry_no_texts_of_their_own() {
    let cjk =
        |one: char| ('\u{3000}'..='\u{9fff}').contains(&one) || ('\u{ff00}'..='\u{ffef}').contains(&one);
    for name in own_with(".js") {
        let source = read(&name);
        assert!(!source.contains(cjk), "{name}");
        for template in source.split("html`").skip(1) {
            // Markup of one template: between a tag's end and the next tag only values may stand.
            for between in template.split('`').next().unwrap().split('>').skip(1) {
                let words = between.split(['<', '$', '=']).next().unwrap().trim();
                assert!(
                    words.len() < 3
                        || words == "wxgate"
                        || !words.chars().all(|one| one.is_alphabetic() || one == ' '),
                    "{words:?} in {name}"
                );
            }
        }
    }
}

/// Where packages come from is each machine's own business.
#[test]
fn no_registry_is_written_down() {
    let top = root().parent().unwrap().to_path_buf();
    for name in [
        "static/VENDOR.toml",
        "scripts/vendor.mjs",
        "tests/browser/package.json",
        "tests/browser/package-lock.json",
        "tests/browser/.npmrc",
    ] {
        let source = fs::read_to_string(top.join(name)).unwrap().replace(NAMES[0], "");
        assert!(
            !source.contains("\"resolved\"") && !source.contains("://") && !source.contains("registry="),
            "{name}"
        );
    }
}
