//! Which identifiers are taken: the facts of a registration.

use myna_core::identifier::Canonical;

use crate::Store;
use crate::error::StoreError;

const TAKEN: &str = "SELECT 1 FROM identifier WHERE canonical = $1";

impl Store {
    /// For each identifier whether some user has it. Only a hint: the guard of the insertion decides.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load_taken(&self, identifiers: &[Canonical]) -> Result<Vec<bool>, StoreError> {
        let mut taken = Vec::with_capacity(identifiers.len());
        for identifier in identifiers {
            taken.push(self.0.engine.exists(TAKEN, &[identifier.as_str().into()]).await?);
        }
        Ok(taken)
    }
}
