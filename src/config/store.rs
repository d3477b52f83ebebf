//! `[store]`: where users and shared state live. Nothing is opened here.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::problem::Problem;
use super::reader::Reader;

/// `[store]`: where users and shared state live.
#[derive(Debug, Clone)]
pub struct Store {
    /// `sqlite:PATH` with the path made absolute or relative to the working directory, or a MongoDB URL.
    pub url: SecretString,
    /// The key that wraps secrets at rest.
    pub master_key: Option<SecretString>,
}

impl Store {
    pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Problem>) -> Self {
        let url = store_url(reader);
        let master_key = reader
            .secret("store.master_key")
            .filter(|key| !key.expose_secret().is_empty());
        if let Some(key) = &master_key
            && !BASE64_STANDARD
                .decode(key.expose_secret())
                .is_ok_and(|bytes| bytes.len() == 32)
        {
            reader.problem(
                "store.master_key",
                "must be 32 bytes in base64; openssl rand -base64 32 makes one",
            );
        }
        if master_key.is_none() {
            let text =
                "is not set: the key that wraps secrets is kept in the store itself, beside what it protects";
            warnings.push(Problem::new("store.master_key", text));
        }
        Self { url, master_key }
    }
}

fn store_url(reader: &mut Reader<'_>) -> SecretString {
    let inline = reader.optional_text("store.url");
    let from_file = reader
        .optional_text("store.url_file")
        .is_some_and(|file| !file.is_empty());
    // The layers have seen to it that the default, or a lower layer's url, does not stand beside a url_file.
    if from_file && inline.as_deref().is_some_and(|url| !url.is_empty()) {
        reader.problem("store.url", "and store.url_file are both set; keep one");
    }
    let given = if from_file {
        reader.file_secret("store.url_file")
    } else {
        inline.map(Into::into)
    };
    let Some(url) = given else {
        return SecretString::default();
    };
    match url.expose_secret().split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            format!("sqlite:{}", reader.resolve(path).display()).into()
        }
        Some(("mongodb" | "mongodb+srv", rest)) if rest.starts_with("//") => url,
        _ => {
            reader.problem("store.url", "must be sqlite:PATH or mongodb://HOST/DATABASE");
            url
        }
    }
}
