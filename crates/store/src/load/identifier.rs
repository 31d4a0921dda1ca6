//! Which identifiers and ids are taken: the facts of a registration and of an import.

use myna_core::id::UserId;
use myna_core::identifier::Canonical;

use crate::Store;
use crate::error::StoreError;

const TAKEN: &str = "SELECT 1 FROM identifier WHERE canonical = $1";
const ID_USED: &str = "SELECT 1 FROM used_user_id WHERE id = $1";

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

    /// Whether a user has the id or ever had it. Only a hint, too.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load_is_id_used(&self, id: UserId) -> Result<bool, StoreError> {
        self.0.engine.exists(ID_USED, &[id.into()]).await
    }
}
