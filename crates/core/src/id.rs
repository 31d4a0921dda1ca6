//! The names of stored things: who a user is, which session is meant. No name here is ever used twice.

use std::fmt;

/// A user's integer name: positive, 64 bits, never reused, also not after the user is deleted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UserId(pub i64);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl UserId {
    /// The id as a client says it: the number, or the UUID that holds it (RFC 9562 §5.8), with or without hyphens, its
    /// letters large or small. One id has no other spellings.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| text.parse().ok().filter(|number: &i64| number.to_string() == text);
        number(text).or_else(|| inside_uuid(text)).map(Self)
    }
}

fn inside_uuid(text: &str) -> Option<i64> {
    let hyphens: Vec<usize> = text.match_indices('-').map(|(at, _)| at).collect();
    if !hyphens.is_empty() && hyphens != [8, 13, 18, 23] {
        return None;
    }
    let digits = text.replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bits = u128::from_str_radix(&digits, 16).ok()?;
    let (high, low) = ((bits >> 80) as u64 & 0xffff, bits as u64 & 0xffff_ffff_ffff);
    let frame = bits & !(0xffff << 80) & !0xffff_ffff_ffff;
    (frame == 0x8000_8000 << 48).then_some((high << 48 | low) as i64)
}

/// 128 random bits that name a session or a challenge of one user.
///
/// It is no secret by itself (tokens that name it carry a signature or a MAC), but it cannot be guessed either.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(pub [u8; 16]);

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({self})")
    }
}

impl Handle {
    /// Reads the 32 lower-case hexadecimal digits that `Display` writes; anything else is `None`.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 32 || !digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// The first and the last handle whose text begins with `beginning`; `None` where no handle's does.
    pub fn beginning_with(beginning: &str) -> Option<(Self, Self)> {
        let missing = 32_usize.checked_sub(beginning.len())?;
        let filled = |digit: &str| Self::from_hex(&(beginning.to_owned() + &digit.repeat(missing)));
        Some((filled("0")?, filled("f")?))
    }
}

/// A session's full name: rows are keyed by user first, so that one user's sessions lie together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SessionId {
    /// Whose session it is.
    pub user: UserId,
    /// Which of the user's sessions.
    pub handle: Handle,
}

#[cfg(test)]
mod tests {
    use super::{Handle, UserId};

    #[test]
    fn a_user_id_has_two_spellings() {
        for (text, expected) in [
            ("42", Some(42)),
            ("00000000-0000-8000-8000-00000000002a", Some(42)),
            ("0000000000008000800000000000002A", Some(42)),
            ("00000000-7fff-8000-8000-ffffffffffff", Some(i64::MAX)),
            ("042", None),
            ("+42", None),
            ("42 ", None),
            ("", None),
            ("00000000-0000-8000-8000-0000000002a", None),
            ("00000000-00008000-8000-0000-0000002a", None),
            ("00000000-0000-4000-8000-00000000002a", None),
            ("00000001-0000-8000-8000-00000000002a", None),
            ("00000000-0000-8000-9000-00000000002a", None),
            ("+0000000-0000-8000-8000-00000000002a", None),
        ] {
            assert_eq!(UserId::parse(text), expected.map(UserId), "{text}");
        }
    }

    #[test]
    fn handle_text_round_trips_and_is_strict() {
        let handle = Handle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(Handle::from_hex(&handle.to_string()), Some(handle));
        for wrong in ["", "00", "+00102030405060708090a0b0c0d0eff", "000102030405060708090A0B0C0D0EFF"] {
            assert_eq!(Handle::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_beginning_names_the_handles_between_two() {
        let all = (Handle([0; 16]), Handle([255; 16]));
        assert_eq!(Handle::beginning_with(""), Some(all));
        let (mut first, mut last) = all;
        (first.0[0], first.0[1], last.0[0], last.0[1]) = (0xa0, 0xb0, 0xa0, 0xbf);
        assert_eq!(Handle::beginning_with("a0b"), Some((first, last)));
        let whole = "000102030405060708090a0b0c0d0eff";
        assert_eq!(Handle::beginning_with(whole), Handle::from_hex(whole).map(|handle| (handle, handle)));
        for wrong in ["g", "A", "é", "+1", "000102030405060708090a0b0c0d0eff0"] {
            assert_eq!(Handle::beginning_with(wrong), None, "{wrong}");
        }
    }
}
