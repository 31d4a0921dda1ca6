//! A list of changes becomes statements. Each guarded write is one statement whose row count is the truth (ST-04). What
//! runs them, and in which transaction, is the engine's.

mod keys;
mod queue;
mod sessions;
mod users;
mod witness;

pub(crate) use self::sessions::{RETURNS_ENDED, ended};

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::session::EndCause;

use crate::engine::Value;
use crate::error::StoreError;

pub(crate) use witness::witnesses;

/// Whether a user may begin something: asked only to name the guard that did not hold.
pub(crate) const IS_ACTIVE: &str = "SELECT 1 FROM user_account WHERE id = $1 AND status = 'active'";

/// The statements about the live sessions of one user, for a test of how they are found.
#[cfg(test)]
pub(crate) const LIVE_SESSIONS: [&str; 5] = sessions::LIVE;

/// One statement of a list of changes.
pub(crate) struct Step<'a> {
    /// Its text.
    pub(crate) sql: &'static str,
    /// The values of `$1`, `$2` ….
    pub(crate) values: Vec<Value<'a>>,
    /// What it means that it alters no row.
    pub(crate) guard: Guard,
    /// Whose sessions it ends and why; it returns their names and dialects.
    pub(crate) ends: Option<(UserId, EndCause)>,
}

/// What it means that a statement alters no row.
pub(crate) enum Guard {
    /// There was nothing to alter.
    None,
    /// It is there for the lock that it takes, to the end of the transaction; an engine with one writer skips it.
    Lock,
    /// The change's guard did not hold.
    Row(Conflict),
    /// The user is gone or disabled; if not, this guard did not hold.
    ActiveUser(UserId, Conflict),
}

impl<'a> Step<'a> {
    /// A statement that may alter no row.
    pub(crate) fn free(sql: &'static str, values: impl Into<Vec<Value<'a>>>) -> Self {
        Self { sql, values: values.into(), guard: Guard::None, ends: None }
    }

    /// The same statement, which returns the sessions of `user` that it has ended.
    fn ending(self, user: UserId, cause: EndCause) -> Self {
        Self { ends: Some((user, cause)), ..self }
    }

    /// A query that locks what it finds.
    fn lock(sql: &'static str, values: impl Into<Vec<Value<'a>>>) -> Self {
        Self { sql, values: values.into(), guard: Guard::Lock, ends: None }
    }

    /// A statement that has to alter a row.
    fn guarded(sql: &'static str, values: impl Into<Vec<Value<'a>>>, conflict: Conflict) -> Self {
        Self { sql, values: values.into(), guard: Guard::Row(conflict), ends: None }
    }
}

/// The statements of `changes`, in their order.
///
/// # Errors
/// [`StoreError`] for a value that cannot be written.
pub(crate) fn steps(changes: &[Change]) -> Result<Vec<Step<'_>>, StoreError> {
    let mut steps = Vec::with_capacity(changes.len());
    for change in changes {
        push(change, &mut steps)?;
    }
    Ok(steps)
}

fn push<'a>(change: &'a Change, steps: &mut Vec<Step<'a>>) -> Result<(), StoreError> {
    steps.push(match change {
        Change::InsertUser(user) => {
            users::insert(user, steps);
            return Ok(());
        }
        Change::UpdateUser(user) => {
            users::update(user, steps);
            return Ok(());
        }
        Change::DeleteUser(user) => {
            users::delete(*user, steps);
            return Ok(());
        }
        Change::InsertSession(session) => {
            sessions::insert(session, steps);
            return Ok(());
        }
        Change::InsertChallenge(challenge) => {
            queue::insert_challenge(challenge, steps);
            return Ok(());
        }
        Change::SetPassword { user, while_hash, hash, changed_at } => match while_hash {
            Some(old) => users::swap_password(*user, old, hash, *changed_at),
            None => users::set_password(*user, hash, *changed_at),
        },
        Change::KeepPassword { user, while_hash } => users::keep_password(*user, while_hash),
        Change::KeepUser { user, while_updated_at } => users::keep(*user, *while_updated_at),
        Change::ClearMustChange(user) => users::clear_must_change(*user),
        Change::PutRole(role) => users::put_role(role)?,
        Change::RotateSession { id, while_generation, at, idle_expires_at } => {
            sessions::rotate(id, *while_generation, *at, *idle_expires_at)
        }
        Change::TouchSession { id, at, idle_expires_at } => sessions::touch(id, *at, *idle_expires_at),
        Change::KeepSession { id, at } => sessions::keep(id, *at),
        Change::NoteAccess { id, token } => sessions::note_access(id, token),
        Change::EndSession { id, at, cause } => sessions::end(id, *at, *cause),
        Change::EndReused(reuse) => sessions::end(&reuse.id, reuse.at, EndCause::Reuse),
        Change::EndSessions { user, except, at, cause } => sessions::end_all(*user, except.as_ref(), *at, *cause),
        Change::EndSessionsOfToken { user, dialect, token, at, cause } => {
            sessions::end_of_token(*user, dialect, token, *at, *cause)
        }
        Change::EndDeviceSession { user, dialect, device, at } => sessions::end_device(*user, dialect, device, *at),
        Change::EndOldestSessions { user, newest, keep, at } => sessions::end_oldest(*user, newest, *keep, *at),
        Change::UseChallenge { id, at } => queue::use_challenge(id, *at),
        Change::VoidChallenges { user, at } => queue::void_challenges(*user, *at),
        Change::QueueMail(mail) => queue::insert_mail(mail),
        Change::DropMail(id) => queue::drop_mail(id),
        Change::DelayMail { id, until } => queue::delay_mail(id, *until),
        Change::InsertKey(key) => keys::insert(key),
        Change::ReplaceKey { key, while_sealed } => keys::replace(key, while_sealed),
        Change::DeleteKey(key) => keys::delete(key),
    });
    Ok(())
}
