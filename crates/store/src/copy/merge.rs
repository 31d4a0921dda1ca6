//! Two streams of rows in the order of their keys, laid side by side.

use std::cmp::Ordering;
use std::vec;

use tokio::sync::mpsc;

use super::error::{CopyError, reading, writing};
use super::table::{Table, Tuple};
use super::{BATCH_ROWS, Batch};
use crate::error::StoreError;

/// The rows of a table, in the order of their keys.
pub(super) struct Rows {
    table: &'static Table,
    /// `None` after the last batch.
    batches: Option<mpsc::Receiver<Batch>>,
    batch: vec::IntoIter<Tuple>,
}

impl Rows {
    pub(super) fn new(table: &'static Table, batches: mpsc::Receiver<Batch>) -> Self {
        Self { table, batches: Some(batches), batch: Vec::new().into_iter() }
    }

    /// The rows of an empty table.
    pub(super) fn none(table: &'static Table) -> Self {
        Self { table, batches: None, batch: Vec::new().into_iter() }
    }

    async fn next(&mut self) -> Result<Option<Tuple>, StoreError> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            let Some(batches) = &mut self.batches else { return Ok(None) };
            // Whoever reads ends by a batch that is not full, and by nothing else.
            let batch = batches.recv().await.ok_or(StoreError::Stopped)??;
            if batch.len() < BATCH_ROWS {
                self.batches = None;
            }
            self.batch = batch.into_iter();
        }
    }
}

/// One key at both ends.
pub(super) enum Pair {
    Same(Tuple),
    Differs {
        source: Tuple,
        target: Tuple,
    },
    /// In the source only.
    Missing(Tuple),
    /// In the target only.
    Extra(Tuple),
}

/// The rows of a table at both ends.
pub(super) struct Merge {
    table: &'static Table,
    source: Side,
    target: Side,
}

/// The rows of one end and the first that was not given out.
struct Side {
    rows: Rows,
    head: Option<Tuple>,
    is_begun: bool,
}

impl Side {
    const fn new(rows: Rows) -> Self {
        Self { rows, head: None, is_begun: false }
    }

    /// Gives the head out and has the next one behind it.
    async fn step(&mut self, failed: fn(StoreError) -> CopyError) -> Result<Option<Tuple>, CopyError> {
        let next = self.rows.next().await.map_err(failed)?;
        let table = self.rows.table;
        if let (Some(head), Some(next)) = (&self.head, &next)
            && table.compare(head, next) != Ordering::Less
        {
            return Err(CopyError::Disorder(table.name));
        }
        Ok(std::mem::replace(&mut self.head, next))
    }

    async fn begin(&mut self, failed: fn(StoreError) -> CopyError) -> Result<(), CopyError> {
        if !self.is_begun {
            self.is_begun = true;
            self.step(failed).await?;
        }
        Ok(())
    }
}

impl Merge {
    pub(super) const fn of(table: &'static Table, source: Rows, target: Rows) -> Self {
        Self { table, source: Side::new(source), target: Side::new(target) }
    }

    /// The next key of either end.
    pub(super) async fn next(&mut self) -> Result<Option<Pair>, CopyError> {
        self.source.begin(reading).await?;
        self.target.begin(writing).await?;
        let order = match (&self.source.head, &self.target.head) {
            (None, None) => return Ok(None),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(source), Some(target)) => self.table.compare(source, target),
        };
        let source = if order.is_le() { self.source.step(reading).await? } else { None };
        let target = if order.is_ge() { self.target.step(writing).await? } else { None };
        Ok(match (source, target) {
            (Some(source), Some(target)) if source == target => Some(Pair::Same(source)),
            (Some(source), Some(target)) => Some(Pair::Differs { source, target }),
            (Some(source), None) => Some(Pair::Missing(source)),
            (None, Some(target)) => Some(Pair::Extra(target)),
            (None, None) => None,
        })
    }
}
