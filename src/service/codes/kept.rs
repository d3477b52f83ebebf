//! The codes of a demo, which has nobody to bring them: the latest are kept in memory and shown.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::Purpose;
use crate::domain::contact::Contact;
use crate::domain::time::Timestamp;

const MOST: usize = 20;

/// A code as a demo shows it.
#[derive(Clone)]
pub struct KeptCode {
    /// Whom it is for.
    pub target: Contact,
    /// What it is for.
    pub purpose: Purpose,
    code: SecretString,
    /// Its end.
    pub expires_at: Timestamp,
}

impl KeptCode {
    /// The code itself.
    #[must_use]
    pub fn code(&self) -> &str {
        self.code.expose_secret()
    }
}

#[derive(Default)]
pub(super) struct Kept(Mutex<VecDeque<KeptCode>>);

impl Kept {
    pub(super) fn add(&self, target: &Contact, purpose: Purpose, code: &SecretString, expires_at: Timestamp) {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() == MOST {
            codes.pop_front();
        }
        codes.push_back(KeptCode {
            target: target.clone(),
            purpose,
            code: code.expose_secret().into(),
            expires_at,
        });
    }

    pub(super) fn list(&self) -> Vec<KeptCode> {
        let codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.iter().cloned().collect()
    }
}
