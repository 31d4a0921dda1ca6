//! What a person types to say who: e-mail or username. All kinds share one namespace and one canonical form, so that
//! nobody can take another's e-mail as a username (LG-10) or a look-alike spelling of a name (RS-04).

use unicode_normalization::UnicodeNormalization;

/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// The longest username, in code points.
pub const USERNAME_CHARS_MAX: usize = 128;

/// The canonical form of an identifier: what is stored, looked up and limited. Two spellings with one canonical form
/// are one identifier.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Canonical(String);

impl Canonical {
    /// Folds an identifier: surrounding white space dropped, then NFKC and upper-then-lower case per character until
    /// nothing changes. Free of locale, idempotent.
    ///
    /// `None` for what cannot be an identifier: empty, too long, or with control characters.
    pub fn of(text: &str) -> Option<Self> {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.len() > 4 * EMAIL_BYTES_MAX || trimmed.chars().any(char::is_control) {
            return None;
        }
        if trimmed.is_ascii() {
            // Nearly every identifier. NFKC changes nothing in ASCII, so one pass is what the rounds below come to.
            let folded = trimmed.to_ascii_lowercase();
            return (folded.len() <= 2 * EMAIL_BYTES_MAX).then_some(Self(folded));
        }
        let mut folded = fold(trimmed);
        // Folding can make new material for NFKC and the other way round; it settles in two rounds, the cap is a belt.
        for _ in 0..4 {
            let again = fold(&folded);
            if again == folded {
                break;
            }
            folded = again;
        }
        let folded = folded.trim().to_owned();
        (!folded.is_empty() && folded.len() <= 2 * EMAIL_BYTES_MAX).then_some(Self(folded))
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Upper case first: it joins what lower case alone keeps apart (`ß`/`ss`, `ı`/`i`, `ς`/`σ`, `ſ`/`s`).
fn fold(text: &str) -> String {
    text.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Whether `text` can be an e-mail address: one `@`, something on both sides, a plausible host, no white space, no
/// list of addresses (RS-02), at most [`EMAIL_BYTES_MAX`] bytes.
///
/// Whether it exists only a mail can tell, so this refuses the impossible and nothing else. The canonical form is held
/// to the same shape: a full-width `＠` or `，` is folded to what it looks like.
pub fn is_email(text: &str) -> bool {
    text.len() <= EMAIL_BYTES_MAX && both_forms(text, has_email_shape)
}

fn has_email_shape(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || ",;:<>()[]\\\"@".contains(c);
    let label = |l: &str| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-');
    !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !text.replacen('@', "", 1).chars().any(forbidden)
        && host.split('.').all(label)
        && host.split('.').count() > 1
}

/// Whether `text` can be a username: no `@` (that is what tells it from an e-mail), no white space or control
/// characters, at most [`USERNAME_CHARS_MAX`] code points. Nor in the canonical form: with a full-width `＠` the name
/// would be another's address (LG-10).
pub fn is_username(text: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '@';
    text.chars().count() <= USERNAME_CHARS_MAX && both_forms(text, |form| !form.chars().any(forbidden))
}

/// Whether `rule` holds for the text and for its canonical form. Text that has none could not be looked up.
fn both_forms(text: &str, rule: impl Fn(&str) -> bool) -> bool {
    rule(text) && Canonical::of(text).is_some_and(|canonical| rule(canonical.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Canonical::of(text).expect(text).as_str().to_owned()
    }

    // RS-04: K is the Kelvin sign, ﬀ a ligature, ＡＢ full-width.
    #[test]
    fn spellings_of_one_name_have_one_canonical_form() {
        for (one, other) in [
            ("Foo@Gmail.com", "foo@gmail.com"),
            ("mi\u{212A}e", "mike"),
            ("stra\u{df}e", "STRASSE"),
            ("adm\u{131}n", "admin"),
            ("\u{17f}am", "sam"),
            ("\u{ff21}\u{ff22}", "ab"),
            ("o\u{fb00}ice", "office"),
            ("\u{3c3}\u{3c2}", "\u{3a3}\u{3a3}"),
            (" foo ", "foo"),
            ("e\u{301}", "\u{e9}"),
        ] {
            assert_eq!(canonical(one), canonical(other), "{one} {other}");
        }
    }

    #[test]
    fn ascii_has_a_short_way_to_the_same_form() {
        for c in (0..=0x7f).map(char::from).filter(|c| !c.is_control()) {
            let text = format!("x{c}{c}Y");
            assert_eq!(canonical(&text), fold(&fold(&text)), "{text}");
        }
        assert!(Canonical::of(&"x".repeat(508)).is_some() && Canonical::of(&"x".repeat(509)).is_none());
    }

    // Many characters to a string, kept from meeting by an `a` before each. A block that is its own canonical form is
    // settled; of the others each character is tried alone, in the middle and at both ends, where white space is cut.
    #[test]
    fn canonicalisation_is_idempotent_for_every_character() {
        // Planes 4 to 13 are unassigned, 15 and 16 private: nothing there is ever folded, a sample is enough.
        let left_out = |c: &u32| !matches!(c >> 16, 0..=3 | 14) && !c.is_multiple_of(101);
        let all: Vec<char> = (1..=0x10_FFFF).filter(|c| !left_out(c)).filter_map(char::from_u32).collect();
        for block in all.chunks(64) {
            let text: String = block.iter().flat_map(|c| ['a', *c]).chain(['b']).collect();
            if Canonical::of(&text).is_some_and(|once| once.as_str() == text) {
                continue;
            }
            for text in block.iter().flat_map(|c| [format!("a{c}b"), format!("{c}b"), format!("a{c}")]) {
                if let Some(once) = Canonical::of(&text) {
                    assert_eq!(Canonical::of(once.as_str()).as_ref(), Some(&once), "{}", text.escape_unicode());
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_an_identifier_is_none() {
        for wrong in ["", "  ", "a\0b", "a\nb", &"x".repeat(5000)] {
            assert_eq!(Canonical::of(wrong), None);
        }
    }

    // RS-02
    #[test]
    fn emails_are_told_from_lists_and_nonsense() {
        for right in ["foo@gmail.com", "a.b+c@x.example", "ünï@bücher.example"] {
            assert!(is_email(right), "{right}");
        }
        for wrong in [
            "foo",
            "@x.example",
            "a@",
            "a@b@c.example",
            "a@x.example,b@y.example",
            "a b@x.example",
            "a@x",
            "a@.x.y",
            "a@-x.y",
            "a..b@x.y",
            "a\r\n@x.y",
            "a\u{ff20}b@x.example",
            "a\u{ff0c}b@x.example",
            "a@x\u{ff0e}\u{ff0e}example",
        ] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }

    // LG-10
    #[test]
    fn a_username_is_never_an_email() {
        assert!(is_username("guest"));
        // Full-width and small @; a diaeresis that folds to a space and a mark.
        let folded = ["a\u{ff20}b.example", "a\u{fe6b}b.example", "a\u{a8}b"];
        for wrong in ["", "a@b.example", "a b", "a\u{7}"].into_iter().chain(folded) {
            assert!(!is_username(wrong), "{wrong}");
        }
    }

    // LG-10: what has no canonical form is in no index, so nobody could be kept from taking it again.
    #[test]
    fn a_name_without_a_canonical_form_is_none() {
        let (face, ligature) = ("\u{1f600}".repeat(USERNAME_CHARS_MAX), "\u{fdfa}".repeat(40));
        assert!(Canonical::of(&face).is_none() && !is_username(&face));
        let email = format!("{ligature}@x.example");
        assert!(Canonical::of(&email).is_none() && email.len() <= EMAIL_BYTES_MAX && !is_email(&email));
    }
}
