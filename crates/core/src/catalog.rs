//! The table of operations: what each is called, what it is given, how it can end. Dialect checking and the documents
//! are made from it, and laws are tested over it.

use crate::outcome::Kind;
use crate::problem::Field;

/// One thing that the server can do for a client.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// A password for a session.
    Login,
    /// A refresh token for its successor.
    Refresh,
    /// A valid access token for a new one.
    Renew,
    /// The end of a session.
    Logout,
    /// A new user.
    Register,
    /// A reset link by mail.
    RequestPasswordReset,
    /// A new password, for a reset link's token.
    ResetPassword,
    /// A new password, for the old one.
    ChangePassword,
    /// Who the bearer is.
    Userinfo,
    /// Where the bearer is signed in.
    ListSessions,
    /// The end of one session of the bearer's.
    EndSession,
    /// The end of all sessions of the bearer's but the asking one.
    EndOtherSessions,
    /// The end of all sessions of the bearer's.
    LogoutEverywhere,
    /// A fixed response, for what clients ask besides login.
    Answer,
}

/// An operation's row.
#[derive(Debug)]
pub struct Entry {
    /// The name in dialect files.
    pub name: &'static str,
    /// One line for documents.
    pub summary: &'static str,
    /// Inputs without which it cannot be. Of each inner list, one is enough.
    pub needs: &'static [&'static [Field]],
    /// Inputs that it can use.
    pub takes: &'static [Field],
    /// How it can end, besides [`crate::outcome::ALWAYS`].
    pub outcomes: &'static [Kind],
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::Login,
        Self::Refresh,
        Self::Renew,
        Self::Logout,
        Self::Register,
        Self::RequestPasswordReset,
        Self::ResetPassword,
        Self::ChangePassword,
        Self::Userinfo,
        Self::ListSessions,
        Self::EndSession,
        Self::EndOtherSessions,
        Self::LogoutEverywhere,
        Self::Answer,
    ];

    /// The name in dialect files.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    /// The operation of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// How it ends when it does what was asked; the first of its outcomes.
    pub const fn success(self) -> Kind {
        match self {
            Self::Login => Kind::SignedIn,
            Self::Refresh => Kind::Refreshed,
            Self::Renew => Kind::Renewed,
            Self::Logout => Kind::SignedOut,
            Self::Register => Kind::Registered,
            Self::RequestPasswordReset => Kind::ResetRequested,
            Self::ResetPassword => Kind::PasswordReset,
            Self::ChangePassword => Kind::PasswordChanged,
            Self::Userinfo => Kind::Identified,
            Self::ListSessions => Kind::SessionsListed,
            Self::EndSession => Kind::SessionEnded,
            Self::EndOtherSessions => Kind::SessionsEnded,
            Self::LogoutEverywhere => Kind::SignedOut,
            Self::Answer => Kind::Answered,
        }
    }

    /// Every field that the operation can be given.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        let entry = self.entry();
        entry.needs.iter().copied().flatten().chain(entry.takes).copied()
    }

    /// Every outcome that the operation can have.
    pub fn outcomes(self) -> impl Iterator<Item = Kind> {
        self.entry().outcomes.iter().chain(crate::outcome::ALWAYS).copied()
    }

    /// The operation's row.
    pub const fn entry(self) -> &'static Entry {
        match self {
            Self::Login => &LOGIN,
            Self::Refresh => &REFRESH,
            Self::Renew => &RENEW,
            Self::Logout => &LOGOUT,
            Self::Register => &REGISTER,
            Self::RequestPasswordReset => &REQUEST_PASSWORD_RESET,
            Self::ResetPassword => &RESET_PASSWORD,
            Self::ChangePassword => &CHANGE_PASSWORD,
            Self::Userinfo => &USERINFO,
            Self::ListSessions => &LIST_SESSIONS,
            Self::EndSession => &END_SESSION,
            Self::EndOtherSessions => &END_OTHER_SESSIONS,
            Self::LogoutEverywhere => &LOGOUT_EVERYWHERE,
            Self::Answer => &ANSWER,
        }
    }
}

