//! The store of Myna: loads the facts of an operation, commits its changes in one durable transaction, keeps the schema.
//!
//! [`Store::open`] opens the embedded SQLite database of a data folder. The `load_*` functions are one query each, on
//! the calling thread. [`Store::commit`] hands a list of changes to one writer thread, which makes many callers'
//! lists durable together; it answers after the disk has them (ST-05). [`Store::bulk`] is for very many lists of one
//! caller, an import. There is no rule of an operation here: what may
//! happen is decided in `myna-core`, and [`Change`]s say under which guard.

mod bulk;
mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod copy;
mod engine;
mod error;
pub mod faults;
mod ids;
mod load;
mod postgres;
mod schema;
mod sqlite;
mod sweep;
mod work;

use std::path::Path;
use std::sync::Arc;

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;

pub use crate::bulk::{Bulk, OnConflict};
pub use crate::copy::{CopiedTable, Copy, CopyError, CopyNote, CopyPhase, CopyPlan, CopyReport, Place};
pub use crate::error::{CommitError, OpenError, StoreError};
pub use crate::load::session::Sessions;
pub use crate::sweep::Sweep;
pub use crate::work::{CommitCounts, Ended};

use crate::engine::Engine;
use crate::ids::FreshIds;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::work::Work;

/// What to do when there is no database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// Make the folder and the database, unless the folder once held one.
    Create,
    /// Refuse.
    MustExist,
}

/// An open database. Clones share it; it is closed when the last one is dropped, after everything queued is durable.
#[derive(Clone)]
pub struct Store(Arc<Inner>, Changes);

/// What is done with changes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Changes {
    Taken,
    Refused,
}

struct Inner {
    engine: Engine,
    fresh_ids: FreshIds,
}

impl Store {
    /// Opens the database of `folder`, brings its schema forward, and starts the writer. Other processes may have the
    /// same database open.
    ///
    /// The folder becomes mode 0700, every file 0600 (ST-12). Writes are durable when they are answered: WAL with
    /// `synchronous = FULL`, read back (ST-01).
    ///
    /// # Errors
    /// [`OpenError`], whose message says what to do. A database that should be there and is not is never replaced by
    /// an empty one (F25).
    pub fn open(folder: &Path, opening: Opening) -> Result<Self, OpenError> {
        let engine = Engine::Sqlite(Sqlite::open(folder, opening)?);
        Ok(Self(Arc::new(Inner { engine, fresh_ids: FreshIds::default() }), Changes::Taken))
    }

    /// Looks for damage in every page of the database of `folder`, also while it is open elsewhere. `None` when there is
    /// no database yet; a sound one has no lines.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot even be looked at.
    pub fn examine(folder: &Path) -> Result<Option<Vec<String>>, OpenError> {
        Sqlite::examine(folder)
    }

    /// Connects to the PostgreSQL database of `address`, `postgres://user:password@host:port,host:port/name`, and brings its
    /// schema forward. Other nodes may use the same database at the same time.
    ///
    /// # Errors
    /// [`OpenError`], whose message says what to do and holds no password.
    pub async fn connect(address: &str, opening: Opening) -> Result<Self, OpenError> {
        let engine = Engine::Postgres(Postgres::open(address, opening).await?);
        Ok(Self(Arc::new(Inner { engine, fresh_ids: FreshIds::default() }), Changes::Taken))
    }

    /// The names of the machines in a PostgreSQL address, without ports; sockets of this machine are left out.
    ///
    /// # Errors
    /// [`OpenError::Address`], which holds no password.
    pub fn hosts(address: &str) -> Result<Vec<String>, OpenError> {
        Postgres::hosts(address)
    }

    /// The same store, which refuses every change with [`StoreError::KeptReadOnly`] and goes on being read.
    #[must_use]
    pub fn kept_read_only(self) -> Self {
        Self(self.0, Changes::Refused)
    }

    /// Whether it refuses every change.
    pub fn is_kept_read_only(&self) -> bool {
        self.1 == Changes::Refused
    }

    /// What applies changes, if they are taken at all.
    fn changing(&self) -> Result<&Engine, StoreError> {
        match self.1 {
            Changes::Taken => Ok(&self.0.engine),
            Changes::Refused => Err(StoreError::KeptReadOnly),
        }
    }

    /// Applies a decision's changes, in their order, all or none, and returns when they are durable: which sessions they
    /// have ended. Dropping the future does not call them back: they may happen all the same.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a guard did not hold; [`CommitError::Store`] when the database failed. In both
    /// cases nothing of the list was applied, but for one: a process that ends after it failed to write, before it could
    /// write again, may leave what failed whole on the disk.
    pub async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Ended>, CommitError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let result = self.changing()?.run(Work::Changes(changes)).await;
        if let Err(CommitError::Conflict(Conflict::UserIdUsed(id))) = &result {
            // Somebody took an id of our block by name: the next one comes from a block that nobody touched.
            self.0.fresh_ids.forget_block_of(*id).await;
        }
        result.map(|done| done.ended)
    }

    /// An id for a new user that no user ever had (LG-11). Ids that are not used are lost; they are plenty.
    ///
    /// # Errors
    /// [`StoreError`] when a new block of ids cannot be reserved.
    pub async fn allocate_user_id(&self) -> Result<UserId, StoreError> {
        self.0.fresh_ids.next(self.changing()?).await
    }

    /// Whether the store can serve: a read works and the writer answers, also where it is kept from writing.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn check_ready(&self) -> Result<(), StoreError> {
        load::ready::check(&self.0.engine).await?;
        match self.0.engine.run(Work::Nothing).await {
            Ok(_) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
            Err(CommitError::Conflict(_)) => Err(StoreError::Unexpected("a guard without a change".to_owned())),
        }
    }

    /// Returns when the writer has stopped, which it does only by a panic while a store is open: the process should
    /// end then.
    pub async fn stopped(&self) {
        self.0.engine.stopped().await;
    }

    /// How many lists were applied in how many durable transactions since the store was opened.
    pub fn commit_counts(&self) -> CommitCounts {
        self.0.engine.counts()
    }
}
