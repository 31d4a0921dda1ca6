//! What a copy needs of a file: all of its rows as they were at one moment, in the order of their keys, and a connection
//! that writes very many.

use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::types::ValueRef;
use tokio::sync::mpsc;

use super::connection::{Access, Db};
use super::folder::Folder;
use super::held::touch;
use super::{bulk, schema};
use crate::Opening;
use crate::copy::{BATCH_ROWS, Batch, Encoder, Kind, Table, Tuple, value};
use crate::engine::Row;
use crate::error::{OpenError, StoreError};
use crate::schema::Applied;

/// After how many rows the log is brought into the database.
const CHECKPOINT_EVERY: usize = 200_000;

const BEGIN: &str = "BEGIN";
const LOOK: &str = "SELECT 1 FROM migration";

/// A file that is copied from or to.
pub(crate) struct End {
    db: Db,
    path: PathBuf,
    /// Rows since the last checkpoint.
    in_log: usize,
}

impl End {
    /// Opens a file that is only read: a folder's database, or the file itself.
    pub(crate) fn read(path: &Path) -> Result<Self, OpenError> {
        if path.is_file() {
            return Ok(Self { db: Db::open(path, Access::Read)?, path: path.to_owned(), in_log: 0 });
        }
        let folder = Folder::prepare(path, Opening::MustExist)?;
        let _gate = folder.enter()?;
        let path = folder.database();
        let end = Self { db: Db::open(&path, Access::Read)?, path, in_log: 0 };
        // An empty file is no database.
        match end.applied()? {
            Some(_) => Ok(end),
            None if folder.is_settled => Err(folder.missing()),
            None => Err(OpenError::NoDatabase(end.path)),
        }
    }

    /// Opens the database of a folder to be written, and makes both if they are missing.
    pub(crate) fn write(folder: &Path) -> Result<Self, OpenError> {
        let folder = Folder::prepare(folder, Opening::Create)?;
        let _gate = folder.enter()?;
        let path = folder.database();
        let db = Db::open(&path, Access::Write)?;
        if folder.is_settled && !schema::is_present(&db)? && !schema::has_mark(&db)? {
            return Err(folder.missing());
        }
        db.set(&bulk::SETTINGS)?;
        folder.settle()?;
        Ok(Self { db, path, in_log: 0 })
    }

    /// The steps of the schema that are applied; `None` without a schema.
    pub(crate) fn applied(&self) -> Result<Option<Vec<Applied>>, StoreError> {
        if schema::is_present(&self.db)? { Ok(Some(schema::applied(&self.db)?)) } else { Ok(None) }
    }

    /// Brings the schema forward.
    pub(crate) fn migrate(&self) -> Result<(), OpenError> {
        schema::migrate(&self.db, schema::MIGRATIONS)
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    /// Inserts rows into a table.
    pub(crate) fn insert(&mut self, table: &Table, rows: &[Tuple]) -> Result<(), StoreError> {
        let insert = table.insert();
        for row in rows {
            let values = row.fields().zip(table.columns).map(|(field, (_, kind))| value(*kind, field));
            self.db.execute(&insert, &values.collect::<Result<Vec<_>, _>>()?)?;
        }
        self.in_log += rows.len();
        Ok(())
    }

    /// After a commit: keeps the log short.
    pub(crate) fn committed(&mut self) -> Result<(), StoreError> {
        if self.in_log >= CHECKPOINT_EVERY {
            self.in_log = 0;
            self.db.checkpoint()?;
        }
        Ok(())
    }

    /// From here on a commit waits for the disk, and so for everything before it.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        self.db.set(&bulk::DURABLE).map_err(OpenError::while_open)?;
        self.db.begin()?;
        touch(&self.db).and_then(|()| self.db.commit()).inspect_err(|_| self.db.rollback())?;
        self.db.checkpoint()
    }

    /// Ends the use of a target: what its log holds goes into the database.
    pub(crate) fn close(self) {
        self.db.close();
    }

    /// Everything as it is at this moment.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, OpenError> {
        Snapshot::begin(&self.path)
    }
}

type Order = (&'static Table, mpsc::Sender<Batch>);

/// A database at one moment, read on a thread of its own. Dropping it ends the thread, after what was asked for.
pub(crate) struct Snapshot(std::sync::mpsc::Sender<Order>);

impl Snapshot {
    fn begin(path: &Path) -> Result<Self, OpenError> {
        let db = Db::open(path, Access::Read)?;
        db.script(BEGIN)?;
        // The moment is that of the first read.
        db.exists(LOOK, &[])?;
        let (orders, asked) = std::sync::mpsc::channel::<Order>();
        let serve = move || {
            for (table, rows) in asked {
                if let Err(error) = send(&db, table, &rows) {
                    // Nobody listens any more: the copy has ended.
                    let _ = rows.blocking_send(Err(error));
                }
            }
        };
        let thread = thread::Builder::new().name("copy-reader".to_owned());
        thread.spawn(serve).map_err(|source| OpenError::Path { path: path.to_owned(), source })?;
        Ok(Self(orders))
    }

    /// The rows of a table in the order of their keys.
    pub(crate) fn rows(&self, table: &'static Table, rows: mpsc::Sender<Batch>) -> Result<(), StoreError> {
        self.0.send((table, rows)).map_err(|_| StoreError::Stopped)
    }
}

fn send(db: &Db, table: &Table, rows: &mpsc::Sender<Batch>) -> Result<(), StoreError> {
    let select = format!("SELECT {} FROM {} ORDER BY {}", table.columns(), table.name, table.order("BINARY"));
    let (mut encoder, mut batch) = (Encoder::new(), Vec::with_capacity(BATCH_ROWS));
    db.rows(&select, &[], |row| {
        batch.push(encode(row, table, &mut encoder)?);
        if batch.len() < BATCH_ROWS {
            return Ok(());
        }
        let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
        rows.blocking_send(Ok(full)).map_err(|_| StoreError::Stopped)
    })?;
    rows.blocking_send(Ok(batch)).map_err(|_| StoreError::Stopped)
}

fn encode(row: &Row<'_>, table: &Table, encoder: &mut Encoder) -> Result<Tuple, StoreError> {
    let Row::Sqlite(row) = row else { return Err(StoreError::Unexpected("a row of another engine".to_owned())) };
    encoder.begin(table.columns.len());
    for (at, (name, kind)) in table.columns.iter().enumerate() {
        let value = row.get_ref(at).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let fits = match (value, kind) {
            (ValueRef::Null, _) => {
                encoder.null();
                true
            }
            (ValueRef::Integer(number), Kind::Integer) => {
                encoder.integer(number);
                true
            }
            (ValueRef::Text(bytes), Kind::Text) | (ValueRef::Blob(bytes), Kind::Bytes) => encoder.bytes(bytes),
            _ => false,
        };
        if !fits {
            return Err(StoreError::Corrupt(format!("{}.{name} holds what its column does not", table.name)));
        }
    }
    Ok(encoder.end())
}
