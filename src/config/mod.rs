//! The configuration: compiled-in defaults, the user's file, the environment. Nothing outside this room reads
//! the environment, and nothing here starts anything.

mod api_security;
mod apps;
mod auth;
mod codes;
mod gateway;
mod layers;
mod media;
mod passwords;
mod platform;
mod problem;
mod push;
mod reader;
mod replies;
mod sections;
mod store;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use api_security::ApiSecurity;
pub use apps::{App, AppKind, Apps, Encryption};
pub use auth::{Algorithm, Auth, CookieUse};
pub use codes::{Codes, CodesHook};
pub use gateway::Gateway;
pub use media::Media;
pub use passwords::{Argon2, FailureLimits};
pub use platform::{Platform, TokenBudget, TokenMode};
pub use problem::{Invalid, Problem};
pub use push::Push;
pub use sections::{Cors, Jsapi, Limits, Log, LogFormat, MetricsAccess, RequestLog, Server, Simulator};
pub use store::Store;

use reader::Reader;

/// The whole configuration, valid in itself.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[store]`
    pub store: Store,
    /// `[platform]`
    pub platform: Platform,
    /// `[[apps]]`
    pub apps: Apps,
    /// `[auth]`
    pub auth: Auth,
    /// `[cors]`
    pub cors: Cors,
    /// `[codes]`
    pub codes: Codes,
    /// `[jsapi]`
    pub jsapi: Jsapi,
    /// `[media]`
    pub media: Media,
    /// `[push]`
    pub push: Push,
    /// `[gateway]`
    pub gateway: Gateway,
    /// `[log]`
    pub log: Log,
    /// `[simulator]`
    pub simulator: Simulator,
    /// What is allowed but unwise, for the log and for `wxgate check`.
    pub warnings: Vec<Problem>,
}

impl Config {
    /// Loads the configuration: `file`, or `config.toml` of the working directory if there is one, and the
    /// process's environment.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn load(file: Option<&Path>) -> Result<Self, Invalid> {
        let default = Path::new("config.toml");
        let found = file.or_else(|| default.exists().then_some(default));
        let base_dir = match file.and_then(Path::parent) {
            Some(folder) => folder.to_owned(),
            None => PathBuf::new(),
        };
        let mut problems = Vec::new();
        let env = decode(std::env::vars_os(), &mut problems);
        Self::from_all(found, &base_dir, env.into_iter(), problems)
    }

    /// Loads the configuration from a given file and environment.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn from_layers(
        file: Option<&Path>,
        base_dir: &Path,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Invalid> {
        Self::from_all(file, base_dir, env, Vec::new())
    }

    fn from_all(
        file: Option<&Path>,
        base_dir: &Path,
        env: impl Iterator<Item = (String, String)>,
        mut problems: Vec<Problem>,
    ) -> Result<Self, Invalid> {
        let table = layers::merge(file, env, &mut problems);
        let mut reader = Reader::new(&table, base_dir);
        let config = Self::read(&mut reader);
        problems.extend(reader.finish().0);
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(Invalid(problems))
        }
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let mut warnings = Vec::new();
        let server = Server::read(reader, &mut warnings);
        let store = Store::read(reader, &mut warnings);
        let platform = Platform::read(reader, &mut warnings);
        let apps = Apps::read(reader, &mut warnings);
        let auth = Auth::read(reader);
        let cors = Cors::read(reader);
        let codes = Codes::read(reader, &mut warnings);
        let jsapi = Jsapi::read(reader);
        let media = Media::read(reader);
        let push = Push::read(reader, &mut warnings);
        let gateway = Gateway::read(reader);
        let log = Log::read(reader);
        let simulator = Simulator::read(reader);
        Self {
            server,
            store,
            platform,
            apps,
            auth,
            cors,
            codes,
            jsapi,
            media,
            push,
            gateway,
            log,
            simulator,
            warnings,
        }
    }

    /// The path of every key that exists, as `config.toml` must document it.
    #[must_use]
    pub fn known_keys() -> BTreeSet<String> {
        let mut table = layers::merge(None, std::iter::empty(), &mut Vec::new());
        let one_table = |table: toml::Table| toml::Value::Array(vec![table.into()]);
        let mut app = toml::Table::new();
        app.insert("replies".into(), one_table(toml::Table::new()));
        table.insert("apps".into(), one_table(app));
        let base_dir = PathBuf::new();
        let mut reader = Reader::new(&table, &base_dir);
        let _ = Self::read(&mut reader);
        reader.finish().1
    }
}

/// The variables that are text. One of ours that is not would otherwise be ignored without a word.
fn decode(
    variables: impl Iterator<Item = (OsString, OsString)>,
    problems: &mut Vec<Problem>,
) -> Vec<(String, String)> {
    let mut decoded = Vec::new();
    for (name, value) in variables {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
            decoded.push((name.to_owned(), value.to_owned()));
            continue;
        }
        let name = name.to_string_lossy();
        if name.starts_with(layers::PREFIX) {
            problems.push(Problem::new(name, "is not UTF-8"));
        }
    }
    decoded
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn variables_of_ours_that_are_no_text_are_told_without_their_value() {
        let broken = || OsString::from_vec(b"s3cret\xff".to_vec());
        let variables = [
            ("WXGATE__STORE__URL".into(), broken()),
            (OsString::from_vec(b"WXGATE__A\xff".to_vec()), "x".into()),
            ("OTHER".into(), broken()),
            ("WXGATE__LOG__LEVEL".into(), "info".into()),
        ];
        let mut problems = Vec::new();
        let decoded = decode(variables.into_iter(), &mut problems);
        assert_eq!(decoded, [("WXGATE__LOG__LEVEL".to_owned(), "info".to_owned())]);
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "WXGATE__STORE__URL is not UTF-8",
                "WXGATE__A\u{fffd} is not UTF-8"
            ]
        );
    }
}
