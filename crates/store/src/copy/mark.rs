//! The mark on a target: of which source it is a copy, and whether it is one already. While a copy is under way no store
//! opens it; once a store has opened it, no copy writes to it. Each step is one guarded write.

use crate::copy::error::{CopyError, writing};
use crate::copy::tables::TABLES;
use crate::engine::{Row, Value};
use crate::error::StoreError;

use super::end::End;

/// The table that holds the mark, made when it is first needed.
pub(crate) const MARK: &str = "store_copy";
/// Of what a database is a copy, and in which state.
pub(crate) const FOUND: &str = "SELECT source, state FROM store_copy WHERE name = 'copy'";
/// A store has opened a complete copy: from now on it is a store like any other.
pub(crate) const USED: &str = "UPDATE store_copy SET state = 'used' WHERE name = 'copy' AND state = 'complete'";

const CREATE: &str = "CREATE TABLE IF NOT EXISTS store_copy (\
    name TEXT NOT NULL PRIMARY KEY, source TEXT NOT NULL, \
    state TEXT NOT NULL CHECK (state IN ('under_way', 'complete', 'used')), runner TEXT NOT NULL)";
const BEGIN: &str = "INSERT INTO store_copy (name, source, state, runner) VALUES ('copy', $1, 'under_way', $2) \
    ON CONFLICT (name) DO NOTHING";
const GO_ON: &str = "UPDATE store_copy SET state = 'under_way', runner = $2 \
    WHERE name = 'copy' AND source = $1 AND state <> 'used'";
const HOLD: &str = "UPDATE store_copy SET runner = runner WHERE name = 'copy' AND runner = $1 AND state = 'under_way'";
const COMPLETE: &str =
    "UPDATE store_copy SET state = 'complete' WHERE name = 'copy' AND runner = $1 AND state = 'under_way'";

/// Rows are written.
const UNDER_WAY: &str = "under_way";
/// A store has opened it.
const IN_USE: &str = "used";

/// What a database says of itself.
pub(crate) struct Found {
    pub(crate) source: String,
    pub(crate) state: String,
}

impl Found {
    /// Whether rows are missing.
    pub(crate) fn is_half(&self) -> bool {
        self.state == UNDER_WAY
    }

    /// Whether a store has opened it.
    pub(crate) fn is_used(&self) -> bool {
        self.state == IN_USE
    }

    /// From a row of [`FOUND`].
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { source: row.text(0)?, state: row.text(1)? })
    }
}

/// What a target is.
pub(super) enum Standing {
    /// Without a schema.
    New,
    /// A schema without data.
    Empty,
    /// A copy of this source that no store has opened.
    CopyOf(String),
    /// Somebody's data.
    InUse,
}

impl Standing {
    /// Whether it has no rows.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::New | Self::Empty)
    }
}

/// The mark of a database.
pub(super) async fn found(end: &End) -> Result<Option<Found>, StoreError> {
    let mut found = None;
    if end.has_mark().await? {
        end.rows(FOUND, &[], |row| {
            found = Some(Found::read(row)?);
            Ok(())
        })
        .await?;
    }
    Ok(found)
}

/// What a target is.
pub(super) async fn standing(end: &End) -> Result<Standing, StoreError> {
    if let Some(found) = found(end).await? {
        return Ok(if found.is_used() { Standing::InUse } else { Standing::CopyOf(found.source) });
    }
    if !end.has_schema().await? {
        return Ok(Standing::New);
    }
    for table in TABLES {
        // An id that was given out is data, too: it never comes back.
        let begun = if table.name == "id_block" { " WHERE next > 1" } else { "" };
        if end.count_where(table, begun).await? > 0 {
            return Ok(Standing::InUse);
        }
    }
    Ok(Standing::Empty)
}

/// The mark of one run.
pub(crate) struct Mark {
    source: String,
    /// Its own name: of two runs at once only the later one writes.
    runner: String,
}

impl Mark {
    pub(super) fn new(source: String) -> Self {
        Self { source, runner: format!("{:032x}", fastrand::u128(..)) }
    }

    /// Makes the target ours.
    pub(super) async fn set(&self, target: &End, standing: &Standing) -> Result<(), CopyError> {
        let values = || vec![vec![Value::from(&self.source), Value::from(&self.runner)]];
        if standing.is_empty() {
            target.create(CREATE).await.map_err(CopyError::Target)?;
            return one(target.execute_counted(BEGIN, &values()).await);
        }
        one(target.execute_counted(GO_ON, &values()).await)
    }

    /// Part of every transaction: it is ours still.
    pub(super) async fn hold(&self, target: &End) -> Result<(), CopyError> {
        one(target.execute_counted(HOLD, &[vec![Value::from(&self.runner)]]).await)
    }

    /// The copy is complete.
    pub(super) async fn complete(&self, target: &End) -> Result<(), CopyError> {
        one(target.execute_counted(COMPLETE, &[vec![Value::from(&self.runner)]]).await)
    }
}

fn one(altered: Result<u64, StoreError>) -> Result<(), CopyError> {
    if altered.map_err(writing)? == 1 { Ok(()) } else { Err(CopyError::TakenOver) }
}
