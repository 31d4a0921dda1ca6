//! Statements that alter users, their identifiers, roles and passwords.

use myna_core::change::Conflict;
use myna_core::id::UserId;
use myna_core::identifier::Canonical;
use myna_core::secret::Secret;
use myna_core::time::Timestamp;
use myna_core::user::{Role, User};

use super::Step;
use crate::engine::Value;
use crate::error::StoreError;

const USE_ID: &str = "INSERT INTO used_user_id (id) VALUES ($1) ON CONFLICT (id) DO NOTHING";
const RAISE_NEXT: &str = "UPDATE id_block SET next = $1 WHERE name = 'user' AND next < $1";
const INSERT: &str = "INSERT INTO user_account (id, email, username, first_name, middle_name, last_name, photo, status, \
    must_change_password, attributes, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const UPDATE: &str = "UPDATE user_account SET email = $2, username = $3, first_name = $4, middle_name = $5, \
    last_name = $6, photo = $7, status = $8, must_change_password = $9, attributes = $10, created_at = $11, \
    updated_at = $12 WHERE id = $1";
const INSERT_IDENTIFIER: &str =
    "INSERT INTO identifier (canonical, user_id, kind) VALUES ($1, $2, $3) ON CONFLICT (canonical) DO NOTHING";
const DELETE_IDENTIFIERS: &str = "DELETE FROM identifier WHERE user_id = $1";
const INSERT_ROLE: &str = "INSERT INTO user_role (user_id, role_id) VALUES ($1, $2)";
const DELETE_ROLES: &str = "DELETE FROM user_role WHERE user_id = $1";
const PUT_ROLE: &str = "INSERT INTO role (id, name, permissions) VALUES ($1, $2, $3) \
    ON CONFLICT (id) DO UPDATE SET permissions = excluded.permissions WHERE role.name = excluded.name";
// These alter nothing, but as writes they lock the row to the end of the transaction, which a read would not.
const KEEP: &str = "UPDATE user_account SET updated_at = $2 WHERE id = $1 AND updated_at = $2";
const KEEP_PASSWORD: &str = "UPDATE password SET hash = $2 WHERE user_id = $1 AND hash = $2";
const DELETE_PASSWORD: &str = "DELETE FROM password WHERE user_id = $1";
const DELETE_SESSIONS: &str = "DELETE FROM session WHERE user_id = $1";
const DELETE_CHALLENGES: &str = "DELETE FROM challenge WHERE user_id = $1";
const DELETE_MAILS: &str = "DELETE FROM mail WHERE challenge_user_id = $1";
const DELETE: &str = "DELETE FROM user_account WHERE id = $1";
const SWAP_PASSWORD: &str = "UPDATE password SET hash = $1, changed_at = coalesce($2, changed_at) \
    WHERE user_id = $3 AND hash = $4";
const REPLACE_HASH: &str = "UPDATE password SET hash = $1 WHERE user_id = $2";
const SET_PASSWORD: &str = "INSERT INTO password (user_id, hash, changed_at) \
    SELECT id, $2, $3 FROM user_account WHERE id = $1 \
    ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at";
// One microsecond later, so that a record which was loaded before is not written back with the mark.
const CLEAR_MUST_CHANGE: &str = "UPDATE user_account SET must_change_password = 0, updated_at = updated_at + 1 \
    WHERE id = $1 AND must_change_password = 1";

pub(super) fn insert<'a>(user: &'a User, steps: &mut Vec<Step<'a>>) {
    let id = user.id;
    // The id is used up first, for good: whether a user has it, had it, or is just getting it elsewhere (LG-11).
    steps.push(Step::guarded(USE_ID, [id.into()], Conflict::UserIdUsed(id)));
    steps.push(Step::free(RAISE_NEXT, [id.0.saturating_add(1).into()]));
    steps.push(Step::free(INSERT, columns(user)));
    insert_belongings(user, steps);
}

