//! A dialect's own rules for its inputs, in its own words. They come before the operation's rules and never replace them.

use myna_core::identifier::{is_email, is_username};

use crate::decode::Got;
use crate::messages::Phrase;

/// One rule for one input.
#[derive(Debug)]
pub(crate) struct Check {
    /// Which input.
    pub(crate) input: usize,
    /// What must hold.
    pub(crate) rule: Rule,
    /// What is said when it does not hold; the second when a text is too long, not too short.
    pub(crate) phrases: [Phrase; 2],
}

/// What can be asked of an input. A value that is absent passes every rule but the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Rule {
    /// It is there and not empty.
    Required,
    /// It can be an e-mail address.
    Email,
    /// It can be a username.
    Username,
    /// It has so many code points.
    Size { min: u32, max: u32 },
    /// It is the same as another input; absent is not the same as something.
    Same(usize),
    /// It is one of these, letter by letter.
    OneOf(Box<[String]>),
}

impl Rule {
    /// The names in dialect files.
    pub(crate) const NAMES: [&'static str; 6] = ["required", "email", "username", "size", "same", "one_of"];
}

impl Check {
    /// What is to be said, if the rule does not hold.
    pub(crate) fn fails(&self, got: &[Got<'_>]) -> Option<&Phrase> {
        let [first, second] = &self.phrases;
        let text = text_of(got, self.input);
        let holds = match (&self.rule, text) {
            (Rule::Same(other), text) => text == text_of(got, *other),
            (Rule::Required, text) => text.is_some(),
            (_, None) => true,
            (Rule::Email, Some(text)) => is_email(text),
            (Rule::Username, Some(text)) => is_username(text),
            (Rule::Size { min, max }, Some(text)) => {
                let size = text.chars().count();
                if size > *max as usize {
                    return Some(second);
                }
                size >= *min as usize
            }
            (Rule::OneOf(values), Some(text)) => values.iter().any(|value| value == text),
        };
        (!holds).then_some(first)
    }

    /// Whether nothing more is said about an input that fails here.
    pub(crate) fn is_required(&self) -> bool {
        self.rule == Rule::Required
    }

    /// Whether the rule is about two inputs being the same.
    pub(crate) const fn is_repetition(&self) -> bool {
        matches!(self.rule, Rule::Same(_))
    }
}

/// An empty text is the same as none.
fn text_of<'g>(got: &'g [Got<'_>], at: usize) -> Option<&'g str> {
    match got.get(at) {
        Some(Got::Text(text)) if !text.is_empty() => Some(text),
        Some(Got::Raw(text)) => Some(text),
        Some(Got::Text(_) | Got::Absent | Got::Wrong) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Words;

    #[test]
    fn each_rule_holds_and_fails() {
        let size = || Rule::Size { min: 3, max: 4 };
        let one_of = || Rule::OneOf(["a".to_owned(), "1".to_owned()].into());
        for (rule, value, said) in [
            (Rule::Required, "", Some("first")),
            (Rule::Required, "x", None),
            (Rule::Email, "", None),
            (Rule::Email, "x", Some("first")),
            (Rule::Email, "x@y.example", None),
            (Rule::Username, "a b", Some("first")),
            (Rule::Username, "ab", None),
            (size(), "", None),
            (size(), "ab", Some("first")),
            (size(), "ééé", None),
            (size(), "éééé", None),
            (size(), "ééééé", Some("second")),
            (one_of(), "", None),
            (one_of(), "1", None),
            (one_of(), "A", Some("first")),
            (Rule::Same(1), "other", None),
            (Rule::Same(1), "Other", Some("first")),
            (Rule::Same(1), "", Some("first")),
        ] {
            let phrase = |code: &str| Phrase { words: Words::one(""), code: code.to_owned() };
            let check = Check { input: 0, rule: rule.clone(), phrases: ["first", "second"].map(phrase) };
            let told = check.fails(&[Got::text(value), Got::text("other")]).map(|phrase| phrase.code.as_str());
            assert_eq!(told, said, "{rule:?} {value}");
        }
    }
}
