//! The simulator shares nothing with the gateway: an error of one must not be repeated in the other.

use std::fs;
use std::path::{Path, PathBuf};

const FOREIGN: [&str; 6] = ["clock", "domain", "http", "service", "store", "wechat"];

#[test]
fn the_simulator_imports_no_room_of_the_gateway() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulator");
    let files = sources(&folder);
    assert!(files.len() > 20, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        for room in FOREIGN {
            assert!(
                !text.contains(&format!("crate::{room}")),
                "{} imports {room}",
                file.display()
            );
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
