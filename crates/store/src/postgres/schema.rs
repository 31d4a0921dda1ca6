//! Brings the schema forward, and looks at what makes the server less safe than it could be.

use tokio_postgres::error::SqlState;

use super::address::{Address, shown_host};
use super::connection::{Link, parameters, told};
use crate::Opening;
use crate::copy::{FOUND, Found, MARK, USED};
use crate::engine::Row;
use crate::error::{OpenError, StoreError};
use crate::schema::{APPLIED, Applied, HISTORY, Migration, RECORD, checksum, verify};

/// Every step, numbered from 1 without gaps; the same numbers and names as SQLite's.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "start", script: include_str!("../../../../migrations/postgres/0001_start.sql") },
    Migration {
        number: 2,
        name: "access_digest",
        script: include_str!("../../../../migrations/postgres/0002_access_digest.sql"),
    },
    Migration {
        number: 3,
        name: "sealed_key",
        script: include_str!("../../../../migrations/postgres/0003_sealed_key.sql"),
    },
];

/// The oldest that was tried (`server_version_num`).
const VERSION_MIN: i64 = 150_000;
/// How often a step is tried again that another node was doing at the same time.
const TRIES_MAX: usize = 20;

const VERSION: &str = "SELECT version(), current_setting('server_version_num')";
const HAS_TABLE: &str = "SELECT 1 FROM information_schema.tables \
    WHERE table_schema = current_schema() AND table_name = $1";
const CREATE_TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (\
    number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)";
/// The settings without which an answer does not mean that the disk has it (MN-06).
const DURABILITY: &str = "SELECT name, setting FROM pg_settings \
    WHERE name IN ('synchronous_commit', 'fsync', 'full_page_writes', 'synchronous_standby_names')";
const STANDBYS: &str = "SELECT count(*) FROM pg_stat_replication";

/// Makes the database ready to serve.
///
/// # Errors
/// [`OpenError`], with what to do; a step that fails leaves nothing half done.
pub(super) async fn prepare(link: &Link, address: &Address, opening: Opening) -> Result<(), OpenError> {
    check_version(link).await?;
    let done = if is_present(link, address).await? { verify(&applied(link, address).await?, MIGRATIONS)? } else { 0 };
    if done == 0 && opening == Opening::MustExist {
        return Err(OpenError::NoSchema { address: address.shown() });
    }
    if done < MIGRATIONS.len() {
        migrate(link, address).await?;
    }
    warn_of_risks(link).await;
    Ok(())
}

/// Whether the database has any schema of ours.
pub(super) async fn is_present(link: &Link, address: &Address) -> Result<bool, OpenError> {
    has_table(link, HISTORY).await.map_err(|error| refused(&error, address))
}

/// Whether the database is, or was, the target of a copy.
pub(super) async fn has_mark(link: &Link) -> Result<bool, StoreError> {
    has_table(link, MARK).await.map_err(|error| super::failure(&error))
}

async fn has_table(link: &Link, name: &str) -> Result<bool, tokio_postgres::Error> {
    Ok(!link.client().query(HAS_TABLE, &[&name]).await?.is_empty())
}

/// Refuses a database that is half a copy. A whole one belongs to whoever opens it from now on.
pub(super) async fn take_over(link: &Link, address: &Address) -> Result<(), OpenError> {
    if !has_mark(link).await? {
        return Ok(());
    }
    let rows = link.client().query(FOUND, &[]).await.map_err(|error| refused(&error, address))?;
    for row in &rows {
        let found = Found::read(&Row::Postgres(row))?;
        if found.is_half() {
            return Err(OpenError::CopyUnderWay { of: found.source });
        }
        if !found.is_used() {
            link.client().execute(USED, &[]).await.map_err(|error| refused(&error, address))?;
        }
    }
    Ok(())
}

/// Refuses a server that is too old.
pub(super) async fn check_version(link: &Link) -> Result<(), OpenError> {
    let row = link.client().query_one(VERSION, &[]).await.map_err(|error| OpenError::Store(super::failure(&error)))?;
    let (version, number): (&str, &str) = (super::column(&row, 0)?, super::column(&row, 1)?);
    if !version.starts_with("PostgreSQL") || version.contains("-YB-") {
        tracing::warn!(version, "this database was never tried; docs/operations/postgresql.md says which were");
        return Ok(());
    }
    match number.parse::<i64>() {
        Ok(number) if number >= VERSION_MIN => Ok(()),
        Ok(_) | Err(_) => Err(OpenError::OldServer { found: version.to_owned() }),
    }
}

