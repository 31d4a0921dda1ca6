//! Why keys cannot be had, with what to do about it.

use std::io;

use myna_store::StoreError;
use myna_tokens::KeyError;
use myna_tokens::crypto::NoRandomness;
use myna_tokens::seal::SealError;

/// The keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file or row holds no key that can be used.
    #[error("{place}: {source}")]
    Key {
        /// Which.
        place: String,
        /// Why.
        source: KeyError,
    },
    /// A private file can be read by others.
    #[error("{path} can be read by others (mode {mode:o}); make it private: chmod 600 {path}")]
    Exposed {
        /// Which.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The root key is damaged, or gone while other keys are there.
    #[error(
        "{place} is missing or damaged: expected a root key. Restore it from a backup; with another key every session ends"
    )]
    Root {
        /// Which.
        place: String,
    },
    /// Another key-encryption key has encrypted it.
    #[error(
        "the key `{name}` in the database is encrypted with the key-encryption key {sealed_with}, and \
         `key_encryption_key` is {ours}: set it to the one with which the keys were stored"
    )]
    OtherEncryption {
        /// Which.
        name: String,
        /// By which key-encryption key, by its id.
        sealed_with: String,
        /// The ids of those that are set.
        ours: String,
    },
    /// A row was altered.
    #[error("the key `{name}` in the database cannot be read: {source}. Restore it from a backup")]
    Sealed {
        /// Which.
        name: String,
        /// Why.
        source: SealError,
    },
    /// The keys are in the database, and we were not told how to read them.
    #[error(
        "the keys are in the database, encrypted: set `key_encryption_key` (or MYNA_KEY_ENCRYPTION_KEY) to the key with \
         which they were stored"
    )]
    NoEncryptionKey,
    /// The keys are to be in the database and are in a folder.
    #[error(
        "the keys are still in {folder}, and `key_encryption_key` says that they are in the database; to move them there: \
         myna key move --to database. Without its root key every session would end"
    )]
    InFolder {
        /// Which folder.
        folder: String,
    },
    /// There are two different root keys.
    #[error("the root key in {folder} is not the one in the database: these are the keys of two installations")]
    TwoRoots {
        /// Which folder.
        folder: String,
    },
    /// The folder has a key that the database has not, and nobody knows whether it was removed.
    #[error(
        "{folder} holds the key {kid}, which the database has not: delete its file if it was removed, else import it"
    )]
    Leftover {
        /// Which folder.
        folder: String,
        /// Its id.
        kid: String,
    },
    /// The very same key again.
    #[error("the key {kid} is there already")]
    Known {
        /// Its id.
        kid: String,
    },
    /// Somebody else altered the keys at the same moment.
    #[error("somebody else changed the keys just now; look again")]
    Changed,
    /// The database failed.
    #[error("the keys in the database cannot be had: {0}")]
    Store(#[from] StoreError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}
