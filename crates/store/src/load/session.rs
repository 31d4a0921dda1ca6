//! A session with its user: the facts of a refresh.

use myna_core::id::{Handle, SessionId, UserId};
use myna_core::ops::refresh::Facts;
use myna_core::session::{AccessDigest, AccessDigests, EndCause, Session};
use myna_core::time::Timestamp;

use super::{Folded, session_columns, user, user_columns, user_roles};
use crate::Store;
use crate::engine::{Row, Value};
use crate::error::StoreError;
use crate::faults::{Mutation, is_mutated};

/// How many columns a session takes.
pub(super) const COLUMNS: usize = 16;

pub(super) const BY_ID: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", ",
    session_columns!(),
    " FROM session s JOIN user_account u ON u.id = s.user_id",
    user_roles!(),
    "WHERE s.user_id = $1 AND s.handle = $2 ORDER BY ur.role_id"
);
pub(crate) const OF_USER: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM session s WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.idle_expires_at > $2 AND s.expires_at > $2",
    " ORDER BY s.used_at DESC, s.created_at DESC, s.handle"
);

/// Every session after one and up to those of a user, by user and handle; [`PAGE_LIVE`] only those that live.
const PAGE: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", s.user_id FROM session s WHERE (s.user_id, s.handle) > ($1, $2) AND s.user_id <= $3",
    " ORDER BY s.user_id, s.handle LIMIT $4"
);
const PAGE_LIVE: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", s.user_id FROM session s WHERE (s.user_id, s.handle) > ($1, $2) AND s.user_id <= $3",
    " AND s.ended_at IS NULL AND s.idle_expires_at > $5 AND s.expires_at > $5",
    " ORDER BY s.user_id, s.handle LIMIT $4"
);
const BETWEEN: &str = concat!(
    "SELECT ",
    session_columns!(),
    ", s.user_id FROM session s WHERE s.handle BETWEEN $1 AND $2 ORDER BY s.handle, s.user_id LIMIT $3"
);

/// Which sessions an operator looks through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sessions {
    /// Those that live at this moment.
    LiveAt(Timestamp),
    /// Those, too, that have ended or expired and are still kept.
    All,
}

impl Store {
    /// The session of that name, dead or alive, and its user.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown session is no error.
    pub async fn load_session(&self, id: SessionId) -> Result<Option<Facts>, StoreError> {
        let mut folded = Folded::new();
        let values = [id.user.into(), (&id.handle).into()];
        self.0.engine.rows(BY_ID, &values, |row| folded.row(row, |row| read(row, user::COLUMNS, id.user))).await?;
        Ok(folded.found.map(|(user, session)| Facts { user, session }))
    }

    /// The sessions of a user that live at `now`, the last used first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; an unknown user is no error.
    pub async fn list_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let mut sessions = Vec::new();
        self.0
            .engine
            .rows(OF_USER, &[user.into(), now.into()], |row| {
                sessions.push(read(row, 0, user)?);
                Ok(())
            })
            .await?;
        Ok(sessions)
    }

    /// Up to `limit` sessions that come after `after`, none of a user beyond `through`; by user, then by handle.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn page_sessions(
        &self,
        which: Sessions,
        after: SessionId,
        through: UserId,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let mut values = vec![after.user.into(), (&after.handle).into(), through.into(), i64::from(limit).into()];
        match which {
            Sessions::All => self.sessions(PAGE, &values).await,
            Sessions::LiveAt(now) => {
                values.push(now.into());
                self.sessions(PAGE_LIVE, &values).await
            }
        }
    }

    /// Up to `limit` sessions with handles between `first` and `last`, dead or alive, whosever they are.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn sessions_between(&self, first: Handle, last: Handle, limit: u32) -> Result<Vec<Session>, StoreError> {
        self.sessions(BETWEEN, &[(&first).into(), (&last).into(), i64::from(limit).into()]).await
    }

    /// Rows of a session with its user's id behind it.
    async fn sessions(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Session>, StoreError> {
        let mut sessions = Vec::new();
        self.0
            .engine
            .rows(sql, values, |row| {
                sessions.push(read(row, 0, UserId(row.integer(COLUMNS)?))?);
                Ok(())
            })
            .await?;
        Ok(sessions)
    }
}

/// The session of `user` whose columns begin at `first`.
pub(super) fn read(row: &Row<'_>, first: usize, user: UserId) -> Result<Session, StoreError> {
    let cause = row.maybe_text(first + 12)?;
    let ended = match (row.maybe_time(first + 11)?, cause) {
        (Some(at), Some(cause)) => Some((
            at,
            EndCause::parse(&cause).ok_or_else(|| StoreError::Corrupt(format!("a session ended by `{cause}`")))?,
        )),
        _ => None,
    };
    let ended = ended.filter(|(_, cause)| !(*cause == EndCause::Logout && is_mutated(Mutation::Logout)));
    Ok(Session {
        id: SessionId { user, handle: Handle(row.bytes(first)?) },
        dialect: row.text(first + 1)?,
        device: row.maybe_text(first + 2)?,
        salt: row.bytes(first + 3)?,
        generation: row.integer(first + 4)?,
        created_at: row.time(first + 5)?,
        rotated_at: row.time(first + 13)?,
        used_at: row.time(first + 6)?,
        idle_expires_at: row.time(first + 7)?,
        expires_at: row.time(first + 8)?,
        client_address: row.maybe_text(first + 9)?,
        client_agent: row.maybe_text(first + 10)?,
        access: AccessDigests {
            newest: row.maybe_bytes(first + 14)?.map(AccessDigest),
            before: row.maybe_bytes(first + 15)?.map(AccessDigest),
        },
        ended,
    })
}
