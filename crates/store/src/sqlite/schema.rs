//! Brings a file's schema forward.

use super::connection::Db;
use crate::copy::{FOUND, Found, MARK, USED};
use crate::engine::Value;
use crate::error::{OpenError, StoreError};
use crate::schema::{APPLIED, Applied, HISTORY, Migration, RECORD, checksum, is_current, verify};

/// Every step, numbered from 1 without gaps.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "start", script: include_str!("../../../../migrations/sqlite/0001_start.sql") },
    Migration {
        number: 2,
        name: "access_digest",
        script: include_str!("../../../../migrations/sqlite/0002_access_digest.sql"),
    },
    Migration {
        number: 3,
        name: "sealed_key",
        script: include_str!("../../../../migrations/sqlite/0003_sealed_key.sql"),
    },
];

const HAS_TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1";
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
  number INTEGER NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL
) STRICT";

fn has_table(db: &Db, name: &str) -> Result<bool, StoreError> {
    db.exists(HAS_TABLE, &[name.into()])
}

/// Whether the database has any schema at all.
pub(crate) fn is_present(db: &Db) -> Result<bool, StoreError> {
    Ok(has_table(db, HISTORY)? && !applied(db)?.is_empty())
}

/// Brings the database to the newest of `known`. Another process that does the same at the same time is waited for.
pub(crate) fn migrate(db: &Db, known: &[Migration]) -> Result<(), OpenError> {
    if has_table(db, HISTORY)? && is_current(&applied(db)?, known)? {
        return Ok(());
    }
    for _ in known {
        db.begin()?;
        let step = step(db, known);
        match step {
            Ok(()) => db.commit()?,
            Err(error) => {
                db.rollback();
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Whether the database is, or was, the target of a copy.
pub(crate) fn has_mark(db: &Db) -> Result<bool, StoreError> {
    has_table(db, MARK)
}

/// Refuses a database that is half a copy. A whole one belongs to whoever opens it from now on.
pub(crate) fn take_over(db: &Db) -> Result<(), OpenError> {
    let mut found = None;
    if has_mark(db)? {
        db.rows(FOUND, &[], |row| {
            found = Some(Found::read(row)?);
            Ok(())
        })?;
    }
    match found {
        Some(found) if found.is_half() => Err(OpenError::CopyUnderWay { of: found.source }),
        Some(found) if !found.is_used() => Ok(db.execute(USED, &[]).map(drop)?),
        Some(_) | None => Ok(()),
    }
}

/// Applies the next migration, if one is left.
fn step(db: &Db, known: &[Migration]) -> Result<(), OpenError> {
    db.execute(CREATE_TABLE, &[])?;
    let done = verify(&applied(db)?, known)?;
    let Some(migration) = known.get(done) else {
        return Ok(());
    };
    db.script(migration.script)?;
    let checksum = checksum(migration.script);
    let values = [Value::Integer(migration.number), migration.name.into(), (&checksum).into()];
    db.execute(RECORD, &values)?;
    tracing::info!(schema = migration.number, name = migration.name, "the database's schema was brought forward");
    Ok(())
}

pub(crate) fn applied(db: &Db) -> Result<Vec<Applied>, StoreError> {
    let mut rows = Vec::new();
    db.rows(APPLIED, &[], |row| {
        rows.push(Applied::read(row)?);
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::{Kind, TABLES};
    use crate::sqlite::connection::Access;

    const ONE: Migration =
        Migration { number: 1, name: "one", script: "CREATE TABLE one (id INTEGER);\nCREATE TABLE two (id INTEGER);" };
    const TWO: Migration = Migration { number: 2, name: "two", script: "CREATE TABLE three (id INTEGER);" };

    fn database(folder: &tempfile::TempDir) -> Db {
        let path = folder.path().join("myna.db");
        std::fs::File::create(&path).unwrap();
        Db::open(&path, Access::Write).unwrap()
    }

    fn numbers(db: &Db) -> Vec<i64> {
        applied(db).unwrap().iter().map(|row| row.number).collect()
    }

    #[test]
    fn numbers_are_a_row_without_gaps() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.number, number, "{}", migration.name);
        }
    }

    // A column that is not in the list would be lost by a copy.
    #[test]
    fn a_copy_knows_every_table_and_every_column() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        migrate(&db, MIGRATIONS).unwrap();
        let texts = |sql: &str, values: &[Value<'_>]| {
            let mut texts = Vec::new();
            db.rows(sql, values, |row| {
                texts.push(row.text(0)?);
                Ok(())
            })
            .unwrap();
            texts.sort();
            texts
        };
        let tables =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migration' AND name NOT LIKE 'sqlite_%'";
        let mut known: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        known.sort_unstable();
        assert_eq!(texts(tables, &[]), known);
        for table in TABLES {
            let kind = |kind| match kind {
                Kind::Integer => "INTEGER",
                Kind::Text => "TEXT",
                Kind::Bytes => "BLOB",
            };
            let mut known: Vec<_> = table
                .columns
                .iter()
                .zip(1..)
                .map(|((name, of), at)| format!("{name} {} {}", kind(*of), at.min(table.key + 1)))
                .collect();
            known.sort();
            let columns = "SELECT name || ' ' || type || ' ' || iif(pk > 0, pk, $2) FROM pragma_table_info($1)";
            let rest = i64::try_from(table.key + 1).unwrap();
            assert_eq!(texts(columns, &[table.name.into(), rest.into()]), known, "{}", table.name);
        }
    }

    // A user who signs in every minute has forty thousand ended sessions within the time that they are kept.
    #[test]
    fn live_sessions_are_found_without_reading_the_ended_ones() {
        let folder = tempfile::tempdir().unwrap();
        migrate(&database(&folder), MIGRATIONS).unwrap();
        let db = Db::open(&folder.path().join("myna.db"), Access::Write).unwrap();
        let steps = |sql: &str| {
            let values = [1, 1, 1, 1, 1].map(Value::Integer);
            let mut plan = Vec::new();
            db.rows(&format!("EXPLAIN QUERY PLAN {sql}"), &values, |row| {
                plan.push(row.text(3)?);
                Ok(())
            })
            .unwrap();
            plan.retain(|step| step.starts_with("SEARCH") || step.starts_with("SCAN"));
            plan
        };
        for sql in crate::commit::LIVE_SESSIONS.iter().chain(&[crate::load::session::OF_USER]) {
            let plan = steps(sql);
            assert!(!plan.is_empty() && plan.iter().all(|step| step.contains("session_live")), "{sql}: {plan:?}");
        }
        for sql in crate::load::bearer::BY_TOKEN {
            let plan = steps(sql);
            assert!(plan.iter().any(|step| step.starts_with("SEARCH t ") && step.contains("session_live")), "{plan:?}");
            assert!(plan.iter().all(|step| step.starts_with("SEARCH")), "{sql}: {plan:?}");
        }
    }

    // A query whose plan depends on what is bound is planned again for each call, which costs more than all of the rest.
    // One that sorts costs a quarter more.
    #[test]
    fn what_every_request_asks_is_planned_once_and_sorts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        migrate(&database(&folder), MIGRATIONS).unwrap();
        let db = Db::open(&folder.path().join("myna.db"), Access::Read).unwrap();
        for sql in crate::load::EVERY_REQUEST {
            let mut plan = String::new();
            let values = [1, 1, 1].map(Value::Integer);
            db.rows(&format!("EXPLAIN QUERY PLAN {sql}"), &values, |row| {
                plan += &row.text(3)?;
                Ok(())
            })
            .unwrap();
            assert!(!plan.contains("TEMP"), "sorts: {plan}");
        }
        for sql in crate::load::EVERY_REQUEST.into_iter().chain(crate::load::bearer::BY_TOKEN) {
            for number in 1..4 {
                db.exists(sql, &[number.into(), number.into(), number.into()]).unwrap();
            }
            assert_eq!(db.planned_again(sql), 0, "{sql}");
        }
    }

    // ST-07
    #[test]
    fn migrations_are_applied_once_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        assert!(!is_present(&db).unwrap());
        migrate(&db, &[ONE]).unwrap();
        assert!(is_present(&db).unwrap());
        migrate(&db, &[ONE, TWO]).unwrap();
        migrate(&db, &[ONE, TWO]).unwrap();
        assert_eq!(numbers(&db), [1, 2]);
        let carriage_returns =
            Migration { script: "CREATE TABLE one (id INTEGER);\r\nCREATE TABLE two (id INTEGER);", ..ONE };
        migrate(&db, &[carriage_returns, TWO]).unwrap();
    }

    // ST-07
    #[test]
    fn a_migration_that_fails_leaves_nothing_half_done() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        let broken = Migration { script: "CREATE TABLE three (id INTEGER); CREATE TABLE one (id INTEGER);", ..TWO };
        assert!(migrate(&db, &[ONE, broken]).is_err());
        assert_eq!(numbers(&db), [1]);
        assert!(!db.in_transaction());
        migrate(&db, &[ONE, TWO]).unwrap();
        assert_eq!(numbers(&db), [1, 2]);
    }

    // ST-07
    #[test]
    fn another_history_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let db = database(&folder);
        migrate(&db, &[ONE, TWO]).unwrap();
        let error = migrate(&db, &[ONE]).unwrap_err();
        assert!(matches!(error, OpenError::NewerSchema { found: 2, known: 1 }));
        let text = error.to_string();
        assert!(text.contains("made by a newer Myna: schema 2, this one knows 1"), "{text}");
        let changed = Migration { script: "CREATE TABLE other (id INTEGER);", ..ONE };
        let error = migrate(&db, &[changed, TWO]).unwrap_err();
        assert!(matches!(error, OpenError::MigrationChanged { number: 1, .. }), "{error}");
    }
}
