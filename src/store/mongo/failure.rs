//! What a failure of the driver says about the write it belongs to. What follows from it is decided elsewhere.

use mongodb::error::{
    Error as DriverError, ErrorKind, NO_WRITES_PERFORMED, RETRYABLE_WRITE_ERROR, WriteFailure,
};

use crate::store::engine::Error;

/// The code of a collision in a unique index, `_id` included.
pub(super) const DUPLICATE_KEY: i32 = 11000;
/// The code of a collision with another write at the same moment.
const WRITE_CONFLICT: i32 = 112;
/// Codes of a server that stops being, or is not, the one that takes writes.
const MOVING: [i32; 8] = [91, 189, 10107, 11600, 11602, 13435, 13436, 10058];

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It collides with another document.
    Duplicate,
    /// Nothing was written; a moment later it may well be.
    Again,
    /// Nothing was written.
    Refused,
    /// It is not known.
    Unknown,
}

pub(super) fn fate(error: &DriverError) -> Fate {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(cause)) => of_code(cause.code),
        ErrorKind::Command(cause)
            if MOVING.contains(&cause.code) || error.contains_label(RETRYABLE_WRITE_ERROR) =>
        {
            if error.contains_label(NO_WRITES_PERFORMED) {
                Fate::Again
            } else {
                Fate::Unknown
            }
        }
        ErrorKind::Command(cause) => of_code(cause.code),
        ErrorKind::ServerSelection { .. } if error.contains_label(RETRYABLE_WRITE_ERROR) => Fate::Unknown,
        ErrorKind::ServerSelection { .. }
        | ErrorKind::Authentication { .. }
        | ErrorKind::DnsResolve { .. }
        | ErrorKind::InvalidArgument { .. }
        | ErrorKind::InvalidTlsConfig { .. }
        | ErrorKind::IncompatibleServer { .. } => Fate::Refused,
        // Broken connections, write concerns that were not met, answers that make no sense.
        _ => Fate::Unknown,
    }
}

/// A failure after which nothing was written, or nothing was to be.
pub(super) fn unavailable(error: DriverError) -> Error {
    Error::Unavailable(Box::new(error))
}

pub(super) fn indeterminate(error: DriverError) -> Error {
    Error::Indeterminate(Box::new(error))
}

fn of_code(code: i32) -> Fate {
    match code {
        DUPLICATE_KEY => Fate::Duplicate,
        WRITE_CONFLICT => Fate::Again,
        _ => Fate::Refused,
    }
}
