//! Why a copy did not begin, or broke off.

use crate::error::{OpenError, StoreError};

/// Why there is no copy, or only a part of one. Each message says what to do; none holds a password.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// What was written names no place.
    #[error("{0}")]
    Place(String),
    /// Both ends are one.
    #[error("source and target are both {0}: name two places")]
    SamePlace(String),
    /// The source cannot be opened.
    #[error("the source: {0}")]
    Source(#[source] OpenError),
    /// The target cannot be opened.
    #[error("the target: {0}")]
    Target(#[source] OpenError),
    /// The source's schema is older than this program's.
    #[error("the source {0} was made by an older Myna: start the server of this version on it once, then copy")]
    OldSource(String),
    /// The source is itself a copy that was broken off.
    #[error("the source {0} is a copy that was never completed: complete it first, or copy from its source")]
    HalfSource(String),
    /// The target holds a store that somebody uses.
    #[error(
        "the target {0} holds an installation with data, and such a one is never overwritten: name an empty database or \
         a new folder (a copy that was completed counts as in use from its first start on)"
    )]
    InUse(String),
    /// The target holds a copy of something else.
    #[error(
        "the target {target} holds an unfinished copy of {of}: go on with that one, or name an empty database or a new folder"
    )]
    OtherSource {
        /// Which target.
        target: String,
        /// Of what it holds a copy.
        of: String,
    },
    /// Another run has taken the target over.
    #[error("another run has taken this copy over; this one has ended, and nothing is lost")]
    TakenOver,
    /// Keys do not come in order: nothing can be told of what is missing.
    #[error("the keys of table {0} do not come in order; nothing more was written")]
    Disorder(&'static str),
    /// The source cannot be read.
    #[error("the source cannot be read any more: {0}; run the same command again to go on")]
    Reading(#[source] StoreError),
    /// The target cannot be written or read.
    #[error("the target failed: {0}; run the same command again to go on")]
    Writing(#[source] StoreError),
}

/// A failure of the source.
pub(super) const fn reading(error: StoreError) -> CopyError {
    CopyError::Reading(error)
}

/// A failure of the target.
pub(super) const fn writing(error: StoreError) -> CopyError {
    CopyError::Writing(error)
}
