//! Roles.

use myna_core::user::Role;

use crate::Store;
use crate::engine::{Row, Value};
use crate::error::StoreError;

const ALL: &str = "SELECT id, name, permissions FROM role ORDER BY id";
const BY_NAME: &str = "SELECT id, name, permissions FROM role WHERE name = $1";

impl Store {
    /// Every role, by id.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load_roles(&self) -> Result<Vec<Role>, StoreError> {
        self.roles(ALL, &[]).await
    }

    /// The role of that name.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load_role_by_name(&self, name: &str) -> Result<Option<Role>, StoreError> {
        Ok(self.roles(BY_NAME, &[name.into()]).await?.pop())
    }

    async fn roles(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Role>, StoreError> {
        let mut roles = Vec::new();
        self.0
            .engine
            .rows(sql, values, |row| {
                roles.push(read(row, 0)?);
                Ok(())
            })
            .await?;
        Ok(roles)
    }
}

/// The role whose columns begin at `first`.
pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Role, StoreError> {
    Ok(Role {
        id: row.integer(first)?,
        name: row.text(first + 1)?,
        permissions: serde_json::from_str(&row.text(first + 2)?)
            .map_err(|error| StoreError::Corrupt(format!("the permissions of a role are no list: {error}")))?,
    })
}
