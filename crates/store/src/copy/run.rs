//! One run: what is done with the rows that lie side by side.

use sha2::{Digest as _, Sha256};

use super::end::End;
use super::error::{CopyError, reading, writing};
use super::mark::Mark;
use super::merge::{Merge, Pair, Rows};
use super::report::{CopiedTable, CopyNote, CopyPhase};
use super::table::{Named, Table, Tuple, hex};
use super::tables::TABLES;
use super::{BATCH_ROWS, Told, value};
use crate::engine::Value;

/// Rows of one transaction.
const CHUNK_ROWS: usize = 10_000;
/// How many of a table's differences are told one by one.
const SHOWN_MAX: u64 = 10;

/// A run under way.
pub(super) struct Running {
    pub(super) source: End,
    pub(super) target: End,
    pub(super) mark: Mark,
    /// Whether the target has no rows yet.
    pub(super) is_new: bool,
}

impl Running {
    /// Makes the target what the source is at one moment. How many rows were written and removed.
    pub(super) async fn converge(&mut self, total: u64, told: Told<'_>) -> Result<(u64, u64), CopyError> {
        // One moment for both ways through: so no row names one that is not there, and no two have one name.
        let moment = self.source.snapshot().await.map_err(CopyError::Source)?;
        let (mut removed, mut written, mut behind) = (0, 0, Vec::new());
        if !self.is_new {
            told(CopyNote::Begins(CopyPhase::Looking, total));
            for table in TABLES.iter().rev() {
                let merge = Merge::of(table, moment.rows(table).map_err(reading)?, self.target_rows(table).await?);
                let looked = self.remove(table, merge, told).await?;
                removed += looked.removed;
                if looked.is_behind {
                    behind.push(table.name);
                }
            }
        }
        told(CopyNote::Begins(CopyPhase::Copying, total));
        for table in TABLES {
            // Nobody but us writes there: what was the same still is.
            if !self.is_new && !behind.contains(&table.name) {
                continue;
            }
            // The block of ids is there from the beginning.
            let target = match self.is_new && table.name != "id_block" {
                true => Rows::none(table),
                false => self.target_rows(table).await?,
            };
            written += self.fill(table, Merge::of(table, moment.rows(table).map_err(reading)?, target), told).await?;
        }
        Ok((written, removed))
    }

    /// The rows that a table of the target has now. The moment ends with its rows, so that the engine can tidy up.
    async fn target_rows(&self, table: &'static Table) -> Result<Rows, CopyError> {
        self.target.snapshot().await.map_err(CopyError::Target)?.rows(table).map_err(writing)
    }

    /// Deletes what the source does not have, and what has to be made anew.
    async fn remove(&mut self, table: &Table, mut merge: Merge, told: Told<'_>) -> Result<Looked, CopyError> {
        let (mut removed, mut is_behind, mut doomed, mut count) = (0, false, Vec::new(), Count::default());
        while let Some(pair) = merge.next().await? {
            count.one(told);
            is_behind |= matches!(pair, Pair::Differs { .. } | Pair::Missing(_));
            match pair {
                Pair::Extra(row) => doomed.push(row),
                Pair::Differs { target, .. } if table.named == Named::ByNobody => doomed.push(target),
                Pair::Differs { .. } | Pair::Missing(_) | Pair::Same(_) => {}
            }
            if doomed.len() >= CHUNK_ROWS {
                removed += self.chunk(table, Chunk::Delete(std::mem::take(&mut doomed))).await?;
            }
        }
        count.rest(told);
        removed += self.chunk(table, Chunk::Delete(doomed)).await?;
        Ok(Looked { removed, is_behind })
    }

    /// Inserts what the target does not have, and alters what differs.
    async fn fill(&mut self, table: &Table, mut merge: Merge, told: Told<'_>) -> Result<u64, CopyError> {
        let (mut written, mut missing, mut differing, mut count) = (0, Vec::new(), Vec::new(), Count::default());
        while let Some(pair) = merge.next().await? {
            count.one(told);
            match pair {
                Pair::Missing(row) => missing.push(row),
                Pair::Differs { source, .. } => differing.push(source),
                Pair::Extra(_) | Pair::Same(_) => {}
            }
            if missing.len() >= CHUNK_ROWS {
                written += self.chunk(table, Chunk::Insert(std::mem::take(&mut missing))).await?;
            }
            if differing.len() >= CHUNK_ROWS {
                written += self.chunk(table, Chunk::Update(std::mem::take(&mut differing))).await?;
            }
        }
        count.rest(told);
        written += self.chunk(table, Chunk::Update(differing)).await?;
        Ok(written + self.chunk(table, Chunk::Insert(missing)).await?)
    }

