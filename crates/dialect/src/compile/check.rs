//! `check`: the API's own rules for inputs, each with what is said when it does not hold.

use myna_core::problem::ProblemKind;

use super::Compiler;
use super::request::Reading;
use super::words::Written;
use crate::check::{Check, Rule};
use crate::diagnostic::did_you_mean;
use crate::file::{Table, Text};
use crate::messages::{Phrase, fill, fill_sized};

const CHECK_KEYS: [&str; 8] = ["field", "rule", "message", "min", "max", "as", "values", "code"];

impl Compiler {
    pub(super) fn checks(&mut self, table: &Table<'_>, reading: &Reading<'_>) -> Vec<Check> {
        let tables = table.tables("check", &mut self.faults);
        tables.iter().filter_map(|table| self.check(table, reading)).collect()
    }

    fn check(&mut self, table: &Table<'_>, reading: &Reading<'_>) -> Option<Check> {
        table.only(&CHECK_KEYS, &mut self.faults);
        let field = table.needed("field", &mut self.faults);
        let rule = table.needed("rule", &mut self.faults);
        let words = table.has("message").then(|| self.message(table, "message")).flatten();
        let code = table.text("code", &mut self.faults).map(|code| code.value);
        let input = field.and_then(|name| self.checked(&name, reading));
        let rule_name = rule?;
        let (min, max) = (table.number("min", &mut self.faults), table.number("max", &mut self.faults));
        let (min, max) = (min.unwrap_or_default(), max.unwrap_or(u32::MAX));
        let other = table.text("as", &mut self.faults);
        let rule = match rule_name.value.as_str() {
            "required" => Rule::Required,
            "email" => Rule::Email,
            "username" => Rule::Username,
            "size" => Rule::Size { min, max },
            "one_of" => {
                let values: Vec<String> =
                    table.texts("values", &mut self.faults).into_iter().map(|text| text.value).collect();
                if values.is_empty() {
                    self.faults.add(table.span.clone(), "`one_of` wants `values`: a list of what it may be");
                }
                Rule::OneOf(values.into())
            }
            "same" => {
                if other.is_none() {
                    self.faults.add(table.span.clone(), "`same` wants `as`: what it has to be the same as");
                }
                Rule::Same(self.checked(other.as_ref()?, reading)?)
            }
            unknown => {
                let list = || format!("rules are: {}", Rule::NAMES.join(", "));
                let help = did_you_mean(unknown, Rule::NAMES).unwrap_or_else(list);
                self.faults.add_with(rule_name.span, format!("there is no rule `{unknown}`"), help);
                return None;
            }
        };
        let sized = matches!(rule, Rule::Size { .. });
        if sized && (min > max || (!table.has("min") && !table.has("max"))) {
            self.faults.add(table.span.clone(), "`size` wants `min`, `max` or both, `min` not above `max`");
        }
        for (key, of) in [("min", "size"), ("max", "size"), ("as", "same"), ("values", "one_of")] {
            if table.has(key) && rule_name.value != of {
                self.faults.add(table.place(key), format!("the rule `{}` has no `{key}`", rule_name.value));
            }
        }
        let input = input?;
        let phrases = self.phrases(&rule, words.as_ref(), code, &reading.inputs.get(input)?.wire);
        Some(Check { input, rule, phrases })
    }

    fn checked(&mut self, name: &Text, reading: &Reading<'_>) -> Option<usize> {
        let found = reading.find(&name.value);
        if found.is_none() {
            let help = did_you_mean(&name.value, reading.inputs.iter().map(|input| input.name.as_str()));
            self.faults.add_with(name.span.clone(), format!("nothing reads `{}`", name.value), help);
        }
        found
    }

    /// What is said when the rule does not hold; the second for what is too long.
    fn phrases(&self, rule: &Rule, written: Option<&Written>, code: Option<String>, wire: &str) -> [Phrase; 2] {
        let kinds = match rule {
            Rule::Required => [ProblemKind::Required; 2],
            Rule::Email => [ProblemKind::NotEmail; 2],
            Rule::Username => [ProblemKind::NotUsername; 2],
            Rule::Size { min, max } => [ProblemKind::TooShort { min: *min }, ProblemKind::TooLong { max: *max }],
            Rule::Same(_) => [ProblemKind::Differs; 2],
            Rule::OneOf(_) => [ProblemKind::NotListed; 2],
        };
        kinds.map(|kind| {
            let own = self.messages.of(kind, wire);
            let words = written.map(|written| {
                written.words(&self.languages, |text| match rule {
                    Rule::Size { min, max } => fill_sized(text, wire, kind, [Some(*min), Some(*max)]),
                    Rule::Required | Rule::Email | Rule::Username | Rule::Same(_) | Rule::OneOf(_) => {
                        fill(text, wire, kind)
                    }
                })
            });
            Phrase { words: words.unwrap_or(own.words), code: code.clone().unwrap_or(own.code) }
        })
    }
}
