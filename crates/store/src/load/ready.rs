//! Whether reading works at all.

use crate::engine::Engine;
use crate::error::StoreError;

const READ: &str = "SELECT number FROM migration WHERE number = 1";

/// Reads one row that every database has.
pub(crate) async fn check(engine: &Engine) -> Result<(), StoreError> {
    if engine.exists(READ, &[]).await? {
        Ok(())
    } else {
        Err(StoreError::Corrupt("the schema's history is gone".to_owned()))
    }
}
