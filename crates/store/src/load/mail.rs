//! Mails that wait to be sent.

use myna_core::id::{Handle, SessionId, UserId};
use myna_core::mail::{Letter, QueuedMail};
use myna_core::time::Timestamp;

use crate::Store;
use crate::engine::Row;
use crate::error::StoreError;

/// The stored name of [`Letter::PasswordReset`].
pub(crate) const PASSWORD_RESET: &str = "password_reset";
/// The stored name of [`Letter::Nobody`].
pub(crate) const NOBODY: &str = "nobody";

const DUE: &str = "SELECT id, letter, challenge_user_id, challenge_handle, recipient, created_at, due_at, failures \
    FROM mail WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2";

impl Store {
    /// Up to `limit` mails that are due at `now`, the longest due first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn due_mail(&self, now: Timestamp, limit: u32) -> Result<Vec<QueuedMail>, StoreError> {
        let mut mails = Vec::new();
        self.0
            .engine
            .rows(DUE, &[now.into(), i64::from(limit).into()], |row| {
                mails.push(QueuedMail {
                    id: row.bytes(0)?,
                    letter: letter(row)?,
                    created_at: row.time(5)?,
                    due_at: row.time(6)?,
                    failures: row.integer(7)?,
                });
                Ok(())
            })
            .await?;
        Ok(mails)
    }
}

fn letter(row: &Row<'_>) -> Result<Letter, StoreError> {
    let name = row.text(1)?;
    match name.as_str() {
        PASSWORD_RESET => Ok(Letter::PasswordReset {
            challenge: SessionId { user: UserId(row.integer(2)?), handle: Handle(row.bytes(3)?) },
            to: row.text(4)?,
        }),
        NOBODY => Ok(Letter::Nobody),
        _ => Err(StoreError::Corrupt(format!("a mail is a `{name}`"))),
    }
}
