//! The configuration: layers, secrets in files, and that everything wrong with it is told at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use wxgate::config::{AppKind, Config, Encryption, Invalid, TokenMode};

const APP: &str = r#"
[[apps]]
name = "my-shop"
kind = "official"
app_id = "wx0000000000000001"
app_secret = "s3cret-of-the-file"
js_domains = ["example.com"]
"#;

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, Invalid> {
    let folder = tempfile::tempdir().unwrap();
    load_in(&folder, file, env)
}

fn load_in(folder: &TempDir, file: &str, env: &[(&str, &str)]) -> Result<Config, Invalid> {
    let path = folder.path().join("wxgate.toml");
    fs::write(&path, file).unwrap();
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::from_layers(Some(&path), folder.path(), env)
}

fn problems(result: Result<Config, Invalid>) -> Vec<String> {
    result.unwrap_err().0.iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_are_valid() {
    let config = Config::from_layers(None, Path::new(""), std::iter::empty()).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.simulator.listen.to_string(), "127.0.0.1:3001");
    assert_eq!(config.store.url.expose_secret(), "sqlite:data/wxgate.db");
    assert_eq!(config.platform.token_mode, TokenMode::Stable);
    assert!(config.platform.is_wechat() && !config.platform.simulated && !config.jsapi.expose_ticket);
    let warned: Vec<_> = config
        .warnings
        .iter()
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(warned, ["store.master_key", "apps"]);
}

/// Every key that stands in `config.toml`, active or as a commented line.
fn documented() -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in include_str!("../../config.toml").lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
            // A list of tables, within another one perhaps; the first stands for all.
            section = format!("{}.0", name.replace('.', ".0."));
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.replace("apps.", "apps.0.");
        } else if let Some((key, _)) = line.split_once(" = ")
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        {
            keys.insert(format!("{section}.{key}"));
        }
    }
    keys
}

#[test]
fn every_key_is_documented_and_every_documented_key_exists() {
    let mut known = Config::known_keys();
    // The lists themselves, and the other way to give a secret, which is documented once for all.
    known.retain(|key| key != "apps" && key != "apps.0.replies" && !key.ends_with("_file"));
    assert_eq!(known, documented());
}

/// One problem of every kind.
const BAD: &str = r#"
surprise = 1
cors = "https://a.example"

[server]
listen = "everywhere"
public_url = "ftp://example.com"
trusted_proxies = ["10.0.0.0/99", "10.0.0.1", "all"]
shutdown_grace = "soon"
metrics = "some"
frame_ancestors = "'self'; script-src *"
lisen = "127.0.0.1:1"

[server.limits]
connections = 1
body = "many"
head_timeout = "0s"

[store]
url = "postgres://db"
master_key = "too short"

[platform]
api_url = 5
open_url = "https://u:p@open.weixin.qq.com"
token_mode = "both"
simulated = "maybe"

[platform.token_budget]
burst = 0

[[apps]]
name = "My Shop"
kind = "service"
app_id = ""
token = "a-b"
aes_key = "short"
encryption = "safe"
colour = "red"

[apps.api_security]
symmetric_key = "short"
symmetric_sn = "a b"
cipher = "AES128"
private_key_file = "nowhere"
signer = "SM2"
certificate = "-----BEGIN CERTIFICATE-----"
also = ["wxa/own", "/wxa/own"]

[[apps]]
name = "mini"
kind = "mini"
app_id = "wx2"
app_secret = "s3cret"
encryption = "safe"
previous_aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
js_domains = ["https://example.com/"]

[[apps]]
name = "mini"
kind = "mini"
app_id = "wx2"
app_secret = "s3cret"

[auth]
issuer = ["a"]
algorithm = "none"
access_ttl = "3h"
refresh_ttl = "1h"

[log]
level = "info,=,"

[simulator.more]
deep = true
"#;

