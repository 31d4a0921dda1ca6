//! Argon2id in a PHC string, version 1.3 (RFC 9106): the format every new hash has. Other variants and versions are
//! refused, and so are strings that need a key (`keyid`, `data`) nobody has given us.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{Format, Scheme, number};
use crate::compare::same_bytes;
use crate::hash::{ParseError, Verdict};
use crate::hasher::{HashError, Hasher};
use crate::params::{Argon2Params, ParamsError};

/// The row of the table.
pub(crate) const FORMAT: Format =
    Format { name: NAME, prefixes: &["$argon2id$"], parse: |stored| Ok(Arc::new(parse(stored)?)) };

/// The tag of a new hash, in bytes.
pub(crate) const TAG_BYTES: usize = 32;

const NAME: &str = "argon2id";
/// The salt of a new hash, in bytes; a shorter one is replaced at the next login (PW-01).
const SALT_BYTES: usize = 16;
/// Salts accepted, in bytes: RFC 9106 asks for 8 at least; the PHC specification allows 48, some software uses 64.
const SALT_BYTES_ACCEPTED: std::ops::RangeInclusive<usize> = 8..=64;
/// Tags accepted, in bytes. Argon2 would allow 4, which a guess meets once in 2^32.
const TAG_BYTES_ACCEPTED: std::ops::RangeInclusive<usize> = 16..=64;

/// A parsed Argon2id hash.
pub(crate) struct Argon2id {
    params: Argon2Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Argon2id {
    /// A hash from its parts.
    pub(crate) fn new(params: Argon2Params, salt: &[u8; SALT_BYTES], tag: &[u8; TAG_BYTES]) -> Self {
        Self { params, salt: salt.to_vec(), tag: tag.to_vec() }
    }
}

impl Scheme for Argon2id {
    fn verify(&self, password: &[u8], hasher: &mut Hasher) -> Result<Verdict, HashError> {
        let mut computed = vec![0; self.tag.len()];
        hasher.tag(password, &self.salt, &self.params, &mut computed)?;
        Ok(Verdict::from_same(same_bytes(&computed, &self.tag)))
    }

    fn needs_rehash(&self, current: &Argon2Params) -> bool {
        self.params.weaker_than(current) || self.salt.len() < SALT_BYTES || self.tag.len() < TAG_BYTES
    }

    fn cost(&self) -> String {
        self.params.to_string()
    }
}

/// The PHC string.
impl fmt::Display for Argon2id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { params, salt, tag } = self;
        write!(f, "${NAME}$v=19${params}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag))
    }
}

fn parse(stored: &str) -> Result<Argon2id, ParseError> {
    let parts: Vec<&str> = stored.split('$').collect();
    let ["", NAME, version, params, salt, tag] = parts[..] else {
        return malformed("it needs version, parameters, salt and tag, separated by $");
    };
    if version != "v=19" {
        return malformed("only version 19 (v=19) is accepted");
    }
    // The cost is bounded before anything is decoded (PW-08).
    let params = parse_params(params)?;
    let salt = decode(salt, SALT_BYTES_ACCEPTED, "the salt must be 8 to 64 bytes in base64 without padding")?;
    let tag = decode(tag, TAG_BYTES_ACCEPTED, "the tag must be 16 to 64 bytes in base64 without padding")?;
    Ok(Argon2id { params, salt, tag })
}

/// `m=…,t=…,p=…`, each once. Some software orders them otherwise, so any order is read.
fn parse_params(text: &str) -> Result<Argon2Params, ParseError> {
    let (mut memory_kib, mut passes, mut lanes) = (None, None, None);
    for pair in text.split(',') {
        let slot = match pair.split_once('=').map(|(name, _)| name) {
            Some("m") => &mut memory_kib,
            Some("t") => &mut passes,
            Some("p") => &mut lanes,
            _ => return malformed("its parameters must be m, t and p, each once"),
        };
        let Some(value) = pair.get(2..).and_then(number) else {
            return malformed("a parameter is not a plain decimal number below 2^32");
        };
        if slot.replace(value).is_some() {
            return malformed("its parameters must be m, t and p, each once");
        }
    }
    let (Some(memory_kib), Some(passes), Some(lanes)) = (memory_kib, passes, lanes) else {
        return malformed("its parameters must be m, t and p, each once");
    };
    Argon2Params::stored(memory_kib, passes, lanes).map_err(|error| match error {
        ParamsError::OutOfRange { name, value, min, max } => {
            ParseError::CostOutOfRange { format: NAME, name, value, min, max }
        }
        // Stored hashes have no floor; only the constructor for new ones answers so.
        ParamsError::BelowFloor { memory_kib, floor_kib, .. } => ParseError::CostOutOfRange {
            format: NAME,
            name: "memory_kib",
            value: memory_kib,
            min: floor_kib,
            max: u32::MAX,
        },
    })
}

