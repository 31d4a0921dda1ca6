//! Whether reading works at all.

use crate::error::StoreError;
use crate::readers::Readers;

const READ: &str = "SELECT number FROM migration WHERE number = 1";

/// Reads one row that every database has.
pub(crate) fn check(readers: &Readers) -> Result<(), StoreError> {
    let mut found = false;
    readers.rows(READ, &[], |_| {
        found = true;
        Ok(())
    })?;
    if found { Ok(()) } else { Err(StoreError::Corrupt("the schema's history is gone".to_owned())) }
}
