//! Whether a new password is good enough: long, not common, not made of what everybody knows about the user. It asks
//! for no composition (PW-02) and is never used at login: an old password stays valid.

use thiserror::Error;
use zxcvbn::{Score, zxcvbn};

use crate::password::Password;

/// Estimating is costly for long texts; so many bytes decide (cut between characters).
const JUDGED_BYTES_MAX: usize = 100;
/// So many words about the user are looked at, each up to [`JUDGED_BYTES_MAX`] bytes.
const CONTEXT_WORDS_MAX: usize = 16;
/// Shorter words are in too many good passwords.
const CONTEXT_WORD_CHARS_MIN: usize = 3;
/// The first word anybody tries here.
const PRODUCT_NAME: &str = "myna";
/// Below it, about a million guesses find the password.
const SCORE_MIN: Score = Score::Two;

/// What the operator asks of new passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The shortest password, in code points after NFC. 15 by default; 8 is enough only beside a second factor (NIST
    /// SP 800-63B-4 section 3.1.1.2).
    pub min_length: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_length: 15 }
    }
}

/// Why a new password is refused; to be told to the user (PW-03).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Weakness {
    /// Not long enough.
    #[error("the password must have at least {min} characters")]
    TooShort {
        /// The least number of code points.
        min: u32,
    },
    /// Among the first guesses for anybody: common, repeated, a sequence, a walk on the keyboard.
    #[error("the password is too easy to guess")]
    TooCommon,
    /// Among the first guesses for this user: their name, their e-mail address, the name of this server.
    #[error("the password is too close to the user's own name or address")]
    ContainsContext,
}

/// Judges a new password, at registration, change and reset alike (PW-03).
///
/// `context` is what is publicly known: identifier, e-mail address, names, the site's name. The local part of an
/// address and the product's name are added here. Costs milliseconds: call it on the hash threads.
///
/// # Errors
/// The first [`Weakness`] found.
pub fn check(password: &Password, context: &[&str], policy: &Policy) -> Result<(), Weakness> {
    let text = password.as_str();
    if text.chars().count() < policy.min_length as usize {
        return Err(Weakness::TooShort { min: policy.min_length });
    }
    let judged = head(text);
    if zxcvbn(judged, &words(context)).score() >= SCORE_MIN {
        return Ok(());
    }
    // Only now, on the rare refusal, find out which of the two to name.
    let common = zxcvbn(judged, &[]).score() < SCORE_MIN;
    Err(if common { Weakness::TooCommon } else { Weakness::ContainsContext })
}

fn words<'a>(context: &[&'a str]) -> Vec<&'a str> {
    let local_part = |word: &&'a str| word.split_once('@').map(|(local, _)| local);
    let parts = context.iter().filter_map(local_part);
    let mut words: Vec<&str> = std::iter::once(PRODUCT_NAME)
        .chain(context.iter().copied())
        .chain(parts)
        .filter(|word| word.chars().count() >= CONTEXT_WORD_CHARS_MIN)
        .map(head)
        .collect();
    words.truncate(CONTEXT_WORDS_MAX);
    words
}

/// As much of `text` as is looked at.
fn head(text: &str) -> &str {
    &text[..text.floor_char_boundary(JUDGED_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str, policy: &Policy) -> Result<(), Weakness> {
        let context = ["wren.fieldfare@example.org", "Wren Fieldfare", "zq", ""];
        check(&Password::parse(text).unwrap(), &context, policy)
    }

    #[test]
    fn easy_passwords_are_refused_and_hard_ones_are_not() {
        // PW-02, PW-03
        let cases = [
            ("passwordpassword", Err(Weakness::TooCommon)),
            ("PASSWORDpassword", Err(Weakness::TooCommon)),
            ("mynamynamynamyna", Err(Weakness::TooCommon)),
            ("aaaaaaaaaaaaaaaa", Err(Weakness::TooCommon)),
            ("123456789012345678", Err(Weakness::TooCommon)),
            ("abcdefghijklmnopqrstuvwxyz", Err(Weakness::TooCommon)),
            ("qwertyuiopqwertyuiop", Err(Weakness::TooCommon)),
            ("                    ", Err(Weakness::TooCommon)),
            ("🐦🐦🐦🐦🐦🐦🐦🐦🐦🐦🐦🐦🐦🐦🐦", Err(Weakness::TooCommon)),
            ("wren.fieldfare@example.org", Err(Weakness::ContainsContext)),
            ("Wren.Fieldfare1", Err(Weakness::ContainsContext)),
            ("Wren Fieldfare1", Err(Weakness::ContainsContext)),
            ("correct horse battery staple", Ok(())),
            ("mynas sleep on telegraph wires", Ok(())),
            ("kq7 zv2 pw9 xr4", Ok(())),
            ("onlylowercaselettersbutmany", Ok(())),
            ("🐦🌿🎧🧭🪁🔑🛶🧂📎🎈🪶🌋🧵🔭🥝", Ok(())),
            ("grüße aus київ 東京", Ok(())),
        ];
        for (text, judgement) in cases {
            assert_eq!(judge(text, &Policy::default()), judgement, "{text:?}");
        }
    }

    #[test]
    fn length_is_counted_in_code_points_after_nfc() {
        // PW-02: fifteen visible letters typed as thirty code points are fifteen; fourteen are too few.
        let vowels = ["a\u{308}", "e\u{301}", "u\u{30a}", "o\u{302}", "i\u{300}"];
        let typed = |count: usize| (0..count).map(|index| vowels[index * index % 5]).collect::<String>();
        let fourteen_birds: String = ('\u{1f400}'..).step_by(3).take(14).collect();
        let too_short = Err(Weakness::TooShort { min: 15 });
        for (text, short) in [(typed(14), true), (typed(15), false), (fourteen_birds, true)] {
            assert_eq!(judge(&text, &Policy::default()) == too_short, short, "{text:?}");
        }
        let eight = Policy { min_length: 8 };
        assert_eq!(judge("kq7zv2p", &eight), Err(Weakness::TooShort { min: 8 }));
        assert_eq!(judge("kq7zv2pw", &eight), Ok(()));
        assert_eq!(judge("sunshine", &eight), Err(Weakness::TooCommon));
    }

    #[test]
    fn any_text_is_judged_without_panic_up_to_the_limit() {
        // The cut at 100 bytes falls inside a character for some of these.
        for piece in ["a", "ä", "東", "🐦", "a\u{308}\u{301}", "1.1.", "\0", "\u{200d}", "aA1@"] {
            for lead in ["", "x", "xy", "xyz"] {
                let judgement = judge(&format!("{lead}{}", piece.repeat(1020 / piece.len())), &Policy::default());
                assert!(judgement.is_err() || !lead.is_empty(), "{piece:?} repeated is not a good password");
            }
        }
        let long: String = (0..64).map(|index| char::from(b'!' + (index * index * 7 % 94) as u8)).collect();
        assert_eq!(judge(&long, &Policy::default()), Ok(()), "64 characters are accepted");
    }

    #[test]
    fn context_words_are_few_and_bounded() {
        let long = "w".repeat(1000);
        let many: Vec<&str> = std::iter::repeat_n(long.as_str(), 100).collect();
        assert_eq!(words(&["ab", "wren@example.org"]), ["myna", "wren@example.org", "wren"]);
        let bounded = words(&many);
        assert_eq!(bounded.len(), CONTEXT_WORDS_MAX);
        assert!(bounded.iter().all(|word| word.len() <= JUDGED_BYTES_MAX));
    }
}
