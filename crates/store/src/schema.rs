//! The schema's history: numbered scripts, each applied once, in order, in a transaction of its own. It only goes
//! forward, and what was applied must be what this program holds. Each engine has scripts of its own under the same
//! numbers and names.

use crate::engine::Row;
use crate::error::{OpenError, StoreError};

/// One step of the schema.
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) script: &'static str,
}

/// The table that remembers what is applied.
pub(crate) const HISTORY: &str = "migration";
/// Every migration that is applied, in order.
pub(crate) const APPLIED: &str = "SELECT number, name, checksum FROM migration ORDER BY number";
/// Notes a migration: its number, its name, its [`checksum`].
pub(crate) const RECORD: &str = "INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)";

/// A migration as the database remembers it.
pub(crate) struct Applied {
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) checksum: String,
}

impl Applied {
    /// From a row of [`APPLIED`].
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { number: row.integer(0)?, name: row.text(1)?, checksum: row.text(2)? })
    }
}

/// How many of `known` are applied.
pub(crate) fn verify(applied: &[Applied], known: &[Migration]) -> Result<usize, OpenError> {
    let newest = known.last().map_or(0, |migration| migration.number);
    if let Some(last) = applied.last().filter(|last| last.number > newest) {
        return Err(OpenError::NewerSchema { found: last.number, known: newest });
    }
    for (row, migration) in applied.iter().zip(known) {
        if row.number != migration.number || row.checksum != checksum(migration.script) {
            return Err(OpenError::MigrationChanged { number: row.number, name: row.name.clone() });
        }
    }
    Ok(applied.len())
}

/// Whether all of `known` are applied, and nothing else.
pub(crate) fn is_current(applied: &[Applied], known: &[Migration]) -> Result<bool, OpenError> {
    Ok(verify(applied, known)? == known.len())
}

/// FNV-1a, 64 bits, over the text without carriage returns (a checkout may add them). It finds accidents; whoever can
/// forge it owns the database anyway.
pub(crate) fn checksum(script: &str) -> String {
    let hash = script
        .bytes()
        .filter(|byte| *byte != b'\r')
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
