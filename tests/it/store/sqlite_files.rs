//! Files that the SQLite engine makes, shares, and refuses.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Handle;
use wxgate::clock::Clock;
use wxgate::domain::time::Timestamp;
use wxgate::store::sqlite::Sqlite;
use wxgate::store::{Engine, OpenError, OpenMode, open};

use super::stage::{THINGS, map};

const NOW: Timestamp = Timestamp::from_millis(0);

/// A store with some documents in it, closed.
async fn filled(path: &Path, count: usize) {
    let engine = Sqlite::open(path, OpenMode::Serve).unwrap();
    engine.prepare(&[&THINGS]).await.unwrap();
    let documents = (0..count)
        .map(|n| (format!("{n}"), map(json!({"rank": n, "text": "x".repeat(500)}))))
        .collect();
    for result in engine.insert_many(&THINGS, documents, NOW).await.unwrap() {
        result.unwrap();
    }
    engine.close().await;
}

fn refusal(path: &Path) -> String {
    let before = fs::read(path).unwrap();
    for mode in [OpenMode::Serve, OpenMode::Command] {
        let begun = Instant::now();
        let Err(error) = Sqlite::open(path, mode) else {
            panic!("{} was opened", path.display())
        };
        assert!(begun.elapsed() < Duration::from_millis(500));
        let line = error.to_string();
        assert!(line.starts_with(path.to_str().unwrap()), "{line}");
        assert_eq!(fs::read(path).unwrap(), before, "a refused file is left alone");
        if mode == OpenMode::Command {
            return line.replace(path.to_str().unwrap(), "FILE");
        }
    }
    unreachable!()
}

#[tokio::test]
async fn the_first_start_makes_the_file_for_its_owner_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("a/b/store.db");
    let begun = Instant::now();
    let engine = Sqlite::open(&path, OpenMode::Serve).unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    engine.prepare(&[&THINGS]).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("db-wal")), 0o600);
    assert_eq!(mode(&path.with_extension("db.lock")), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    engine.close().await;
    let mut names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["store.db", "store.db.lock"], "nothing is left over");
}

#[tokio::test]
async fn a_second_server_is_refused_and_a_command_is_not() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    let first = Sqlite::open(&path, OpenMode::Serve).unwrap();
    let second = Sqlite::open(&path, OpenMode::Serve).map(drop).unwrap_err();
    assert!(matches!(second, OpenError::Locked { .. }));
    assert_eq!(
        second.to_string(),
        format!(
            "{} is being served by another process: stop that first, one file has one server",
            path.display()
        )
    );
    Sqlite::open(&path, OpenMode::Command).unwrap().close().await;
    first.close().await;
    Sqlite::open(&path, OpenMode::Serve).unwrap().close().await;
}

#[tokio::test]
async fn many_that_make_the_file_at_once_make_one() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    // One server and, in the same moment, a command; the loser of the race finds the winner's file.
    for round in 0..20 {
        let path = path.with_extension(format!("{round}"));
        let server = {
            let path = path.clone();
            std::thread::spawn(move || Sqlite::open(&path, OpenMode::Serve).unwrap())
        };
        let server = server.join().unwrap();
        let command = Sqlite::open(&path, OpenMode::Command).unwrap();
        command.prepare(&[&THINGS]).await.unwrap();
        server
            .insert(&THINGS, "a".to_owned(), map(json!({})), NOW)
            .await
            .unwrap();
        command.close().await;
        server.close().await;
    }
}

#[test]
fn an_empty_file_is_no_store() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    fs::write(&path, "").unwrap();
    assert_eq!(
        refusal(&path),
        "FILE is damaged (it is empty): restore it from a backup, or move it away to begin with an empty store"
    );
}

#[test]
fn another_programs_file_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    fs::write(&path, "user = alice\n".repeat(20)).unwrap();
    let expected = "FILE is a file of another program: nothing was changed in it";
    assert_eq!(refusal(&path), expected);
    fs::remove_file(&path).unwrap();
    let foreign = Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (id)").unwrap();
    drop(foreign);
    assert_eq!(refusal(&path), expected);
}

#[tokio::test]
async fn a_truncated_file_is_refused() {
    let directory = TempDir::new().unwrap();
    for length in [1, 50, 100, 4096, 8192, 100_000] {
        let path = directory.path().join(format!("{length}.db"));
        filled(&path, 500).await;
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(length)
            .unwrap();
        let line = refusal(&path);
        assert!(line.starts_with("FILE is damaged (it"), "{length}: {line}");
    }
}

