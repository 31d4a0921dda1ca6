//! Fresh user ids: reserved in blocks by a guarded write, handed out from memory.
//!
//! Two rules together make an id unique for ever, whoever gives it. `used_user_id` holds every id that a user ever had,
//! so that also the id of a deleted user is refused, and an import may name its ids in any order. `id_block.next` lies
//! above every reserved and every used id, so that a fresh id is free unless somebody names it in between; then that
//! one conflict makes the block be thrown away.

use std::ops::Range;

use myna_core::id::UserId;
use tokio::sync::Mutex;

use crate::engine::{Engine, Value};
use crate::error::{CommitError, StoreError};
use crate::work::Work;

/// How many ids are reserved at once for users who come one by one.
const BLOCK: i64 = 100;

/// Reserves ids and gives back what comes after them.
pub(crate) const RESERVE: &str =
    "UPDATE id_block SET next = next + $1 WHERE name = 'user' AND next <= $2 RETURNING next";

/// The rest of the block that this store has reserved.
pub(crate) struct FreshIds(Mutex<Range<i64>>);

impl Default for FreshIds {
    fn default() -> Self {
        Self(Mutex::new(0..0))
    }
}

impl FreshIds {
    pub(crate) async fn next(&self, engine: &Engine) -> Result<UserId, StoreError> {
        let mut block = self.0.lock().await;
        if block.is_empty() {
            *block = match engine.run(Work::ReserveIds(BLOCK)).await {
                Ok(done) => done.first_id.map_or(0..0, |first| first..first + BLOCK),
                Err(CommitError::Store(error)) => return Err(error),
                Err(CommitError::Conflict(_)) => return Err(StoreError::Busy),
            };
        }
        block.next().map(UserId).ok_or(StoreError::NoIdLeft)
    }

    pub(crate) async fn forget_block_of(&self, id: UserId) {
        let mut block = self.0.lock().await;
        // The id itself was handed out before, so it lies before the rest.
        if (block.start.saturating_sub(BLOCK)..block.end).contains(&id.0) {
            *block = 0..0;
        }
    }
}

/// The values of [`RESERVE`] for `count` ids; without a row no id is left.
pub(crate) const fn reserve_values(count: i64) -> [Value<'static>; 2] {
    [Value::Integer(count), Value::Integer(i64::MAX - count)]
}
