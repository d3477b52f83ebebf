//! What a demo keeps in its data folder beside the store: the secrets made up on the first start. Nothing is served
//! from here.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cli::secrets;

/// The file's name in the data folder.
pub(super) const FILE: &str = "demo.toml";
const HEADER: &str =
    "# Made by `wxgate demo` on its first start in this folder. None of it is known to WeChat.\n\n";

/// Everything that a demo makes up.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keepsake {
    /// Makes the simulator give users the same openids on every start. TOML's numbers are signed, hence not an u64.
    pub(super) seed: u32,
    pub(super) master_key: String,
    pub(super) official: App,
    pub(super) mini: App,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "they are named as in the configuration")]
pub(super) struct App {
    pub(super) app_id: String,
    pub(super) app_secret: String,
    pub(super) token: String,
    pub(super) aes_key: String,
}

impl Keepsake {
    fn made_up() -> Self {
        Self {
            seed: rand::random(),
            master_key: secrets::master_key(),
            official: App::made_up(),
            mini: App::made_up(),
        }
    }
}

impl App {
    fn made_up() -> Self {
        Self {
            app_id: secrets::app_id(),
            app_secret: secrets::app_secret(),
            token: secrets::word(16),
            aes_key: secrets::aes_key(),
        }
    }
}

/// Reads the folder's secrets, or makes them up and keeps them.
pub(super) fn load(data: &Path) -> Result<Keepsake, String> {
    let path = data.join(FILE);
    let failed = |error: io::Error| format!("{} cannot be used: {error}", path.display());
    match fs::read_to_string(&path) {
        // The parser's own text would quote the line.
        Ok(text) => toml::from_str(&text).map_err(|_| {
            format!(
                "{} is damaged: delete the folder {} to begin anew",
                path.display(),
                data.display()
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let keepsake = Keepsake::made_up();
            let text = toml::to_string(&keepsake).map_err(|error| error.to_string())?;
            write(data, &path, &format!("{HEADER}{text}")).map_err(failed)?;
            Ok(keepsake)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes the file under another name first, so that it is never there in part.
fn write(data: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(data)?;
    let draft = data.join(format!("{FILE}.new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_secrets_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let first = toml::to_string(&load(&data).unwrap()).unwrap();
        assert_eq!(first, toml::to_string(&load(&data).unwrap()).unwrap());
        let other = toml::to_string(&load(folder.path()).unwrap()).unwrap();
        assert_ne!(first, other);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(data.join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(data.join(FILE), "master_key = 's3cret").unwrap();
        let Err(error) = load(&data) else {
            panic!("a damaged file was read")
        };
        assert!(
            error.contains("is damaged") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
