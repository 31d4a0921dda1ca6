//! Set a new password with the old one. Every other session ends in the same transaction, whatever the client sent
//! (RF-09). Where the answer shows tokens, they are of a new session, and the one that asked ends with the others.

use super::bearer::{Facts, accepted};
use super::input::Inputs;
use super::{Decision, NewPassword, begin_shown};
use crate::change::Change;
use crate::outcome::{Kind, Outcome};
use crate::policy::{Ctx, Verdict};
use crate::problem::{Field, Problem};
use crate::secret::Secret;
use crate::session::{Bearer, EndCause};
use crate::user::User;

/// What is asked.
pub struct Input {
    /// The old password, as typed.
    pub password: Secret<String>,
    /// The new password, as typed.
    pub new_password: Secret<String>,
}

impl Input {
    /// Takes what the change needs.
    ///
    /// # Errors
    /// Every field that is missing.
    pub fn parse(inputs: &Inputs) -> Result<Self, Vec<Problem>> {
        let mut problems = inputs.problems();
        let old = inputs.require(Field::Password).map_err(|problem| problems.push(problem));
        let new = inputs.require(Field::NewPassword).map_err(|problem| problems.push(problem));
        match (old, new) {
            (Ok(password), Ok(new_password)) if problems.is_empty() => Ok(Self { password, new_password }),
            _ => Err(problems),
        }
    }
}

/// Decides the change. `verdict` is the old password's; the new one is hashed only when that is right.
pub fn decide(
    ctx: &Ctx<'_>,
    bearer: &Bearer,
    facts: Option<&Facts>,
    verdict: &Verdict,
    password: NewPassword,
) -> Decision {
    let plain = |kind| Decision::answer(Outcome::plain(kind));
    let Some(facts) = accepted(ctx, bearer, facts) else {
        return plain(Kind::InvalidToken);
    };
    let (Some(old), Verdict::Match { .. }) = (&facts.known.password, verdict) else {
        return plain(Kind::InvalidCredentials);
    };
    let hash = match password {
        NewPassword::Hashed(hash) => hash,
        NewPassword::Refused(kind) => {
            let problem = Problem { field: Field::NewPassword, kind };
            return Decision::answer(Outcome::invalid(Kind::WeakPassword, vec![problem]));
        }
        NewPassword::NotTried => return plain(Kind::InvalidCredentials),
    };
    let user = User { must_change_password: false, ..facts.known.user.clone() };
    let (id, own, at, cause) = (user.id, &facts.session, ctx.now, EndCause::PasswordChanged);
    let mut changes = vec![
        Change::SetPassword { user: id, while_hash: Some(old.hash.clone()), hash, changed_at: Some(at) },
        Change::ClearMustChange(id),
        Change::VoidChallenges { user: id, at },
    ];
    let mut except = Some(own.id.handle);
    if ctx.shown.session {
        // By itself, for its guard: whoever signed out meanwhile gets no new session.
        changes.push(Change::EndSession { id: own.id, at, cause });
        except = None;
    }
    changes.push(Change::EndSessions { user: id, except, at, cause });
    let session = begin_shown(ctx, &user, own.device.as_deref(), &mut changes);
    Decision { outcome: Outcome::done(Kind::PasswordChanged, user, session), changes }
}
