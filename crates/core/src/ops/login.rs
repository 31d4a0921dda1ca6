//! Sign in with identifier and password. Unknown user, wrong password and disabled user end alike (LG-01) unless the
//! dialect's API insists on telling them apart; that they also *cost* alike is the executor's part, which verifies
//! against a decoy.

use super::input::Inputs;
use super::{Decision, begin_session};
use crate::change::Change;
use crate::identifier::Canonical;
use crate::outcome::{Kind, Outcome};
use crate::policy::{Ctx, Verdict};
use crate::problem::{Field, Problem, ProblemKind};
use crate::secret::Secret;
use crate::user::{Known, Password};

/// What is asked.
pub struct Input {
    /// `None` when the text cannot name anybody.
    pub identifier: Option<Canonical>,
    /// As typed.
    pub password: Secret<String>,
    /// The device, where the API has one.
    pub device: Option<String>,
}

impl Input {
    /// Takes what a login needs.
    ///
    /// # Errors
    /// Every field that is missing.
    pub fn parse(inputs: &Inputs) -> Result<Self, Vec<Problem>> {
        let mut problems = inputs.problems();
        let identifier = inputs.text(Field::Identifier);
        if identifier.is_none() {
            problems.push(Problem { field: Field::Identifier, kind: ProblemKind::Required });
        }
        match inputs.require(Field::Password) {
            Ok(password) if problems.is_empty() => Ok(Self {
                identifier: identifier.as_deref().and_then(Canonical::of),
                password,
                device: inputs.text(Field::Device),
            }),
            Ok(_) => Err(problems),
            Err(problem) => {
                problems.push(problem);
                Err(problems)
            }
        }
    }
}

/// Decides a login. `known` is the user that the identifier names, `verdict` the password's.
pub fn decide(ctx: &Ctx<'_>, input: &Input, known: Option<&Known>, verdict: Verdict) -> Decision {
    let refused =
        |cause| Decision::answer(Outcome::plain(if ctx.terms.enumerable { cause } else { Kind::InvalidCredentials }));
    let Some(Known { user, password }) = known else {
        return refused(Kind::UnknownUser);
    };
    let (Some(password), Verdict::Match { rehash }) = (password, verdict) else {
        return refused(Kind::WrongPassword);
    };
    // Only to whoever has the right password.
    if !user.is_active() {
        return refused(Kind::UserDisabled);
    }
    let (session, begin) = begin_session(ctx, user, input.device.as_deref());
    let (id, verified) = (user.id, password.hash.clone());
    let mut changes = vec![match rehash {
        Some(hash) => Change::SetPassword { user: id, while_hash: Some(verified), hash, changed_at: None },
        None => Change::KeepPassword { user: id, while_hash: verified },
    }];
    changes.extend(begin);
    let kind =
        if must_change(ctx, user.must_change_password, password) { Kind::MustChangePassword } else { Kind::SignedIn };
    Decision { outcome: Outcome::signed_in(kind, user.clone(), session), changes }
}

fn must_change(ctx: &Ctx<'_>, marked: bool, password: &Password) -> bool {
    marked || ctx.policy.password_age_max.is_some_and(|max| ctx.now.since(password.changed_at) > max)
}
