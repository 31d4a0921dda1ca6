//! Password hashes, modern and legacy: parse, verify and make them, and judge new passwords. It knows no user, no
//! storage and no async; whoever calls brings the salt, the thread and the answer's wording.
//!
//! The road of a login: [`Password::parse`] (limits, NFC) → [`PasswordHash::verify`] with the worker's [`Hasher`] →
//! [`Verdict`] → [`PasswordHash::needs_rehash`]. A user who does not exist takes the same road with
//! [`PasswordHash::decoy`]. A new password passes [`strength::check`] before [`Hasher::hash`].

mod compare;
mod format;
mod hash;
mod hasher;
mod params;
mod password;
mod self_check;
pub mod strength;

pub use hash::{ParseError, PasswordHash, Verdict};
pub use hasher::{Backend, HashError, Hasher};
pub use params::{Argon2Params, ParamsError};
pub use password::{PASSWORD_BYTES_MAX, Password, TooLong};
pub use self_check::{SelfCheckFailed, self_check};
