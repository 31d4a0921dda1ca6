//! A connection: what knows PostgreSQL's driver, its settings and its error codes. It holds no statement of the schema
//! and no rule.

use std::collections::HashMap;
use std::error::Error as _;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls, Row, Statement};

use super::tls::Tls;
use crate::commit::RETURNS_ENDED;
use crate::engine::Value;
use crate::error::StoreError;
use crate::faults::{Mutation, is_mutated};

/// The isolation that every guard is written for, whatever the server's default is.
const SETTINGS: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED";
const ANSWERS_EARLY: &str = "SET synchronous_commit = off";
/// On which timeline the server writes (PostgreSQL documentation, `pg_walfile_name`), and whether it takes writes at all.
const STANDING: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN NULL \
    ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END, current_setting('transaction_read_only')";
const READ_ONLY: &str = "SHOW transaction_read_only";

/// An open connection. Dropping it closes the socket at once and cancels nothing: a cancelled write that waits for its
/// standby is reported as done although it is not.
pub(super) struct Link {
    client: Client,
    driver: AbortHandle,
    statements: Mutex<HashMap<(&'static str, Form), Statement>>,
    doubtful: Arc<AtomicBool>,
    /// What the server is.
    pub(super) standing: Standing,
}

/// What a server is, as far as it can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Standing {
    /// Counted up by each failover; `None` where the server knows no timelines.
    pub(super) timeline: Option<u32>,
    /// Whether it refuses writes.
    pub(super) read_only: bool,
}

/// How a statement is sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Form {
    /// As it is written.
    Plain,
    /// So that the transaction ends when the statement alters no row: the statements after it are on their way already.
    MustAlter,
}

impl Form {
    fn text(self, sql: &str) -> String {
        match self {
            Self::Plain => sql.to_owned(),
            Self::MustAlter if sql.starts_with("SELECT") => {
                format!("WITH found AS ({sql}) SELECT 1 / count(*) FROM found")
            }
            // Of no row the count alone is left, to divide by.
            Self::MustAlter if sql.ends_with(RETURNS_ENDED) => format!(
                "WITH altered AS ({sql}) SELECT handle, dialect, 1 / n FROM (SELECT count(*) AS n FROM altered) counted \
                 LEFT JOIN altered ON TRUE"
            ),
            Self::MustAlter => format!("WITH altered AS ({sql} RETURNING 1) SELECT 1 / count(*) FROM altered"),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Link {
    /// Connects to the one host of `config`.
    pub(super) async fn open(config: &tokio_postgres::Config, tls: Option<&Tls>) -> Result<Self, Error> {
        let doubtful = Arc::new(AtomicBool::new(false));
        let (client, driver) = match tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                (client, drive(connection, Arc::clone(&doubtful)))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, drive(connection, Arc::clone(&doubtful)))
            }
        };
        let standing = Standing { timeline: None, read_only: false };
        let mut link = Self { client, driver, statements: Mutex::default(), doubtful, standing };
        link.client.batch_execute(SETTINGS).await?;
        if is_mutated(Mutation::Durability) {
            link.client.batch_execute(ANSWERS_EARLY).await?;
        }
        link.standing = link.ask_standing().await?;
        Ok(link)
    }

    async fn ask_standing(&self) -> Result<Standing, Error> {
        match self.client.query_one(STANDING, &[]).await {
            Ok(row) => {
                let timeline: Option<&str> = row.try_get(0)?;
                let read_only: &str = row.try_get(1)?;
                let timeline = timeline.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                Ok(Standing { timeline, read_only: read_only == "on" || timeline.is_none() })
            }
            // A database that only speaks PostgreSQL's protocol has no timelines.
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_FUNCTION) => {
                let row = self.client.query_one(READ_ONLY, &[]).await?;
                let read_only: &str = row.try_get(0)?;
                Ok(Standing { timeline: None, read_only: read_only == "on" })
            }
            Err(error) => Err(error),
        }
    }

    /// Runs a query that is kept prepared.
    pub(super) async fn query(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, Error> {
        let statement = self.prepared(sql, Form::Plain).await?;
        self.client.query(&statement, &parameters(values)).await
    }

    /// The driver's own handle.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the server has said that it stopped waiting for its standby: what was committed since may be lost.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::SeqCst)
    }

    /// Whether nothing can be sent any more.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The statement, prepared at its first use.
    pub(super) async fn prepared(&self, sql: &'static str, form: Form) -> Result<Statement, Error> {
        if let Some(statement) = self.known().get(&(sql, form)) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&form.text(sql)).await?;
        self.known().insert((sql, form), statement.clone());
        Ok(statement)
    }

    /// A poisoned lock guards a map that is whole all the same.
    fn known(&self) -> MutexGuard<'_, HashMap<(&'static str, Form), Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Values as the driver takes them.
pub(super) fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Reads and writes the socket until the connection ends, and listens for the one warning that matters.
fn drive<S, T>(mut connection: Connection<S, T>, doubtful: Arc<AtomicBool>) -> AbortHandle
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let reading = async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notice(notice)) if *notice.code() == SqlState::WARNING => {
                    // "canceling wait for synchronous replication …", in whatever language: a commit that is reported
                    // as done may exist on one machine only. No other warning is to be expected of our statements.
                    tracing::warn!(message = notice.message(), "a warning of the database");
                    doubtful.store(true, Ordering::SeqCst);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(%error, "a connection to the database ended");
                    return;
                }
            }
        }
    };
    tokio::spawn(reading).abort_handle()
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql_checked(ty, out),
            Self::Text(text) => text.as_ref().to_sql_checked(ty, out),
            Self::Blob(bytes) => bytes.to_sql_checked(ty, out),
        }
    }

    // Which of the server's types fits is told by the value.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What went wrong, in the server's or the system's words; never a value.
pub(super) fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(database) => format!("{} (SQLSTATE {})", database.message(), database.code().code()),
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}").replace("error connecting to server: ", ""),
            None => error.to_string(),
        },
    }
}

/// Whether what was sent may have happened all the same.
pub(super) fn is_lost(error: &Error) -> bool {
    match error.code() {
        // Nothing came back, or the server is going down in the middle of it.
        None => true,
        Some(code) => {
            code.code().starts_with("08")
                || [
                    &SqlState::ADMIN_SHUTDOWN,
                    &SqlState::CRASH_SHUTDOWN,
                    &SqlState::CANNOT_CONNECT_NOW,
                    &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
                ]
                .contains(&code)
        }
    }
}

/// Whether the very same transaction will do at another try, and nothing of it has happened.
pub(super) fn is_passing(error: &Error) -> bool {
    let passing = [
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
        // The primary has become a standby: another host is the primary now.
        &SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    error.code().is_some_and(|code| passing.contains(&code))
}

/// The failure as everybody outside knows it.
pub(super) fn failure(error: &Error) -> StoreError {
    let text = told(error);
    let Some(code) = error.code() else {
        return StoreError::Unreachable(text);
    };
    match code.code() {
        "53100" => StoreError::Full,
        "25006" => StoreError::ReadOnly(text),
        "58030" => StoreError::Io(text),
        "XX001" | "XX002" => StoreError::Corrupt(text),
        class if class.starts_with("23") || class.starts_with("22") => StoreError::Refused(text),
        class if ["08", "53", "57"].iter().any(|known| class.starts_with(known)) => StoreError::Unreachable(text),
        _ => StoreError::Unexpected(text),
    }
}
