//! The words and the symbolic codes for what is wrong with a field: a dialect's own, else the core's English and its names.
//! It fills in names and numbers; it never decides that something is wrong.

use myna_core::problem::ProblemKind;

use crate::words::{Language, Words};

/// A failing field as the client sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldErrors {
    /// The name on the wire.
    pub field: String,
    /// In the dialect's words, at least one.
    pub messages: Vec<String>,
    /// The dialect's code for each of the messages.
    pub codes: Vec<String>,
}

impl FieldErrors {
    /// A field with nothing said of it yet.
    pub(crate) fn new(field: &str) -> Self {
        Self { field: field.to_owned(), messages: Vec::new(), codes: Vec::new() }
    }

    /// Adds what is wrong.
    pub(crate) fn say(&mut self, phrase: &Phrase, language: Language) {
        self.messages.push(phrase.words.say(language).to_owned());
        self.codes.push(phrase.code.clone());
    }
}

/// What is said of one thing that is wrong, fill-ins filled in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Phrase {
    pub(crate) words: Words,
    pub(crate) code: String,
}

/// A dialect's words and codes by problem kind.
#[derive(Default, Debug)]
pub(crate) struct Messages {
    pub(crate) words: Vec<(&'static str, Words)>,
    pub(crate) codes: Vec<(&'static str, String)>,
}

impl Messages {
    /// What is said of `kind` at the field with this wire name.
    pub(crate) fn of(&self, kind: ProblemKind, field: &str) -> Phrase {
        let own = self.words.iter().find(|(name, _)| *name == kind.name());
        let words = own.map_or_else(
            || Words::one(fill(kind.default_message(), field, kind)),
            |(_, words)| words.map(|text| fill(text, field, kind)),
        );
        Phrase { words, code: self.code(kind) }
    }

    /// The dialect's code for the kind; its name where it has none.
    pub(crate) fn code(&self, kind: ProblemKind) -> String {
        let own = self.codes.iter().find(|(name, _)| *name == kind.name());
        own.map_or_else(|| kind.name().to_owned(), |(_, code)| code.clone())
    }
}

/// Fills `{field}`, `{label}`, `{min}` and `{max}` in.
pub(crate) fn fill(words: &str, field: &str, kind: ProblemKind) -> String {
    fill_sized(words, field, kind, [None, None])
}

/// As [`fill`], where both ends of a size are known: one sentence may name both.
pub(crate) fn fill_sized(words: &str, field: &str, kind: ProblemKind, [min, max]: [Option<u32>; 2]) -> String {
    let number = |wanted: &str| match kind {
        ProblemKind::TooShort { min } if wanted == "min" => Some(min.to_string()),
        ProblemKind::TooLong { max } if wanted == "max" => Some(max.to_string()),
        ProblemKind::Required
        | ProblemKind::NotText
        | ProblemKind::NotEmail
        | ProblemKind::NotUsername
        | ProblemKind::TooShort { .. }
        | ProblemKind::TooLong { .. }
        | ProblemKind::TooCommon
        | ProblemKind::Taken
        | ProblemKind::Differs
        | ProblemKind::BadToken
        | ProblemKind::NotListed => None,
    };
    fill_with(words, |name| match name {
        "field" => Some(field.to_owned()),
        "label" => Some(label(field)),
        "min" if min.is_some() => min.map(|min| min.to_string()),
        "max" if max.is_some() => max.map(|max| max.to_string()),
        other => number(other),
    })
}

/// The last name of a field's path on the wire.
pub(crate) fn last_name(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}

/// The field's last name as people write it.
pub(crate) fn label(field: &str) -> String {
    last_name(field).replace('_', " ")
}

/// The field's place in the body (RFC 6901).
pub(crate) fn pointer(field: &str) -> String {
    field.split('.').map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Fills in what `fill_in` knows; the rest stays as it is, `{{` and `}}` are braces. A value is never read again for fill-ins.
pub(crate) fn fill_with(words: &str, fill_in: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(words.len() + 16);
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(&before.replace("}}", "}"));
        if let Some(after) = after.strip_prefix('{') {
            text.push('{');
            rest = after;
            continue;
        }
        let known = after.split_once('}').and_then(|(name, after)| Some((fill_in(name)?, after)));
        match known {
            Some((value, after)) => {
                text.push_str(&value);
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + &rest.replace("}}", "}")
}

/// The fill-ins of `words` that no message knows.
pub(crate) fn unknown_fill_ins(words: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = words;
    while let Some((_, after)) = rest.split_once('{') {
        // Two braces are one.
        rest = after.strip_prefix('{').unwrap_or(after);
        if rest.len() == after.len()
            && let Some((name, _)) = after.split_once('}')
            && !FILL_INS.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// What a message can have filled in.
pub(crate) const FILL_INS: [&str; 4] = ["field", "label", "min", "max"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_words_come_first_and_values_are_not_read_again() {
        let messages = Messages {
            words: vec![("required", Words::one("The {label} field is required ({field})."))],
            codes: vec![("required", "E1".to_owned())],
        };
        let said = |kind, field| {
            let mut errors = FieldErrors::new(field);
            errors.say(&messages.of(kind, field), Language::default());
            (errors.messages.remove(0), errors.codes.remove(0))
        };
        for (kind, field, words, code) in [
            (ProblemKind::Required, "first_name", "The first name field is required (first_name).", "E1"),
            (ProblemKind::TooShort { min: 8 }, "p", "The p must be at least 8 characters.", "too_short"),
            (ProblemKind::Required, "{min}", "The {min} field is required ({min}).", "E1"),
        ] {
            assert_eq!(said(kind, field), (words.to_owned(), code.to_owned()));
        }
        assert_eq!(fill("{min} {nobody} {", "x", ProblemKind::Required), "{min} {nobody} {");
        for (field, words, place) in [
            ("first_name", "first name", "/first_name"),
            ("data.attributes.first_name", "first name", "/data/attributes/first_name"),
            ("a/b.c~d", "c~d", "/a~1b/c~0d"),
        ] {
            assert_eq!((label(field), pointer(field)), (words.to_owned(), place.to_owned()));
        }
        assert_eq!(fill("{{min}} {min} {{{min}}} }", "x", ProblemKind::TooShort { min: 8 }), "{min} 8 {8} }");
        assert_eq!(unknown_fill_ins("{field} {nam} {max} {{lab}} {{{lib}}}"), ["nam", "lib"]);
    }
}
