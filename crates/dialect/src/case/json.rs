//! Expected JSON: a tree whose leaves may be patterns, and how it differs from what came. Order of members and types
//! count; layout of the expectation does not.

use serde_json::Value;

use super::Captures;
use super::compare::{Mismatch, cut};
use super::pattern::{Fault, Pattern, Piece};

/// A node of an expected tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Null, a boolean, a number.
    Literal(Value),
    /// A string with its holes.
    Leaf(Pattern),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Node {
    pub(super) fn of(value: Value, names: &mut Vec<String>, faults: &mut Vec<Fault>) -> Self {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Literal(value),
            Value::String(text) => Self::Leaf(Pattern::parse(&text, names, faults)),
            Value::Array(items) => Self::Array(items.into_iter().map(|item| Self::of(item, names, faults)).collect()),
            Value::Object(members) => {
                let member = |(name, value)| (name, Self::of(value, names, faults));
                Self::Object(members.into_iter().map(member).collect())
            }
        }
    }

    /// Compares the bytes of an answer, which have to be compact JSON.
    pub(super) fn compare_bytes(&self, place: &str, bytes: &[u8], captures: &mut Captures, found: &mut Vec<Mismatch>) {
        let shown = || cut(&String::from_utf8_lossy(bytes));
        match serde_json::from_slice::<Value>(bytes) {
            Err(_) => found.push(Mismatch::new(place, "JSON", shown())),
            Ok(value) => {
                if has_blank(bytes) {
                    found.push(Mismatch::new(place, "compact JSON", shown()));
                }
                self.compare(place, &value, captures, found);
            }
        }
    }

    fn compare(&self, place: &str, value: &Value, captures: &mut Captures, found: &mut Vec<Mismatch>) {
        let mut differs = |expected: String| found.push(Mismatch::new(place, expected, cut(&value.to_string())));
        match (self, value) {
            (Self::Literal(expected), _) if expected == value => {}
            (Self::Literal(expected), _) => differs(expected.to_string()),
            (Self::Leaf(pattern), _) => {
                if !leaf(pattern, value, captures) {
                    differs(shown_leaf(pattern, captures));
                }
            }
            (Self::Array(items), Value::Array(values)) => {
                for (at, (item, value)) in items.iter().zip(values).enumerate() {
                    item.compare(&format!("{place}[{at}]"), value, captures, found);
                }
                for (at, item) in items.iter().enumerate().skip(values.len()) {
                    found.push(Mismatch::new(format!("{place}[{at}]"), item.show(captures), NOTHING));
                }
                for (at, value) in values.iter().enumerate().skip(items.len()) {
                    found.push(Mismatch::new(format!("{place}[{at}]"), NOTHING, cut(&value.to_string())));
                }
            }
            (Self::Array(_), _) => differs("an array".to_owned()),
            (Self::Object(members), Value::Object(values)) => {
                for (name, member) in members {
                    let place = format!("{place}.{name}");
                    match values.get(name) {
                        Some(value) => member.compare(&place, value, captures, found),
                        None => found.push(Mismatch::new(place, member.show(captures), NOTHING)),
                    }
                }
                let expected: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                for (name, value) in values.iter().filter(|(name, _)| !expected.contains(&name.as_str())) {
                    found.push(Mismatch::new(format!("{place}.{name}"), NOTHING, cut(&value.to_string())));
                }
                let got: Vec<&str> = values.keys().map(String::as_str).collect();
                if expected.len() == got.len() && expected != got && got.iter().all(|name| expected.contains(name)) {
                    let list = |names: &[&str]| format!("the order {}", names.join(", "));
                    found.push(Mismatch::new(place, list(&expected), list(&got)));
                }
            }
            (Self::Object(_), _) => differs("an object".to_owned()),
        }
    }
}

/// What a mismatch says where one side has nothing.
const NOTHING: &str = "nothing";

impl Node {
    /// The tree as compact JSON, what varies as it is written.
    pub(super) fn show(&self, captures: &Captures) -> String {
        match self {
            Self::Literal(value) => value.to_string(),
            Self::Leaf(pattern) => shown_leaf(pattern, captures),
            Self::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| item.show(captures)).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let member = |(name, member): &(String, Self)| {
                    format!("{}:{}", Value::from(name.as_str()), member.show(captures))
                };
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

fn leaf(pattern: &Pattern, value: &Value, captures: &mut Captures) -> bool {
    match pattern.single() {
        Some(Piece::Match(class, name)) => {
            let accepted = class.accepts_value(value);
            if let (true, Some(name)) = (accepted, name) {
                captures.put(name, value.clone());
            }
            accepted
        }
        Some(Piece::Captured(name)) => captures.value(name) == Some(value),
        Some(Piece::Literal(_)) | None => value.as_str().is_some_and(|text| pattern.matches(text, captures)),
    }
}

/// A hole that is the whole leaf is shown bare, as it may stand for a number; text is shown as JSON.
fn shown_leaf(pattern: &Pattern, captures: &Captures) -> String {
    match pattern.single() {
        Some(Piece::Captured(name)) => captures.value(name).map_or_else(|| pattern.show(captures), Value::to_string),
        Some(Piece::Match(..)) => pattern.show(captures),
        Some(Piece::Literal(_)) | None => Value::String(pattern.show(captures)).to_string(),
    }
}

/// Whether there is white space outside strings.
fn has_blank(json: &[u8]) -> bool {
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b' ' | b'\t' | b'\r' | b'\n' if !in_string => return true,
            _ => {}
        }
    }
    false
}
