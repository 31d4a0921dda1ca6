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
    use super::Handle;

    #[test]
    fn handle_text_round_trips_and_is_strict() {
        let handle = Handle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(Handle::from_hex(&handle.to_string()), Some(handle));
        for wrong in ["", "00", "+00102030405060708090a0b0c0d0eff", "000102030405060708090A0B0C0D0EFF"] {
            assert_eq!(Handle::from_hex(wrong), None, "{wrong}");
        }
    }
}
