//! What callers want an engine to make durable.

use myna_core::change::Change;
use myna_core::id::SessionId;
use myna_core::session::EndCause;

use crate::sweep::Dead;

/// What a caller wants.
pub(crate) enum Work {
    /// A decision's changes.
    Changes(Vec<Change>),
    /// So many user ids; the answer is the first.
    ReserveIds(i64),
    /// Dead rows to be deleted.
    Forget(Dead),
    /// A sign of life.
    Nothing,
}

/// What a piece of work has come to, durable by now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Done {
    /// The first id of a reserved block.
    pub(crate) first_id: Option<i64>,
    /// The sessions that the changes have ended.
    pub(crate) ended: Vec<Ended>,
}

/// A session that a commit has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Which.
    pub id: SessionId,
    /// Of which dialect.
    pub dialect: String,
    /// Why.
    pub cause: EndCause,
}

/// How well callers share transactions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommitCounts {
    /// Lists of changes that were applied.
    pub callers: u64,
    /// Durable transactions that they took.
    pub commits: u64,
}
