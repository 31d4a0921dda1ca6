//! A whole store from one place to another: from a data folder into PostgreSQL, and back.
//!
//! Both ends are read in the order of the keys and laid side by side. What the target lacks is inserted, what it has too
//! much is deleted, what differs is altered; at the end both are read once more, and every row has to be the same. So a copy
//! that was broken off goes on where it was, and one whose source went on changing is brought up to date: the rows of the
//! target are the progress. Until a copy is complete no store opens its target, and as soon as one has, no copy touches it
//! any more ([`mark`]).

mod end;
mod error;
mod mark;
mod merge;
mod place;
mod report;
mod run;
mod table;
mod tables;

pub use error::CopyError;
pub use place::Place;
pub use report::{CopiedTable, CopyNote, CopyPhase, CopyPlan, CopyReport};

pub(crate) use mark::{FOUND, Found, MARK, USED};
pub(crate) use table::{END, Encoder, Kind, Table, Tuple};
pub(crate) use tables::TABLES;

use std::borrow::Cow;

use crate::engine::Value;
use crate::error::StoreError;
use end::End;
use error::{reading, writing};
use mark::{Mark, Standing};
use run::Running;

/// Rows that are handed over at once. Fewer: they are the last ones.
pub(crate) const BATCH_ROWS: usize = 1000;

/// Some rows of a table.
pub(crate) type Batch = Result<Vec<Tuple>, StoreError>;

/// A column as a statement takes it.
pub(crate) fn value(kind: Kind, field: Option<&[u8]>) -> Result<Value<'_>, StoreError> {
    let Some(field) = field else { return Ok(Value::Null) };
    let damaged = |what: &str| StoreError::Corrupt(what.to_owned());
    Ok(match kind {
        Kind::Integer => Value::Integer(table::integer(field).ok_or_else(|| damaged("an integer of another length"))?),
        Kind::Text => {
            Value::Text(Cow::Borrowed(std::str::from_utf8(field).map_err(|_| damaged("a text that is not UTF-8"))?))
        }
        Kind::Bytes => Value::Blob(field),
    })
}

/// What is copied from where to where.
pub struct Copy {
    from: Place,
    to: Place,
}

/// Who is told how far it is.
type Told<'a> = &'a mut (dyn FnMut(CopyNote) + Send);

impl Copy {
    /// A copy to be.
    ///
    /// # Errors
    /// [`CopyError::SamePlace`].
    pub fn new(from: Place, to: Place) -> Result<Self, CopyError> {
        if from.name() == to.name() { Err(CopyError::SamePlace(from.name())) } else { Ok(Self { from, to }) }
    }

    /// What a run would find, without altering anything.
    ///
    /// # Errors
    /// Whatever would keep a run from beginning.
    pub async fn plan(&self) -> Result<CopyPlan, CopyError> {
        let source = self.source().await?;
        let standing = match End::look(&self.to).await.map_err(CopyError::Target)? {
            Some(target) => self.allowed(mark::standing(&target).await.map_err(writing)?)?,
            None => Standing::New,
        };
        let mut tables = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            tables.push((table.name, source.count(table).await.map_err(reading)?));
        }
        Ok(CopyPlan { tables, goes_on: !standing.is_empty() })
    }

    /// Copies, and compares every row.
    ///
    /// # Errors
    /// [`CopyError`], whose message says what to do. What was copied stays; another run goes on with it. Rows that differ
    /// at the end are no error but in the report.
    pub async fn run(&self, told: Told<'_>) -> Result<CopyReport, CopyError> {
        let source = self.source().await?;
        let target = End::write(&self.to).await.map_err(CopyError::Target)?;
        let standing = self.allowed(mark::standing(&target).await.map_err(writing)?)?;
        let mut run = Running { source, target, mark: Mark::new(self.from.name()), is_new: standing.is_empty() };
        run.mark.set(&run.target, &standing).await?;
        run.target.migrate().await.map_err(CopyError::Target)?;
        let mut rows = 0;
        for table in TABLES {
            rows += run.source.count(table).await.map_err(reading)?;
        }
        let (written, removed) = run.converge(rows, told).await?;
        run.target.settle(TABLES).await.map_err(writing)?;
        let (tables, differences) = run.compare(rows, told).await?;
        let report = CopyReport { tables, differences, written, removed };
        if report.is_equal() {
            run.mark.complete(&run.target).await?;
        }
        run.target.close();
        Ok(report)
    }

    async fn source(&self) -> Result<End, CopyError> {
        let source = End::read(&self.from).await.map_err(CopyError::Source)?;
        if !source.is_current().await.map_err(CopyError::Source)? {
            return Err(CopyError::OldSource(self.from.name()));
        }
        match mark::found(&source).await.map_err(reading)? {
            Some(found) if found.is_half() => Err(CopyError::HalfSource(self.from.name())),
            Some(_) | None => Ok(source),
        }
    }

    /// Whether a target is ours to write.
    fn allowed(&self, standing: Standing) -> Result<Standing, CopyError> {
        match standing {
            Standing::InUse => Err(CopyError::InUse(self.to.name())),
            Standing::CopyOf(source) if source != self.from.name() => {
                Err(CopyError::OtherSource { target: self.to.name(), of: source })
            }
            Standing::New | Standing::Empty | Standing::CopyOf(_) => Ok(standing),
        }
    }
}
