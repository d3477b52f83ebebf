//! Users' pictures: what is uploaded is checked, made anew in three sizes, kept and handed out. How files travel over HTTP is not known here.
//!
//! Each upload has names of its own, made of chance and of its content. So nobody can guess a picture that was not
//! shown to them, a name never stands for other bytes, and a picture has exactly one owner: removing the one that was
//! replaced can hurt nobody, not even another upload of the same user at the same moment.

mod file_name;
mod jpeg;
mod picture;
mod shelf;
mod structure;
mod workshop;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use moka::future::Cache;
use tokio::sync::Semaphore;

use super::records::User;
use crate::clock::Clock;
use crate::domain::ids::UserId;
use crate::store::{self, Change, Engine, Repo};
use crate::tasks::Tasks;

pub use file_name::{FileName, Malformed};
use picture::Rendered;
use shelf::Shelf;
use structure::Candidate;
use workshop::{BrokenOff, Workshop};

/// The largest file that can be uploaded.
pub const MAX_UPLOAD: usize = 2 * 1024 * 1024;
/// The sides of the pictures made of an upload, in pixels: at most that, never more than the upload has.
pub const SIDES: [u32; 3] = [96, 240, 640];
/// How many uploads may be worked on or wait for it.
const QUEUE: usize = 64;
/// What is kept in memory of pictures that were asked for, in bytes.
const CACHED: u64 = 16 * 1024 * 1024;
/// For how long another instance may go on answering a picture that was removed.
const CACHED_FOR: Duration = Duration::from_mins(10);
/// A picture of this age that its owner does not use belongs to no upload that is still under way.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// A merged user's pointer is followed so far. Pointers are shortened, so one is usual.
const HOPS: usize = 16;

/// How a picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Without transparency.
    Jpeg,
    /// With transparency.
    Png,
}

impl Format {
    const ALL: [Self; 2] = [Self::Jpeg, Self::Png];

    /// How its files' names end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// Its content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A picture as it is handed out.
#[derive(Debug, Clone)]
pub struct Blob {
    /// The file.
    pub bytes: Arc<[u8]>,
    /// What it is.
    pub format: Format,
}

/// A user's picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The path of the largest.
    pub url: String,
    /// The paths of all, by the sides they have at most.
    pub sizes: BTreeMap<u32, String>,
}

impl Stored {
    fn of(name: &FileName) -> Self {
        Self {
            url: name.path(),
            sizes: SIDES
                .into_iter()
                .zip(name.all().iter().map(FileName::path))
                .collect(),
        }
    }
}

/// What is wrong with an uploaded file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no picture of a known kind, or a broken one.
    #[error("the file is no complete JPEG, PNG, WebP or GIF picture")]
    NotAPicture,
    /// It is larger than is worked on.
    #[error("the picture is larger than 4096 × 4096 pixels, or than 64 MiB unpacked")]
    TooManyPixels,
}

/// Why a picture is not stored or not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no good.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Too many uploads wait already.
    #[error("too many pictures are being worked on")]
    Busy,
    /// There is no such user, or not any more.
    #[error("there is no such user")]
    NoUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The folder of `media.dir` failed.
    #[error("the folder for pictures does not work")]
    Folder(#[source] std::io::Error),
}

/// Keeps users' pictures.
pub struct Avatars {
    shelf: Shelf,
    users: Repo<User>,
    clock: Clock,
    queue: Semaphore,
    workshop: Workshop,
    cache: Cache<FileName, Arc<[u8]>>,
}

impl Avatars {
    /// Keeps pictures in `dir`, or else in the store.
    #[must_use]
    pub fn new(engine: &Arc<dyn Engine>, clock: Clock, tasks: Tasks, dir: Option<PathBuf>) -> Self {
        Self {
            shelf: Shelf {
                media: Repo::new(engine.clone(), clock.clone()),
                dir,
                tasks,
            },
            users: Repo::new(engine.clone(), clock.clone()),
            clock,
            queue: Semaphore::new(QUEUE),
            workshop: Workshop::open(),
            cache: Cache::builder()
                .weigher(|_, bytes: &Arc<[u8]>| u32::try_from(bytes.len() + 128).unwrap_or(u32::MAX))
                .max_capacity(CACHED)
                .time_to_live(CACHED_FOR)
                .build(),
        }
    }

