//! One end of a copy, whichever engine it has.

use tokio::sync::mpsc;

use super::merge::Rows;
use super::place::{Kind, Place};
use super::table::{Table, Tuple};
use crate::engine::{Row, Value};
use crate::error::{OpenError, StoreError};
use crate::schema::is_current;
use crate::sqlite::folder::Folder;
use crate::{postgres, sqlite};

/// Batches that wait for whoever compares them.
const BATCHES_AHEAD: usize = 8;

/// An open database.
pub(crate) enum End {
    Sqlite(sqlite::copy::End),
    Postgres(postgres::copy::End),
}

impl End {
    /// Opens a source.
    pub(super) async fn read(place: &Place) -> Result<Self, OpenError> {
        Ok(match place.kind() {
            Kind::Sqlite(path) => Self::Sqlite(sqlite::copy::End::read(path)?),
            Kind::Postgres { address, .. } => Self::Postgres(postgres::copy::End::open(address).await?),
        })
    }

    /// Opens a target, which is made if it is a folder that is missing.
    pub(super) async fn write(place: &Place) -> Result<Self, OpenError> {
        Ok(match place.kind() {
            Kind::Sqlite(path) => Self::Sqlite(sqlite::copy::End::write(path)?),
            Kind::Postgres { address, .. } => Self::Postgres(postgres::copy::End::open(address).await?),
        })
    }

    /// Opens a target to look at it; `None`: it would be made.
    pub(super) async fn look(place: &Place) -> Result<Option<Self>, OpenError> {
        match place.kind() {
            Kind::Sqlite(path) if !path.exists() || path.is_dir() && !Folder::database_of(path).exists() => Ok(None),
            Kind::Sqlite(_) | Kind::Postgres { .. } => Self::read(place).await.map(Some),
        }
    }

    /// Whether there is a schema of ours.
    pub(super) async fn has_schema(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(end) => Ok(end.applied()?.is_some()),
            Self::Postgres(end) => Ok(end.applied().await.map_err(OpenError::while_open)?.is_some()),
        }
    }

    /// Whether its schema is this program's newest.
    pub(super) async fn is_current(&self) -> Result<bool, OpenError> {
        match self {
            Self::Sqlite(end) => {
                end.applied()?.map_or(Ok(false), |applied| is_current(&applied, sqlite::schema::MIGRATIONS))
            }
            Self::Postgres(end) => match end.applied().await? {
                Some(applied) => is_current(&applied, postgres::schema::MIGRATIONS),
                None => Err(end.without_schema()),
            },
        }
    }

    /// Brings its schema forward.
    pub(super) async fn migrate(&self) -> Result<(), OpenError> {
        match self {
            Self::Sqlite(end) => end.migrate(),
            Self::Postgres(end) => end.migrate().await,
        }
    }

    /// Whether it has the table of the mark.
    pub(super) async fn has_mark(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(end) => sqlite::schema::has_mark(end.db()),
            Self::Postgres(end) => end.has_mark().await,
        }
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
        fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(end) => end.db().rows(sql, values, fold),
            Self::Postgres(end) => end.rows(sql, values, fold).await,
        }
    }

    /// How many rows a table has.
    pub(super) async fn count(&self, table: &Table) -> Result<u64, StoreError> {
        self.count_where(table, "").await
    }

    /// How many rows of a table meet a condition.
    pub(super) async fn count_where(&self, table: &Table, condition: &str) -> Result<u64, StoreError> {
        let mut count = 0;
        self.rows(&format!("SELECT count(*) FROM {}{condition}", table.name), &[], |row| {
            count = u64::try_from(row.integer(0)?).unwrap_or(0);
            Ok(())
        })
        .await?;
        Ok(count)
    }

    /// Runs a statement once for each list of values; how many rows it altered.
    pub(super) async fn execute_counted(&self, sql: &str, lists: &[Vec<Value<'_>>]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(end) => lists.iter().try_fold(0, |sum, list| Ok(sum + end.db().execute(sql, list)? as u64)),
            Self::Postgres(end) => end.execute(sql, lists).await,
        }
    }

    /// The same, and nobody asks how many.
    pub(super) async fn execute(&self, sql: &str, lists: &[Vec<Value<'_>>]) -> Result<(), StoreError> {
        self.execute_counted(sql, lists).await.map(drop)
    }

    /// Makes a table; this is where rights are found to be missing.
    pub(super) async fn create(&self, sql: &str) -> Result<(), OpenError> {
        match self {
            Self::Sqlite(end) => Ok(end.db().script(sql)?),
            Self::Postgres(end) => end.create(sql).await,
        }
    }

    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(end) => end.db().begin(),
            Self::Postgres(end) => end.script("BEGIN").await,
        }
    }

    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(end) => {
                end.db().commit().inspect_err(|_| end.db().rollback())?;
                end.committed()
            }
            Self::Postgres(end) => end.commit().await,
        }
    }

    /// Ends the use of a target.
    pub(super) fn close(self) {
        match self {
            Self::Sqlite(end) => end.close(),
            Self::Postgres(end) => drop(end),
        }
    }

    pub(super) async fn rollback(&self) {
        match self {
            Self::Sqlite(end) => end.db().rollback(),
            // What cannot be rolled back has ended with its connection.
            Self::Postgres(end) => drop(end.script("ROLLBACK").await),
        }
    }

    pub(super) async fn insert(&mut self, table: &Table, rows: &[Tuple]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(end) => end.insert(table, rows),
            Self::Postgres(end) => end.insert(table, rows).await,
        }
    }

    /// Everything that was written is durable, and the engine knows how much there is of it.
    pub(super) async fn settle(&self, tables: &[Table]) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(end) => end.settle(),
            Self::Postgres(end) => {
                for table in tables {
                    end.script(&format!("ANALYZE {}", table.name)).await?;
                }
                Ok(())
            }
        }
    }

    /// Everything as it is now.
    pub(super) async fn snapshot(&self) -> Result<Snapshot, OpenError> {
        Ok(match self {
            Self::Sqlite(end) => Snapshot::Sqlite(end.snapshot()?),
            Self::Postgres(end) => Snapshot::Postgres(end.snapshot().await?),
        })
    }
}

/// A database at one moment.
pub(super) enum Snapshot {
    Sqlite(sqlite::copy::Snapshot),
    Postgres(postgres::copy::Snapshot),
}

impl Snapshot {
    /// The rows of a table in the order of their keys.
    pub(super) fn rows(&self, table: &'static Table) -> Result<Rows, StoreError> {
        let (sender, receiver) = mpsc::channel(BATCHES_AHEAD);
        match self {
            Self::Sqlite(snapshot) => snapshot.rows(table, sender)?,
            Self::Postgres(snapshot) => snapshot.rows(table, sender),
        }
        Ok(Rows::new(table, receiver))
    }
}
