//! `[media]`: where uploaded pictures are kept.

use std::path::PathBuf;

use super::reader::Reader;

/// `[media]`: uploaded pictures.
#[derive(Debug, Clone, Default)]
pub struct Media {
    /// The folder for their files; without one they are in the store.
    pub dir: Option<PathBuf>,
}

impl Media {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        // Empty is absent, as everywhere.
        let dir = reader.optional_text("media.dir").filter(|dir| !dir.is_empty());
        Self {
            dir: dir.map(|dir| reader.resolve(&dir)),
        }
    }
}
