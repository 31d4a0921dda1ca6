//! The table of stored formats. One row here and one file beside it is all a further format needs; nothing here
//! computes.

use std::fmt;
use std::sync::Arc;

use crate::hash::{ParseError, Verdict};
use crate::hasher::{HashError, Hasher};
use crate::params::Argon2Params;

pub(crate) mod argon2id;
pub(crate) mod bcrypt;

/// Every format that is verified.
const FORMATS: [&Format; 2] = [&argon2id::FORMAT, &bcrypt::FORMAT];

/// Known formats that are turned away, and why.
const REFUSED: [(&str, &str); 3] = [
    ("$argon2i$", "argon2i hashes are not accepted, only argon2id"),
    ("$argon2d$", "argon2d hashes are not accepted, only argon2id"),
    // crypt_blowfish before 2011 extended the sign of bytes above 127: many passwords then share one hash.
    ("$2x$", "bcrypt $2x$ hashes are not accepted: they come from a broken implementation"),
];

/// A row of the table.
pub(crate) struct Format {
    /// What operators call it.
    pub(crate) name: &'static str,
    /// How its texts begin. No prefix of one format begins another's.
    pub(crate) prefixes: &'static [&'static str],
    /// Reads a text that begins with one of them, and bounds its cost (PW-08).
    pub(crate) parse: fn(&str) -> Result<Arc<dyn Scheme>, ParseError>,
}

/// A parsed hash of one format.
pub(crate) trait Scheme: Send + Sync {
    /// Whether `password` is the one, comparing by `same_bytes` only.
    fn verify(&self, password: &[u8], hasher: &mut Hasher) -> Result<Verdict, HashError>;
    /// Whether a match should be hashed anew.
    fn needs_rehash(&self, current: &Argon2Params) -> bool;
    /// The cost in the format's own words; no salt, no tag.
    fn cost(&self) -> String;
}

/// The row that `stored` belongs to.
pub(crate) fn find(stored: &str) -> Result<&'static Format, ParseError> {
    if let Some((_, why)) = REFUSED.iter().find(|(prefix, _)| stored.starts_with(prefix)) {
        return Err(ParseError::Unsupported(why));
    }
    let begins = |format: &&&Format| format.prefixes.iter().any(|prefix| stored.starts_with(prefix));
    FORMATS.iter().find(begins).copied().ok_or(ParseError::Unknown)
}

/// A plain decimal number: digits only, no sign, no leading zero.
fn number(digits: &str) -> Option<u32> {
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if canonical { digits.parse().ok() } else { None }
}

/// The names of all formats, for messages.
pub(crate) struct Names;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, format) in FORMATS.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            f.write_str(format.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_hides_another() {
        let all: Vec<&str> = FORMATS.iter().flat_map(|format| format.prefixes).copied().collect();
        let refused = REFUSED.iter().map(|(prefix, _)| *prefix);
        let every: Vec<&str> = all.into_iter().chain(refused).collect();
        for (index, one) in every.iter().enumerate() {
            let others = every.iter().enumerate().filter(|(other, _)| *other != index);
            assert!(others.into_iter().all(|(_, other)| !other.starts_with(one)), "{one}");
        }
    }

    #[test]
    fn numbers_are_digits_only() {
        let cases = [
            ("0", Some(0)),
            ("19456", Some(19_456)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1e3", None),
            ("\u{661}", None),
        ];
        for (digits, value) in cases {
            assert_eq!(number(digits), value, "{digits:?}");
        }
    }
}
