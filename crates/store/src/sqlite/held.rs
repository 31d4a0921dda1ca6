//! The writing connection, held to two rules. It writes only to files that still bear their names. And once its files
//! have failed it, it is never asked again: after a failed fsync nobody knows what an old handle still has, and a second
//! one could succeed without anything being on the disk (F5).

use std::path::PathBuf;

use super::connection::{Access, Db};
use super::files::Files;
use super::schema;
use crate::error::{OpenError, StoreError};

/// A number that nobody uses, in the first page. A row that is updated to what it is would alter no page, and its commit
/// would ask nothing of the disk.
const TOUCH: &str = "PRAGMA user_version = 0";

/// The connection of the one writer, and how to get another.
pub(crate) struct Held {
    database: PathBuf,
    files: Files,
    /// `None` after a failure, until a new one could be opened.
    db: Option<Db>,
    /// Never used. While it is open, SQLite goes on with the index of the WAL that it has, and does not read the WAL
    /// again, where a transaction that failed may stand as if it were whole.
    anchor: Db,
    is_failing: bool,
}

impl Held {
    /// Takes over `db`, an open connection to `database`.
    pub(crate) fn new(database: PathBuf, db: Db) -> Result<Self, OpenError> {
        let anchor = Db::open(&database, Access::Read)?;
        // The first read opens the WAL.
        schema::is_present(&anchor)?;
        let files = Files::of(&database)?;
        Ok(Self { database, files, db: Some(db), anchor, is_failing: false })
    }

    /// A connection to write with.
    ///
    /// # Errors
    /// Why there is none now; the next call tries again.
    pub(crate) fn db(&mut self) -> Result<&Db, StoreError> {
        self.files.verify()?;
        let db = match self.db.take() {
            Some(db) => db,
            None => self.open()?,
        };
        Ok(self.db.insert(db))
    }

    /// Whether nothing could be made durable since the last failure.
    pub(crate) const fn is_failing(&self) -> bool {
        self.is_failing
    }

    /// Notes that a transaction is durable.
    pub(crate) fn worked(&mut self) {
        if self.is_failing {
            tracing::info!("the database can be written again");
        }
        self.is_failing = false;
    }

    /// Notes why work was not done, and gives the connection up if its files may be the reason.
    pub(crate) fn failed(&mut self, error: &StoreError) {
        let breaks = match error {
            StoreError::Full | StoreError::Busy => false,
            StoreError::ReadOnly(_) | StoreError::Io(_) | StoreError::Corrupt(_) | StoreError::Unexpected(_) => true,
            StoreError::Refused(_) | StoreError::NoIdLeft | StoreError::Stopped => return,
            // Said by the other engine.
            StoreError::Unreachable(_) | StoreError::Unknown => return,
            // Said before anything reaches the engine.
            StoreError::KeptReadOnly => return,
        };
        if !self.is_failing {
            tracing::error!(%error, "the database cannot be written");
        }
        self.is_failing = true;
        if breaks {
            self.renew();
        }
    }

    /// Ends the last use of the database: what the WAL holds goes into it.
    pub(crate) fn close(self) {
        let Self { database: _, files: _, db, anchor, is_failing: _ } = self;
        drop(anchor);
        if let Some(db) = db {
            db.close();
        }
    }

    /// What the failed transaction left in the WAL is written over at once, if the disk lets us: a crash must not bring
    /// it back to life.
    fn renew(&mut self) {
        self.db = None;
        let renewed = self.db().and_then(|db| {
            db.begin()?;
            touch(db).and_then(|()| db.commit()).inspect_err(|_| db.rollback())
        });
        if let Err(error) = renewed {
            tracing::debug!(%error, "the new connection cannot write either");
        }
    }

    fn open(&self) -> Result<Db, StoreError> {
        let db = Db::open(&self.database, Access::Write).map_err(OpenError::while_open)?;
        if schema::is_present(&db)? { Ok(db) } else { Err(StoreError::Corrupt("the schema is gone".to_owned())) }
    }
}

/// Writes a page as it is: nothing changes, and everything that a write needs is needed.
pub(crate) fn touch(db: &Db) -> Result<(), StoreError> {
    db.execute(TOUCH, &[]).map(drop)
}
