//! The words and the symbolic codes for what is wrong with a field: a dialect's own, else the core's English and its names.
//! It fills in names and numbers; it never decides that something is wrong.

use myna_core::problem::ProblemKind;

/// A failing field as the client sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldErrors {
    /// The name on the wire.
    pub field: String,
    /// In the dialect's words, at least one.
    pub messages: Vec<String>,
    /// The symbolic code of each message.
    pub codes: Vec<String>,
}

impl FieldErrors {
    /// Nothing is wrong with this field yet.
    pub(crate) const fn new(field: String) -> Self {
        Self { field, messages: Vec::new(), codes: Vec::new() }
    }

    /// This, too, is wrong with the field.
    pub(crate) fn add(&mut self, said: Said) {
        self.messages.push(said.message);
        self.codes.push(said.code);
    }
}

/// What is said about a rule that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Said {
    /// For people.
    pub(crate) message: String,
    /// For programs.
    pub(crate) code: String,
}

/// A dialect's symbolic codes by problem kind.
#[derive(Default, Debug)]
pub(crate) struct Codes(pub(crate) Vec<(&'static str, String)>);

impl Codes {
    /// The code for `kind`: the dialect's, else the kind's name.
    pub(crate) fn of(&self, kind: ProblemKind) -> String {
        let own = self.0.iter().find(|(name, _)| *name == kind.name()).map(|(_, code)| code.as_str());
        own.unwrap_or_else(|| kind.name()).to_owned()
    }
}

/// A dialect's words by problem kind.
#[derive(Default, Debug)]
pub(crate) struct Messages(pub(crate) Vec<(&'static str, String)>);

impl Messages {
    /// The words for `kind` at the field with this wire name.
    pub(crate) fn of(&self, kind: ProblemKind, field: &str) -> String {
        let own = self.0.iter().find(|(name, _)| *name == kind.name()).map(|(_, words)| words.as_str());
        fill(own.unwrap_or_else(|| kind.default_message()), field, kind)
    }
}

/// Fills `{field}`, `{label}`, `{min}` and `{max}` in.
pub(crate) fn fill(words: &str, field: &str, kind: ProblemKind) -> String {
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
        "label" => Some(field.replace('_', " ")),
        other => number(other),
    })
}

/// Fills in what `fill_in` knows; the rest stays as it is. A value is never read again for fill-ins.
pub(crate) fn fill_with(words: &str, fill_in: impl Fn(&str) -> Option<String>) -> String {
    let mut text = String::with_capacity(words.len() + 16);
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
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
    text + rest
}

/// The fill-ins of `words` that no message knows.
pub(crate) fn unknown_fill_ins(words: &str) -> Vec<&str> {
    let names = words.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
    names.filter(|name| !FILL_INS.contains(name)).collect()
}

/// What a message can have filled in.
pub(crate) const FILL_INS: [&str; 4] = ["field", "label", "min", "max"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dialects_words_come_first_and_values_are_not_read_again() {
        let messages = Messages(vec![("required", "The {label} field is required ({field}).".to_owned())]);
        assert_eq!(messages.of(ProblemKind::Required, "first_name"), "The first name field is required (first_name).");
        assert_eq!(messages.of(ProblemKind::TooShort { min: 8 }, "p"), "The p must be at least 8 characters.");
        assert_eq!(messages.of(ProblemKind::Required, "{min}"), "The {min} field is required ({min}).");
        assert_eq!(fill("{min} {nobody} {", "x", ProblemKind::Required), "{min} {nobody} {");
        assert_eq!(unknown_fill_ins("{field} {nam} {max}"), ["nam"]);
    }
}
