//! A user with the credential that a password is verified against: the facts of a login.

use myna_core::id::UserId;
use myna_core::identifier::Canonical;
use myna_core::secret::Secret;
use myna_core::user::{Known, Password};

use super::{Folded, user, user_columns, user_roles};
use crate::Store;
use crate::engine::{Row, Value};
use crate::error::StoreError;

pub(super) const BY_IDENTIFIER: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", p.hash, p.changed_at FROM identifier i JOIN user_account u ON u.id = i.user_id",
    " LEFT JOIN password p ON p.user_id = u.id",
    user_roles!(),
    "WHERE i.canonical = $1 ORDER BY ur.role_id"
);
const BY_ID: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", p.hash, p.changed_at FROM user_account u LEFT JOIN password p ON p.user_id = u.id",
    user_roles!(),
    "WHERE u.id = $1 ORDER BY ur.role_id"
);

const LIST: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", p.hash, p.changed_at FROM (SELECT * FROM user_account WHERE id > $1 ORDER BY id LIMIT $2) u",
    " LEFT JOIN password p ON p.user_id = u.id",
    user_roles!(),
    "ORDER BY u.id, ur.role_id"
);

impl Store {
    /// Up to `limit` users with ids above `after`, by id, each with its password's hash: for moving them elsewhere.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn list_known(&self, after: UserId, limit: u32) -> Result<Vec<Known>, StoreError> {
        let mut listed: Vec<Known> = Vec::new();
        self.0
            .engine
            .rows(LIST, &[after.into(), i64::from(limit).into()], |row| {
                let id = UserId(row.integer(0)?);
                let role = user::role(row)?;
                match listed.last_mut().filter(|last| last.user.id == id) {
                    Some(known) => known.user.roles.extend(role),
                    None => {
                        let mut user = user::read(row)?;
                        user.roles.extend(role);
                        listed.push(Known { user, password: password(row, user::COLUMNS)? });
                    }
                }
                Ok(())
            })
            .await?;
        Ok(listed)
    }

    /// The user whom the identifier names.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown identifier is no error.
    pub async fn load_known(&self, identifier: &Canonical) -> Result<Option<Known>, StoreError> {
        self.known(BY_IDENTIFIER, identifier.as_str().into()).await
    }

    /// The user of that id.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown id is no error.
    pub async fn load_known_by_id(&self, id: UserId) -> Result<Option<Known>, StoreError> {
        self.known(BY_ID, id.into()).await
    }

    async fn known(&self, sql: &'static str, value: Value<'_>) -> Result<Option<Known>, StoreError> {
        let mut folded = Folded::new();
        self.0.engine.rows(sql, &[value], |row| folded.row(row, |row| password(row, user::COLUMNS))).await?;
        Ok(folded.found.map(|(user, password)| Known { user, password }))
    }
}

/// The password whose columns begin at `first`, if there is one.
pub(super) fn password(row: &Row<'_>, first: usize) -> Result<Option<Password>, StoreError> {
    let (Some(hash), Some(changed_at)) = (row.maybe_text(first)?, row.maybe_time(first + 1)?) else {
        return Ok(None);
    };
    Ok(Some(Password { hash: Secret::new(hash), changed_at }))
}
