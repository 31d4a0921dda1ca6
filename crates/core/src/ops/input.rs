//! What a request gave to an operation, field by field, and the rules that hold in every dialect.

use crate::identifier::{EMAIL_BYTES_MAX, USERNAME_CHARS_MAX, is_email, is_username};
use crate::problem::{Field, Problem, ProblemKind};
use crate::secret::Secret;

/// The longest name of a person or a device, in code points.
pub const NAME_CHARS_MAX: usize = 256;

/// The decoded fields of one request. Every value is kept as a secret: which ones are, only the operation knows.
#[derive(Default)]
pub struct Inputs(Vec<(Field, Secret<String>)>);

impl Inputs {
    /// Adds a field's value. An empty value is the same as none.
    pub fn put(&mut self, field: Field, value: String) {
        if !value.is_empty() {
            self.0.push((field, Secret::new(value)));
        }
    }

    /// Whether the field has a value.
    pub fn has(&self, field: Field) -> bool {
        self.0.iter().any(|(name, _)| *name == field)
    }

    /// The value of the field.
    pub fn secret(&self, field: Field) -> Option<&Secret<String>> {
        self.0.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    /// A copy of the text of a field.
    pub fn text(&self, field: Field) -> Option<String> {
        self.secret(field).map(|secret| secret.expose().clone())
    }

    /// The secret, or the problem that it is missing.
    ///
    /// # Errors
    /// [`ProblemKind::Required`] when there is none.
    pub fn require(&self, field: Field) -> Result<Secret<String>, Problem> {
        self.secret(field).cloned().ok_or(Problem { field, kind: ProblemKind::Required })
    }

    /// Every value that no operation accepts: impossible addresses and names, control characters (RS-14), too long.
    pub fn problems(&self) -> Vec<Problem> {
        self.0.iter().filter_map(|(field, value)| problem(*field, value.expose())).collect()
    }
}

fn problem(field: Field, text: &str) -> Option<Problem> {
    let chars = text.chars().count();
    let kind = match field {
        Field::Email if text.len() > EMAIL_BYTES_MAX => too_long(EMAIL_BYTES_MAX),
        Field::Email if !is_email(text) => ProblemKind::NotEmail,
        Field::Username if chars > USERNAME_CHARS_MAX => too_long(USERNAME_CHARS_MAX),
        Field::Username if !is_username(text) => ProblemKind::NotUsername,
        Field::FirstName | Field::MiddleName | Field::LastName | Field::Device if chars > NAME_CHARS_MAX => {
            too_long(NAME_CHARS_MAX)
        }
        Field::FirstName | Field::MiddleName | Field::LastName | Field::Device
            if text.chars().any(char::is_control) =>
        {
            ProblemKind::NotText
        }
        Field::Identifier
        | Field::Password
        | Field::Device
        | Field::AccessToken
        | Field::RefreshToken
        | Field::Email
        | Field::Username
        | Field::FirstName
        | Field::MiddleName
        | Field::LastName
        | Field::NewPassword
        | Field::ResetToken
        | Field::UserId
        | Field::SessionId => return None,
    };
    Some(Problem { field, kind })
}

const fn too_long(max: usize) -> ProblemKind {
    ProblemKind::TooLong { max: max as u32 }
}
