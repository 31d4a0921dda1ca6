//! Verifying a compact JWS against a key ring. Nothing from the token is used to find a key but its opaque key id, and
//! that only as a name in the ring's own map: no file, no address, no algorithm of the sender's choosing. Claims are
//! not even parsed before the signature holds.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Map, Value};

use crate::claims::Claims;
use crate::json;
use crate::jws::{Algorithm, TOKEN_BYTES_MAX};
use crate::key::{KID_BYTES_MAX, VerifyingKey};
use crate::keyring::KeyRing;

/// Whether the end of a token matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// An expired token is refused.
    Enforce,
    /// For a refresh that takes the expired access token: the signature and all else must still hold.
    Ignore,
}

/// How strictly times are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Difference of clocks to forgive, in seconds; more than [`Rules::LEEWAY_SECONDS_MAX`] counts as that. Own endpoints
    /// need none.
    pub leeway_seconds: u32,
    /// Whether `exp` matters.
    pub expiry: Expiry,
}

impl Rules {
    /// The largest difference of clocks, in seconds, that is ever forgiven (JT-08).
    pub const LEEWAY_SECONDS_MAX: u32 = 60;
}

/// Why a token is refused. For logs: a client is told nothing but that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not three segments of canonical base64url within the size limit.
    #[error("the token is malformed")]
    Malformed,
    /// The key id, or for a token without one the algorithm, is none of this ring's.
    #[error("the token names no key of this ring")]
    UnknownKey,
    /// The header is no proper object, has a member that is not allowed, or an algorithm that is not the key's.
    #[error("the token's header is not acceptable")]
    BadHeader,
    /// The signature does not hold.
    #[error("the token's signature does not hold")]
    BadSignature,
    /// `exp` is reached.
    #[error("the token is expired")]
    Expired,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The claims are no proper object or a time is not a whole number.
    #[error("the token's claims are not acceptable")]
    BadClaims,
}

/// Header members that would change how or with what key a token is verified: refused, never obeyed (JT-04, JT-06).
const REFUSED_MEMBERS: [&str; 8] = ["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"];

impl KeyRing {
    /// Verifies `token` with the keys of this ring at the second `now_unix_seconds` and reads its claims. What the
    /// claims say about audience, issuer or kind of token is for the caller to compare.
    ///
    /// # Errors
    /// [`Rejected`], in the order of its variants' checks: form, header, key, signature, claims, times.
    pub fn verify(&self, token: &str, now_unix_seconds: i64, rules: &Rules) -> Result<Claims, Rejected> {
        let parts = Parts::split(token)?;
        let header = Header::parse(parts.header)?;
        let signature = decode(parts.signature)?;
        let message = parts.message.as_bytes();
        match &header.kid {
            Some(kid) => {
                let key = self.key(kid).ok_or(Rejected::UnknownKey)?;
                if key.algorithm() != header.algorithm {
                    return Err(Rejected::BadHeader);
                }
                accept(key.holds(message, &signature))?;
            }
            None => self.verify_without_kid(header.algorithm, message, &signature)?,
        }
        Claims::parse(&decode(parts.claims)?, now_unix_seconds, rules)
    }

    fn verify_without_kid(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), Rejected> {
        let mut candidates = self.keys().filter(|key: &&VerifyingKey| key.algorithm() == algorithm).peekable();
        if candidates.peek().is_none() {
            return Err(Rejected::UnknownKey);
        }
        accept(candidates.any(|key| key.holds(message, signature)))
    }
}

fn accept(holds: bool) -> Result<(), Rejected> {
    if holds { Ok(()) } else { Err(Rejected::BadSignature) }
}

/// The segments of a compact JWS (RFC 7515 §7.1), each not empty, not yet decoded.
struct Parts<'a> {
    message: &'a str,
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Self, Rejected> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Rejected::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Rejected::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Rejected::Malformed)?;
        // A fourth segment leaves a dot in `claims`, which is no base64url character; refused here all the same.
        if header.is_empty() || claims.is_empty() || signature.is_empty() || claims.contains('.') {
            return Err(Rejected::Malformed);
        }
        Ok(Self { message, header, claims, signature })
    }
}

/// The only two facts taken from a header.
struct Header {
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Header {
    fn parse(segment: &str) -> Result<Self, Rejected> {
        let members = json::parse_object(&decode(segment)?).ok_or(Rejected::BadHeader)?;
        if REFUSED_MEMBERS.iter().any(|name| members.contains_key(*name)) {
            return Err(Rejected::BadHeader);
        }
        // RFC 7515 §4.1.9 and §4.1.10: strings where present.
        optional_text(&members, "typ")?;
        optional_text(&members, "cty")?;
        let algorithm = optional_text(&members, "alg")?.ok_or(Rejected::BadHeader)?;
        let kid = optional_text(&members, "kid")?;
        if kid.is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(Rejected::BadHeader);
        }
        let algorithm = algorithm.parse().map_err(|_| Rejected::BadHeader)?;
        Ok(Self { algorithm, kid: kid.map(str::to_owned) })
    }
}

fn optional_text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Rejected> {
    members.get(name).map(|value| value.as_str().ok_or(Rejected::BadHeader)).transpose()
}

/// Canonical base64url only: no padding, no blanks, no bits left over (JT-11).
fn decode(segment: &str) -> Result<Vec<u8>, Rejected> {
    BASE64_URL_SAFE_NO_PAD.decode(segment).map_err(|_| Rejected::Malformed)
}
