//! Sign up; a session is begun where the answer shows tokens. Only the listed fields are ever bound (RS-13): nobody signs
//! up with a role, a status or an id.

use super::input::Inputs;
use super::{Decision, NewPassword, begin_shown};
use crate::change::Change;
use crate::id::UserId;
use crate::identifier::Canonical;
use crate::outcome::{Kind, Outcome};
use crate::policy::Ctx;
use crate::problem::{Field, Problem, ProblemKind};
use crate::secret::Secret;
use crate::user::User;

/// What is asked.
pub struct Input {
    /// A valid address.
    pub email: Option<String>,
    /// A valid username.
    pub username: Option<String>,
    /// As typed.
    pub password: Secret<String>,
    /// First name, or the whole name.
    pub first_name: Option<String>,
    /// Middle name.
    pub middle_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The device, where the API has one.
    pub device: Option<String>,
}

impl Input {
    /// Takes what a registration needs.
    ///
    /// # Errors
    /// Every field that is missing or cannot be.
    pub fn parse(inputs: &Inputs) -> Result<Self, Vec<Problem>> {
        let mut problems = inputs.problems();
        if !inputs.has(Field::Email) && !inputs.has(Field::Username) {
            problems.push(Problem { field: Field::Email, kind: ProblemKind::Required });
        }
        let password = inputs.require(Field::Password).map_err(|problem| problems.push(problem));
        match password {
            Ok(password) if problems.is_empty() => Ok(Self {
                email: inputs.text(Field::Email),
                username: inputs.text(Field::Username),
                password,
                first_name: inputs.text(Field::FirstName),
                middle_name: inputs.text(Field::MiddleName),
                last_name: inputs.text(Field::LastName),
                device: inputs.text(Field::Device),
            }),
            Ok(_) | Err(()) => Err(problems),
        }
    }

    /// The identifiers that have to be free, each with its field.
    pub fn identifiers(&self) -> Vec<(Field, Canonical)> {
        [(Field::Email, &self.email), (Field::Username, &self.username)]
            .into_iter()
            .filter_map(|(field, text)| Some((field, Canonical::of(text.as_deref()?)?)))
            .collect()
    }
}

/// Decides a registration. `taken` are the fields whose identifier another user has.
pub fn decide(ctx: &Ctx<'_>, input: &Input, taken: &[Field], password: NewPassword) -> Decision {
    let mut problems: Vec<_> = taken.iter().map(|field| Problem { field: *field, kind: ProblemKind::Taken }).collect();
    let hash = match password {
        NewPassword::Hashed(hash) => Some(hash),
        NewPassword::Refused(kind) => {
            problems.push(Problem { field: Field::Password, kind });
            None
        }
        NewPassword::NotTried => None,
    };
    let (Some(hash), Some(id), true) = (hash, ctx.fresh_user, problems.is_empty()) else {
        return Decision::answer(refusal(problems));
    };
    let user = new_user(ctx, id, input);
    let mut changes = vec![
        Change::InsertUser(Box::new(user.clone())),
        Change::SetPassword { user: id, while_hash: None, hash, changed_at: Some(ctx.now) },
    ];
    let session = begin_shown(ctx, &user, input.device.as_deref(), &mut changes);
    Decision { outcome: Outcome::done(Kind::Registered, user, session), changes }
}

fn refusal(problems: Vec<Problem>) -> Outcome {
    let all = |wanted: fn(&Problem) -> bool| problems.iter().all(wanted);
    let kind = if problems.is_empty() {
        // Nothing that the client could mend: no id was drawn, or a good password was not hashed.
        Kind::Fault
    } else if all(|problem| problem.kind == ProblemKind::Taken) {
        Kind::IdentifierTaken
    } else if all(|problem| problem.field == Field::Password) {
        Kind::WeakPassword
    } else {
        Kind::Invalid
    };
    Outcome::invalid(kind, problems)
}

fn new_user(ctx: &Ctx<'_>, id: UserId, input: &Input) -> User {
    User {
        email: input.email.clone(),
        username: input.username.clone(),
        first_name: input.first_name.clone(),
        middle_name: input.middle_name.clone(),
        last_name: input.last_name.clone(),
        ..User::blank(id, ctx.now)
    }
}
