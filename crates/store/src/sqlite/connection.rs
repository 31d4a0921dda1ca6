//! A connection to a file: what knows SQLite's driver, its placeholders, its settings and its error codes. It holds no
//! statement of the schema and no rule.

use std::path::Path;
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{FromSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, ToSql};

use crate::engine::{Row, Value};
use crate::error::{OpenError, StoreError};

/// How often a connection asks for a lock that another process holds, and how many times. Often, because a process that
/// has much to write lets go of it for a moment only; SQLite's own waits grow to 100 ms.
const BUSY_PAUSE: Duration = Duration::from_millis(1);
const BUSY_TRIES_MAX: i32 = 5_000;
/// Statements that a connection keeps prepared; more than there are in the crate.
const STATEMENTS_KEPT: usize = 128;
/// The first version without the bug by which a WAL reset corrupts the database (ST-02).
const ENGINE_VERSION_MIN: i32 = 3_051_003;

const QUICK_CHECK: &str = "PRAGMA quick_check";
const FOREIGN_KEY_CHECK: &str = "PRAGMA foreign_key_check";
const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";
const FOREIGN_VERSION: &str = "PRAGMA data_version";
const CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const SAVEPOINT: &str = "SAVEPOINT caller";
const RELEASE: &str = "RELEASE caller";
const ROLLBACK_TO: &str = "ROLLBACK TO caller";

/// A setting, which is read back (ST-01): name, what is set, what must be read.
pub(crate) type Setting = (&'static str, &'static str, &'static str);

/// The settings of every connection.
const SETTINGS: [Setting; 6] = [
    ("synchronous", "FULL", "2"),
    ("foreign_keys", "ON", "1"),
    ("trusted_schema", "OFF", "0"),
    ("cell_size_check", "ON", "1"),
    ("temp_store", "MEMORY", "2"),
    ("cache_size", "-16000", "-16000"),
];

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The one writer.
    Write,
    /// A reader: it cannot write, whatever it is told.
    Read,
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A connection. Statements have `$1`, `$2` … as placeholders and are kept prepared.
pub(crate) struct Db(Connection);

impl Db {
    /// Opens an existing file with every setting of [`SETTINGS`].
    pub(crate) fn open(path: &Path, access: Access) -> Result<Self, OpenError> {
        if rusqlite::version_number() < ENGINE_VERSION_MIN {
            return Err(OpenError::OldEngine { found: rusqlite::version() });
        }
        let mode = match access {
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let mut db = Self(Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failure)?);
        db.0.busy_handler(Some(wait)).map_err(failure)?;
        db.0.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failure)?;
        // Without this guarantee a plan may depend on what is bound, and then each call parses and plans its SQL again.
        db.0.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failure)?;
        db.0.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        if access == Access::Write {
            db.0.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).map_err(failure)?;
        }
        db.set(&SETTINGS)?;
        db.verify(&[("journal_mode", "WAL", "wal")])?;
        Ok(db)
    }

    /// Alters settings of the connection.
    pub(crate) fn set(&self, settings: &[Setting]) -> Result<(), OpenError> {
        for (name, wanted, _) in settings {
            self.0.pragma(None, name, wanted, |_| Ok(())).map_err(failure)?;
        }
        self.verify(settings)
    }

    /// Reads settings back: one that SQLite did not know or could not take is silently ignored by it.
    fn verify(&self, settings: &[Setting]) -> Result<(), OpenError> {
        for &(name, set, wanted) in settings {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Integer(number) => number.to_string(),
                    ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                    ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => String::new(),
                })
            };
            let found = self.0.pragma_query_value(None, name, read).map_err(failure)?;
            if found != wanted {
                return Err(OpenError::Setting { name, wanted: set.to_owned(), found });
            }
        }
        Ok(())
    }

    /// Runs a statement that alters rows.
    ///
    /// # Errors
    /// What the engine says; the transaction may have been rolled back with it, see [`in_transaction`](Self::in_transaction).
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        self.bound(sql, values)?.raw_execute().map_err(failure)
    }

    /// Runs a query and folds its rows.
    pub(crate) fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.bound(sql, values)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failure)? {
            fold(&Row::Sqlite(row))?;
        }
        Ok(())
    }

    /// Whether a query has a row.
    pub(crate) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let mut found = false;
        self.rows(sql, values, |_| {
            found = true;
            Ok(())
        })?;
        Ok(found)
    }

    /// SQLite takes `$2` for a name and numbers it by its first appearance, so each is bound by its name.
    fn bound(&self, sql: &str, values: &[Value<'_>]) -> Result<CachedStatement<'_>, StoreError> {
        tracing::trace!(sql, "a statement");
        let mut statement = self.0.prepare_cached(sql).map_err(failure)?;
        for index in 1..=statement.parameter_count() {
            let value = statement
                .parameter_name(index)
                .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok())
                .and_then(|number| values.get(number.checked_sub(1)?))
                .ok_or_else(|| StoreError::Unexpected(format!("parameter {index} has no value in: {sql}")))?;
            statement.raw_bind_parameter(index, value).map_err(failure)?;
        }
        Ok(statement)
    }

    /// How often the engine had to plan a prepared statement again.
    #[cfg(test)]
    pub(crate) fn planned_again(&self, sql: &str) -> i32 {
        self.0.prepare_cached(sql).unwrap().get_status(rusqlite::StatementStatus::RePrepare)
    }

    /// What is wrong with the file: pages that contradict each other, rows that refer to none.
    pub(crate) fn examine(&self) -> Result<Vec<String>, StoreError> {
        let mut wrong = Vec::new();
        self.rows(QUICK_CHECK, &[], |row| {
            wrong.push(row.text(0)?);
            Ok(())
        })?;
        wrong.retain(|line| line != "ok");
        // Where pages are damaged, what is read from them says little.
        if wrong.is_empty() {
            self.rows(FOREIGN_KEY_CHECK, &[], |row| {
                wrong.push(format!("a row of {} refers to a row of {} that is not there", row.text(0)?, row.text(2)?));
                Ok(())
            })?;
        }
        Ok(wrong)
    }

    /// Closes the last connection: what the WAL holds goes into the database. Dropping any other, above all one whose
    /// files have failed it, leaves the WAL as it is.
    pub(crate) fn close(self) {
        if let Err(error) = self.0.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false) {
            tracing::warn!(%error, "the write-ahead log stays beside the database");
        }
    }

    /// Runs a script.
    pub(crate) fn script(&self, sql: &str) -> Result<(), StoreError> {
        self.0.execute_batch(sql).map_err(failure)
    }

    /// Begins a transaction that may write. Never deferred: a read that turns into a write cannot wait (ST-03).
    pub(crate) fn begin(&self) -> Result<(), StoreError> {
        self.execute(BEGIN, &[]).map(drop)
    }

    /// Makes everything since [`begin`](Self::begin) durable. On an error nothing of it is.
    pub(crate) fn commit(&self) -> Result<(), StoreError> {
        self.execute(COMMIT, &[]).map(drop)
    }

    /// Undoes everything since [`begin`](Self::begin), if a transaction is open.
    pub(crate) fn rollback(&self) {
        if self.in_transaction()
            && let Err(error) = self.execute(ROLLBACK, &[])
        {
            tracing::error!(error = %error, "a transaction could not be rolled back");
        }
    }

    /// Whether a transaction is open. The engine ends one by itself after a full disk and some other failures.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.0.is_autocommit()
    }

    /// A number that is another one whenever another connection has committed something since it was asked for.
    pub(crate) fn foreign_version(&self) -> Result<i64, StoreError> {
        let mut version = 0;
        self.rows(FOREIGN_VERSION, &[], |row| {
            version = row.integer(0)?;
            Ok(())
        })?;
        Ok(version)
    }

    /// Brings what was committed from the log into the database, as far as nobody is in the way.
    pub(crate) fn checkpoint(&self) -> Result<(), StoreError> {
        self.rows(CHECKPOINT, &[], |_| Ok(()))
    }

    /// Marks where one caller's changes begin.
    pub(crate) fn savepoint(&self) -> Result<(), StoreError> {
        self.execute(SAVEPOINT, &[]).map(drop)
    }

    /// Keeps the caller's changes.
    pub(crate) fn release(&self) -> Result<(), StoreError> {
        self.execute(RELEASE, &[]).map(drop)
    }

    /// Undoes the caller's changes.
    pub(crate) fn undo(&self) -> Result<(), StoreError> {
        self.execute(ROLLBACK_TO, &[])?;
        self.release()
    }
}

