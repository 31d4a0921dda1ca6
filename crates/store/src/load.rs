//! Loading: one file for each kind of facts, one query for each load. Nothing here writes or decides.
//!
//! The functions are `async` so that an engine across a network fits in; SQLite answers on the calling thread.

pub(crate) mod bearer;
pub(crate) mod challenge;
pub(crate) mod identifier;
pub(crate) mod key;
pub(crate) mod known;
pub(crate) mod mail;
pub(crate) mod ready;
pub(crate) mod role;
pub(crate) mod session;
pub(crate) mod user;

use crate::engine::Row;
use crate::error::StoreError;

/// The columns of a user `u` and of one of its roles `r`, which every load of a user begins with; what else it loads
/// follows at [`user::COLUMNS`].
macro_rules! user_columns {
    () => {
        "u.id, u.email, u.username, u.first_name, u.middle_name, u.last_name, u.photo, u.status, \
         u.must_change_password, u.attributes, u.created_at, u.updated_at, r.id, r.name, r.permissions"
    };
}

/// Joins the roles of user `u`: one row for each role, or one without.
macro_rules! user_roles {
    () => {
        " LEFT JOIN user_role ur ON ur.user_id = u.id LEFT JOIN role r ON r.id = ur.role_id "
    };
}

/// The columns of a session `s`, in the order that [`session::read`] reads them.
macro_rules! session_columns {
    () => {
        "s.handle, s.dialect, s.device, s.salt, s.generation, s.created_at, s.used_at, s.idle_expires_at, \
         s.expires_at, s.client_address, s.client_agent, s.ended_at, s.end_cause, s.rotated_at, s.access_digest, \
         s.access_digest_before"
    };
}

/// The queries of logins, refreshes and userinfo, for a test of how they are planned.
#[cfg(test)]
pub(crate) const EVERY_REQUEST: [&str; 3] = [known::BY_IDENTIFIER, session::BY_ID, bearer::BY_SESSION];

pub(crate) use {session_columns, user_columns, user_roles};

/// Folds the rows of one user, one row for each of its roles, into the user and whatever else the first row holds.
struct Folded<T> {
    found: Option<(myna_core::user::User, T)>,
}

impl<T> Folded<T> {
    const fn new() -> Self {
        Self { found: None }
    }

    fn row(&mut self, row: &Row<'_>, rest: impl FnOnce(&Row<'_>) -> Result<T, StoreError>) -> Result<(), StoreError> {
        let role = user::role(row)?;
        match &mut self.found {
            Some((user, _)) => user.roles.extend(role),
            None => {
                let mut user = user::read(row)?;
                user.roles.extend(role);
                self.found = Some((user, rest(row)?));
            }
        }
        Ok(())
    }
}
