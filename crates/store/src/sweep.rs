//! The sweep: sessions and challenges that died long ago are deleted, a few at a time, so that nobody waits for it
//! (ST-11). It walks the table by key, which needs no index and so costs nobody else anything.

use myna_core::change::SESSION_KEPT_AFTER_END;
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::time::Timestamp;

use crate::Store;
use crate::commit::Step;
use crate::engine::Row;
use crate::error::{CommitError, StoreError};
use crate::work::Work;

/// How many rows one step looks at, and at most deletes in one transaction.
const STEP_ROWS: i64 = 500;

const SESSIONS: &str = "SELECT user_id, handle, ended_at, idle_expires_at, expires_at FROM session \
    WHERE (user_id, handle) > ($1, $2) ORDER BY user_id, handle LIMIT $3";
const DELETE_SESSION: &str = "DELETE FROM session WHERE user_id = $1 AND handle = $2 \
    AND (ended_at <= $3 OR idle_expires_at <= $3 OR expires_at <= $3)";
const CHALLENGES: &str = "SELECT user_id, handle, used_at, expires_at, expires_at FROM challenge \
    WHERE (user_id, handle) > ($1, $2) ORDER BY user_id, handle LIMIT $3";
const DELETE_CHALLENGE: &str = "DELETE FROM challenge WHERE user_id = $1 AND handle = $2 \
    AND (used_at <= $3 OR expires_at <= $3)";

/// What is swept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sweep {
    /// Sessions that ended or expired.
    Sessions,
    /// Challenges that were answered, made void or expired.
    Challenges,
}

impl Sweep {
    const fn select(self) -> &'static str {
        match self {
            Self::Sessions => SESSIONS,
            Self::Challenges => CHALLENGES,
        }
    }

    const fn delete(self) -> &'static str {
        match self {
            Self::Sessions => DELETE_SESSION,
            Self::Challenges => DELETE_CHALLENGE,
        }
    }
}

/// Rows to be deleted if they are still dead since `before`.
pub(crate) struct Dead {
    what: Sweep,
    before: Timestamp,
    rows: Vec<SessionId>,
}

impl Store {
    /// One step of a sweep: looks at a few hundred rows behind `after` (`None`: from the beginning) and deletes those
    /// dead for longer than [`SESSION_KEPT_AFTER_END`]. Returns where the next step goes on, `None` at the end.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; the step can be repeated.
    pub async fn sweep(
        &self,
        what: Sweep,
        after: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Option<SessionId>, StoreError> {
        let first = SessionId { user: UserId(0), handle: Handle([0; 16]) };
        let after = after.unwrap_or(first);
        let kept = i64::try_from(SESSION_KEPT_AFTER_END.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp(now.0.saturating_sub(kept));
        let (mut last, mut seen, mut rows) = (None, 0, Vec::new());
        let values = [after.user.into(), (&after.handle).into(), STEP_ROWS.into()];
        let look = |row: &Row<'_>| {
            let id = name(row)?;
            seen += 1;
            last = Some(id);
            if died_at(row)? <= before {
                rows.push(id);
            }
            Ok(())
        };
        self.0.engine.rows(what.select(), &values, look).await?;
        if !rows.is_empty() {
            let work = Work::Forget(Dead { what, before, rows });
            match self.changing()?.run(work).await {
                Ok(_) | Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Store(error)) => return Err(error),
            }
        }
        Ok(last.filter(|_| seen == STEP_ROWS))
    }
}

fn name(row: &Row<'_>) -> Result<SessionId, StoreError> {
    Ok(SessionId { user: UserId(row.integer(0)?), handle: Handle(row.bytes(1)?) })
}

/// The earliest of the ways to die.
fn died_at(row: &Row<'_>) -> Result<Timestamp, StoreError> {
    let expired = row.time(3)?.min(row.time(4)?);
    Ok(row.maybe_time(2)?.map_or(expired, |ended| ended.min(expired)))
}

/// The statements that delete the rows.
pub(crate) fn steps(dead: &Dead) -> Vec<Step<'_>> {
    let mut steps = Vec::with_capacity(dead.rows.len());
    for SessionId { user, handle } in &dead.rows {
        steps.push(Step::free(dead.what.delete(), [(*user).into(), handle.into(), dead.before.into()]));
    }
    steps
}
