//! The bearer of an access token: the facts of `userinfo`, `renew` and a change of password.

use myna_core::id::SessionId;
use myna_core::ops::bearer::Facts;
use myna_core::session::Bearer;
use myna_core::user::Known;

use super::{Folded, known, session, session_columns, user, user_columns, user_roles};
use crate::Store;
use crate::error::StoreError;

const BY_SESSION: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", ",
    session_columns!(),
    ", p.hash, p.changed_at FROM session s JOIN user_account u ON u.id = s.user_id",
    " LEFT JOIN password p ON p.user_id = u.id",
    user_roles!(),
    "WHERE s.user_id = $1 AND s.handle = $2 ORDER BY r.id"
);

impl Store {
    /// Whom the token names: by session, by id or by identifier.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown bearer is no error.
    pub async fn load_bearer(&self, bearer: &Bearer) -> Result<Option<Facts>, StoreError> {
        let sessionless = |known| Facts { known, session: None };
        match bearer {
            Bearer::Session(id) => self.bearer_of(*id).await,
            Bearer::User(id) => Ok(self.known_by_id(*id).await?.map(sessionless)),
            Bearer::Named(identifier) => Ok(self.known_named(identifier).await?.map(sessionless)),
        }
    }

    async fn bearer_of(&self, id: SessionId) -> Result<Option<Facts>, StoreError> {
        let mut folded = Folded::new();
        let values = [id.user.into(), (&id.handle).into()];
        self.0
            .engine
            .rows(BY_SESSION, &values, |row| {
                folded.row(row, |row| {
                    let session = session::read(row, user::COLUMNS, id.user)?;
                    let password = known::password(row, user::COLUMNS + session::COLUMNS)?;
                    Ok((session, password))
                })
            })
            .await?;
        Ok(folded
            .found
            .map(|(user, (session, password))| Facts { known: Known { user, password }, session: Some(session) }))
    }
}