/// The value of a column.
pub(crate) fn column<T: FromSql>(row: &rusqlite::Row<'_>, column: usize) -> Result<T, StoreError> {
    row.get(column).map_err(failure)
}

/// Waits for a lock; `false` gives up.
fn wait(tries: i32) -> bool {
    thread::sleep(BUSY_PAUSE);
    tries < BUSY_TRIES_MAX
}

fn failure(error: rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly(text),
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => StoreError::Io(text),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            StoreError::Busy
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(text),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => StoreError::Refused(text),
        Some(_) => StoreError::Unexpected(text),
        None => wrong_value(error, text),
    }
}

fn wrong_value(error: rusqlite::Error, text: String) -> StoreError {
    use rusqlite::Error;
    if matches!(
        error,
        Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..)
    ) {
        StoreError::Corrupt(text)
    } else {
        StoreError::Unexpected(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // ST-02
    #[test]
    fn the_linked_engine_is_a_sound_one() {
        assert!(rusqlite::version_number() >= ENGINE_VERSION_MIN, "{}", rusqlite::version());
    }

    // ST-01
    #[test]
    fn a_setting_that_does_not_take_is_noticed() {
        // A database in memory has no WAL.
        let result = Db::open(Path::new(":memory:"), Access::Write);
        assert!(matches!(result, Err(OpenError::Setting { name: "journal_mode", .. })));
    }

    #[test]
    fn placeholders_are_bound_by_number_and_readers_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        std::fs::File::create(&path).unwrap();
        let db = Db::open(&path, Access::Write).unwrap();
        let values = ["first".into(), "second".into()];
        let mut read = Vec::new();
        db.rows("SELECT $2, $1, $2", &values, |row| {
            read.extend([row.text(0)?, row.text(1)?, row.text(2)?]);
            Ok(())
        })
        .unwrap();
        assert_eq!(read, ["second", "first", "second"]);
        let missing = db.execute("SELECT $1, $3", &values);
        assert!(matches!(missing, Err(StoreError::Unexpected(_))), "{missing:?}");
        let reader = Db::open(&path, Access::Read).unwrap();
        let refused = reader.execute("CREATE TABLE t (id INTEGER)", &[]);
        assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    }
}
