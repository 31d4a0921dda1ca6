//! Ask for a reset link. The answer and its cost are the same for everybody (LG-04); the mail goes to the stored
//! address, never to the typed one (RS-03).

use super::Decision;
use super::input::Inputs;
use crate::change::Change;
use crate::id::{Handle, SessionId};
use crate::identifier::Canonical;
use crate::mail::{Letter, QueuedMail};
use crate::outcome::{Kind, Outcome};
use crate::policy::Ctx;
use crate::problem::{Field, Problem, ProblemKind};
use crate::session::Challenge;
use crate::user::User;

/// What is asked.
pub struct Input {
    /// `None` when the text cannot name anybody.
    pub identifier: Option<Canonical>,
}

impl Input {
    /// Takes what the operation needs.
    ///
    /// # Errors
    /// Every field that is missing or cannot be.
    pub fn parse(inputs: &Inputs) -> Result<Self, Vec<Problem>> {
        let mut problems = inputs.problems();
        let text = inputs.text(Field::Email).or_else(|| inputs.text(Field::Identifier));
        match text {
            Some(text) if problems.is_empty() => Ok(Self { identifier: Canonical::of(&text) }),
            Some(_) => Err(problems),
            None => {
                problems.push(Problem { field: Field::Email, kind: ProblemKind::Required });
                Err(problems)
            }
        }
    }
}

/// Decides the request. `user` is whom the identifier names. Unknown or not, one mail is queued.
pub fn decide(ctx: &Ctx<'_>, user: Option<&User>) -> Decision {
    let target = user.filter(|user| user.is_active()).and_then(|user| Some((user, user.email.clone()?)));
    let mut changes = Vec::new();
    let letter = match target {
        Some((user, to)) => {
            let challenge = SessionId { user: user.id, handle: Handle(ctx.chance.handle) };
            changes.push(Change::InsertChallenge(Challenge {
                id: challenge,
                salt: ctx.chance.salt,
                created_at: ctx.now,
                expires_at: ctx.now + ctx.policy.reset_lifetime,
                used_at: None,
            }));
            Letter::PasswordReset { challenge, to }
        }
        None => Letter::Nobody,
    };
    changes.push(Change::QueueMail(QueuedMail {
        id: ctx.chance.mail,
        letter,
        created_at: ctx.now,
        due_at: ctx.now,
        failures: 0,
    }));
    Decision { outcome: Outcome::plain(Kind::ResetRequested), changes }
}
