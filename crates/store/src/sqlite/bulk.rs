//! Very many changes through a connection of their own.
//!
//! A row costs some 10 µs of processor time, a page that goes to disk far more, and identifiers lie in no order: nearly
//! every one alters a page of its own. So a transaction holds many rows, the log grows long before its pages are brought
//! into the database, each once, and the disk is waited for only then and at the end.

use std::path::Path;
use std::thread;
use std::time::Duration;

use myna_core::change::Conflict;

use super::connection::{Access, Db, Setting};
use super::held::touch;
use super::writer::one;
use crate::bulk::{OnConflict, answered};
use crate::error::{OpenError, StoreError};
use crate::work::{Done, Work};

/// Lists in a transaction while nobody else writes: about 0.2 s.
const ROOM_MAX: usize = 16_000;
/// Lists in a transaction while somebody else writes: everybody waits for it.
const ROOM_MIN: usize = 500;
/// After how many lists, while nobody else writes, the log is brought into the database: some 200 MB of it.
const CHECKPOINT_EVERY: usize = 48_000;
/// How long the lock is free between two transactions while somebody else writes; longer than anybody's pause between
/// two tries to get it.
const FREE: Duration = Duration::from_millis(3);

/// Without a wait for the disk at each commit, and with room for the indexes of a million users. Checkpoints are ours: a
/// failure of SQLite's own would be told to nobody, and a later wait for the disk could succeed all the same (F5).
pub(super) const SETTINGS: [Setting; 3] =
    [("synchronous", "NORMAL", "1"), ("cache_size", "-256000", "-256000"), ("wal_autocheckpoint", "0", "0")];
/// A commit waits for the disk, and so for everything that was committed before it.
pub(super) const DURABLE: [Setting; 1] = [("synchronous", "FULL", "2")];

pub(crate) struct Bulk {
    db: Db,
    pace: Pace,
    /// Lists since the last checkpoint.
    in_log: usize,
}

impl Bulk {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        let db = Db::open(path, Access::Write)?;
        db.set(&SETTINGS)?;
        let pace = Pace { room: ROOM_MIN, seen: db.foreign_version()? };
        Ok(Self { db, pace, in_log: 0 })
    }

    pub(crate) const fn room(&self) -> usize {
        self.pace.room
    }

    /// One transaction.
    pub(crate) fn commit(
        &mut self,
        works: &[Work],
        on_conflict: OnConflict,
    ) -> Result<Vec<Result<Done, Conflict>>, StoreError> {
        self.db.begin()?;
        let answers = in_order(&self.db, works, on_conflict)
            .and_then(|answers| self.db.commit().map(|()| answers))
            .inspect_err(|_| self.db.rollback())?;
        self.in_log += works.len();
        let others_wrote = self.pace.others_wrote(self.db.foreign_version()?);
        // Somebody else's commit would find a long log and bring it into the database before it is answered.
        if others_wrote || self.in_log >= CHECKPOINT_EVERY {
            self.db.checkpoint()?;
            self.in_log = 0;
        }
        if others_wrote {
            thread::sleep(FREE);
        }
        Ok(answers)
    }

    pub(crate) fn finish(self) -> Result<(), StoreError> {
        self.db.set(&DURABLE).map_err(OpenError::while_open)?;
        // The log is written in order: when this change of nothing is durable, all of it is.
        self.db.begin()?;
        touch(&self.db).and_then(|()| self.db.commit()).inspect_err(|_| self.db.rollback())?;
        self.db.checkpoint()
    }
}

fn in_order(db: &Db, works: &[Work], on_conflict: OnConflict) -> Result<Vec<Result<Done, Conflict>>, StoreError> {
    let mut answers = Vec::with_capacity(works.len());
    for work in works {
        let answer = answered(one(db, work))?;
        let stops = answer.is_err() && on_conflict == OnConflict::Stop;
        answers.push(answer);
        if stops {
            break;
        }
    }
    Ok(answers)
}

/// How much is done at once.
struct Pace {
    room: usize,
    /// The version that others' last commit made.
    seen: i64,
}

impl Pace {
    /// Whether others have written since the last time; from then on a transaction is short, and grows while they do not.
    fn others_wrote(&mut self, version: i64) -> bool {
        let wrote = version != self.seen;
        self.seen = version;
        self.room = if wrote { ROOM_MIN } else { (self.room * 2).min(ROOM_MAX) };
        wrote
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_short_while_others_write() {
        let mut pace = Pace { room: ROOM_MIN, seen: 7 };
        assert!(!pace.others_wrote(7));
        assert_eq!(pace.room, 2 * ROOM_MIN);
        for _ in 0..20 {
            assert!(!pace.others_wrote(7));
        }
        assert_eq!(pace.room, ROOM_MAX);
        assert!(pace.others_wrote(9));
        assert_eq!(pace.room, ROOM_MIN);
        assert!(!pace.others_wrote(9), "what was seen once counts once");
    }
}
