//! What is told of a copy.

/// What is going on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyPhase {
    /// A copy that was begun before is looked through.
    Looking,
    /// Rows are copied.
    Copying,
    /// Both ends are read and compared.
    Comparing,
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyNote {
    /// Something begins, with about so many rows to go through.
    Begins(CopyPhase, u64),
    /// So many more rows are done.
    Rows(u64),
}

/// What a run would do.
#[derive(Debug)]
pub struct CopyPlan {
    /// Each table of the source and how many rows it has.
    pub tables: Vec<(&'static str, u64)>,
    /// Whether the target holds a copy of this source already, which is gone on with.
    pub goes_on: bool,
}

/// A table at both ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopiedTable {
    /// Which.
    pub name: &'static str,
    /// Its rows in the source.
    pub source_rows: u64,
    /// Its rows in the target.
    pub target_rows: u64,
    /// SHA-256 of the source's rows in the order of their keys, as hexadecimal digits.
    pub source_digest: String,
    /// SHA-256 of the target's.
    pub target_digest: String,
    /// Rows that are not the same at both ends.
    pub differing: u64,
}

/// How a run ended.
#[derive(Debug)]
pub struct CopyReport {
    /// Every table.
    pub tables: Vec<CopiedTable>,
    /// The first differences of each table.
    pub differences: Vec<String>,
    /// Rows that this run wrote.
    pub written: u64,
    /// Rows that this run took out of the target.
    pub removed: u64,
}

impl CopyReport {
    /// Whether every row is the same at both ends.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.differing == 0 && table.source_digest == table.target_digest)
    }
}
