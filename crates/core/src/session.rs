//! One signed-in device or browser. The session *is* the refresh token family: its row holds the current generation,
//! and no token is ever stored.

use crate::id::{Handle, SessionId, UserId};
use crate::identifier::Canonical;
use crate::time::Timestamp;

/// Why a session is no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndCause {
    /// Its user signed out.
    Logout,
    /// A new login on the same device took its place.
    Replaced,
    /// The password was changed in another session.
    PasswordChanged,
    /// The password was reset by mail.
    PasswordReset,
    /// A consumed refresh token was seen again (RFC 9700 §4.14.2).
    Reuse,
    /// The user had more sessions than the policy allows.
    Cap,
    /// The user was disabled or deleted, or an operator ended it.
    Operator,
}

impl EndCause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Logout,
        Self::Replaced,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::Reuse,
        Self::Cap,
        Self::Operator,
    ];

    /// The stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Replaced => "replaced",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::Reuse => "reuse",
            Self::Cap => "cap",
            Self::Operator => "operator",
        }
    }

    /// Reads what [`name`](Self::name) writes.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// A session as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// User and handle.
    pub id: SessionId,
    /// The dialect in which it was begun; tokens of one dialect are nothing in another (RF-10).
    pub dialect: String,
    /// The device that the client named, where the API has one.
    pub device: Option<String>,
    /// Mixed into every refresh token's MAC; without it the MAC key alone gives nobody a token (RF-06).
    pub salt: [u8; 16],
    /// The generation that the current refresh token carries.
    pub generation: i64,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the current generation began: the window for its predecessor counts from here, and no renewal moves it.
    pub rotated_at: Timestamp,
    /// When the session was last rotated or renewed.
    pub used_at: Timestamp,
    /// Idle limit: moved on by each use, never past `expires_at`.
    pub idle_expires_at: Timestamp,
    /// Absolute limit: never moved (RF-07).
    pub expires_at: Timestamp,
    /// Address of the client that signed in.
    pub client_address: Option<String>,
    /// `User-Agent` of the client that signed in, cut to a sane length.
    pub client_agent: Option<String>,
    /// Its access tokens, where these do not name it.
    pub access: AccessDigests,
    /// When and why it ended; `None` while it lives.
    pub ended: Option<(Timestamp, EndCause)>,
}

impl Session {
    /// Whether the session still carries its user at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.idle_expires_at && now < self.expires_at
    }
}

/// A stored, expiring question to a person: today the link of a password reset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// User and handle; the token in the link names both.
    pub id: SessionId,
    /// Mixed into the token's MAC.
    pub salt: [u8; 16],
    /// When the link was asked for.
    pub created_at: Timestamp,
    /// From then on the link is dead.
    pub expires_at: Timestamp,
    /// When it was used, replaced by a newer one, or made void by a password change.
    pub used_at: Option<Timestamp>,
}

impl Challenge {
    /// Whether the question can still be answered at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }

    /// The handle alone.
    pub const fn handle(&self) -> Handle {
        self.id.handle
    }
}

/// What is kept of an access token whose claims name no session: half of the SHA-256 of the claims as they were signed. It
/// gives nobody a token, and it is the same for an honest retry, whatever signature that gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessDigest(pub [u8; 16]);

/// The access tokens that a session stands for where their claims do not name it. A token may be used until its second
/// successor is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AccessDigests {
    /// The newest one.
    pub newest: Option<AccessDigest>,
    /// The one before it: it is in flight while its successor is on its way.
    pub before: Option<AccessDigest>,
}

impl AccessDigests {
    /// Whether the token is one of them.
    pub fn contain(&self, token: AccessDigest) -> bool {
        self.newest == Some(token) || self.before == Some(token)
    }
}

/// Whom a verified access token names: as precisely as the claims of its dialect allow. A token stands for a session in
/// any case: one that it names, or the one that knows it (RF-14).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bearer {
    /// A session.
    Session(SessionId),
    /// A user by id.
    User(UserId, AccessDigest),
    /// A user by e-mail or username.
    Named(Canonical, AccessDigest),
}

impl Bearer {
    /// The digest by which the session is found, where the token does not name it.
    pub const fn digest(&self) -> Option<AccessDigest> {
        match self {
            Self::Session(_) => None,
            Self::User(_, token) | Self::Named(_, token) => Some(*token),
        }
    }
}
