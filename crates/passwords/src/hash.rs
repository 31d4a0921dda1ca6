//! A stored password hash, proven well-formed and affordable. It never shows its text by accident and never knows whose
//! it is.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::format::argon2id::Argon2id;
use crate::format::{self, Format, Scheme};
use crate::hasher::{HashError, Hasher};
use crate::params::Argon2Params;
use crate::password::PASSWORD_BYTES_MAX;

/// The longest stored hash looked at, in bytes. The longest real one has about 200.
const STORED_BYTES_MAX: usize = 512;

/// A password hash as stored. [`parse`](Self::parse) is the only door for text; whatever has passed it can be verified
/// at a bounded cost. No `PartialEq` (PW-12); `Debug` shows format and cost only.
#[derive(Clone)]
pub struct PasswordHash {
    stored: String,
    format: &'static Format,
    scheme: Arc<dyn Scheme>,
}

/// The result of checking a password against a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is the password.
    Match,
    /// It is not.
    Mismatch,
}

/// Why a text is not accepted as a password hash. Carries nothing of the text: it may be somebody's hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseError {
    /// No known format begins like this.
    #[error("not a password hash in a known format (known: {})", format::Names)]
    Unknown,
    /// A known format that is not accepted, and why.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The beginning fits a format, the rest does not.
    #[error("malformed {format} hash: {what}")]
    Malformed {
        /// The format it claims.
        format: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// Well-formed, but its cost is one this server will not spend (PW-08).
    #[error("{format} hash refused: {name} is {value}; it must be between {min} and {max}")]
    CostOutOfRange {
        /// The format it claims.
        format: &'static str,
        /// Which number.
        name: &'static str,
        /// What it was.
        value: u32,
        /// The least that is accepted.
        min: u32,
        /// The most that is accepted.
        max: u32,
    },
}

impl PasswordHash {
    /// Reads a stored hash. Costs are bounded here, while they are still numbers (PW-08).
    ///
    /// # Errors
    /// [`ParseError`]: an import reports it; at login a row that does not parse is a fault, not a wrong password.
    pub fn parse(stored: &str) -> Result<Self, ParseError> {
        if stored.len() > STORED_BYTES_MAX {
            return Err(ParseError::Unknown);
        }
        let format = format::find(stored)?;
        let scheme = (format.parse)(stored)?;
        Ok(Self { stored: stored.to_owned(), format, scheme })
    }

    /// A hash of ours.
    pub(crate) fn of(scheme: Argon2id) -> Self {
        Self { stored: scheme.to_string(), format: &format::argon2id::FORMAT, scheme: Arc::new(scheme) }
    }

    /// A hash that no password matches and that costs as much to verify as a real one of `params`: for users who do not
    /// exist or have no password (LG-01, LG-02). Its tag is all zero, so a match would be a preimage of BLAKE2b.
    pub fn decoy(params: &Argon2Params) -> Self {
        Self::of(Argon2id::new(*params, b"nobody's salt ..", &[0; format::argon2id::TAG_BYTES]))
    }

    /// Whether `password` is the one. Give it the bytes of a [`Password`](crate::Password); more than
    /// [`PASSWORD_BYTES_MAX`] bytes match nothing and cost nothing (PW-05).
    ///
    /// # Errors
    /// [`HashError`] when the hash could not be computed; that is not a wrong password and must not count as one.
    pub fn verify(&self, password: &[u8], hasher: &mut Hasher) -> Result<Verdict, HashError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(Verdict::Mismatch);
        }
        self.scheme.verify(password, hasher)
    }

    /// Whether, after a match, the password should be hashed anew: every legacy hash, and Argon2id weaker than
    /// `current`. Store the new one only if the old text is still in place (PW-09).
    pub fn needs_rehash(&self, current: &Argon2Params) -> bool {
        self.scheme.needs_rehash(current)
    }

    /// The format's name, as `argon2id` or `bcrypt`. Not a secret.
    pub fn format(&self) -> &'static str {
        self.format.name
    }

    /// The text to store, byte for byte what was parsed. As secret as a password file: never log it.
    pub fn stored_text(&self) -> &str {
        &self.stored
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({} {})", self.format.name, self.scheme.cost())
    }
}

