//! Texts with holes: what a request fills in (`{token}`, `{repeat x 9}`) and what an answer is matched by (`<jwt>`). It
//! knows the notation; it never looks at HTTP or JSON.

use super::Captures;
use super::class::Class;
use crate::diagnostic::did_you_mean;

/// The most bytes that one `{repeat …}` makes.
const REPEAT_BYTES_MAX: usize = 16 << 20;

/// A hole that is written wrongly.
#[derive(Debug)]
pub(super) struct Fault {
    /// The hole as it stands in the text.
    pub(super) word: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// A text of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fill(Vec<Part>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Captured(String),
    Repeat(String, usize),
}

impl Fill {
    /// Reads a text. `names` are the captures made before it.
    pub(super) fn parse(text: &str, names: &[String], faults: &mut Vec<Fault>) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let (before, hole) = rest.split_at(open);
            let end = hole.find('}').map_or(hole.len(), |end| end + 1);
            let (hole, after) = hole.split_at(end);
            match part(hole, names, faults) {
                Some(part) => {
                    parts.push(Part::Bytes(before.into()));
                    parts.push(part);
                    rest = after;
                }
                None => {
                    parts.push(Part::Bytes(rest.as_bytes()[..=open].into()));
                    rest = &rest[open + 1..];
                }
            }
        }
        parts.push(Part::Bytes(rest.into()));
        Self(parts)
    }

    pub(super) fn fill(&self, captures: &Captures) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.0 {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::Captured(name) => {
                    let text = captures.text(name).unwrap_or_else(|| format!("{{{name}}}"));
                    out.extend_from_slice(text.as_bytes());
                }
                Part::Repeat(text, count) => out.extend_from_slice(text.repeat(*count).as_bytes()),
            }
        }
        out
    }
}

fn part(hole: &str, names: &[String], faults: &mut Vec<Fault>) -> Option<Part> {
    let inner = hole.strip_prefix('{')?.strip_suffix('}')?;
    let mut fault = |message: &str| {
        faults.push(Fault { word: hole.to_owned(), message: message.to_owned(), help: None });
        None
    };
    if let Some(arguments) = inner.strip_prefix("repeat ") {
        let Some((text, count)) = arguments.split_once(' ') else {
            return fault("what is repeated and how often: `{repeat x 1048576}`");
        };
        return match count.parse::<usize>() {
            Ok(count) if !text.is_empty() && count.saturating_mul(text.len()) <= REPEAT_BYTES_MAX => {
                Some(Part::Repeat(text.to_owned(), count))
            }
            _ => fault("not a number, or more than 16 MiB"),
        };
    }
    if let Some(digits) = inner.strip_prefix("bytes ") {
        let bytes: Result<Vec<u8>, _> =
            digits.split_ascii_whitespace().map(|pair| u8::from_str_radix(pair, 16)).collect();
        return bytes.ok().map(Part::Bytes).or_else(|| fault("bytes are two hexadecimal digits each: `{bytes c3 28}`"));
    }
    captured(hole, inner, names, faults).map(Part::Captured)
}

/// The capture that `{name}` stands for. Near a known name it is a slip, else the braces stand for themselves.
fn captured(hole: &str, name: &str, names: &[String], faults: &mut Vec<Fault>) -> Option<String> {
    if names.iter().any(|known| known == name) {
        return Some(name.to_owned());
    }
    if is_name(name)
        && let Some(help) = did_you_mean(name, names.iter().map(String::as_str))
    {
        faults.push(Fault {
            word: hole.to_owned(),
            message: format!("nothing is captured as `{name}` here"),
            help: Some(help),
        });
    }
    None
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// A text of an expected answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    Literal(String),
    Captured(String),
    Match(Class, Option<String>),
}

impl Pattern {
    /// Reads a text; the names that it captures are added to `names`.
    pub(super) fn parse(text: &str, names: &mut Vec<String>, faults: &mut Vec<Fault>) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '<']) {
            let (before, hole) = rest.split_at(open);
            literal.push_str(before);
            let close = if hole.starts_with('{') { '}' } else { '>' };
            let hole = hole.split_inclusive(close).next().unwrap_or(hole);
            if let Some(piece) = piece(hole, names, faults) {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(piece);
                rest = &rest[open + hole.len()..];
            } else {
                literal.push_str(&rest[open..=open]);
                rest = &rest[open + 1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self(pieces)
    }

    /// Its pieces, in order.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The only piece, where the pattern is no more than that.
    pub(super) fn single(&self) -> Option<&Piece> {
        match self.0.as_slice() {
            [piece] => Some(piece),
            _ => None,
        }
    }

    /// Whether the text matches, and then what it captures. Of several ways the one with the longest first match.
    pub(super) fn matches(&self, text: &str, captures: &mut Captures) -> bool {
        let mut found = Vec::new();
        let matched = walk(&self.0, text, captures, &mut found);
        if matched {
            found.into_iter().for_each(|(name, text)| captures.put(name, text));
        }
        matched
    }

    /// The pattern as it is written, with the captures that it refers to filled in.
    pub(super) fn show(&self, captures: &Captures) -> String {
        let show = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Captured(name) => captures.text(name).unwrap_or_else(|| format!("{{{name}}}")),
            Piece::Match(class, _) => {
                let name = Class::ALL.iter().find(|(_, known)| known == class).map_or("", |(name, _)| name);
                format!("<{name}>")
            }
        };
        self.0.iter().map(show).collect()
    }
}

fn piece(hole: &str, names: &mut Vec<String>, faults: &mut Vec<Fault>) -> Option<Piece> {
    if let Some(name) = hole.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return captured(hole, name, names, faults).map(Piece::Captured);
    }
    let inner = hole.strip_prefix('<')?.strip_suffix('>')?;
    let (class, name) = inner.split_once(' ').map_or((inner, None), |(class, name)| (class, Some(name)));
    if !is_name(class) || name.is_some_and(|name| !is_name(name)) {
        return None;
    }
    let Some(known) = Class::parse(class) else {
        if let Some(help) = did_you_mean(class, Class::ALL.map(|(name, _)| name)) {
            faults.push(Fault {
                word: hole.to_owned(),
                message: format!("no class is called `{class}`"),
                help: Some(help),
            });
        }
        return None;
    };
    names.extend(name.map(str::to_owned));
    Some(Piece::Match(known, name.map(str::to_owned)))
}

fn walk(pieces: &[Piece], text: &str, captures: &Captures, found: &mut Vec<(String, String)>) -> bool {
    let Some((piece, rest)) = pieces.split_first() else {
        return text.is_empty();
    };
    let after = |literal: &str| text.strip_prefix(literal);
    match piece {
        Piece::Literal(literal) => after(literal).is_some_and(|text| walk(rest, text, captures, found)),
        Piece::Captured(name) => {
            let literal = captures.text(name);
            literal.as_deref().and_then(after).is_some_and(|text| walk(rest, text, captures, found))
        }
        Piece::Match(class, name) => {
            let ends = (0..=text.len()).rev().filter(|end| text.is_char_boundary(*end));
            for end in ends {
                let (taken, text) = text.split_at(end);
                let before = found.len();
                found.extend(name.iter().map(|name| (name.clone(), taken.to_owned())));
                if class.accepts(taken) && walk(rest, text, captures, found) {
                    return true;
                }
                found.truncate(before);
            }
            false
        }
    }
}
