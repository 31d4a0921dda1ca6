//! What an operator or a dialect may choose, and the context in which a decision is made.

use std::time::Duration;

use crate::id::UserId;
use crate::time::Timestamp;

/// Decisions left to the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Live sessions that one user may have; the longest unused one ends when there would be more (RF-15).
    pub sessions_max: u32,
    /// A password older than this has to be changed; `None`: passwords do not age (PW-02).
    pub password_age_max: Option<Duration>,
    /// How long the link of a password reset works.
    pub reset_lifetime: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { sessions_max: 50, password_age_max: None, reset_lifetime: Duration::from_secs(30 * 60) }
    }
}

/// Decisions left to the dialect: how long its sessions live and how their refresh tokens rotate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// The dialect's name; sessions of one dialect are nothing in another (RF-10).
    pub dialect: String,
    /// Idle limit of a session: it ends when it is not used for so long.
    pub idle: Duration,
    /// Absolute limit of a session, counted from the login (RF-07).
    pub absolute: Duration,
    /// How its refresh tokens are replaced.
    pub rotation: Rotation,
    /// Whether a failed login says what failed. It tells anybody who has an account (LG-01), so a dialect must ask for it.
    pub enumerable: bool,
}

/// How the refresh tokens of a session replace each other. Whatever is chosen, only the current one begins something new,
/// and what is neither it nor lawfully repeated is reuse (RF-03).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// Each is good once; for a while the immediate predecessor gets the same successor again (RF-02): the answer got
    /// lost, or two tabs asked at once.
    Replay {
        /// For how long. Zero is [`Strict`](Self::Strict).
        grace: Duration,
    },
    /// As `Replay`, for as long as the successor was not used, and at most [`UNUSED_MAX`]: for clients on bad networks.
    UntilUsed,
    /// Each is good once, and a second use is reuse, whatever the reason for it.
    Strict,
    /// None is replaced: for clients that cannot store a new one.
    Fixed,
}

/// So long an unused successor leaves its predecessor good under [`Rotation::UntilUsed`].
pub const UNUSED_MAX: Duration = Duration::from_secs(24 * 3600);

/// So long after a rotation a retry gets the answer as it was; a later one gets a new access token beside the successor.
/// No [grace](Rotation::Replay) is longer.
pub const REPEATED_MAX: Duration = Duration::from_secs(60);

impl Rotation {
    /// For so long after a rotation the immediate predecessor gets the same successor again, if nobody has used it yet.
    pub const fn window(self) -> Duration {
        match self {
            Self::Replay { grace } => grace,
            Self::UntilUsed => UNUSED_MAX,
            Self::Strict | Self::Fixed => Duration::ZERO,
        }
    }
}

/// Random bytes for one attempt at an operation. Drawn anew for each attempt.
#[derive(Clone)]
pub struct Chance {
    /// A new session's or challenge's handle.
    pub handle: [u8; 16],
    /// Its salt.
    pub salt: [u8; 16],
    /// A queued mail's id.
    pub mail: [u8; 16],
}

/// What the answer to a success will show: nothing is begun or replaced for an answer that does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shown {
    /// Something of a session: its name, an access token, a refresh token.
    pub session: bool,
    /// A refresh token: its text, not only its times.
    pub refresh: bool,
}

/// Who sent the request, as far as the transport can tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Caller {
    /// The client's address.
    pub address: Option<String>,
    /// The client's `User-Agent`.
    pub agent: Option<String>,
}

/// The context of a decision: everything that is neither input nor fact.
pub struct Ctx<'a> {
    /// The present.
    pub now: Timestamp,
    /// Random bytes.
    pub chance: Chance,
    /// The operator's choices.
    pub policy: &'a Policy,
    /// The dialect's choices.
    pub terms: &'a Terms,
    /// What the answer will show, if what is asked succeeds.
    pub shown: Shown,
    /// Who asks.
    pub caller: &'a Caller,
    /// An unused id for a new user; drawn only for operations that make one.
    pub fresh_user: Option<UserId>,
}

/// The result of checking a password against a credential.
pub enum Verdict {
    /// It is the password.
    Match {
        /// A new hash of it, when the stored one is of a format or cost that is no longer made.
        rehash: Option<crate::secret::Secret<String>>,
    },
    /// It is not, or there was nothing to check against.
    Mismatch,
}
