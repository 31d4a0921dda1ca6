//! Set a new password with the token of a reset link. It ends every session and wakes no disabled user (RS-10). It signs
//! nobody in, unless the API insists: where its answer shows tokens, a session is begun after the others have ended.

use super::input::Inputs;
use super::refresh::Proof;
use super::{Decision, NewPassword, begin_shown};
use crate::change::Change;
use crate::identifier::Canonical;
use crate::outcome::{Kind, Outcome};
use crate::policy::Ctx;
use crate::problem::{Field, Problem, ProblemKind};
use crate::secret::Secret;
use crate::session::{Challenge, EndCause};
use crate::user::User;

/// What is asked.
pub struct Input {
    /// The token of the link.
    pub token: Secret<String>,
    /// The new password, as typed.
    pub password: Secret<String>,
    /// The address that the client says it is about: then it must be the user's.
    pub email: Option<String>,
}

impl Input {
    /// Takes what a reset needs.
    ///
    /// # Errors
    /// Every field that is missing or cannot be.
    pub fn parse(inputs: &Inputs) -> Result<Self, Vec<Problem>> {
        let mut problems = inputs.problems();
        let token = inputs.require(Field::ResetToken).map_err(|problem| problems.push(problem));
        let password = inputs.require(Field::Password).map_err(|problem| problems.push(problem));
        match (token, password) {
            (Ok(token), Ok(password)) if problems.is_empty() => {
                Ok(Self { token, password, email: inputs.text(Field::Email) })
            }
            _ => Err(problems),
        }
    }
}

/// What is known about the challenge that the token names.
#[derive(Clone)]
pub struct Facts {
    /// Its user.
    pub user: User,
    /// The challenge.
    pub challenge: Challenge,
}

/// Whether the token may set a password at `ctx.now`. Checked before the new password costs a hash.
pub fn is_open(ctx: &Ctx<'_>, input: &Input, facts: Option<&Facts>, proof: Proof) -> bool {
    facts.is_some_and(|Facts { user, challenge }| {
        let about = input.email.as_deref().map(Canonical::of);
        proof == Proof::Genuine
            && challenge.is_open(ctx.now)
            && user.is_active()
            && about.is_none_or(|about| about.is_some_and(|canonical| user.is_named(&canonical)))
    })
}

/// Decides a reset.
pub fn decide(ctx: &Ctx<'_>, input: &Input, facts: Option<&Facts>, proof: Proof, password: NewPassword) -> Decision {
    let Some(Facts { user, challenge }) = facts.filter(|_| is_open(ctx, input, facts, proof)) else {
        return refused(Kind::InvalidReset, Field::ResetToken, ProblemKind::BadToken);
    };
    match password {
        NewPassword::Hashed(hash) => {
            let user = User { must_change_password: false, ..user.clone() };
            let mut changes = vec![
                Change::UseChallenge { id: challenge.id, at: ctx.now },
                Change::SetPassword { user: user.id, while_hash: None, hash, changed_at: Some(ctx.now) },
                Change::ClearMustChange(user.id),
                Change::VoidChallenges { user: user.id, at: ctx.now },
                Change::EndSessions { user: user.id, except: None, at: ctx.now, cause: EndCause::PasswordReset },
            ];
            let session = begin_shown(ctx, &user, None, &mut changes);
            Decision { outcome: Outcome::done(Kind::PasswordReset, user, session), changes }
        }
        NewPassword::Refused(kind) => refused(Kind::WeakPassword, Field::Password, kind),
        NewPassword::NotTried => refused(Kind::InvalidReset, Field::ResetToken, ProblemKind::BadToken),
    }
}

fn refused(kind: Kind, field: Field, problem: ProblemKind) -> Decision {
    Decision::answer(Outcome::invalid(kind, vec![Problem { field, kind: problem }]))
}
