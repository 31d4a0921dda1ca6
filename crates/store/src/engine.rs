//! The engines: what a statement is given and gives back, and which of the two runs it. Every statement is one text that
//! both engines read; what differs between them is said in their folders and nowhere else.

use std::borrow::Cow;

use myna_core::id::{Handle, UserId};
use myna_core::time::Timestamp;

use crate::error::{CommitError, StoreError};
use crate::postgres::{self, Postgres};
use crate::sqlite::Sqlite;
use crate::sqlite::connection;
use crate::work::{CommitCounts, Done, Work};

/// What runs statements.
pub(crate) enum Engine {
    /// Embedded, in a data folder.
    Sqlite(Sqlite),
    /// Across a network, shared by several nodes.
    Postgres(Postgres),
}

/// What a piece of work gives back once it is durable.
pub(crate) type Answer = Result<Done, CommitError>;

impl Engine {
    /// Runs a query and folds its rows. Every call sees everything committed before it.
    pub(crate) async fn rows(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.rows(sql, values, fold),
            Self::Postgres(postgres) => postgres.rows(sql, values, fold).await,
        }
    }

    /// Whether a query has a row.
    pub(crate) async fn exists(&self, sql: &'static str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        let mut found = false;
        self.rows(sql, values, |_| {
            found = true;
            Ok(())
        })
        .await?;
        Ok(found)
    }

    /// Does `work`, all or none, and returns when it is durable.
    pub(crate) async fn run(&self, work: Work) -> Answer {
        match self {
            Self::Sqlite(sqlite) => sqlite.run(work).await,
            Self::Postgres(postgres) => postgres.run(work).await,
        }
    }

    /// Returns when nothing can be made durable any more, which takes a panic.
    pub(crate) async fn stopped(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.writer().stopped().await,
            Self::Postgres(_) => std::future::pending().await,
        }
    }

    /// How well callers share transactions.
    pub(crate) fn counts(&self) -> CommitCounts {
        match self {
            Self::Sqlite(sqlite) => sqlite.writer().counts(),
            Self::Postgres(postgres) => postgres.counts(),
        }
    }
}

/// A parameter of a statement. Its `Debug` tells the kind and never the value.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Blob(&'a [u8]),
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Integer(_) => "Integer(***)",
            Self::Text(_) => "Text(***)",
            Self::Blob(_) => "Blob(***)",
        })
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(yes: bool) -> Self {
        Self::Integer(i64::from(yes))
    }
}

impl From<UserId> for Value<'_> {
    fn from(id: UserId) -> Self {
        Self::Integer(id.0)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Integer(at.0)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a [u8; 16]> for Value<'a> {
    fn from(bytes: &'a [u8; 16]) -> Self {
        Self::Blob(bytes)
    }
}

impl<'a> From<&'a Handle> for Value<'a> {
    fn from(handle: &'a Handle) -> Self {
        Self::Blob(&handle.0)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of a result; columns are counted from 0.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

impl Row<'_> {
    pub(crate) fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(row) => connection::column(row, column),
            Self::Postgres(row) => postgres::column(row, column),
        }
    }

    pub(crate) fn maybe_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(row) => connection::column(row, column),
            Self::Postgres(row) => postgres::column(row, column),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<String, StoreError> {
        match self {
            Self::Sqlite(row) => connection::column(row, column),
            Self::Postgres(row) => postgres::column(row, column),
        }
    }

    pub(crate) fn maybe_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        match self {
            Self::Sqlite(row) => connection::column(row, column),
            Self::Postgres(row) => postgres::column(row, column),
        }
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<[u8; 16], StoreError> {
        match self {
            Self::Sqlite(row) => connection::column(row, column),
            Self::Postgres(row) => postgres::bytes(row, column),
        }
    }

    pub(crate) fn maybe_bytes(&self, column: usize) -> Result<Option<[u8; 16]>, StoreError> {
        match self {
            Self::Sqlite(row) => connection::column(row, column),
            Self::Postgres(row) => postgres::maybe_bytes(row, column),
        }
    }

    pub(crate) fn flag(&self, column: usize) -> Result<bool, StoreError> {
        self.integer(column).map(|number| number != 0)
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, StoreError> {
        self.integer(column).map(Timestamp)
    }

    pub(crate) fn maybe_time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        self.maybe_integer(column).map(|at| at.map(Timestamp))
    }
}
