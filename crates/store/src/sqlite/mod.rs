//! The embedded engine: a file in a data folder, one writer thread, a few readers.

pub(crate) mod bulk;
pub(crate) mod connection;
pub(crate) mod copy;
mod files;
pub(crate) mod folder;
mod held;
mod mark;
mod readers;
pub(crate) mod schema;
pub(crate) mod writer;

use std::path::Path;

use crate::Opening;
use crate::engine::{Answer, Row, Value};
use crate::error::{OpenError, StoreError};
use crate::work::Work;
use connection::{Access, Db};
use folder::Folder;
use held::Held;
use mark::Mark;
use readers::Readers;
use writer::Writer;

/// An open database.
pub(crate) struct Sqlite {
    readers: Readers,
    writer: Writer,
    mark: Mark,
}

impl Sqlite {
    /// Opens the database of `folder`, brings its schema forward, and starts the writer.
    pub(crate) fn open(folder: &Path, opening: Opening) -> Result<Self, OpenError> {
        let folder = Folder::prepare(folder, opening)?;
        let path = folder.database();
        let gate = folder.enter()?;
        let db = Db::open(&path, Access::Write)?;
        if !schema::is_present(&db)? {
            // An empty file is no database: SQLite would quietly make one of it.
            match opening {
                _ if folder.is_settled => return Err(folder.missing()),
                Opening::MustExist => return Err(OpenError::NoDatabase(path)),
                Opening::Create => {}
            }
        }
        schema::take_over(&db)?;
        schema::migrate(&db, schema::MIGRATIONS)?;
        folder.settle()?;
        let held = Held::new(path.clone(), db)?;
        let mark = folder.mark(&gate)?;
        let writer = Writer::start(held).map_err(|source| OpenError::Path { path: path.clone(), source })?;
        Ok(Self { readers: Readers::new(path), writer, mark })
    }

    /// Looks at every page of the database of `folder`, which others may have open. Returns what is wrong, in SQLite's
    /// words; `None` when there is no database yet.
    pub(crate) fn examine(folder: &Path) -> Result<Option<Vec<String>>, OpenError> {
        let folder = match Folder::prepare(folder, Opening::MustExist) {
            Ok(folder) => folder,
            Err(OpenError::NoDatabase(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let _gate = folder.enter()?;
        let db = Db::open(&folder.database(), Access::Read)?;
        if schema::is_present(&db)? {
            return match db.examine() {
                // So damaged that it cannot even be read to its end.
                Err(StoreError::Corrupt(text)) => Ok(Some(vec![text])),
                examined => Ok(Some(examined?)),
            };
        }
        if folder.is_settled { Err(folder.missing()) } else { Ok(None) }
    }

    /// Runs a query on the calling thread: a point read costs less than handing it to another would.
    pub(crate) fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
        fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.readers.rows(sql, values, fold)
    }

    pub(crate) async fn run(&self, work: Work) -> Answer {
        self.writer.run(work).await
    }

    /// A connection for very many lists of changes.
    pub(crate) fn bulk(&self) -> Result<bulk::Bulk, OpenError> {
        bulk::Bulk::open(self.readers.path())
    }

    /// The thread that writes.
    pub(crate) const fn writer(&self) -> &Writer {
        &self.writer
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.readers.close();
        let Some(held) = self.writer.end() else { return };
        match self.mark.lift() {
            Ok((_gate, true)) => held.close(),
            // Who was there a moment ago may have been killed since: SQLite would take us for the last one, and remove a WAL
            // that the mark still asks for.
            Ok((_gate, false)) => drop(held),
            Err(error) => tracing::warn!(%error, "the data folder stays marked"),
        }
    }
}
