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
        let taken = |identifier: &Canonical| {
            let mut found = false;
            self.0.readers.rows(TAKEN, &[identifier.as_str().into()], |_| {
                found = true;
                Ok(())
            })?;
            Ok(found)
        };
        identifiers.iter().map(taken).collect()
    }
}