pub(super) fn update<'a>(user: &'a User, steps: &mut Vec<Step<'a>>) {
    steps.push(Step::guarded(UPDATE, columns(user), Conflict::UserGone(user.id)));
    steps.push(Step::free(DELETE_IDENTIFIERS, [user.id.into()]));
    steps.push(Step::free(DELETE_ROLES, [user.id.into()]));
    insert_belongings(user, steps);
}

/// Everything that names the user goes, also a mail that waits to be sent; the id stays used.
pub(super) fn delete(user: UserId, steps: &mut Vec<Step<'_>>) {
    for sql in [DELETE_IDENTIFIERS, DELETE_ROLES, DELETE_PASSWORD, DELETE_SESSIONS, DELETE_CHALLENGES, DELETE_MAILS] {
        steps.push(Step::free(sql, [user.into()]));
    }
    steps.push(Step::guarded(DELETE, [user.into()], Conflict::UserGone(user)));
}

fn columns(user: &User) -> [Value<'_>; 12] {
    [
        user.id.into(),
        user.email.as_ref().into(),
        user.username.as_ref().into(),
        user.first_name.as_ref().into(),
        user.middle_name.as_ref().into(),
        user.last_name.as_ref().into(),
        user.photo.as_ref().into(),
        user.status.name().into(),
        user.must_change_password.into(),
        (&user.attributes).into(),
        user.created_at.into(),
        user.updated_at.into(),
    ]
}

fn insert_belongings<'a>(user: &'a User, steps: &mut Vec<Step<'a>>) {
    let mut own: Vec<Canonical> = Vec::new();
    for (kind, text) in [("email", &user.email), ("username", &user.username)] {
        // One text may be both: it is one identifier then.
        let Some(canonical) = text.as_deref().and_then(Canonical::of).filter(|text| !own.contains(text)) else {
            continue;
        };
        let values = [canonical.as_str().to_owned().into(), user.id.into(), kind.into()];
        steps.push(Step::guarded(INSERT_IDENTIFIER, values, Conflict::IdentifierTaken(canonical.clone())));
        own.push(canonical);
    }
    for role in &user.roles {
        steps.push(Step::free(INSERT_ROLE, [user.id.into(), role.id.into()]));
    }
}

pub(super) fn put_role(role: &Role) -> Result<Step<'_>, StoreError> {
    let permissions = serde_json::to_string(&role.permissions)
        .map_err(|error| StoreError::Unexpected(format!("the permissions of a role cannot be written: {error}")))?;
    let values = [role.id.into(), (&role.name).into(), permissions.into()];
    Ok(Step::guarded(PUT_ROLE, values, Conflict::RoleIdUsed(role.id)))
}

pub(super) fn swap_password<'a>(
    user: UserId,
    old: &'a Secret<String>,
    hash: &'a Secret<String>,
    changed_at: Option<Timestamp>,
) -> Step<'a> {
    let values = [hash.expose().into(), changed_at.into(), user.into(), old.expose().into()];
    Step::guarded(SWAP_PASSWORD, values, Conflict::PasswordChanged(user))
}

pub(super) fn set_password(user: UserId, hash: &Secret<String>, changed_at: Option<Timestamp>) -> Step<'_> {
    match changed_at {
        Some(changed_at) => {
            let values = [user.into(), hash.expose().into(), changed_at.into()];
            Step::guarded(SET_PASSWORD, values, Conflict::UserGone(user))
        }
        // The same password in another format: there has to be one.
        None => Step::guarded(REPLACE_HASH, [hash.expose().into(), user.into()], Conflict::PasswordChanged(user)),
    }
}

pub(super) fn keep(user: UserId, updated_at: Timestamp) -> Step<'static> {
    Step::guarded(KEEP, [user.into(), updated_at.into()], Conflict::UserChanged(user))
}

pub(super) fn keep_password(user: UserId, hash: &Secret<String>) -> Step<'_> {
    Step::guarded(KEEP_PASSWORD, [user.into(), hash.expose().into()], Conflict::PasswordChanged(user))
}

pub(super) fn clear_must_change(user: UserId) -> Step<'static> {
    Step::free(CLEAR_MUST_CHANGE, [user.into()])
}
