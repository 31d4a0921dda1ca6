//! The bearer of an access token: the facts of `userinfo`, `renew`, a logout and a change of password.

use myna_core::id::UserId;
use myna_core::ops::bearer::Facts;
use myna_core::session::Bearer;
use myna_core::user::Known;

use super::{Folded, known, session, session_columns, user, user_columns, user_roles};
use crate::Store;
use crate::engine::Value;
use crate::error::StoreError;

/// Everything about user `u` and session `s`.
macro_rules! select {
    () => {
        concat!("SELECT ", user_columns!(), ", ", session_columns!(), ", p.hash, p.changed_at FROM ")
    };
}

/// The session `s` of user `u` that knows a token: one that lives, if there is one. Sessions begun in one second may
/// share their token; then the one that lives longest stands for all. A user has few sessions that have not ended.
macro_rules! session_of_token {
    () => {
        " JOIN session s ON s.user_id = u.id AND s.handle = (SELECT t.handle FROM session t WHERE t.user_id = u.id \
         AND t.dialect = $2 AND t.ended_at IS NULL AND (t.access_digest = $3 OR t.access_digest_before = $3) \
         ORDER BY t.idle_expires_at DESC, t.handle LIMIT 1)"
    };
}

macro_rules! password_of_user {
    () => {
        " LEFT JOIN password p ON p.user_id = u.id"
    };
}

pub(super) const BY_SESSION: &str = concat!(
    select!(),
    "session s JOIN user_account u ON u.id = s.user_id",
    password_of_user!(),
    user_roles!(),
    "WHERE s.user_id = $1 AND s.handle = $2 ORDER BY ur.role_id"
);
const BY_USER_AND_TOKEN: &str = concat!(
    select!(),
    "user_account u",
    session_of_token!(),
    password_of_user!(),
    user_roles!(),
    "WHERE u.id = $1 ORDER BY ur.role_id"
);
const BY_NAME_AND_TOKEN: &str = concat!(
    select!(),
    "identifier i JOIN user_account u ON u.id = i.user_id",
    session_of_token!(),
    password_of_user!(),
    user_roles!(),
    "WHERE i.canonical = $1 ORDER BY ur.role_id"
);

/// The statements that find a session by a token, for a test of how they find it.
#[cfg(test)]
pub(crate) const BY_TOKEN: [&str; 2] = [BY_USER_AND_TOKEN, BY_NAME_AND_TOKEN];

impl Store {
    /// Whom a token of `dialect` names, with the session for which it stands: the one that it names, or the one that knows
    /// it and has not ended.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown bearer is no error.
    pub async fn load_bearer(&self, bearer: &Bearer, dialect: &str) -> Result<Option<Facts>, StoreError> {
        match bearer {
            Bearer::Session(id) => self.bearer(BY_SESSION, &[id.user.into(), (&id.handle).into()]).await,
            Bearer::User(id, token) => {
                self.bearer(BY_USER_AND_TOKEN, &[(*id).into(), dialect.into(), (&token.0).into()]).await
            }
            Bearer::Named(identifier, token) => {
                let values = [identifier.as_str().into(), dialect.into(), (&token.0).into()];
                self.bearer(BY_NAME_AND_TOKEN, &values).await
            }
        }
    }

    async fn bearer(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<Facts>, StoreError> {
        let mut folded = Folded::new();
        self.0
            .engine
            .rows(sql, values, |row| {
                folded.row(row, |row| {
                    let session = session::read(row, user::COLUMNS, UserId(row.integer(0)?))?;
                    let password = known::password(row, user::COLUMNS + session::COLUMNS)?;
                    Ok((session, password))
                })
            })
            .await?;
        Ok(folded.found.map(|(user, (session, password))| Facts { known: Known { user, password }, session }))
    }
}
