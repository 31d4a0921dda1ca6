//! Lines of a case file and the small things read from them: headers, times, ids, and where a fault stands. It knows no
//! step.

use std::ops::Range;
use std::time::Duration;

use http::HeaderName;
use myna_core::id::UserId;

use super::pattern::Fault;
use crate::diagnostic::Diagnostic;

/// A line without its end, and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
}

impl Line<'_> {
    pub(super) fn span(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let line = |raw: &'_ str| {
        let begin = start;
        start += raw.len();
        begin
    };
    let starts: Vec<usize> = text.split_inclusive('\n').map(line).collect();
    text.lines().zip(starts).map(|(text, start)| Line { start, text }).collect()
}

/// The headers, and the body after the first empty line.
pub(super) fn split<'s, 'a>(lines: &'s [Line<'a>]) -> (&'s [Line<'a>], Option<&'s [Line<'a>]>) {
    match lines.iter().position(|line| line.text.trim().is_empty()) {
        Some(at) => (&lines[..at], lines.get(at + 1..)),
        None => (lines, None),
    }
}

pub(super) fn joined(lines: &[Line<'_>]) -> String {
    lines.iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
}

pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

pub(super) fn header(text: &str) -> Option<(HeaderName, &str)> {
    let (name, value) = text.split_once(':')?;
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value.trim_start_matches(' ')))
}

/// A hole's fault at the place where the hole stands.
pub(super) fn placed(fault: Fault, lines: &[Line<'_>]) -> Diagnostic {
    let Fault { word, message, help } = fault;
    let found = lines.iter().find_map(|line| Some(line.start + line.text.find(&word)?));
    let span = found.map_or_else(|| lines.first().map_or(0..0, |line| line.span()), |start| start..start + word.len());
    Diagnostic::new(message).at(span).help(help)
}

/// The byte that `serde_json` means by a line and a column, both from 1.
pub(super) fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// The error without its place, which counts from the wrong start.
pub(super) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]).to_owned()
}

pub(super) fn id(text: &str) -> Option<UserId> {
    text.parse().ok().filter(|id| *id > 0).map(UserId)
}

/// `31m`, `1d2h`: integers with `s`, `m`, `h` or `d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| !letter.is_ascii_digit()) {
        let (number, unit) = rest.split_at(at);
        let factor = match unit.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        seconds = number.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(seconds)?;
        rest = &unit[1..];
    }
    (rest.is_empty() && seconds > 0).then(|| Duration::from_secs(seconds))
}
