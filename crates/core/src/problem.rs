//! What is wrong with a field of an input. The dialect gives each problem its words.

/// What an operation can be given. One table: name in dialect files, and whether it is a secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Field {
    /// E-mail or username, whatever the person typed.
    Identifier,
    /// The password: proof at login, the new one at registration and reset.
    Password,
    /// The device that the client says it is.
    Device,
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// An e-mail address for a new user, or the one that a reset is about.
    Email,
    /// A username for a new user.
    Username,
    /// First name, or the whole name.
    FirstName,
    /// Middle name.
    MiddleName,
    /// Last name.
    LastName,
    /// The password to be set where `password` proves the old one.
    NewPassword,
    /// The token of a reset link.
    ResetToken,
    /// The bearer's id, where an API wants it beside the token: in the path, in a header.
    UserId,
    /// Which of the bearer's sessions is meant.
    SessionId,
}

impl Field {
    /// Every field, in the order of the enum.
    pub const ALL: [Self; 14] = [
        Self::Identifier,
        Self::Password,
        Self::Device,
        Self::AccessToken,
        Self::RefreshToken,
        Self::Email,
        Self::Username,
        Self::FirstName,
        Self::MiddleName,
        Self::LastName,
        Self::NewPassword,
        Self::ResetToken,
        Self::UserId,
        Self::SessionId,
    ];

    /// The name in dialect files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Password => "password",
            Self::Device => "device",
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
            Self::Email => "email",
            Self::Username => "username",
            Self::FirstName => "first_name",
            Self::MiddleName => "middle_name",
            Self::LastName => "last_name",
            Self::NewPassword => "new_password",
            Self::ResetToken => "reset_token",
            Self::UserId => "user_id",
            Self::SessionId => "session_id",
        }
    }

    /// The field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether its value must not be logged, echoed, or taken from a query string.
    pub const fn is_secret(self) -> bool {
        match self {
            Self::Password | Self::AccessToken | Self::RefreshToken | Self::NewPassword | Self::ResetToken => true,
            Self::Identifier
            | Self::Device
            | Self::Email
            | Self::Username
            | Self::FirstName
            | Self::MiddleName
            | Self::LastName
            | Self::UserId
            | Self::SessionId => false,
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProblemKind {
    /// Needed, and absent or empty.
    Required,
    /// Present, but not a string.
    NotText,
    /// Not an e-mail address.
    NotEmail,
    /// Not a username.
    NotUsername,
    /// Fewer code points than `min`.
    TooShort {
        /// The least number of code points.
        min: u32,
    },
    /// More than `max` code points (bytes for passwords and tokens).
    TooLong {
        /// The greatest number.
        max: u32,
    },
    /// A password that guessers try early, or made of the user's own names (PW-03).
    TooCommon,
    /// Another user has it.
    Taken,
    /// Not the same as the field it repeats.
    Differs,
    /// A reset token that is unknown, used, replaced or too old.
    BadToken,
    /// None of the values that a dialect lists for it.
    NotListed,
}

impl ProblemKind {
    /// The names of all kinds, as keys of a dialect's `[messages]`.
    pub const NAMES: [&'static str; 11] = [
        "required",
        "not_text",
        "not_email",
        "not_username",
        "too_short",
        "too_long",
        "too_common",
        "taken",
        "differs",
        "bad_token",
        "not_listed",
    ];

    /// The name in a dialect's `[messages]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => Self::NAMES[0],
            Self::NotText => Self::NAMES[1],
            Self::NotEmail => Self::NAMES[2],
            Self::NotUsername => Self::NAMES[3],
            Self::TooShort { .. } => Self::NAMES[4],
            Self::TooLong { .. } => Self::NAMES[5],
            Self::TooCommon => Self::NAMES[6],
            Self::Taken => Self::NAMES[7],
            Self::Differs => Self::NAMES[8],
            Self::BadToken => Self::NAMES[9],
            Self::NotListed => Self::NAMES[10],
        }
    }

    /// The English that is sent when the dialect has no words of its own; `{field}`, `{min}` and `{max}` are filled in.
    pub const fn default_message(self) -> &'static str {
        match self {
            Self::Required => "The {field} field is required.",
            Self::NotText => "The {field} must be a string.",
            Self::NotEmail => "The {field} must be a valid email address.",
            Self::NotUsername => "The {field} must be a valid user name.",
            Self::TooShort { .. } => "The {field} must be at least {min} characters.",
            Self::TooLong { .. } => "The {field} must not be longer than {max} characters.",
            Self::TooCommon => "The {field} is too easy to guess.",
            Self::Taken => "The {field} has already been taken.",
            Self::Differs => "The {field} does not match.",
            Self::BadToken => "This password reset token is invalid.",
            Self::NotListed => "The selected {field} is invalid.",
        }
    }
}

/// One field and what is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Which field.
    pub field: Field,
    /// What is wrong.
    pub kind: ProblemKind,
}
