//! What an operation can answer: one closed tree of outcomes, and what each lets a dialect see.
//!
//! A dialect writes a response for an outcome or for one of its ancestors; the most specific one is taken. So a dialect
//! of three responses is complete, and one that needs a code of its own for every cause can have it.

use std::sync::Arc;

use crate::problem::Problem;
use crate::session::Session;
use crate::user::User;

/// A group of values that an outcome carries. A response may use the groups of its outcome and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// The request id, the status, the reason, the present.
    Request,
    /// The user, never a password or anything derived from one.
    User,
    /// The tokens just minted and the session they belong to.
    Tokens,
    /// The user's sessions.
    Sessions,
    /// The failing fields with their messages.
    Errors,
    /// Seconds to wait.
    Retry,
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $status:literal < $parent:ident [$($group:ident)*];)*) => {
        /// Every outcome, and every ancestor that several outcomes share.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Kind { $($(#[$doc])* $variant,)* }

        impl Kind {
            /// Every kind, ancestors before their descendants.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in dialect files: `[on.<name>]`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status where a dialect states none.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }


            const fn parent_or_self(self) -> Self {
                match self { $(Self::$variant => Self::$parent,)* }
            }

            /// What a response for exactly this kind may show.
            pub const fn groups(self) -> &'static [Group] {
                match self { $(Self::$variant => &[Group::Request, $(Group::$group,)*],)* }
            }
        }
    };
}

// A kind whose parent is itself is a root. A descendant carries every group of its ancestors (a law tested below), so
// that a response written for an ancestor can serve it.
outcomes! {
    /// Signed in: tokens were minted.
    SignedIn = "signed_in" 200 < SignedIn [User Tokens];
    /// Signed in, and the password has to be changed.
    MustChangePassword = "must_change_password" 200 < SignedIn [User Tokens];
    /// A refresh token was exchanged.
    Refreshed = "refreshed" 200 < SignedIn [User Tokens];
    /// A valid access token was exchanged for a new one.
    Renewed = "renewed" 200 < SignedIn [User Tokens];
    /// A user signed up.
    Registered = "registered" 200 < SignedIn [User Tokens];
    /// The session has ended.
    SignedOut = "signed_out" 200 < SignedOut [];
    /// If the address is known, a mail is on its way; nobody is told whether it is.
    ResetRequested = "reset_requested" 200 < ResetRequested [];
    /// The password was reset with a link's token.
    PasswordReset = "password_reset" 200 < PasswordReset [User Tokens];
    /// The password was changed by its owner.
    PasswordChanged = "password_changed" 200 < PasswordChanged [User Tokens];
    /// Who the bearer of the access token is.
    Identified = "identified" 200 < Identified [User];
    /// Where the bearer is signed in.
    SessionsListed = "sessions_listed" 200 < SessionsListed [User Sessions];
    /// One session of the bearer's, which the bearer named, has ended.
    SessionEnded = "session_ended" 200 < SessionEnded [];
    /// All sessions of the bearer but the asking one have ended.
    SessionsEnded = "sessions_ended" 200 < SessionsEnded [];
    /// A fixed response, which nothing was done for.
    Answered = "answered" 200 < Answered [];

    /// Every refusal and failure.
    Error = "error" 400 < Error [];
    /// The request is not one of the operation.
    Refused = "refused" 400 < Error [];
    /// The body cannot be read: missing, not in the dialect's format, not of its shape.
    Malformed = "malformed" 400 < Refused [];
    /// Fields fail the rules; every failing field is listed.
    Invalid = "invalid" 422 < Refused [Errors];
    /// A field does not repeat the password that it has to repeat, and nothing else is wrong.
    PasswordMismatch = "password_mismatch" 422 < Invalid [Errors];
    /// The new password does not meet the policy, and nothing else is wrong.
    WeakPassword = "weak_password" 422 < Invalid [Errors];
    /// Another user has the e-mail or username.
    IdentifierTaken = "identifier_taken" 422 < Invalid [Errors];
    /// The reset token is unknown, used, replaced or too old.
    InvalidReset = "invalid_reset" 422 < Invalid [Errors];
    /// The path exists, the method does not; `Allow` is set.
    MethodNotAllowed = "method_not_allowed" 405 < Refused [];
    /// The client accepts nothing that the endpoint can write.
    NotAcceptable = "not_acceptable" 406 < Refused [];
    /// The body came too slowly.
    Timeout = "timeout" 408 < Refused [];
    /// The body is larger than the limit.
    TooLarge = "too_large" 413 < Refused [];
    /// The body's content type is none that the endpoint reads.
    UnsupportedMediaType = "unsupported_media_type" 415 < Refused [];
    /// Another site's page caused the request, and a cookie is at stake (HD-04).
    CrossSite = "cross_site" 403 < Refused [];
    /// The bearer has no such session; whether anybody else has is not told (RF-11).
    UnknownSession = "unknown_session" 404 < Error [];
    /// Whoever asks has not shown who they are.
    Unauthorized = "unauthorized" 401 < Error [];
    /// Unknown user, wrong password, disabled user: one and the same.
    InvalidCredentials = "invalid_credentials" 401 < Unauthorized [];
    /// Nobody has that name. Told apart only where the dialect's terms allow it.
    UnknownUser = "unknown_user" 401 < InvalidCredentials [];
    /// The user is known, the password is not theirs. Told apart only where the dialect's terms allow it.
    WrongPassword = "wrong_password" 401 < InvalidCredentials [];
    /// The password is right, and the user is disabled. Told apart only where the dialect's terms allow it.
    UserDisabled = "user_disabled" 401 < InvalidCredentials [];
    /// The access token cannot be used, for any reason.
    InvalidToken = "invalid_token" 401 < Unauthorized [];
    /// There is no access token.
    MissingToken = "missing_token" 401 < InvalidToken [];
    /// The request names another user than the bearer beside the token.
    OtherUser = "other_user" 403 < InvalidToken [];
    /// The access token was good and is too old.
    ExpiredToken = "expired_token" 401 < InvalidToken [];
    /// The refresh token cannot be used, for any reason.
    InvalidRefresh = "invalid_refresh" 401 < Unauthorized [];
    /// The server cannot keep anything now: a full or failing disk. Nothing was done; it may pass.
    Unavailable = "unavailable" 503 < Error [];
    /// Too much to do; to be tried again after `{retry_after}` seconds.
    Overloaded = "overloaded" 503 < Unavailable [Retry];
    /// The server is broken; the log has the cause under the request id.
    Fault = "fault" 500 < Unavailable [];
}

