//! The text form of opaque tokens: a fixed prefix and the bytes in one alphabet, both set by the dialect. Reading is
//! canonical: exactly one text stands for given bytes. It never knows what the bytes mean.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use data_encoding::BASE32_NOPAD;

/// The longest text, in bytes, that is read.
const TEXT_BYTES_MAX: usize = 4096;

/// How bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Lowercase hexadecimal digits.
    Hex,
    /// Base64url without padding (RFC 4648 §5).
    Base64Url,
    /// Base32 in small letters without padding (RFC 4648 §6).
    Base32,
}

/// How a dialect writes opaque tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpaqueFormat {
    prefix: String,
    alphabet: Alphabet,
}

impl OpaqueFormat {
    /// `prefix` stands before the bytes as it is, and may be empty.
    #[must_use]
    pub fn new(prefix: impl Into<String>, alphabet: Alphabet) -> Self {
        Self { prefix: prefix.into(), alphabet }
    }

    /// Writes `bytes`.
    #[must_use]
    pub fn encode(&self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(self.prefix.len().saturating_add(bytes.len().saturating_mul(2)));
        text.push_str(&self.prefix);
        match self.alphabet {
            Alphabet::Hex => text.push_str(&hex(bytes)),
            Alphabet::Base64Url => BASE64_URL_SAFE_NO_PAD.encode_string(bytes, &mut text),
            Alphabet::Base32 => {
                let written = text.len();
                BASE32_NOPAD.encode_append(bytes, &mut text);
                if let Some(body) = text.get_mut(written..) {
                    body.make_ascii_lowercase();
                }
            }
        }
        text
    }

    /// Reads what [`OpaqueFormat::encode`] wrote; `None` for any other text: another prefix, other case of letters,
    /// padding, blanks, bits left over, more than 4,096 bytes.
    #[must_use]
    pub fn decode(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let body = text.strip_prefix(&self.prefix)?;
        match self.alphabet {
            Alphabet::Hex => {
                let (pairs, odd) = body.as_bytes().as_chunks::<2>();
                let decoded = pairs.iter().map(|[high, low]| Some((value(*high)? << 4) | value(*low)?)).collect();
                if odd.is_empty() { decoded } else { None }
            }
            Alphabet::Base64Url => BASE64_URL_SAFE_NO_PAD.decode(body).ok(),
            Alphabet::Base32 if body.bytes().any(|byte| byte.is_ascii_uppercase()) => None,
            Alphabet::Base32 => BASE32_NOPAD.decode(body.to_ascii_uppercase().as_bytes()).ok(),
        }
    }
}

/// Lower-case hexadecimal, two digits a byte. The text is never moved while it grows, so that no copy of a secret stays.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    text
}

/// The hexadecimal digit of the low four bits.
fn digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let all: Vec<u8> = (0..=255).collect();
        for alphabet in [Alphabet::Hex, Alphabet::Base64Url, Alphabet::Base32] {
            for prefix in ["", "def50200", "rt_"] {
                let format = OpaqueFormat::new(prefix, alphabet);
                for length in [0, 1, 2, 3, 65, 256] {
                    let text = format.encode(&all[..length]);
                    assert!(text.starts_with(prefix));
                    assert_eq!(format.decode(&text).as_deref(), Some(&all[..length]));
                }
            }
        }
        assert_eq!(OpaqueFormat::new("x", Alphabet::Hex).encode(&[0x0f, 0xa0]), "x0fa0");
        // RFC 4648 §10
        for (bytes, text) in [("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(OpaqueFormat::new("Pre_", Alphabet::Base32).encode(bytes.as_bytes()), format!("Pre_{text}"));
        }
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        let hex = OpaqueFormat::new("def5", Alphabet::Hex);
        for bad in ["", "def", "DEF500", "def50", "def50A", "def50g", "def5 00", "def500 ", "00", "def5é0", "def5+1"] {
            assert_eq!(hex.decode(bad), None, "{bad}");
        }
        let base64url = OpaqueFormat::new("rt_", Alphabet::Base64Url);
        for bad in ["rt_AB", "rt_AA==", "rt_A", "rt_+/8", "rt_ AA", "rt_AA\n", "AA"] {
            assert_eq!(base64url.decode(bad), None, "{bad}");
        }
        assert_eq!(base64url.decode("rt_AA"), Some(vec![0]));
        let base32 = OpaqueFormat::new("T.", Alphabet::Base32);
        for bad in ["T.MY", "T.mY", "T.my======", "T.mz", "T.m", "T.myy", "T.m1", "T.m ", "t.my", "my"] {
            assert_eq!(base32.decode(bad), None, "{bad}");
        }
        assert_eq!(base32.decode("T.my"), Some(b"f".to_vec()));
        assert_eq!(OpaqueFormat::new("", Alphabet::Hex).decode(&"00".repeat(2049)), None);
    }
}