const LOGIN: Entry = Entry {
    name: "login",
    summary: "Sign in with identifier and password; begins a session.",
    needs: &[&[Field::Identifier], &[Field::Password]],
    takes: &[Field::Device],
    outcomes: &[
        Kind::SignedIn,
        Kind::MustChangePassword,
        Kind::InvalidCredentials,
        Kind::UnknownUser,
        Kind::WrongPassword,
        Kind::UserDisabled,
    ],
};
const REFRESH: Entry = Entry {
    name: "refresh",
    summary: "Exchange a refresh token for new tokens of the same session.",
    needs: &[&[Field::RefreshToken]],
    takes: &[Field::AccessToken, Field::Device],
    outcomes: &[Kind::Refreshed, Kind::InvalidRefresh, Kind::InvalidToken, Kind::MissingToken],
};
const RENEW: Entry = Entry {
    name: "renew",
    summary: "Exchange a valid access token for a new one of the same session.",
    needs: &[&[Field::AccessToken]],
    takes: &[Field::UserId],
    outcomes: &[Kind::Renewed, Kind::InvalidToken, Kind::MissingToken, Kind::ExpiredToken, Kind::OtherUser],
};
const LOGOUT: Entry = Entry {
    name: "logout",
    summary: "End the session that the tokens belong to.",
    needs: &[&[Field::AccessToken, Field::RefreshToken]],
    takes: &[Field::UserId],
    outcomes: &[
        Kind::SignedOut,
        Kind::InvalidToken,
        Kind::MissingToken,
        Kind::ExpiredToken,
        Kind::OtherUser,
        Kind::InvalidRefresh,
    ],
};
const REGISTER: Entry = Entry {
    name: "register",
    summary: "Make a new user; signs it in where the answer shows tokens.",
    needs: &[&[Field::Email, Field::Username], &[Field::Password]],
    takes: &[Field::FirstName, Field::MiddleName, Field::LastName, Field::Device],
    outcomes: &[Kind::Registered, Kind::IdentifierTaken, Kind::WeakPassword],
};
const REQUEST_PASSWORD_RESET: Entry = Entry {
    name: "request_password_reset",
    summary: "Mail a reset link to the stored address, if there is such a user; nobody is told whether there is.",
    needs: &[&[Field::Email, Field::Identifier]],
    takes: &[],
    outcomes: &[Kind::ResetRequested],
};
const RESET_PASSWORD: Entry = Entry {
    name: "reset_password",
    summary: "Set a new password with the token of a reset link; ends every session of the user. Begins one where the answer \
              shows tokens.",
    needs: &[&[Field::ResetToken], &[Field::Password]],
    takes: &[Field::Email],
    outcomes: &[Kind::PasswordReset, Kind::InvalidReset, Kind::WeakPassword],
};
const CHANGE_PASSWORD: Entry = Entry {
    name: "change_password",
    summary: "Set a new password with the old one; ends every other session of the user. Where the answer shows tokens, they \
              are of a new session.",
    needs: &[&[Field::AccessToken], &[Field::Password], &[Field::NewPassword]],
    takes: &[Field::UserId],
    outcomes: &[
        Kind::PasswordChanged,
        Kind::InvalidCredentials,
        Kind::WeakPassword,
        Kind::InvalidToken,
        Kind::MissingToken,
        Kind::ExpiredToken,
        Kind::OtherUser,
    ],
};
const USERINFO: Entry = Entry {
    name: "userinfo",
    summary: "Tell who the bearer of the access token is.",
    needs: &[&[Field::AccessToken]],
    takes: &[Field::UserId],
    outcomes: &[Kind::Identified, Kind::InvalidToken, Kind::MissingToken, Kind::ExpiredToken, Kind::OtherUser],
};
const LIST_SESSIONS: Entry = Entry {
    name: "list_sessions",
    summary: "Tell where the bearer of the access token is signed in: every live session, the last used first.",
    needs: &[&[Field::AccessToken]],
    takes: &[Field::UserId],
    outcomes: &[Kind::SessionsListed, Kind::InvalidToken, Kind::MissingToken, Kind::ExpiredToken, Kind::OtherUser],
};
const END_SESSION: Entry = Entry {
    name: "end_session",
    summary: "End one session of the bearer's, by its id or its device.",
    needs: &[&[Field::AccessToken], &[Field::SessionId, Field::Device]],
    takes: &[Field::UserId],
    outcomes: &[
        Kind::SessionEnded,
        Kind::UnknownSession,
        Kind::InvalidToken,
        Kind::MissingToken,
        Kind::ExpiredToken,
        Kind::OtherUser,
    ],
};
const END_OTHER_SESSIONS: Entry = Entry {
    name: "end_other_sessions",
    summary: "End every session of the bearer's but the one that the access token belongs to.",
    needs: &[&[Field::AccessToken]],
    takes: &[Field::UserId],
    outcomes: &[Kind::SessionsEnded, Kind::InvalidToken, Kind::MissingToken, Kind::ExpiredToken, Kind::OtherUser],
};
const LOGOUT_EVERYWHERE: Entry = Entry {
    name: "logout_everywhere",
    summary: "End every session of the bearer's, also the one that the access token belongs to.",
    needs: &[&[Field::AccessToken]],
    takes: &[Field::UserId],
    outcomes: &[Kind::SignedOut, Kind::InvalidToken, Kind::MissingToken, Kind::ExpiredToken, Kind::OtherUser],
};
const ANSWER: Entry = Entry {
    name: "answer",
    summary: "Give a fixed response: a version, settings, what a client asks for besides login.",
    needs: &[],
    takes: &[],
    outcomes: &[Kind::Answered],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_round_trip() {
        for operation in Operation::ALL {
            assert_eq!(Operation::parse(operation.name()), Some(operation));
        }
    }

    #[test]
    fn every_operation_can_succeed_and_lists_a_field_once() {
        for operation in Operation::ALL {
            assert!(operation.success().is_success());
            assert_eq!(operation.entry().outcomes.first(), Some(&operation.success()), "{}", operation.name());
            let fields: Vec<_> = operation.fields().collect();
            for (at, field) in fields.iter().enumerate() {
                assert!(!fields[..at].contains(field), "{} {}", operation.name(), field.name());
            }
        }
    }
}