impl Kind {
    /// Whether the kind tells an observer who has an account (LG-01): a dialect that answers it has to say so out loud.
    pub const fn tells_who_exists(self) -> bool {
        matches!(self, Self::UnknownUser | Self::WrongPassword | Self::UserDisabled)
    }

    /// The next more general kind; `None` at a root.
    pub fn parent(self) -> Option<Self> {
        Some(self.parent_or_self()).filter(|parent| *parent != self)
    }

    /// This kind, its parent, and so on to the root.
    pub fn chain(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |kind| kind.parent())
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether the operation did what was asked.
    pub fn is_success(self) -> bool {
        self.chain().all(|kind| kind != Self::Error)
    }
}

/// Outcomes that any request can have, whatever the operation.
pub const ALWAYS: &[Kind] = &[
    Kind::Malformed,
    Kind::Invalid,
    Kind::PasswordMismatch,
    Kind::MethodNotAllowed,
    Kind::NotAcceptable,
    Kind::Timeout,
    Kind::TooLarge,
    Kind::UnsupportedMediaType,
    Kind::CrossSite,
    Kind::Unavailable,
    Kind::Overloaded,
    Kind::Fault,
];

/// What the tokens of an answer will name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The session as it is after the changes of the decision.
    pub session: Session,
}

/// One of the sessions that a user is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// The session.
    pub session: Session,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// What an operation concluded. Data only; the dialect renders it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Which of the closed list.
    pub kind: Kind,
    /// Present when the kind's groups hold [`Group::User`].
    pub user: Option<Arc<User>>,
    /// Present when tokens are to be minted: the kind's groups hold [`Group::Tokens`], and the answer shows them.
    pub grant: Option<Grant>,
    /// The user's sessions; empty unless the kind's groups hold [`Group::Sessions`].
    pub sessions: Vec<Listed>,
    /// The failing fields; empty unless the kind descends from [`Kind::Invalid`].
    pub problems: Vec<Problem>,
    /// Seconds to wait before another try; set with [`Kind::Unavailable`] and [`Kind::Overloaded`].
    pub retry_after: Option<u32>,
}

impl Outcome {
    /// An outcome that carries nothing.
    pub const fn plain(kind: Kind) -> Self {
        Self { kind, user: None, grant: None, sessions: Vec::new(), problems: Vec::new(), retry_after: None }
    }

    /// Signed in (or a descendant of it), with the session that the tokens will name.
    pub fn signed_in(kind: Kind, user: User, session: Session) -> Self {
        Self { user: Some(Arc::new(user)), grant: Some(Grant { session }), ..Self::plain(kind) }
    }

    /// Done for a user, with the session that was begun, if the answer shows one.
    pub fn done(kind: Kind, user: User, session: Option<Session>) -> Self {
        Self { user: Some(Arc::new(user)), grant: session.map(|session| Grant { session }), ..Self::plain(kind) }
    }

    /// Who the bearer is.
    pub fn identified(user: User) -> Self {
        Self { user: Some(Arc::new(user)), ..Self::plain(Kind::Identified) }
    }

    /// Where the user is signed in.
    pub fn sessions_listed(user: User, sessions: Vec<Listed>) -> Self {
        Self { user: Some(Arc::new(user)), sessions, ..Self::plain(Kind::SessionsListed) }
    }

    /// Fields that fail; the kind is [`Kind::Invalid`] or a descendant.
    pub fn invalid(kind: Kind, problems: Vec<Problem>) -> Self {
        Self { problems, ..Self::plain(kind) }
    }

    /// Nothing can be kept now: to be tried again after `seconds`.
    pub fn unavailable(seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::plain(Kind::Unavailable) }
    }

    /// Too much to do: to be tried again after `seconds`.
    pub fn overloaded(seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..Self::plain(Kind::Overloaded) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_round_trip() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.name()), Some(*kind));
        }
    }

    #[test]
    fn a_descendant_carries_every_group_of_its_ancestors() {
        for kind in Kind::ALL {
            for ancestor in kind.chain() {
                for group in ancestor.groups() {
                    assert!(kind.groups().contains(group), "{} lacks {group:?} of {}", kind.name(), ancestor.name());
                }
            }
        }
    }

    #[test]
    fn every_chain_ends() {
        for kind in Kind::ALL {
            assert!(kind.chain().count() <= 4);
            assert!(!kind.tells_who_exists() || kind.parent() == Some(Kind::InvalidCredentials));
            assert_eq!(kind.is_success(), kind.status() < 300);
        }
    }
}