    /// Makes the uploaded file the user's picture; the one before is removed. The same file again changes nothing.
    ///
    /// # Errors
    /// See [`Error`]. The user's picture is then as it was.
    pub async fn set<U>(&self, user: &UserId, upload: U) -> Result<Stored, Error>
    where
        U: AsRef<[u8]> + Send + 'static,
    {
        let _place = self.queue.try_acquire().map_err(|_| Error::Busy)?;
        let owner = self.resolve(user).await?;
        let examined = self
            .work(move || {
                let candidate = structure::examine(upload.as_ref())?;
                let weight = picture::weigh(&candidate)?;
                let source = hex::encode(digest(&SHA256, upload.as_ref()));
                Ok((candidate, weight, source))
            })
            .await?;
        let (candidate, weight, source) = examined;
        if let Some(name) = owner.avatar.as_deref().and_then(FileName::of_path)
            && self.shelf.source(&name).await?.as_ref() == Some(&source)
            && self.shelf.get(&name).await?.is_some()
        {
            return Ok(Stored::of(&name));
        }
        let rendered = self.render(candidate, weight).await?;
        let name = FileName::largest(hash(&rendered), rendered.format);
        let mut pictures = name.all().into_iter().zip(rendered.files);
        let pictures = std::array::from_fn(|_| pictures.next().expect("a name for each size"));
        let kept = self
            .shelf
            .put(&owner.id, &source, pictures, self.clock.store_now())
            .await;
        let changed = match kept {
            Ok(()) => self.change(&owner.id, name.path()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = changed {
            // Whether the user's record was written may be unknown; then the picture has to stay.
            if !matches!(&error, Error::Store(error) if error.may_pass()) {
                self.tidy(name.all()).await;
            }
            return Err(error);
        }
        let before = self.clock.store_now() - LEFT_BEHIND;
        if let Ok(old) = self.shelf.of(&owner.id, Some(before)).await {
            self.tidy(old).await;
        }
        Ok(Stored::of(&name))
    }

    /// Removes every picture that this user has stored. It is for users who are marked as deleted, and for those who
    /// were merged into them: a survivor may use a picture that the other had stored.
    ///
    /// # Errors
    /// If the store or the folder fails; calling it again goes on where it stopped.
    pub async fn forget(&self, user: &UserId) -> Result<(), Error> {
        loop {
            let names = self.shelf.of(user, None).await?;
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                self.remove(&name).await?;
            }
        }
    }

    /// A picture.
    ///
    /// # Errors
    /// If the store or the folder fails.
    pub async fn read(&self, name: &FileName) -> Result<Option<Blob>, Error> {
        let format = name.format();
        if let Some(bytes) = self.cache.get(name).await {
            return Ok(Some(Blob { bytes, format }));
        }
        let Some(bytes) = self.shelf.get(name).await? else {
            return Ok(None);
        };
        let bytes: Arc<[u8]> = bytes.into();
        self.cache.insert(name.clone(), bytes.clone()).await;
        Ok(Some(Blob { bytes, format }))
    }

    /// The user, or the one that this user turned out to be.
    async fn resolve(&self, user: &UserId) -> Result<User, Error> {
        let mut id = user.clone();
        for _ in 0..HOPS {
            let found = self.users.get(id.as_str()).await?.ok_or(Error::NoUser)?;
            match found.merged_into {
                Some(into) => id = into,
                None if found.deleted_at.is_some() => break,
                None => return Ok(found),
            }
        }
        Err(Error::NoUser)
    }

    /// Writes the user's picture and removes exactly the one that this replaced.
    async fn change(&self, user: &UserId, path: String) -> Result<(), Error> {
        for _ in 0..HOPS {
            let user = self.resolve(user).await?;
            let mut done = false;
            let mut old = None;
            let written = self.users.update(user.id.as_str(), |record| {
                // Merged or deleted at this very moment.
                done = record.merged_into.is_none() && record.deleted_at.is_none();
                if !done {
                    return Change::Keep;
                }
                old = record.avatar.replace(path.clone());
                Change::Save
            });
            written.await?;
            if done {
                if let Some(old) = old.filter(|old| *old != path)
                    && let Some(name) = FileName::of_path(&old)
                {
                    self.tidy(name.all()).await;
                }
                return Ok(());
            }
        }
        Err(Error::NoUser)
    }

    /// Removes what nobody refers to any more. If that fails, the next upload of the user tries again.
    async fn tidy(&self, names: impl IntoIterator<Item = FileName>) {
        for name in names {
            if let Err(error) = self.remove(&name).await {
                tracing::warn!(error = %crate::telemetry::Chain(&error), "a picture nobody uses could not be removed");
            }
        }
    }

    async fn remove(&self, name: &FileName) -> Result<(), Error> {
        let removed = self.shelf.remove(name).await;
        self.cache.invalidate(name).await;
        removed
    }

    async fn render(&self, candidate: Candidate, weight: u64) -> Result<Rendered, Error> {
        let _room = self.workshop.room(weight).await.map_err(|_| Error::Busy)?;
        self.work(move || picture::render(&candidate)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
    ) -> Result<T, Error> {
        match self.workshop.work(work).await {
            Ok(done) => Ok(done?),
            // A decoder that panics has met a file that it does not understand.
            Err(BrokenOff) => Err(Refused::NotAPicture.into()),
        }
    }
}

/// A name that cannot be guessed and changes with the content.
fn hash(rendered: &Rendered) -> String {
    let chance: [u8; 16] = rand::random();
    let mut text = chance.to_vec();
    for file in &rendered.files {
        text.extend_from_slice(file);
    }
    hex::encode(&digest(&SHA256, &text).as_ref()[..16])
}
