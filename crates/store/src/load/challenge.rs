//! A challenge with its user: the facts of a password reset.

use myna_core::id::SessionId;
use myna_core::ops::reset_password::Facts;
use myna_core::session::Challenge;

use super::{Folded, user, user_columns, user_roles};
use crate::Store;
use crate::error::StoreError;

const BY_ID: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", c.salt, c.created_at, c.expires_at, c.used_at FROM challenge c JOIN user_account u ON u.id = c.user_id",
    user_roles!(),
    "WHERE c.user_id = $1 AND c.handle = $2 ORDER BY ur.role_id"
);

impl Store {
    /// The challenge of that name, open or not, and its user.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown challenge is no error.
    pub async fn load_challenge(&self, id: SessionId) -> Result<Option<Facts>, StoreError> {
        let mut folded = Folded::new();
        let values = [id.user.into(), (&id.handle).into()];
        self.0
            .engine
            .rows(BY_ID, &values, |row| {
                folded.row(row, |row| {
                    Ok(Challenge {
                        id,
                        salt: row.bytes(user::COLUMNS)?,
                        created_at: row.time(user::COLUMNS + 1)?,
                        expires_at: row.time(user::COLUMNS + 2)?,
                        used_at: row.maybe_time(user::COLUMNS + 3)?,
                    })
                })
            })
            .await?;
        Ok(folded.found.map(|(user, challenge)| Facts { user, challenge }))
    }
}