fn decode(text: &str, accepted: std::ops::RangeInclusive<usize>, what: &'static str) -> Result<Vec<u8>, ParseError> {
    match STANDARD_NO_PAD.decode(text) {
        Ok(bytes) if accepted.contains(&bytes.len()) => Ok(bytes),
        Ok(_) | Err(_) => malformed(what),
    }
}

fn malformed<T>(what: &'static str) -> Result<T, ParseError> {
    Err(ParseError::Malformed { format: NAME, what })
}

#[cfg(test)]
mod tests {
    use crate::hash::PasswordHash;
    use crate::params::Argon2Params;

    const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
    const TAG: &str = "cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70";

    fn refusal(stored: &str) -> Option<String> {
        PasswordHash::parse(stored).err().map(|error| error.to_string())
    }

    #[test]
    fn costs_are_bounded_at_parse() {
        // PW-08
        let cases = [
            ("m=262144,t=16,p=8", None),
            ("m=8,t=1,p=1", None),
            ("p=1,t=2,m=64", None),
            ("m=4294967295,t=1,p=1", Some("memory_kib is 4294967295; it must be between 8 and 262144")),
            ("m=4194304,t=1,p=1", Some("memory_kib is 4194304; it must be between 8 and 262144")),
            ("m=262145,t=1,p=1", Some("memory_kib is 262145; it must be between 8 and 262144")),
            ("m=15,t=1,p=2", Some("memory_kib is 15; it must be between 16 and 262144")),
            ("m=64,t=17,p=1", Some("passes is 17; it must be between 1 and 16")),
            ("m=64,t=0,p=1", Some("passes is 0; it must be between 1 and 16")),
            ("m=262144,t=1,p=9", Some("lanes is 9; it must be between 1 and 8")),
            ("m=64,t=1,p=0", Some("lanes is 0; it must be between 1 and 8")),
        ];
        for (params, refused) in cases {
            let message = refused.map(|refused| format!("argon2id hash refused: {refused}"));
            assert_eq!(refusal(&format!("$argon2id$v=19${params}${SALT}${TAG}")), message, "{params}");
        }
    }

    #[test]
    fn malformed_texts_are_refused() {
        let params = "m=64,t=1,p=1";
        let long = "A".repeat(88);
        let cases = [
            "$argon2id$".to_owned(),
            format!("$argon2id${params}${SALT}${TAG}"),
            format!("$argon2id$v=16${params}${SALT}${TAG}"),
            format!("$argon2id$v=19${params}${SALT}"),
            format!("$argon2id$v=19${params}${SALT}${TAG}$"),
            format!("$argon2id$v=19${params}${SALT}${TAG}\n"),
            format!("$argon2id$v=19${params}${SALT}${TAG}="),
            format!("$argon2id$v=19${params}$${TAG}"),
            format!("$argon2id$v=19${params}$c29tZQ${TAG}"),
            format!("$argon2id$v=19${params}${SALT}$AAAAAAAA"),
            format!("$argon2id$v=19${params}${long}${TAG}"),
            format!("$argon2id$v=19${params}${SALT}${long}"),
            format!("$argon2id$v=19${params}${SALT}$\u{e4}\u{e4}{TAG}"),
            format!("$argon2id$v=19$m=64,t=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,m=64${SALT}${TAG}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=abc${SALT}${TAG}"),
            format!("$argon2id$v=19$m=+64,t=1,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=064,t=1,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=,t=1,p=1${SALT}${TAG}"),
            format!("$argon2id$v=19$m=64,t=1,p=99999999999${SALT}${TAG}"),
            format!("$argon2id$v=19$m\u{e4}=64,t=1,p=1${SALT}${TAG}"),
        ];
        assert_eq!(refusal(&format!("$argon2id$v=19${params}${SALT}${TAG}")), None);
        for stored in cases {
            let message = refusal(&stored).unwrap_or_else(|| panic!("accepted: {stored}"));
            assert!(message.starts_with("malformed argon2id hash: "), "{stored}: {message}");
        }
    }

    #[test]
    fn weaker_hashes_need_a_rehash() {
        let current = Argon2Params::default();
        let cases = [
            (format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}${TAG}"), false),
            (format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${TAG}"), false),
            (format!("$argon2id$v=19$m=4096,t=3,p=1${SALT}${TAG}"), true),
            (format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ${TAG}"), true),
            (format!("$argon2id$v=19$m=19456,t=2,p=1${SALT}$AAAAAAAAAAAAAAAAAAAAAA"), true),
        ];
        for (stored, rehash) in cases {
            assert_eq!(PasswordHash::parse(&stored).unwrap().needs_rehash(&current), rehash, "{stored}");
        }
    }
}
