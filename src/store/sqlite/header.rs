//! Reads a database file's first bytes, and those of its write-ahead log, before `SQLite` does: `SQLite` takes an
//! empty file for a new database, and with a log beside it a truncated one for a whole one. Nothing is changed.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What every database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Marks a file as ours ("WXGT").
pub(super) const APPLICATION: u32 = 0x5758_4754;

/// What a look at the file shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing against it.
    Fine,
    /// It is none of our files.
    Foreign,
    /// It is, or was, but part of it is missing or overwritten.
    Damaged(&'static str),
}

/// Looks at the database at `path`.
pub(super) fn look(path: &Path) -> io::Result<Look> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(Look::Damaged("it is empty"));
    }
    let mut header = [0; 100];
    if length < header.len() as u64 {
        return Ok(Look::Damaged("it ends within its header"));
    }
    file.read_exact(&mut header)?;
    let ours = number(&header, 68) == APPLICATION;
    if header.first_chunk() != Some(MAGIC) {
        return Ok(if ours {
            Look::Damaged("its header is overwritten")
        } else {
            Look::Foreign
        });
    }
    if !ours {
        return Ok(Look::Foreign);
    }
    let page_size = match u64::from(number(&header, 16) >> 16) {
        1 => 65536,
        size => size,
    };
    if !page_size.is_power_of_two() || page_size < 512 {
        return Ok(Look::Damaged("its header is overwritten"));
    }
    let (pages, expected) = (length / page_size, u64::from(number(&header, 28)));
    if expected == 0 {
        return Ok(Look::Damaged("its header is overwritten"));
    }
    // A crash in the middle of a checkpoint leaves the end of the file to the log.
    let missing = pages + 1..=expected;
    if !missing.is_empty() {
        let logged = logged_pages(path, page_size)?;
        if !missing.into_iter().all(|page| logged.contains(&page)) {
            return Ok(Look::Damaged("its end is missing"));
        }
    }
    Ok(Look::Fine)
}

/// The pages that committed frames of the log hold.
fn logged_pages(path: &Path, page_size: u64) -> io::Result<HashSet<u64>> {
    let mut committed = HashSet::new();
    let mut log = match File::open(log_of(path)) {
        Ok(file) => BufReader::with_capacity(64, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(committed),
        Err(error) => return Err(error),
    };
    let (mut header, mut frame) = ([0; 32], [0; 24]);
    if log.read_exact(&mut header).is_err() {
        return Ok(committed);
    }
    let mut pending = Vec::new();
    // A frame of an older round of the log carries another salt; what follows it does not count.
    while log.read_exact(&mut frame).is_ok() && frame[8..16] == header[16..24] {
        pending.push(u64::from(number(&frame, 0)));
        if number(&frame, 4) != 0 {
            committed.extend(pending.drain(..));
        }
        log.seek(SeekFrom::Current(i64::try_from(page_size).unwrap_or(i64::MAX)))?;
    }
    Ok(committed)
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes[at..]
        .first_chunk()
        .map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
