//! A mail that waits to be sent. It is queued in the transaction that gave the reason, so that neither can be lost alone.

use crate::id::SessionId;
use crate::time::Timestamp;

/// What a mail is about. The text is written when it is sent; no secret waits in the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Letter {
    /// The link of a password reset, for the challenge named.
    PasswordReset {
        /// Which challenge the link answers.
        challenge: SessionId,
        /// The stored address of its user.
        to: String,
    },
    /// A mail to nobody: written for an unknown address, so that asking for it costs what a known one costs (LG-04).
    Nobody,
}

/// A queued mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QueuedMail {
    /// 128 random bits.
    pub id: [u8; 16],
    /// What it says, and to whom.
    pub letter: Letter,
    /// When it was queued.
    pub created_at: Timestamp,
    /// Not to be sent before.
    pub due_at: Timestamp,
    /// How often sending has failed so far.
    pub failures: i64,
}
