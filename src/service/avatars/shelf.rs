//! Where pictures are kept: in the store, which all instances share, or as files in a folder. What they show and who
//! may change them is decided elsewhere.
//!
//! Every picture has a record, so that a user's pictures can be found. With a folder the record comes first and goes
//! last: a crash in between leaves a record without a file, which is found and removed like any other.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;

use super::file_name::FileName;
use super::{Error, SIDES};
use crate::domain::ids::UserId;
use crate::domain::time::Timestamp;
use crate::service::records::Media;
use crate::store::{Find, Repo};
use crate::tasks::Tasks;

/// No file of ours is larger.
const LARGEST: u64 = 1024 * 1024;
/// How many records are looked at together; each may hold a picture.
const PAGE: usize = 12;

pub(super) struct Shelf {
    pub(super) media: Repo<Media>,
    pub(super) dir: Option<PathBuf>,
    pub(super) tasks: Tasks,
}

impl Shelf {
    /// Keeps the pictures of one upload.
    pub(super) async fn put(
        &self,
        owner: &UserId,
        source: &str,
        pictures: [(FileName, Vec<u8>); SIDES.len()],
        now: Timestamp,
    ) -> Result<(), Error> {
        let in_store = self.dir.is_none();
        let records = pictures.each_ref().map(|(name, bytes)| Media {
            id: name.to_string(),
            owner: owner.clone(),
            data: in_store.then(|| BASE64.encode(bytes)),
            source: Some(source.to_owned()),
            created_at: now,
        });
        for outcome in self.media.insert_many(&records).await? {
            outcome?;
        }
        if let Some(dir) = self.dir.clone() {
            let write = move || {
                std::fs::create_dir_all(&dir)?;
                for (name, bytes) in &pictures {
                    write_file(&dir, &name.to_string(), bytes)?;
                }
                sync_folder(&dir)
            };
            self.blocking(write).await?.map_err(Error::Folder)?;
        }
        Ok(())
    }

    /// A picture's bytes. Those that were kept in the store stay there when a folder is configured later.
    pub(super) async fn get(&self, name: &FileName) -> Result<Option<Vec<u8>>, Error> {
        if let Some(dir) = self.dir.clone() {
            let file = name.to_string();
            let read = move || read_file(&dir.join(file));
            if let Some(bytes) = self.blocking(read).await?.map_err(Error::Folder)? {
                return Ok(Some(bytes));
            }
        }
        let record = self.media.get(&name.to_string()).await?;
        // Data that is no base64 was not written by us; there is no such picture.
        Ok(record.and_then(|record| BASE64.decode(record.data?).ok()))
    }

    /// The digest of the upload that a picture was made from.
    pub(super) async fn source(&self, name: &FileName) -> Result<Option<String>, Error> {
        let record = self.media.get(&name.to_string()).await?;
        Ok(record.and_then(|record| record.source))
    }

    pub(super) async fn remove(&self, name: &FileName) -> Result<(), Error> {
        if let Some(dir) = self.dir.clone() {
            let file = dir.join(name.to_string());
            let removed = self.blocking(move || std::fs::remove_file(file)).await?;
            removed
                .or_else(|error| match error.kind() {
                    io::ErrorKind::NotFound => Ok(()),
                    _ => Err(error),
                })
                .map_err(Error::Folder)?;
        }
        self.media.delete(&name.to_string()).await?;
        Ok(())
    }

    /// Some pictures of a user that were stored before `until`, or at any time.
    pub(super) async fn of(&self, owner: &UserId, until: Option<Timestamp>) -> Result<Vec<FileName>, Error> {
        let mut find = Find::by(Media::BY_OWNER, [owner.as_str().into()]);
        find.until = until.map(Into::into);
        find.limit = PAGE;
        let found = self.media.find(find).await?;
        Ok(found
            .iter()
            .filter_map(|found| found.record.id.parse().ok())
            .collect())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let done = self.tasks.runtime().spawn_blocking(work).await;
        done.map_err(|_| Error::Folder(io::Error::other("the work on the folder was broken off")))
    }
}

/// The name stands only for the whole file: it is given to one that is wholly on the disk already.
fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    // Nobody else writes a picture of this name, as each upload has names of its own.
    let unfinished = dir.join(format!(".{name}.part"));
    let mut file = std::fs::File::create(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, dir.join(name))
}

/// Makes the names durable. Only Unix lets a folder be opened for that.
fn sync_folder(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        std::fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= LARGEST).then_some(bytes))
}