#[test]
fn everything_that_is_wrong_is_told_at_once_and_once() {
    let found = problems(load(
        BAD,
        &[
            ("WXGATE__SERVER__SHUTDOWN", "1s"),
            ("WXGATE__APPS__X", "1"),
            ("WXGATE__", "1"),
        ],
    ));
    insta::assert_snapshot!(found.join("\n"), @r#"
    WXGATE__ has an empty part; the form is WXGATE__SECTION__KEY
    WXGATE__APPS__X has the wrong form; for apps it is WXGATE__APPS__NAME__KEY
    server.trusted_proxies has "10.0.0.0/99"; it lists addresses and networks such as 10.0.0.0/8
    server.trusted_proxies has "all"; it lists addresses and networks such as 10.0.0.0/8
    server.listen is "everywhere"; it must be an address and a port, such as 127.0.0.1:3000
    server.public_url must be an http or https URL
    server.shutdown_grace is "soon"; a duration looks like "300ms", "5s", "2h" or "30d"
    server.metrics is "some"; it must be "private" or "open" or "off"
    server.frame_ancestors must be a list of sources, such as "'self' https://a.example.com"
    server.limits.connections must be a whole number from 16 to 1000000
    server.limits.body must be a whole number from 1024 to 8388608
    server.limits.head_timeout is "0s"; it must lie between 1s and 1m
    store.url must be sqlite:PATH or mongodb://HOST/DATABASE
    store.master_key must be 32 bytes in base64; openssl rand -base64 32 makes one
    platform.api_url must be a text
    platform.open_url must not have a user name, a query or a fragment
    platform.token_mode is "both"; it must be "stable" or "classic"
    platform.simulated must be true or false
    platform.token_budget.burst must be a whole number from 1 to 2000
    apps.0.name is "My Shop"; it must have 1 to 32 lower-case letters, digits and -
    apps.0.kind is "service"; it must be "official" or "mini"
    apps.0.app_id is ""; it must have 1 to 64 letters and digits
    apps.0.app_secret is missing; the console shows it under 开发 > 基本配置
    apps.0.token must be 3 to 32 letters and digits
    apps.0.aes_key must be 43 letters and digits
    apps.0.api_security.private_key_file cannot be read: No such file or directory (os error 2)
    apps.0.api_security.cipher is "AES128"; it must be "AES256_GCM" or "SM4_GCM"
    apps.0.api_security.also has "wxa/own"; a path looks like /wxa/business/example, or /wxa/business/*
    apps.0.api_security.symmetric_sn must be 1 to 64 letters and digits
    apps.0.api_security.private_key_sn is missing; the console shows it beside the key
    apps.0.api_security.certificate_sn is missing; the console shows it beside the key
    apps.0.api_security.symmetric_key must be 32 bytes in base64 for AES256_GCM
    apps.0.api_security.certificate must be one certificate in PEM: -----BEGIN CERTIFICATE-----…
    apps.1.encryption needs an aes_key
    apps.1.js_domains has ["https://example.com/"]; it lists host names without scheme, port and path
    apps.1.js_domains is for official accounts; mini programs have no JS-SDK
    apps.1.previous_aes_key is set without aes_key
    apps.1.name is "mini" a second time
    apps.1.app_id is "wx2" a second time
    auth.issuer must be a text
    auth.algorithm is "none"; it must be "EdDSA" or "HS256"
    auth.refresh_ttl must not be shorter than auth.access_ttl
    log.level is "info,=,"; it must be error, warn, info, debug, trace or a list of directives
    cors must be a section: [cors]
    apps.0.colour is not a key of wxgate
    server.lisen is not a key of wxgate
    server.shutdown is not a key of wxgate
    simulator.more is not a key of wxgate
    surprise is not a key of wxgate
    "#);
}

#[test]
fn a_file_that_is_no_toml_is_told_by_its_line_without_quoting_it() {
    let found = problems(load("[[apps]]\nname = \"a\"\napp_secret = \"s3cret\n", &[]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("wxgate.toml is not valid TOML, line 3") && !found[0].contains("s3cret"),
        "{found:?}"
    );
    let missing = Config::from_layers(
        Some(Path::new("/nowhere/wxgate.toml")),
        Path::new("/nowhere"),
        std::iter::empty(),
    );
    let found = problems(missing);
    assert!(
        found[0].starts_with("/nowhere/wxgate.toml cannot be read: "),
        "{found:?}"
    );
}

#[test]
fn the_environment_overrides_the_file() {
    let env = [
        ("WXGATE__SERVER__LISTEN", "0.0.0.0:8080"),
        ("WXGATE__SERVER__LIMITS__BODY", "2048"),
        ("WXGATE__JSAPI__EXPOSE_TICKET", "true"),
        ("WXGATE__CORS__ORIGINS", "https://a.example, https://b.example"),
        ("WXGATE__APPS__MY_SHOP__APP_SECRET", "s3cret-of-the-environment"),
        ("WXGATE__APPS__MY_SHOP__JS_DOMAINS", "a.example,b.example"),
        ("WXGATE_OTHER", "not ours"),
        ("HOME", "/"),
    ];
    let config = load(APP, &env).unwrap();
    assert_eq!(config.server.listen.to_string(), "0.0.0.0:8080");
    assert_eq!(config.server.limits.body, 2048);
    assert!(config.jsapi.expose_ticket);
    assert_eq!(config.cors.origins, ["https://a.example", "https://b.example"]);
    assert_eq!(config.apps.iter().count(), 1);
    let app = config.apps.named("my-shop").unwrap();
    assert_eq!(app.app_secret.expose_secret(), "s3cret-of-the-environment");
}

#[test]
fn apps_can_come_from_the_environment_alone() {
    let env = [
        ("WXGATE__APPS__MY_MINI__KIND", "mini"),
        ("WXGATE__APPS__MY_MINI__APP_ID", "wx2"),
        ("WXGATE__APPS__MY_MINI__APP_SECRET", "s3cret"),
        ("WXGATE__APPS__OFFICIAL__KIND", "official"),
        ("WXGATE__APPS__OFFICIAL__APP_ID", "wx1"),
        ("WXGATE__APPS__OFFICIAL__APP_SECRET", "s3cret"),
        ("WXGATE__APPS__OFFICIAL__TOKEN", "token"),
        (
            "WXGATE__APPS__OFFICIAL__AES_KEY",
            "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        ),
    ];
    let config = load("", &env).unwrap();
    assert_eq!(config.apps.named("my-mini").unwrap().kind, AppKind::Mini);
    assert_eq!(
        config.apps.first(AppKind::Official).unwrap().encryption,
        Encryption::Safe
    );
    assert_eq!(config.apps.for_callbacks().unwrap().name.as_str(), "official");
}

#[test]
fn secrets_can_be_files_beside_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app"), "s3cret with spaces \r\n").unwrap();
    fs::write(folder.path().join("url"), "mongodb://u:s3cret@db/wxgate\n").unwrap();
    let file = APP.replace(
        "app_secret = \"s3cret-of-the-file\"",
        "app_secret = \"\"\napp_secret_file = \"app\"",
    );
    let config = load_in(&folder, &file, &[("WXGATE__STORE__URL_FILE", "url")]).unwrap();
    assert_eq!(
        config.apps.named("my-shop").unwrap().app_secret.expose_secret(),
        "s3cret with spaces "
    );
    assert_eq!(config.store.url.expose_secret(), "mongodb://u:s3cret@db/wxgate");
}

#[test]
fn a_secret_has_one_place_and_its_file_exists() {
    let file = format!(
        "{APP}app_secret_file = \"app\"\ntoken_file = \"nowhere\"\n[store]\nurl = \"sqlite:a.db\"\nurl_file = \"u\""
    );
    insta::assert_snapshot!(problems(load(&file, &[])).join("\n"), @r"
    store.url and store.url_file are both set; keep one
    store.url_file cannot be read: No such file or directory (os error 2)
    apps.0.app_secret and apps.0.app_secret_file are both set; keep one
    apps.0.token_file cannot be read: No such file or directory (os error 2)
    ");
}

#[test]
fn a_secret_of_the_environment_replaces_the_files_whichever_way_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s"), "s3cret-of-a-file").unwrap();
    fs::write(folder.path().join("u"), "mongodb://file/a").unwrap();
    let read = |file: &str, env: &[(&str, &str)]| {
        let config = load_in(&folder, file, env).unwrap();
        let secret = config.apps.named("my-shop").unwrap().app_secret.clone();
        let told = format!("{} {}", secret.expose_secret(), config.store.url.expose_secret());
        told
    };
    let (secret, secret_file) = (
        "WXGATE__APPS__MY_SHOP__APP_SECRET",
        "WXGATE__APPS__MY_SHOP__APP_SECRET_FILE",
    );
    let (url, url_file) = ("WXGATE__STORE__URL", "WXGATE__STORE__URL_FILE");
    let inline = format!("{APP}[store]\nurl = \"mongodb://inline/a\"");
    let by_file = inline
        .replace("app_secret = \"s3cret-of-the-file\"", "app_secret_file = \"s\"")
        .replace("url = \"mongodb://inline/a\"", "url_file = \"u\"");
    assert_eq!(
        read(&by_file, &[(secret, "s3cret"), (url, "mongodb://env/a")]),
        "s3cret mongodb://env/a"
    );
    assert_eq!(
        read(&inline, &[(secret_file, "s"), (url_file, "u")]),
        "s3cret-of-a-file mongodb://file/a"
    );
    // A variable that a template leaves empty is none.
    assert_eq!(
        read(&by_file, &[(secret, ""), (url, "")]),
        "s3cret-of-a-file mongodb://file/a"
    );
    let both = [
        (secret, "s3cret"),
        (secret_file, "s"),
        (url, "mongodb://env/a"),
        (url_file, "u"),
    ];
    insta::assert_snapshot!(problems(load_in(&folder, APP, &both)).join("\n"), @r"
    store.url and store.url_file are both set; keep one
    apps.0.app_secret and apps.0.app_secret_file are both set; keep one
    ");
}

#[test]
fn relative_paths_count_from_the_files_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = load_in(&folder, APP, &[]).unwrap();
    assert_eq!(config.server.static_dir, folder.path().join("static"));
    let expected = format!("sqlite:{}", folder.path().join("data/wxgate.db").display());
    assert_eq!(config.store.url.expose_secret(), expected);
    let config = load_in(&folder, "[store]\nurl = \"sqlite:/var/lib/wxgate.db\"", &[]).unwrap();
    assert_eq!(config.store.url.expose_secret(), "sqlite:/var/lib/wxgate.db");
}

#[test]
fn no_secret_is_shown() {
    let key = "czNjcmV0czNjcmV0czNjcmV0czNjcmV0czNjcmV0czM=";
    let aes = "s3cretABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijk";
    let secrets = format!("{APP}token = \"s3cret\"\naes_key = \"{aes}\"\nprevious_aes_key = \"{aes}\"\n");
    let env = [
        ("WXGATE__STORE__URL", "mongodb://u:s3cret@db/x"),
        ("WXGATE__STORE__MASTER_KEY", key),
    ];
    let shown = format!("{:?}", load(&secrets, &env).unwrap());
    assert!(!shown.contains("s3cret") && !shown.contains(key), "{shown}");

    let bad = format!("{APP}token = \"s3cret-\"\naes_key = \"s3cret\"\nprevious_aes_key = \"s3cret\"\n");
    let env = [
        ("WXGATE__STORE__URL", "mongo:s3cret"),
        ("WXGATE__STORE__MASTER_KEY", "s3cret"),
    ];
    let found = problems(load(&bad, &env));
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(!found.concat().contains("s3cret"), "{found:?}");
}

#[test]
fn plain_http_to_a_public_host_is_a_warning_and_near_ones_are_not() {
    let warned = |url: &str| {
        let config = load(APP, &[("WXGATE__PLATFORM__API_URL", url)]).unwrap();
        config
            .warnings
            .iter()
            .any(|warning| warning.path == "platform.api_url")
    };
    assert!(warned("http://api.weixin.qq.com") && warned("http://8.8.8.8"));
    for near in [
        "http://localhost:1",
        "http://127.0.0.1:1",
        "http://[::1]:1",
        "http://10.1.2.3",
        "http://simulator:3001",
    ] {
        assert!(!warned(near), "{near}");
    }
}
