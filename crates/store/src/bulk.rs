//! Very many lists of changes of one caller: an import. Many lists share a transaction, and what is applied is durable
//! only at the end, so that the disk does not set the pace. Everybody else's commits go on beside it.

use std::ops::Range;

use myna_core::change::{Change, Conflict};

use crate::Store;
use crate::engine::{Answer, Engine};
use crate::error::{CommitError, OpenError, StoreError};
use crate::sqlite;
use crate::work::{Done, Work};

/// What follows a list whose guard does not hold. Nothing of that list is applied in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnConflict {
    /// The lists after it are not tried.
    Stop,
    /// The lists after it are.
    Skip,
}

/// Lists in a transaction where everybody's rows are locked one by one: enough to make up for the way there and back.
const ROOM_ACROSS_NETWORK: usize = 100;

/// Applies lists of changes in large transactions. Whatever happens, a list is applied as a whole or not at all, and if
/// it is there, so is every list that was applied before it; after a power failure the last ones may be gone unless
/// [`finish`](Self::finish) has returned.
pub struct Bulk(Writing);

enum Writing {
    Sqlite(sqlite::bulk::Bulk),
    /// Durable each time.
    Postgres(Store),
}

impl Store {
    /// Begins with very many changes. The store may be used meanwhile, also by other processes.
    ///
    /// # Errors
    /// [`OpenError`] when the database cannot be opened once more.
    pub fn bulk(&self) -> Result<Bulk, OpenError> {
        match self.changing()? {
            Engine::Sqlite(sqlite) => Ok(Bulk(Writing::Sqlite(sqlite.bulk()?))),
            Engine::Postgres(_) => Ok(Bulk(Writing::Postgres(self.clone()))),
        }
    }
}

impl Bulk {
    /// How many lists the next transaction should have: many while nobody else writes, few while somebody does, because
    /// everybody waits for it.
    pub const fn room(&self) -> usize {
        match &self.0 {
            Writing::Sqlite(bulk) => bulk.room(),
            Writing::Postgres(_) => ROOM_ACROSS_NETWORK,
        }
    }

    /// Applies `lists` in their order, each all or none, in one transaction. The answers are in the same order; with
    /// [`OnConflict::Stop`] a conflict is the last of them.
    ///
    /// # Errors
    /// [`StoreError`] when the database failed: where everything shares a disk, nothing of `lists` was applied; across a
    /// network some may have been. This is not to be used any more.
    pub async fn commit(
        &mut self,
        lists: Vec<Vec<Change>>,
        on_conflict: OnConflict,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        match &mut self.0 {
            Writing::Sqlite(bulk) => {
                let works: Vec<Work> = lists.into_iter().map(Work::Changes).collect();
                let answers = bulk.commit(&works, on_conflict)?;
                Ok(answers.into_iter().map(|answer| answer.map(drop)).collect())
            }
            Writing::Postgres(store) => commit_durably(store, lists, on_conflict).await,
        }
    }

    /// Ids for `count` new users that no user ever had (LG-11). Ids that are not used are lost.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be reserved.
    pub async fn reserve_user_ids(&mut self, count: u32) -> Result<Range<i64>, StoreError> {
        let count = i64::from(count);
        let work = Work::ReserveIds(count);
        let answer = match &mut self.0 {
            Writing::Sqlite(bulk) => bulk.commit(&[work], OnConflict::Stop)?.pop(),
            Writing::Postgres(store) => Some(answered(store.0.engine.run(work).await)?),
        };
        match answer {
            Some(Ok(Done { first_id: Some(first), .. })) => Ok(first..first + count),
            Some(_) | None => Err(StoreError::Unexpected("a reservation without an answer".to_owned())),
        }
    }

    /// Returns when everything that was applied is durable.
    ///
    /// # Errors
    /// [`StoreError`] when that is not sure.
    #[expect(clippy::unused_async, reason = "an engine across a network may wait here")]
    pub async fn finish(self) -> Result<(), StoreError> {
        match self.0 {
            Writing::Sqlite(bulk) => bulk.finish(),
            Writing::Postgres(_) => Ok(()),
        }
    }
}

/// All lists in one transaction, and one by one where a guard fails: which one is told by nothing else.
async fn commit_durably(
    store: &Store,
    lists: Vec<Vec<Change>>,
    on_conflict: OnConflict,
) -> Result<Vec<Result<(), Conflict>>, StoreError> {
    let together = Work::Changes(lists.iter().flatten().cloned().collect());
    if answered(store.0.engine.run(together).await)?.is_ok() {
        return Ok(lists.iter().map(|_| Ok(())).collect());
    }
    let mut answers = Vec::with_capacity(lists.len());
    for list in lists {
        let answer = answered(store.0.engine.run(Work::Changes(list)).await)?.map(drop);
        let stops = answer.is_err() && on_conflict == OnConflict::Stop;
        answers.push(answer);
        if stops {
            break;
        }
    }
    Ok(answers)
}

/// A conflict is an answer, every other failure is everybody's.
pub(crate) fn answered(answer: Answer) -> Result<Result<Done, Conflict>, StoreError> {
    match answer {
        Ok(done) => Ok(Ok(done)),
        Err(CommitError::Conflict(conflict)) => Ok(Err(conflict)),
        Err(CommitError::Store(error)) => Err(error),
    }
}
