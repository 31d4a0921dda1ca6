//! What an operator does to users: make, alter, disable, delete. The command line speaks to the store through these.

use super::Decision;
use super::input::Inputs;
use crate::change::Change;
use crate::outcome::{Kind, Outcome};
use crate::problem::{Field, Problem, ProblemKind};
use crate::secret::Secret;
use crate::session::EndCause;
use crate::time::Timestamp;
use crate::user::{Password, Role, Status, User};

/// What is wrong with a user record as an operator gave it: names that cannot be, nothing to sign in with. Attributes
/// are no field of an input: who reads them proves that they are one JSON object.
pub fn problems(user: &User) -> Vec<Problem> {
    let mut inputs = Inputs::default();
    for (field, text) in [
        (Field::Email, &user.email),
        (Field::Username, &user.username),
        (Field::FirstName, &user.first_name),
        (Field::MiddleName, &user.middle_name),
        (Field::LastName, &user.last_name),
    ] {
        inputs.put(field, text.clone().unwrap_or_default());
    }
    let mut problems = inputs.problems();
    if !inputs.has(Field::Email) && !inputs.has(Field::Username) {
        problems.push(Problem { field: Field::Email, kind: ProblemKind::Required });
    }
    problems
}

/// Decides a new user, with a hash when it is to have a password. `put`: the roles that are made or altered with it.
pub fn decide_add(user: User, put: Vec<Role>, hash: Option<Secret<String>>, now: Timestamp) -> Decision {
    let id = user.id;
    let mut changes: Vec<_> = put.into_iter().map(Change::PutRole).collect();
    changes.push(Change::InsertUser(Box::new(user)));
    changes.extend(hash.map(|hash| set_password(id, hash, now)));
    Decision { outcome: Outcome::plain(Kind::Registered), changes }
}

/// Decides a user who comes from elsewhere, as it was there, with its password if it has one.
pub fn decide_import(user: User, password: Option<Password>) -> Decision {
    let id = user.id;
    let mut changes = vec![Change::InsertUser(Box::new(user))];
    changes.extend(password.map(|Password { hash, changed_at }| set_password(id, hash, changed_at)));
    Decision { outcome: Outcome::plain(Kind::Registered), changes }
}

/// Decides an altered record. Disabling ends every session; so does a new password (RF-09). A reset link that is on its
/// way dies in any case: it may have gone to an address that is no longer the user's (RS-07).
///
/// `user` is the record as it was loaded, with what is to be altered; if somebody else alters it meanwhile, nothing
/// happens. `put`: the roles that are made or altered with it.
pub fn decide_set(user: User, put: Vec<Role>, hash: Option<Secret<String>>, now: Timestamp) -> Decision {
    let id = user.id;
    let ends = user.status == Status::Disabled || hash.is_some();
    let mut changes: Vec<_> = put.into_iter().map(Change::PutRole).collect();
    changes.push(Change::KeepUser { user: id, while_updated_at: user.updated_at });
    changes.push(Change::UpdateUser(Box::new(User { updated_at: now, ..user })));
    changes.extend(hash.map(|hash| set_password(id, hash, now)));
    changes.push(Change::VoidChallenges { user: id, at: now });
    if ends {
        changes.push(Change::EndSessions { user: id, except: None, at: now, cause: EndCause::Operator });
    }
    Decision { outcome: Outcome::plain(Kind::Identified), changes }
}

const fn set_password(user: crate::id::UserId, hash: Secret<String>, changed_at: Timestamp) -> Change {
    Change::SetPassword { user, while_hash: None, hash, changed_at: Some(changed_at) }
}