impl Verdict {
    /// From the result of the one constant-time comparison.
    pub(crate) const fn from_same(same: bool) -> Self {
        if same { Self::Match } else { Self::Mismatch }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hasher::Backend;

    #[test]
    fn unknown_and_refused_texts_say_why_without_quoting() {
        let cases = [
            ("", "not a password hash in a known format (known: argon2id, bcrypt)"),
            ("hunter2", "not a password hash in a known format (known: argon2id, bcrypt)"),
            ("$1$salt$pLdFUCHxHYnLRSoTPzqp2/", "not a password hash in a known format (known: argon2id, bcrypt)"),
            ("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", "argon2i hashes are not accepted, only argon2id"),
            ("$argon2d$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", "argon2d hashes are not accepted, only argon2id"),
            (
                "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
                "bcrypt $2x$ hashes are not accepted: they come from a broken implementation",
            ),
        ];
        for (stored, message) in cases {
            assert_eq!(PasswordHash::parse(stored).unwrap_err().to_string(), message);
        }
        let long = format!("$argon2id${}", "a".repeat(STORED_BYTES_MAX));
        assert_eq!(PasswordHash::parse(&long).unwrap_err(), ParseError::Unknown);
    }

    #[test]
    fn debug_shows_format_and_cost_only() {
        let cases = [
            (
                "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70",
                "PasswordHash(argon2id m=64,t=1,p=1)",
            ),
            ("$2b$04$abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2", "PasswordHash(bcrypt cost=4)"),
        ];
        for (stored, shown) in cases {
            let hash = PasswordHash::parse(stored).unwrap();
            assert_eq!(format!("{hash:?}"), shown);
            assert_eq!(hash.stored_text(), stored, "storage compares the old text byte for byte (PW-09)");
        }
    }

    #[test]
    fn what_is_hashed_verifies_and_parses_again() {
        // PW-04, PW-07: the exact bytes, with nothing trimmed, folded, truncated or ended by a NUL.
        let params = Argon2Params::default();
        for backend in [Backend::Fast, Backend::Portable] {
            let mut hasher = Hasher::new(backend);
            let made = hasher.hash(b" abc\0x ", &[7; 16], &params).unwrap();
            let parsed = PasswordHash::parse(made.stored_text()).unwrap();
            assert_eq!(parsed.format(), "argon2id");
            assert!(!parsed.needs_rehash(&params));
            for (password, verdict) in [
                (&b" abc\0x "[..], Verdict::Match),
                (b"abc\0x", Verdict::Mismatch),
                (b" abc", Verdict::Mismatch),
                (b" ABC\0x ", Verdict::Mismatch),
                (b"", Verdict::Mismatch),
            ] {
                assert_eq!(parsed.verify(password, &mut hasher).unwrap(), verdict, "{backend} {password:?}");
            }
        }
    }

    #[test]
    fn a_decoy_costs_the_same_and_matches_nothing() {
        // LG-02
        let params = Argon2Params::default();
        let decoy = PasswordHash::decoy(&params);
        assert_eq!(format!("{decoy:?}"), "PasswordHash(argon2id m=19456,t=2,p=1)");
        assert_eq!(decoy.verify(b"", &mut Hasher::new(Backend::Fast)), Ok(Verdict::Mismatch));
        assert!(PasswordHash::parse(decoy.stored_text()).is_ok());
    }

    #[test]
    fn an_overlong_password_matches_nothing() {
        // PW-05: a bcrypt hash of 72 letters would match by its prefix if the limit were not looked at first.
        let stored = bcrypt::hash_with_salt("a".repeat(72), 4, [9; 16]).unwrap().to_string();
        let hash = PasswordHash::parse(&stored).unwrap();
        let mut hasher = Hasher::new(Backend::Fast);
        for (len, verdict) in [(PASSWORD_BYTES_MAX, Verdict::Match), (PASSWORD_BYTES_MAX + 1, Verdict::Mismatch)] {
            assert_eq!(hash.verify("a".repeat(len).as_bytes(), &mut hasher), Ok(verdict), "{len}");
        }
    }

    #[test]
    fn damaged_texts_never_panic_and_never_pass_the_caps() {
        // PW-08: one to three characters of a real hash replaced, removed or doubled, reproducibly.
        let whole = [
            "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70",
            "$2b$04$abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2",
        ];
        let replacements = ['0', '9', '$', ',', '=', 'm', 'A', '\0', 'ä', '🐦'];
        let (mut noise, mut accepted) = (1_u64, 0);
        let mut below = |limit: usize| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (noise >> 33) as usize % limit
        };
        for round in 0..20_000 {
            let mut text: Vec<char> = whole[round % 2].chars().collect();
            for _ in 0..=below(3) {
                let place = below(text.len().min(40));
                match below(3) {
                    0 => text[place] = replacements[below(replacements.len())],
                    1 => drop(text.remove(place)),
                    _ => text.insert(place, text[place]),
                }
            }
            let text: String = text.into_iter().collect();
            let Ok(hash) = PasswordHash::parse(&text) else { continue };
            accepted += 1;
            let cost = hash.scheme.cost();
            let numbers: Vec<u32> =
                cost.split(',').map(|pair| pair.split_once('=').unwrap().1.parse().unwrap()).collect();
            let capped = match numbers[..] {
                [memory_kib, passes, lanes] => memory_kib <= 262_144 && passes <= 16 && lanes <= 8,
                [cost] => (4..=15).contains(&cost),
                _ => false,
            };
            assert!(capped, "{text}: {cost}");
        }
        assert!(accepted > 100, "the damage leaves some texts well-formed: {accepted}");
    }
}
