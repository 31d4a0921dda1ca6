//! What callers want an engine to make durable.

use myna_core::change::Change;

use crate::sweep::Dead;

/// What a caller wants.
pub(crate) enum Work {
    /// A decision's changes.
    Changes(Vec<Change>),
    /// A block of user ids; the answer is the first.
    ReserveIds,
    /// Dead rows to be deleted.
    Forget(Dead),
    /// A sign of life.
    Nothing,
}

/// How well callers share transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitCounts {
    /// Lists of changes that were applied.
    pub callers: u64,
    /// Durable transactions that they took.
    pub commits: u64,
}
