//! What an operation may alter, and under which condition. The store applies a decision's changes in one transaction;
//! the row count of each guarded write is the truth (ST-04).

use std::time::Duration;

use crate::id::{Handle, SessionId, UserId};
use crate::identifier::Canonical;
use crate::key::SealedKey;
use crate::mail::QueuedMail;
use crate::secret::Secret;
use crate::session::{AccessDigest, Challenge, EndCause, Session};
use crate::time::Timestamp;
use crate::user::{Role, User};

/// One alteration. "Guard" names the condition; when it does not hold, nothing of the whole list is applied and
/// `commit` reports the [`Conflict`].
#[derive(Clone)]
pub enum Change {
    /// A new user with its identifiers and roles. Guard: the id is unused and no other user has one of the identifiers.
    InsertUser(Box<User>),
    /// The record, identifiers and roles as given. Guard: the user exists, the identifiers are free.
    UpdateUser(Box<User>),
    /// The user, its credentials, sessions, challenges and identifiers go. Guard: the user exists.
    DeleteUser(UserId),
    /// Sets the password.
    SetPassword {
        /// Whose.
        user: UserId,
        /// Guard: the stored hash is still this one (PW-09); `None`: whatever is stored.
        while_hash: Option<Secret<String>>,
        /// The new hash.
        hash: Secret<String>,
        /// What `changed_at` becomes; `None` leaves it (the same password in a better format).
        changed_at: Option<Timestamp>,
    },
    /// Alters nothing. Guard: the stored hash is still the one that was verified, so that a login which waited for its
    /// hash cannot outlive a new password (RF-09).
    KeepPassword {
        /// Whose.
        user: UserId,
        /// The hash that was verified.
        while_hash: Secret<String>,
    },
    /// Alters nothing. Guard: the record was not altered since it was loaded.
    KeepUser {
        /// Whose.
        user: UserId,
        /// The loaded record's time.
        while_updated_at: Timestamp,
    },
    /// Takes the must-change mark from a user, if there is one. No guard.
    ClearMustChange(UserId),
    /// A new session. Guard: the user exists and is active, and no live session has the same user, dialect and device.
    InsertSession(Box<Session>),
    /// The next generation. Guard: the session lives and its generation is `while_generation`.
    RotateSession {
        /// Which session.
        id: SessionId,
        /// The generation that was presented.
        while_generation: i64,
        /// The present.
        at: Timestamp,
        /// The new idle limit.
        idle_expires_at: Timestamp,
    },
    /// The session was used without a rotation. Guard: it lives.
    TouchSession {
        /// Which session.
        id: SessionId,
        /// The present.
        at: Timestamp,
        /// The new idle limit.
        idle_expires_at: Timestamp,
    },
    /// Alters nothing. Guard: the session lives, so that nobody who has signed out meanwhile ends what others have begun.
    KeepSession {
        /// Which session.
        id: SessionId,
        /// The present.
        at: Timestamp,
    },
    /// The session's newest access token, where tokens do not name their session; the one that was newest is the one
    /// before, unless it is the same. No guard: it follows a change of the session that has one.
    NoteAccess {
        /// Which session.
        id: SessionId,
        /// The token.
        token: AccessDigest,
    },
    /// Ends one session. Guard: it has not ended yet.
    EndSession {
        /// Which session.
        id: SessionId,
        /// The present.
        at: Timestamp,
        /// Why.
        cause: EndCause,
    },
    /// Ends the session of a spent refresh token: somebody holds a copy (RF-03). Guard: it has not ended yet.
    EndReused(Reuse),
    /// Ends all live sessions of a user but `except`. No guard.
    EndSessions {
        /// Whose.
        user: UserId,
        /// The one that stays.
        except: Option<Handle>,
        /// The present.
        at: Timestamp,
        /// Why.
        cause: EndCause,
    },
    /// Ends all live sessions for which an access token stands. No guard.
    EndSessionsOfToken {
        /// Whose.
        user: UserId,
        /// Of which dialect.
        dialect: String,
        /// The token.
        token: AccessDigest,
        /// The present.
        at: Timestamp,
        /// Why.
        cause: EndCause,
    },
    /// Ends the live session of a device, if there is one. No guard.
    EndDeviceSession {
        /// Whose.
        user: UserId,
        /// Of which dialect.
        dialect: String,
        /// On which device.
        device: String,
        /// The present.
        at: Timestamp,
    },
    /// Ends the longest unused live sessions of a user, so that with `newest` no more than `keep` stay. No guard.
    EndOldestSessions {
        /// Whose.
        user: UserId,
        /// The one that was just begun. It stays, also where a clock that was set back makes it look old.
        newest: Handle,
        /// How many stay.
        keep: u32,
        /// The present.
        at: Timestamp,
    },
    /// A new challenge; every older open one of the user becomes void (RS-07). No guard.
    InsertChallenge(Challenge),
    /// Answers a challenge. Guard: it is open at `at` (RS-05).
    UseChallenge {
        /// Which.
        id: SessionId,
        /// The present.
        at: Timestamp,
    },
    /// Makes every open challenge of a user void. No guard.
    VoidChallenges {
        /// Whose.
        user: UserId,
        /// The present.
        at: Timestamp,
    },
    /// Puts a mail into the queue. No guard.
    QueueMail(QueuedMail),
    /// Takes a sent mail out of the queue. Guard: it is there.
    DropMail([u8; 16]),
    /// Puts a mail off after a failure. Guard: it is there.
    DelayMail {
        /// Which.
        id: [u8; 16],
        /// Not to be tried before.
        until: Timestamp,
    },
    /// Makes a role, or alters its permissions. Guard: the id is free or the role's own.
    PutRole(Role),
    /// One more of the server's own keys. Guard: no key has the name.
    InsertKey(SealedKey),
    /// The same key, encrypted anew. Guard: it is still as it was loaded.
    ReplaceKey {
        /// As it is to be.
        key: SealedKey,
        /// As it was loaded.
        while_sealed: String,
    },
    /// A key goes. Guard: it is still as it was loaded.
    DeleteKey(SealedKey),
}

/// A refresh token that was presented and is not good any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reuse {
    /// Of which session.
    pub id: SessionId,
    /// The present.
    pub at: Timestamp,
    /// The generation that was presented.
    pub presented: i64,
    /// The one that is good.
    pub current: i64,
}

/// The guard that did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conflict {
    /// Another user has the identifier.
    IdentifierTaken(Canonical),
    /// The id was given out before.
    UserIdUsed(UserId),
    /// There is no such user, or it is disabled.
    UserGone(UserId),
    /// The record was altered meanwhile.
    UserChanged(UserId),
    /// Another role has the id.
    RoleIdUsed(i64),
    /// Another password was set meanwhile.
    PasswordChanged(UserId),
    /// The session has rotated, ended or expired meanwhile.
    SessionChanged(SessionId),
    /// The device has another live session by now.
    DeviceBusy(UserId),
    /// The challenge was answered or became void meanwhile.
    ChallengeSpent(SessionId),
    /// The mail is no longer in the queue.
    MailGone,
    /// Another key has the name.
    KeyNameTaken(String),
    /// The key was encrypted anew or is gone.
    KeyChanged(String),
}

/// How long the database keeps an ended or expired session, so that a replayed token is still recognised (ST-11).
pub const SESSION_KEPT_AFTER_END: Duration = Duration::from_secs(30 * 24 * 3600);
