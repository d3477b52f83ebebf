//! The configuration: compiled-in defaults, the user's file, the environment. Nothing outside this room reads
//! the environment, and nothing here starts anything.

mod apps;
mod layers;
mod platform;
mod problem;
mod reader;
mod sections;
mod store;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use apps::{App, AppKind, Apps, Encryption};
pub use platform::{Platform, TokenBudget, TokenMode};
pub use problem::{Invalid, Problem};
pub use sections::{
    Algorithm, Auth, Cors, Jsapi, Limits, Log, LogFormat, MetricsAccess, RequestLog, Server, Simulator,
};
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
    /// `[jsapi]`
    pub jsapi: Jsapi,
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
        Self::from_layers(found, &base_dir, std::env::vars_os().filter_map(utf8))
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
        let mut problems = Vec::new();
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
        let jsapi = Jsapi::read(reader);
        let log = Log::read(reader);
        let simulator = Simulator::read(reader);
        Self {
            server,
            store,
            platform,
            apps,
            auth,
            cors,
            jsapi,
            log,
            simulator,
            warnings,
        }
    }

    /// The path of every key that exists, as `config.toml` must document it.
    #[must_use]
    pub fn known_keys() -> BTreeSet<String> {
        let mut table = layers::merge(None, std::iter::empty(), &mut Vec::new());
        table.insert("apps".into(), toml::Value::Array(vec![toml::Table::new().into()]));
        let base_dir = PathBuf::new();
        let mut reader = Reader::new(&table, &base_dir);
        let _ = Self::read(&mut reader);
        reader.finish().1
    }
}

fn utf8((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}
