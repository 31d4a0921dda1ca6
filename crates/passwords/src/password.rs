//! What a person typed as a password, within limits and in one canonical form. It is never shown, and nothing is cut
//! off, trimmed or folded.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The longest password accepted, in bytes of UTF-8 (PW-05). Every limit of NIST and ASVS is far below.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// NFC makes UTF-8 at most three times longer (Unicode Standard Annex 15, "maximum expansion factors").
const NFC_GROWTH_MAX: usize = 3;

/// A password as typed, in Unicode Normalization Form C. No `Debug`, no `Display`, overwritten when dropped.
///
/// NFC and nothing else (PW-04): the same letters typed on two keyboards are one password; spaces, case and every byte
/// of a long password count. A legacy hash made of the bytes of another form is therefore not matched.
pub struct Password(Zeroizing<String>);

/// The password has more than [`PASSWORD_BYTES_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
pub struct TooLong;

impl Password {
    /// Takes what was typed.
    ///
    /// # Errors
    /// [`TooLong`] if it exceeds [`PASSWORD_BYTES_MAX`] before or after normalisation. The first is looked at before
    /// anything is copied: a password of 1 MiB costs less than a wrong one (PW-05).
    pub fn parse(typed: &str) -> Result<Self, TooLong> {
        if typed.len() > PASSWORD_BYTES_MAX {
            return Err(TooLong);
        }
        // Room for the longest result: a reallocation would leave an unwiped copy behind.
        let mut text = Zeroizing::new(String::with_capacity(typed.len() * NFC_GROWTH_MAX));
        text.extend(typed.nfc());
        if text.len() > PASSWORD_BYTES_MAX { Err(TooLong) } else { Ok(Self(text)) }
    }

    /// The bytes that are hashed. Never log, format or compare them.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The same as text, for the strength check.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nfc_and_nothing_else() {
        // PW-04, PW-07
        let cases = [
            ("pa\u{308}sswort", "p\u{e4}sswort"),
            (" p\u{e4}sswort\u{2026} ", " p\u{e4}sswort\u{2026} "),
            ("\u{fb01}ne \u{2460}", "\u{fb01}ne \u{2460}"), // a compatibility form stays what it is: NFC, not NFKC
            ("UPPER lower\t", "UPPER lower\t"),
            ("abc\0x", "abc\0x"),
            ("", ""),
        ];
        for (typed, kept) in cases {
            assert_eq!(Password::parse(typed).unwrap().as_bytes(), kept.as_bytes(), "{typed:?}");
        }
    }

    #[test]
    fn the_limit_is_in_bytes_before_and_after_nfc() {
        // PW-05. U+1D160 has 4 bytes and decomposes to three characters of 4 bytes each, also in NFC.
        let cases = [
            ("a".repeat(PASSWORD_BYTES_MAX), true),
            ("a".repeat(PASSWORD_BYTES_MAX + 1), false),
            ("\u{1f426}".repeat(PASSWORD_BYTES_MAX / 4), true),
            ("\u{1d160}".repeat(PASSWORD_BYTES_MAX / 4), false),
            ("a".repeat(1024 * 1024), false),
        ];
        for (typed, accepted) in cases {
            let parsed = Password::parse(&typed);
            assert_eq!(parsed.is_ok(), accepted, "{} bytes", typed.len());
            let Ok(password) = parsed else { continue };
            assert!(password.0.capacity() <= typed.len() * NFC_GROWTH_MAX, "the text was moved while it grew");
        }
    }
}
