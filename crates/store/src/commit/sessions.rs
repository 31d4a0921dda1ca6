//! Statements that begin, rotate and end sessions.

use myna_core::change::Conflict;
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::session::{AccessDigest, AccessDigests, EndCause, Session};
use myna_core::time::Timestamp;

use super::{Guard, Step};
use crate::engine::Row;
use crate::error::StoreError;
use crate::faults::{Mutation, is_mutated};
use crate::work::Ended;

// No arbiter after ON CONFLICT: the partial index of live sessions could be one, but not every engine takes it.
const INSERT: &str = "INSERT INTO session (user_id, handle, dialect, device, salt, generation, created_at, used_at, \
    idle_expires_at, expires_at, client_address, client_agent, ended_at, end_cause, rotated_at, \
    access_digest, access_digest_before) \
    SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17 \
    FROM user_account WHERE id = $1 AND status = 'active' ON CONFLICT DO NOTHING";
const LOCK_USER: &str = "SELECT 1 FROM user_account WHERE id = $1 FOR SHARE";
const ROTATE: &str = "UPDATE session SET generation = generation + 1, rotated_at = $4, used_at = $4, \
    idle_expires_at = $5 \
    WHERE user_id = $1 AND handle = $2 AND generation = $3 \
    AND ended_at IS NULL AND idle_expires_at > $4 AND expires_at > $4";
const ROTATE_WITHOUT_GUARD: &str = "UPDATE session SET generation = generation + 1, rotated_at = $4, used_at = $4, \
    idle_expires_at = $5 \
    WHERE user_id = $1 AND handle = $2 AND generation >= $3 \
    AND ended_at IS NULL AND idle_expires_at > $4 AND expires_at > $4";
const ROTATE_AFTER_LOGOUT: &str = "UPDATE session SET generation = generation + 1, rotated_at = $4, used_at = $4, \
    idle_expires_at = $5 \
    WHERE user_id = $1 AND handle = $2 AND generation = $3 \
    AND (ended_at IS NULL OR end_cause = 'logout') AND idle_expires_at > $4 AND expires_at > $4";
const TOUCH: &str = "UPDATE session SET used_at = $3, idle_expires_at = $4 WHERE user_id = $1 AND handle = $2 \
    AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3";
const KEEP: &str = "UPDATE session SET used_at = used_at WHERE user_id = $1 AND handle = $2 \
    AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3";
// The same token again, for an honest retry or within a second, leaves its predecessor where it is.
const NOTE_ACCESS: &str = "UPDATE session SET access_digest = $3, access_digest_before = CASE \
    WHEN access_digest = $3 THEN access_digest_before ELSE access_digest END WHERE user_id = $1 AND handle = $2";
/// How a statement ends that returns the sessions that it has ended.
pub(crate) const RETURNS_ENDED: &str = "RETURNING handle, dialect";
const END: &str = "UPDATE session SET ended_at = $3, end_cause = $4 \
    WHERE user_id = $1 AND handle = $2 AND ended_at IS NULL RETURNING handle, dialect";
const END_ALL: &str = "UPDATE session SET ended_at = $2, end_cause = $3 WHERE user_id = $1 AND ended_at IS NULL \
    RETURNING handle, dialect";
const END_ALL_BUT: &str = "UPDATE session SET ended_at = $2, end_cause = $3 \
    WHERE user_id = $1 AND ended_at IS NULL AND handle <> $4 RETURNING handle, dialect";
const END_OF_TOKEN: &str = "UPDATE session SET ended_at = $4, end_cause = $5 \
    WHERE user_id = $1 AND dialect = $2 AND ended_at IS NULL AND (access_digest = $3 OR access_digest_before = $3) \
    RETURNING handle, dialect";
const END_DEVICE: &str = "UPDATE session SET ended_at = $4, end_cause = $5 \
    WHERE user_id = $1 AND dialect = $2 AND device = $3 AND ended_at IS NULL RETURNING handle, dialect";
const END_OLDEST: &str = "UPDATE session SET ended_at = $2, end_cause = $3 \
    WHERE user_id = $1 AND ended_at IS NULL AND idle_expires_at > $2 AND expires_at > $2 AND handle <> $5 \
    AND handle NOT IN (SELECT handle FROM session WHERE user_id = $1 AND ended_at IS NULL AND idle_expires_at > $2 \
    AND expires_at > $2 AND handle <> $5 ORDER BY used_at DESC, created_at DESC, handle LIMIT $4) \
    RETURNING handle, dialect";

#[cfg(test)]
pub(super) const LIVE: [&str; 5] = [END_ALL, END_ALL_BUT, END_OF_TOKEN, END_DEVICE, END_OLDEST];

