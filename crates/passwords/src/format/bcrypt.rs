//! bcrypt (`$2a$`, `$2b$`, `$2y$`), verified and never made: a match is hashed anew. The legacy rules that old hashes
//! need live here and reach no other format.
//!
//! The three prefixes mean one function for any text: they tell apart versions of C libraries that went wrong with
//! passwords above 255 bytes (`$2a$`, OpenBSD before 2014) or took over the name of the repaired one (`$2y$`, PHP).

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use zeroize::Zeroizing;

use super::{Format, Scheme, number};
use crate::compare::same_bytes;
use crate::hash::{ParseError, Verdict};
use crate::hasher::{HashError, Hasher};
use crate::params::Argon2Params;

/// The row of the table.
pub(crate) const FORMAT: Format =
    Format { name: NAME, prefixes: &["$2a$", "$2b$", "$2y$"], parse: |stored| Ok(Arc::new(parse(stored)?)) };

const NAME: &str = "bcrypt";
/// The least cost bcrypt knows.
const COST_MIN: u32 = 4;
/// The highest accepted: about 2.4 s of work. One more doubles it (PW-08).
const COST_MAX: u32 = 15;
/// bcrypt looks at so many bytes of the password, the closing NUL included.
const KEY_BYTES_MAX: usize = 72;
/// `$2b$12$`, then 22 characters of salt, then 31 of tag.
const STORED_BYTES: usize = 60;

/// bcrypt's own alphabet. Unused low bits of the last character may be set: some software wrote them so, and the salt
/// and tag they stand for are the same.
const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD.with_decode_allow_trailing_bits(true));

/// A parsed bcrypt hash.
struct Bcrypt {
    cost: u32,
    salt: [u8; 16],
    tag: [u8; 23],
}

impl Scheme for Bcrypt {
    fn verify(&self, password: &[u8], _hasher: &mut Hasher) -> Result<Verdict, HashError> {
        // PW-06: the software that made the hash ignored everything after byte 72, so this one verification does too.
        let mut key = Zeroizing::new([0; KEY_BYTES_MAX]);
        let used = password.len().min(KEY_BYTES_MAX);
        key[..used].copy_from_slice(&password[..used]);
        let key_len = (used + 1).min(KEY_BYTES_MAX);
        let computed = ::bcrypt::bcrypt(self.cost, self.salt, &key[..key_len]);
        let same = same_bytes(&computed[..self.tag.len()], &self.tag);
        // PW-07: the key is repeated with its closing NUL, so "a" and "a\0a" give one hash, and C software stops at the
        // first NUL. A password with a NUL matches no bcrypt hash; the work is done all the same.
        let nul = password.contains(&0);
        Ok(Verdict::from_same(same && !nul))
    }

    fn needs_rehash(&self, _current: &Argon2Params) -> bool {
        true
    }

    fn cost(&self) -> String {
        format!("cost={}", self.cost)
    }
}

fn parse(stored: &str) -> Result<Bcrypt, ParseError> {
    // ASCII first: the slices below then never cut a character.
    if stored.len() != STORED_BYTES || !stored.is_ascii() || stored.as_bytes()[6] != b'$' {
        return malformed("it must have 60 ASCII characters: prefix, two digits of cost, $, salt and tag");
    }
    // Below ten the cost is written with a leading zero.
    let digits = stored[4..6].strip_prefix('0').unwrap_or(&stored[4..6]);
    let Some(cost) = number(digits) else {
        return malformed("the cost is not two digits");
    };
    if !(COST_MIN..=COST_MAX).contains(&cost) {
        return Err(ParseError::CostOutOfRange {
            format: NAME,
            name: "cost",
            value: cost,
            min: COST_MIN,
            max: COST_MAX,
        });
    }
    let (mut salt, mut tag) = ([0; 16], [0; 23]);
    let decoded = (BASE64.decode_slice(&stored[7..29], &mut salt), BASE64.decode_slice(&stored[29..], &mut tag));
    match decoded {
        (Ok(16), Ok(23)) => Ok(Bcrypt { cost, salt, tag }),
        _ => malformed("salt or tag is not in bcrypt's base64"),
    }
}

