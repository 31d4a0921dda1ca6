//! A list of changes becomes statements. Each guarded write is one statement whose row count is the truth (ST-04); what
//! is read here is read only to name the guard that did not hold.

mod queue;
mod sessions;
mod users;

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;

use crate::db::Db;
use crate::error::{CommitError, StoreError};

type Applied = Result<(), CommitError>;

const IS_ACTIVE: &str = "SELECT 1 FROM user_account WHERE id = $1 AND status = 'active'";

/// The statements about the live sessions of one user, for a test of how they are found.
#[cfg(test)]
pub(crate) const LIVE_SESSIONS: [&str; 4] = sessions::LIVE;

/// Applies `changes` in order, up to the first that fails. The caller undoes what was applied before it.
pub(crate) fn apply_all(db: &Db, changes: &[Change]) -> Applied {
    changes.iter().try_for_each(|change| apply(db, change))
}

fn apply(db: &Db, change: &Change) -> Applied {
    match change {
        Change::InsertUser(user) => users::insert(db, user),
        Change::UpdateUser(user) => users::update(db, user),
        Change::DeleteUser(user) => users::delete(db, *user),
        Change::SetPassword { user, while_hash, hash, changed_at } => match while_hash {
            Some(old) => users::swap_password(db, *user, old, hash, *changed_at),
            None => users::set_password(db, *user, hash, *changed_at),
        },
        Change::KeepPassword { user, while_hash } => users::keep_password(db, *user, while_hash),
        Change::KeepUser { user, while_updated_at } => users::keep(db, *user, *while_updated_at),
        Change::ClearMustChange(user) => users::clear_must_change(db, *user),
        Change::PutRole(role) => users::put_role(db, role),
        Change::InsertSession(session) => sessions::insert(db, session),
        Change::RotateSession { id, while_generation, at, idle_expires_at } => {
            sessions::rotate(db, *id, *while_generation, *at, *idle_expires_at)
        }
        Change::TouchSession { id, at, idle_expires_at } => sessions::touch(db, *id, *at, *idle_expires_at),
        Change::EndSession { id, at, cause } => sessions::end(db, *id, *at, *cause),
        Change::EndSessions { user, except, at, cause } => sessions::end_all(db, *user, except.as_ref(), *at, *cause),
        Change::EndDeviceSession { user, dialect, device, at } => sessions::end_device(db, *user, dialect, device, *at),
        Change::EndOldestSessions { user, keep, at } => sessions::end_oldest(db, *user, *keep, *at),
        Change::InsertChallenge(challenge) => queue::insert_challenge(db, challenge),
        Change::UseChallenge { id, at } => queue::use_challenge(db, *id, *at),
        Change::VoidChallenges { user, at } => queue::void_challenges(db, *user, *at),
        Change::QueueMail(mail) => queue::insert_mail(db, mail),
        Change::DropMail(id) => queue::drop_mail(db, id),
        Change::DelayMail { id, until } => queue::delay_mail(db, id, *until),
    }
}

/// The verdict on a guarded write: one row, or the conflict.
fn guarded(rows: usize, conflict: impl FnOnce() -> Conflict) -> Applied {
    if rows == 0 { Err(conflict().into()) } else { Ok(()) }
}

/// Why a row that needs an active user was not written: no such user, or `otherwise`.
fn gone_or(db: &Db, user: UserId, otherwise: Conflict) -> Result<Conflict, StoreError> {
    Ok(if db.exists(IS_ACTIVE, &[user.into()])? { otherwise } else { Conflict::UserGone(user) })
}