pub(super) fn insert<'a>(session: &'a Session, steps: &mut Vec<Step<'a>>) {
    let Session {
        id,
        dialect,
        device,
        salt,
        generation,
        created_at,
        rotated_at,
        used_at,
        idle_expires_at,
        expires_at,
        client_address,
        client_agent,
        access: AccessDigests { newest, before },
        ended,
    } = session;
    let values = [
        id.user.into(),
        (&id.handle).into(),
        dialect.into(),
        device.as_ref().into(),
        salt.into(),
        (*generation).into(),
        (*created_at).into(),
        (*used_at).into(),
        (*idle_expires_at).into(),
        (*expires_at).into(),
        client_address.as_ref().into(),
        client_agent.as_ref().into(),
        ended.map(|(at, _)| at).into(),
        ended.map(|(_, cause)| cause.name()).into(),
        (*rotated_at).into(),
        newest.as_ref().map(|token| &token.0).into(),
        before.as_ref().map(|token| &token.0).into(),
    ];
    // Whoever disables the user meanwhile waits, and then finds the session, too.
    steps.push(Step::lock(LOCK_USER, [id.user.into()]));
    let guard = Guard::ActiveUser(id.user, Conflict::DeviceBusy(id.user));
    steps.push(Step { sql: INSERT, values: values.into(), guard, ends: None });
}

pub(super) fn rotate(id: &SessionId, generation: i64, at: Timestamp, idle_expires_at: Timestamp) -> Step<'_> {
    let values = [id.user.into(), (&id.handle).into(), generation.into(), at.into(), idle_expires_at.into()];
    let sql = if is_mutated(Mutation::Rotation) {
        ROTATE_WITHOUT_GUARD
    } else if is_mutated(Mutation::Logout) {
        ROTATE_AFTER_LOGOUT
    } else {
        ROTATE
    };
    Step::guarded(sql, values, Conflict::SessionChanged(*id))
}

pub(super) fn touch(id: &SessionId, at: Timestamp, idle_expires_at: Timestamp) -> Step<'_> {
    let values = [id.user.into(), (&id.handle).into(), at.into(), idle_expires_at.into()];
    Step::guarded(TOUCH, values, Conflict::SessionChanged(*id))
}

pub(super) fn keep(id: &SessionId, at: Timestamp) -> Step<'_> {
    Step::guarded(KEEP, [id.user.into(), (&id.handle).into(), at.into()], Conflict::SessionChanged(*id))
}

pub(super) fn note_access<'a>(id: &'a SessionId, token: &'a AccessDigest) -> Step<'a> {
    Step::free(NOTE_ACCESS, [id.user.into(), (&id.handle).into(), (&token.0).into()])
}

pub(super) fn end(id: &SessionId, at: Timestamp, cause: EndCause) -> Step<'_> {
    let values = [id.user.into(), (&id.handle).into(), at.into(), cause.name().into()];
    Step::guarded(END, values, Conflict::SessionChanged(*id)).ending(id.user, cause)
}

pub(super) fn end_all(user: UserId, except: Option<&Handle>, at: Timestamp, cause: EndCause) -> Step<'_> {
    let step = match except {
        None => Step::free(END_ALL, [user.into(), at.into(), cause.name().into()]),
        Some(handle) => Step::free(END_ALL_BUT, [user.into(), at.into(), cause.name().into(), handle.into()]),
    };
    step.ending(user, cause)
}

pub(super) fn end_of_token<'a>(
    user: UserId,
    dialect: &'a str,
    token: &'a AccessDigest,
    at: Timestamp,
    cause: EndCause,
) -> Step<'a> {
    let values = [user.into(), dialect.into(), (&token.0).into(), at.into(), cause.name().into()];
    Step::free(END_OF_TOKEN, values).ending(user, cause)
}

pub(super) fn end_device<'a>(user: UserId, dialect: &'a str, device: &'a str, at: Timestamp) -> Step<'a> {
    let values = [user.into(), dialect.into(), device.into(), at.into(), EndCause::Replaced.name().into()];
    Step::free(END_DEVICE, values).ending(user, EndCause::Replaced)
}

pub(super) fn end_oldest(user: UserId, newest: &Handle, keep: u32, at: Timestamp) -> Step<'_> {
    let others = i64::from(keep.saturating_sub(1));
    let values = [user.into(), at.into(), EndCause::Cap.name().into(), others.into(), newest.into()];
    Step::free(END_OLDEST, values).ending(user, EndCause::Cap)
}

/// The session of `user` that a statement has ended, from the row that it returns.
pub(crate) fn ended(row: &Row<'_>, user: UserId, cause: EndCause) -> Result<Ended, StoreError> {
    Ok(Ended { id: SessionId { user, handle: Handle(row.bytes(0)?) }, dialect: row.text(1)?, cause })
}