fn malformed<T>(what: &'static str) -> Result<T, ParseError> {
    Err(ParseError::Malformed { format: NAME, what })
}

#[cfg(test)]
mod tests {
    use crate::hash::{PasswordHash, Verdict};
    use crate::hasher::{Backend, Hasher};
    use crate::params::Argon2Params;

    const TAIL: &str = "abcdefghijklmnopqrstuuCi15uRb1eH7NAlJ/TgeJertyknQpYn2";

    fn refusal(stored: &str) -> Option<String> {
        PasswordHash::parse(stored).err().map(|error| error.to_string())
    }

    #[test]
    fn costs_are_bounded_at_parse() {
        // PW-08
        for (cost, refused) in [("04", false), ("15", false), ("16", true), ("31", true), ("03", true), ("00", true)] {
            let number: u32 = cost.parse().unwrap();
            let message = format!("bcrypt hash refused: cost is {number}; it must be between 4 and 15");
            assert_eq!(refusal(&format!("$2b${cost}${TAIL}")), refused.then_some(message), "{cost}");
        }
    }

    #[test]
    fn malformed_texts_are_refused() {
        let cases = [
            "$2b$".to_owned(),
            format!("$2b$04${}", &TAIL[1..]),
            format!("$2b$04${TAIL}a"),
            format!("$2b$4${TAIL}a"),
            format!("$2b$+4${TAIL}"),
            format!("$2b$ 4${TAIL}"),
            format!("$2b$004{TAIL}"),
            format!("$2b$04${}\u{e4}", &TAIL[2..]),
            format!("$2b$04${}=", &TAIL[1..]),
            format!("$2b$04${}+", &TAIL[1..]),
            format!("$2b$04$\0{}", &TAIL[1..]),
        ];
        for stored in cases {
            let message = refusal(&stored).unwrap_or_else(|| panic!("accepted: {stored}"));
            assert!(message.starts_with("malformed bcrypt hash: "), "{stored}: {message}");
        }
    }

    #[test]
    fn a_nul_never_matches() {
        // PW-07. The hash is that of "abc"; "abc\0abc" repeats to the very same key.
        let hash = PasswordHash::parse(&format!("$2a$04${TAIL}")).unwrap();
        let mut hasher = Hasher::new(Backend::Fast);
        let same_key = ::bcrypt::bcrypt(4, [7; 16], b"abc\0") == ::bcrypt::bcrypt(4, [7; 16], b"abc\0abc\0");
        assert!(same_key, "the attack this rule is for");
        for (password, verdict) in [
            (&b"abc"[..], Verdict::Match),
            (b"abc\0", Verdict::Mismatch),
            (b"abc\0x", Verdict::Mismatch),
            (b"abc\0abc", Verdict::Mismatch),
            (b"\0", Verdict::Mismatch),
            (b"", Verdict::Mismatch),
        ] {
            assert_eq!(hash.verify(password, &mut hasher), Ok(verdict), "{password:?}");
        }
    }

    #[test]
    fn unused_bits_in_salt_and_tag_are_ignored() {
        // 'v' differs from 'u' in bits the salt does not have; '3' from '2' in one the tag does not have.
        let odd = TAIL.replacen("uuCi", "uvCi", 1).replace("Yn2", "Yn3");
        let hash = PasswordHash::parse(&format!("$2b$04${odd}")).unwrap();
        assert_eq!(hash.verify(b"abc", &mut Hasher::new(Backend::Fast)), Ok(Verdict::Match));
    }

    #[test]
    fn every_match_needs_a_rehash() {
        let hash = PasswordHash::parse(&format!("$2y$12${TAIL}")).unwrap();
        assert!(hash.needs_rehash(&Argon2Params::default()));
    }
}
