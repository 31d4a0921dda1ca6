//! The executor: every operation of every dialect goes the same road, *load → verify → decide → mint → commit*, and this
//! is the only way to the store.

mod ends;
mod mint;
mod operations;
mod run;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;

use myna_core::ops::input::Inputs;
use myna_core::outcome::{Kind, Outcome};
use myna_core::policy::{Caller, Policy};
use myna_dialect::{Dialect, Tokens};
use myna_passwords::{Argon2Params, PasswordHash, strength};
use myna_store::{Store, StoreError};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::hashing::Hashing;
use crate::keyring::Keyring;

/// What a client is told to wait when the store fails: it is mended by people, and each try costs little.
const STORE_RETRY_AFTER_S: u32 = 10;

/// Everything that the operations need; made once at start.
pub(crate) struct App {
    /// Facts and changes.
    pub(crate) store: Store,
    /// The hashing threads.
    pub(crate) hashing: Hashing,
    /// The keys.
    pub(crate) keys: Keyring,
    /// The present.
    pub(crate) clock: Clock,
    /// The operator's choices.
    pub(crate) policy: Policy,
    /// How new passwords are hashed and judged.
    pub(crate) passwords: PasswordRules,
    /// Told when a mail was queued.
    pub(crate) mail_queued: Arc<Notify>,
}

/// How new passwords are hashed and judged.
pub(crate) struct PasswordRules {
    /// The cost of a hash that is made today.
    pub(crate) cost: Argon2Params,
    /// What a new password has to meet.
    pub(crate) strength: strength::Policy,
    /// A hash that no password matches, of today's cost: what an unknown user's password is verified against.
    pub(crate) decoy: PasswordHash,
}

impl PasswordRules {
    /// Rules with a decoy of the same cost.
    pub(crate) fn new(cost: Argon2Params, strength: strength::Policy) -> Self {
        Self { cost, strength, decoy: PasswordHash::decoy(&cost) }
    }
}

/// One request, decoded.
pub(crate) struct Call {
    /// In which dialect it came.
    pub(crate) dialect: Arc<Dialect>,
    /// To which of its endpoints.
    pub(crate) endpoint: usize,
    /// What it gave.
    pub(crate) inputs: Inputs,
    /// Who sent it.
    pub(crate) caller: Caller,
}

/// What the client is to be told, durable by now.
pub(crate) struct Answered {
    /// The conclusion.
    pub(crate) outcome: Outcome,
    /// The tokens that it promises.
    pub(crate) tokens: Tokens,
}

/// We are broken. The client gets its dialect's 500 or 503 with a request id and nothing else; the log gets this.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The database cannot be read or written.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Sign(#[from] myna_tokens::SignError),
    /// No key for what the dialect promises.
    #[error("no key to sign with")]
    NoKey,
    /// A password could not be hashed.
    #[error("a password could not be hashed")]
    Hash(#[from] myna_passwords::HashError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] myna_tokens::crypto::NoRandomness),
    /// The same guard failed again and again.
    #[error("gave up after {attempts} attempts: {conflict:?}")]
    Contended {
        /// How often it was tried.
        attempts: u32,
        /// The last guard that did not hold.
        conflict: myna_core::change::Conflict,
    },
}

impl Fault {
    /// What the client is told of it, and nothing else.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Store(error) if error.may_pass() => Outcome::unavailable(STORE_RETRY_AFTER_S),
            Self::Store(_) | Self::Sign(_) | Self::NoKey | Self::Hash(_) | Self::Random(_) | Self::Contended { .. } => {
                Outcome::plain(Kind::Fault)
            }
        }
    }
}
