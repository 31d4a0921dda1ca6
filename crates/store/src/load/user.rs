//! Users with their roles.

use myna_core::id::UserId;
use myna_core::user::{Role, Status, User};

use super::{user_columns, user_roles};
use crate::Store;
use crate::engine::Row;
use crate::error::StoreError;

/// How many columns a user and its role take.
pub(super) const COLUMNS: usize = 15;

const LIST: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM (SELECT * FROM user_account WHERE id > $1 ORDER BY id LIMIT $2) u",
    user_roles!(),
    "ORDER BY u.id, ur.role_id"
);

impl Store {
    /// Up to `limit` users with ids above `after`, by id.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn list_users(&self, after: UserId, limit: u32) -> Result<Vec<User>, StoreError> {
        let mut users: Vec<User> = Vec::new();
        self.0
            .engine
            .rows(LIST, &[after.into(), i64::from(limit).into()], |row| {
                let id = UserId(row.integer(0)?);
                let role = role(row)?;
                match users.last_mut().filter(|last| last.id == id) {
                    Some(user) => user.roles.extend(role),
                    None => {
                        let mut user = read(row)?;
                        user.roles.extend(role);
                        users.push(user);
                    }
                }
                Ok(())
            })
            .await?;
        Ok(users)
    }
}

/// The user of a row, without roles.
pub(super) fn read(row: &Row<'_>) -> Result<User, StoreError> {
    let status = row.text(7)?;
    Ok(User {
        id: UserId(row.integer(0)?),
        email: row.maybe_text(1)?,
        username: row.maybe_text(2)?,
        first_name: row.maybe_text(3)?,
        middle_name: row.maybe_text(4)?,
        last_name: row.maybe_text(5)?,
        photo: row.maybe_text(6)?,
        status: Status::parse(&status)
            .ok_or_else(|| StoreError::Corrupt(format!("a user has the status `{status}`")))?,
        must_change_password: row.flag(8)?,
        roles: Vec::new(),
        attributes: row.text(9)?,
        created_at: row.time(10)?,
        updated_at: row.time(11)?,
    })
}

/// The role of a row, if the user has one.
pub(super) fn role(row: &Row<'_>) -> Result<Option<Role>, StoreError> {
    if row.maybe_integer(12)?.is_none() {
        return Ok(None);
    }
    super::role::read(row, 12).map(Some)
}