    /// One transaction, if the target is still ours.
    async fn chunk(&mut self, table: &Table, chunk: Chunk) -> Result<u64, CopyError> {
        let rows = chunk.rows();
        if rows.is_empty() {
            return Ok(0);
        }
        let count = rows.len() as u64;
        self.target.begin().await.map_err(writing)?;
        let done = async {
            self.mark.hold(&self.target).await?;
            let applied = match &chunk {
                Chunk::Delete(rows) => self.target.execute(&table.delete(), &values(table, rows, Part::Key)?).await,
                Chunk::Update(rows) => self.target.execute(&table.update(), &values(table, rows, Part::Turned)?).await,
                Chunk::Insert(rows) => self.target.insert(table, rows).await,
            };
            applied.map_err(writing)
        };
        match done.await {
            Ok(()) => self.target.commit().await.map_err(writing)?,
            Err(error) => {
                self.target.rollback().await;
                return Err(error);
            }
        }
        Ok(count)
    }

    /// Reads both ends once more, each as it is now.
    pub(super) async fn compare(
        &self,
        total: u64,
        told: Told<'_>,
    ) -> Result<(Vec<CopiedTable>, Vec<String>), CopyError> {
        told(CopyNote::Begins(CopyPhase::Comparing, total));
        let source = self.source.snapshot().await.map_err(CopyError::Source)?;
        let target = self.target.snapshot().await.map_err(CopyError::Target)?;
        let (mut tables, mut differences) = (Vec::with_capacity(TABLES.len()), Vec::new());
        for table in TABLES {
            let merge = Merge::of(table, source.rows(table).map_err(reading)?, target.rows(table).map_err(writing)?);
            tables.push(compare(table, merge, &mut differences, told).await?);
        }
        Ok((tables, differences))
    }
}

async fn compare(
    table: &Table,
    mut merge: Merge,
    differences: &mut Vec<String>,
    told: Told<'_>,
) -> Result<CopiedTable, CopyError> {
    let (mut ours, mut theirs) = (Sha256::new(), Sha256::new());
    let (mut source_rows, mut target_rows, mut differing, mut count) = (0, 0, 0, Count::default());
    while let Some(pair) = merge.next().await? {
        count.one(told);
        let (source, target, difference) = match &pair {
            Pair::Same(row) => (Some(row), Some(row), None),
            Pair::Missing(row) => (Some(row), None, Some((row, "is missing in the target".to_owned()))),
            Pair::Extra(row) => (None, Some(row), Some((row, "is in the target only".to_owned()))),
            Pair::Differs { source, target } => {
                let columns = table.differing(source, target);
                (Some(source), Some(target), Some((source, format!("differs in {columns}"))))
            }
        };
        if let Some(row) = source {
            source_rows += 1;
            ours.update(&row.0);
        }
        if let Some(row) = target {
            target_rows += 1;
            theirs.update(&row.0);
        }
        if let Some((row, what)) = difference {
            differing += 1;
            if differing <= SHOWN_MAX {
                differences.push(format!("{}: the row with {} {what}", table.name, table.shown_key(row)));
            }
        }
    }
    count.rest(told);
    if differing > SHOWN_MAX {
        differences.push(format!("{}: {} more rows differ", table.name, differing - SHOWN_MAX));
    }
    let (source_digest, target_digest) = (hex(&ours.finalize()), hex(&theirs.finalize()));
    Ok(CopiedTable { name: table.name, source_rows, target_rows, source_digest, target_digest, differing })
}

/// What was found in a table of the target.
struct Looked {
    /// Rows that were deleted.
    removed: u64,
    /// Whether rows are missing or have to be altered.
    is_behind: bool,
}

/// What one transaction does.
enum Chunk {
    Delete(Vec<Tuple>),
    Insert(Vec<Tuple>),
    Update(Vec<Tuple>),
}

impl Chunk {
    const fn rows(&self) -> &Vec<Tuple> {
        match self {
            Self::Delete(rows) | Self::Insert(rows) | Self::Update(rows) => rows,
        }
    }
}

/// Which columns a statement takes.
#[derive(Clone, Copy)]
enum Part {
    /// The key.
    Key,
    /// All, the key last.
    Turned,
}

fn values<'a>(table: &Table, rows: &'a [Tuple], part: Part) -> Result<Vec<Vec<Value<'a>>>, CopyError> {
    let of_row = |row: &'a Tuple| {
        let all = row.fields().zip(table.columns).map(|(field, (_, kind))| value(*kind, field));
        let mut all = all.collect::<Result<Vec<_>, _>>().map_err(reading)?;
        match part {
            Part::Key => all.truncate(table.key),
            Part::Turned => {
                let key = table.key.min(all.len());
                all.rotate_left(key);
            }
        }
        Ok(all)
    };
    rows.iter().map(of_row).collect()
}

/// Counts rows, and tells of them now and then.
#[derive(Default)]
struct Count(u64);

impl Count {
    fn one(&mut self, told: Told<'_>) {
        self.0 += 1;
        if self.0 >= BATCH_ROWS as u64 {
            self.rest(told);
        }
    }

    fn rest(&mut self, told: Told<'_>) {
        told(CopyNote::Rows(std::mem::take(&mut self.0)));
    }
}
