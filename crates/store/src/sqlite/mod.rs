//! The embedded engine: a file in a data folder, one writer thread, a few readers.

pub(crate) mod bulk;
pub(crate) mod connection;
mod files;
pub(crate) mod folder;
mod held;
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
use readers::Readers;
use writer::Writer;

/// An open database.
pub(crate) struct Sqlite {
    readers: Readers,
    writer: Writer,
}

impl Sqlite {
    /// Opens the database of `folder`, brings its schema forward, and starts the writer.
    pub(crate) fn open(folder: &Path, opening: Opening) -> Result<Self, OpenError> {
        let folder = Folder::prepare(folder, opening)?;
        let path = folder.database();
        let db = Db::open(&path, Access::Write)?;
        if !schema::is_present(&db)? {
            // An empty file is no database: SQLite would quietly make one of it.
            match opening {
                _ if folder.is_settled => return Err(folder.missing()),
                Opening::MustExist => return Err(OpenError::NoDatabase(path)),
                Opening::Create => {}
            }
        }
        schema::migrate(&db, schema::MIGRATIONS)?;
        folder.settle()?;
        let held = Held::new(path.clone(), db)?;
        let writer = Writer::start(held).map_err(|source| OpenError::Path { path: path.clone(), source })?;
        Ok(Self { readers: Readers::new(path), writer })
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