/// Applies what is missing. Several nodes may do so at once: the row of a step is written first, so that all but one wait
/// for it and then find it done.
async fn migrate(link: &Link, address: &Address) -> Result<(), OpenError> {
    let mut last = None;
    for _ in 0..TRIES_MAX {
        match migrate_once(link, address).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(OpenError::Store(error @ (StoreError::Busy | StoreError::Refused(_)))) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(OpenError::Store(last.unwrap_or(StoreError::Busy)))
}

/// One step; `true` when none is left.
async fn migrate_once(link: &Link, address: &Address) -> Result<bool, OpenError> {
    let failed = |error: tokio_postgres::Error| refused(&error, address);
    link.client().batch_execute(CREATE_TABLE).await.map_err(failed)?;
    let done = verify(&applied(link, address).await?, MIGRATIONS)?;
    let Some(migration) = MIGRATIONS.get(done) else {
        return Ok(true);
    };
    link.client().batch_execute("BEGIN").await.map_err(failed)?;
    let values = [migration.number.into(), migration.name.into(), checksum(migration.script).into()];
    let step = async {
        link.client().execute(RECORD, &parameters(&values)).await?;
        link.client().batch_execute(migration.script).await?;
        link.client().batch_execute("COMMIT").await
    };
    if let Err(error) = step.await {
        // The connection's next statement would fail, too, if this did.
        let _ = link.client().batch_execute("ROLLBACK").await;
        return Err(failed(error));
    }
    tracing::info!(schema = migration.number, name = migration.name, "the database's schema was brought forward");
    Ok(false)
}

/// The steps that are applied.
pub(super) async fn applied(link: &Link, address: &Address) -> Result<Vec<Applied>, OpenError> {
    let rows = link.client().query(APPLIED, &[]).await.map_err(|error| refused(&error, address))?;
    Ok(rows.iter().map(|row| Applied::read(&Row::Postgres(row))).collect::<Result<_, _>>()?)
}

/// What a failure while the schema is looked at means.
pub(super) fn refused(error: &tokio_postgres::Error, address: &Address) -> OpenError {
    let code = error.code();
    if code == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
        let host = address.hosts.first().map(shown_host).unwrap_or_default();
        let (user, database) = (address.user().to_owned(), address.database().to_owned());
        return OpenError::MissingRights { host, database, user, says: told(error) };
    }
    let racing = [&SqlState::UNIQUE_VIOLATION, &SqlState::DUPLICATE_TABLE, &SqlState::DUPLICATE_OBJECT];
    if code.is_some_and(|code| racing.contains(&code)) || super::connection::is_passing(error) {
        return OpenError::Store(StoreError::Busy);
    }
    OpenError::Store(super::failure(error))
}

/// What an operator has to know before an answer is believed (MN-06). A server that does not say is left alone.
async fn warn_of_risks(link: &Link) {
    let Ok(rows) = link.client().query(DURABILITY, &[]).await else { return };
    let mut standby_names = String::new();
    for row in &rows {
        let (Ok(name), Ok(setting)) = (row.try_get::<_, &str>(0), row.try_get::<_, &str>(1)) else { continue };
        match (name, setting) {
            ("synchronous_standby_names", names) => standby_names = names.to_owned(),
            ("synchronous_commit", "off") => {
                tracing::warn!(
                    name,
                    setting,
                    "acknowledged changes are lost when the database crashes: set it to `on`"
                );
            }
            ("synchronous_commit", "local" | "remote_write") => {
                tracing::warn!(name, setting, "acknowledged changes may be lost in a failover: set it to `on`");
            }
            ("fsync" | "full_page_writes", "off") => {
                tracing::warn!(name, setting, "a power cut may destroy the database: set it to `on`");
            }
            _ => {}
        }
    }
    let standbys = link.client().query_one(STANDBYS, &[]).await.and_then(|row| row.try_get::<_, i64>(0));
    if standby_names.is_empty() && standbys.is_ok_and(|count| count > 0) {
        tracing::warn!(
            "the standbys are asynchronous: a failover loses what they have not got yet; set synchronous_standby_names"
        );
    }
}
