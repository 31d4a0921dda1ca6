//! A key ring: the one key that signs and all that verify, for one dialect and one use. It never changes after it is
//! made (a rotation makes a new ring) and never looks outside itself for a key.

use std::collections::HashMap;
use std::sync::Arc;

use crate::import::KeyError;
use crate::jws::SigningKey;
use crate::key::VerifyingKey;

/// The keys of one dialect for one use (access or refresh tokens). Rings must not share keys, else a token of one is
/// good in the other (JT-09, JT-10).
#[derive(Debug)]
pub struct KeyRing {
    signing: Arc<SigningKey>,
    /// The signing key's own half comes first.
    keys: Vec<VerifyingKey>,
    by_kid: HashMap<Box<str>, usize>,
}

impl KeyRing {
    /// Puts a ring together. The signing key also verifies; it may be among `others` too.
    ///
    /// # Errors
    /// [`KeyError::DuplicateKid`] when two different keys have one key id.
    pub fn new(signing: Arc<SigningKey>, others: Vec<VerifyingKey>) -> Result<Self, KeyError> {
        let mut keys: Vec<VerifyingKey> = Vec::with_capacity(others.len().saturating_add(1));
        let mut by_kid = HashMap::with_capacity(others.len().saturating_add(1));
        for key in std::iter::once(signing.verifying().clone()).chain(others) {
            let known = by_kid.get(key.kid()).and_then(|at: &usize| keys.get(*at));
            match known {
                Some(known) if known.is_same(&key) => {}
                Some(_) => return Err(KeyError::DuplicateKid),
                None => {
                    by_kid.insert(key.kid().into(), keys.len());
                    keys.push(key);
                }
            }
        }
        Ok(Self { signing, keys, by_kid })
    }

    /// The key new tokens are signed with.
    #[must_use]
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// All keys that verify, the signing one first.
    pub fn keys(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter()
    }

    pub(crate) fn key(&self, kid: &str) -> Option<&VerifyingKey> {
        self.by_kid.get(kid).and_then(|at| self.keys.get(*at))
    }
}
