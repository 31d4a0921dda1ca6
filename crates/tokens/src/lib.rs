//! Keys and tokens: signs and verifies JWS (RFC 7515), imports and stores signing keys, shows the public ones as a
//! JWKS, makes refresh tokens. It never sees a user, never stores anything, never reads a clock and never opens a
//! socket: callers give the time, the bytes of a key file and the claims.
//!
//! Start with [`KeyRing`]: one ring per dialect and use. A token of another dialect, or a refresh token shown as an
//! access token, fails because the other ring holds other keys. Where an imported secret must serve several rings, only
//! the claims tell their tokens apart, and whoever reads them must compare.

pub mod access;
mod claims;
pub mod crypto;
mod import;
mod json;
mod jwk;
mod jws;
mod key;
mod keyring;
pub mod opaque;
pub mod refresh;
pub mod seal;
mod secret;
mod stored;
mod verify;

#[cfg(test)]
mod tests;

pub use claims::Claims;
pub use import::KeyError;
pub use jwk::{Jwk, jwks};
pub use jws::{Algorithm, RsaBits, SignError, SigningKey, TOKEN_BYTES_MAX, UnknownAlgorithm};
pub use key::VerifyingKey;
pub use keyring::KeyRing;
pub use secret::WeakSecret;
pub use stored::StoredKey;
pub use verify::{Expiry, Rejected, Rules};
