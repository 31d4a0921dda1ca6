//! A key as the database keeps it: under a name, and readable only with a key that is not in the database.

use std::fmt;

/// One of the server's own keys, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Unique; what is encrypted is bound to it.
    pub name: String,
    /// What only the key-encryption key opens.
    pub sealed: String,
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SealedKey({})", self.name)
    }
}
