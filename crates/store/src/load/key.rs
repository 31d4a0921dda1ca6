//! The server's own keys.

use myna_core::key::SealedKey;

use crate::Store;
use crate::error::StoreError;

const ALL: &str = "SELECT name, sealed FROM sealed_key";

impl Store {
    /// Every key that the database holds, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load_keys(&self) -> Result<Vec<SealedKey>, StoreError> {
        let mut keys = Vec::new();
        self.0
            .engine
            .rows(ALL, &[], |row| {
                keys.push(SealedKey { name: row.text(0)?, sealed: row.text(1)? });
                Ok(())
            })
            .await?;
        // Not by the engine: one of them would ask the locale.
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(keys)
    }
}