/// With a log beside it SQLite itself would take a truncated file for a whole one.
#[tokio::test]
async fn a_truncated_file_with_a_log_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    filled(&path, 500).await;
    let engine = Sqlite::open(&path, OpenMode::Serve).unwrap();
    engine
        .insert(&THINGS, "late".to_owned(), map(json!({})), NOW)
        .await
        .unwrap();
    let (copy, log) = (
        directory.path().join("copy.db"),
        directory.path().join("copy.db-wal"),
    );
    fs::copy(&path, &copy).unwrap();
    fs::copy(path.with_extension("db-wal"), &log).unwrap();
    engine.close().await;
    let whole = fs::read(&copy).unwrap();
    fs::write(&copy, &whole[..whole.len() - 16 * 4096]).unwrap();
    assert!(refusal(&copy).starts_with("FILE is damaged (its end is missing)"));
    fs::write(&copy, whole).unwrap();
    let engine = Sqlite::open(&copy, OpenMode::Serve).unwrap();
    let late = engine.get(&THINGS, "late", NOW).await.unwrap();
    assert!(late.is_some(), "what is only in the log yet is there");
    engine.close().await;
}

#[tokio::test]
async fn flipped_bits_are_noticed() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    filled(&path, 200).await;
    let whole = fs::read(&path).unwrap();
    // The magic, the page size, the page count, our mark; then a page of a table and its neighbours.
    for at in [
        0,
        7,
        16,
        17,
        28,
        31,
        68,
        71,
        100,
        4096,
        8192 + 3,
        3 * 4096 + 2,
        10 * 4096,
    ] {
        for bit in [0x01, 0x80] {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.write_all_at(&[whole[at] ^ bit], at as u64).unwrap();
            let outcome = Sqlite::open(&path, OpenMode::Serve).map(drop);
            // A flipped bit can leave a whole file (more pages than are counted, say); never an empty one.
            match outcome {
                Err(OpenError::Damaged { .. } | OpenError::NotOurs { .. }) => {}
                Ok(()) => panic!("byte {at}, bit {bit:#x}: opened"),
                Err(other) => panic!("byte {at}, bit {bit:#x}: {other}"),
            }
            fs::write(&path, &whole).unwrap();
        }
    }
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    filled(&path, 1).await;
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 7)
        .unwrap();
    let error = Sqlite::open(&path, OpenMode::Serve).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 7, known: 1 }));
    assert_eq!(
        error.to_string(),
        "the store has layout 7, but this program knows layouts up to 1: use a newer program"
    );
}

/// A folder that not even root can write to.
#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let path = Path::new("/proc/self/store.db");
    let error = Sqlite::open(path, OpenMode::Serve).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }));
    assert!(
        error
            .to_string()
            .starts_with("/proc/self/store.db.lock cannot be used"),
        "{error}"
    );
}

#[tokio::test]
async fn addresses() {
    let directory = TempDir::new().unwrap();
    for (address, good) in [
        ("sqlite:relative/store.db", true),
        ("sqlite:", false),
        ("sqlite::memory:", false),
        ("relative/store.db", false),
        ("postgres://user:password@host/db", false),
        ("", false),
    ] {
        let (url, clock) = (SecretString::from(address), Clock::system());
        let opened = open(&url, OpenMode::Serve, directory.path(), &clock, Handle::current());
        match opened.await {
            Ok(engine) => {
                assert!(good, "{address}");
                engine.close().await;
            }
            Err(error) => {
                assert!(!good && matches!(error, OpenError::Address), "{address}: {error}");
                assert!(!error.to_string().contains("password@"));
            }
        }
    }
    assert!(directory.path().join("relative/store.db").is_file());
}

/// The whole of a start, with a store of some size: the file is checked, and that stays cheap.
#[tokio::test]
async fn opening_is_quick() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("store.db");
    filled(&path, 20_000).await;
    let size = fs::metadata(&path).unwrap().len();
    assert!(size > 10_000_000, "{size}");
    let begun = Instant::now();
    let engine = Sqlite::open(&path, OpenMode::Serve).unwrap();
    let took = begun.elapsed();
    engine.close().await;
    // About 20 ms on an idle machine.
    assert!(took < Duration::from_secs(2), "{took:?}");
}
