//! Signatures that others have computed, to compare ours with.

use serde::Deserialize;
use serde_json::Value;

/// Inputs and what must come out.
#[derive(Debug, Deserialize)]
pub(crate) struct Vector {
    pub(crate) name: String,
    kind: String,
    pub(crate) inputs: Value,
    pub(crate) expected: Value,
}

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

/// Every vector of these kinds; there is at least one of each.
pub(crate) fn of(kinds: &[&str]) -> Vec<Vector> {
    let file: File = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let (found, _): (Vec<_>, Vec<_>) = file
        .vectors
        .into_iter()
        .partition(|vector| kinds.contains(&vector.kind.as_str()));
    assert!(found.len() >= kinds.len());
    found
}

impl Vector {
    pub(crate) fn input(&self, name: &str) -> &str {
        self.inputs[name].as_str().unwrap()
    }
}
