//! The text of a case file → [`Case`], or every fault of it with its place. It reads line by line and sends nothing.

use std::ops::Range;

use http::{HeaderName, Method, StatusCode};
use serde_json::Value;

use super::compare::{Body, Jwt, Response};
use super::json::Node;
use super::line::{Line, duration, header, id, is_blank, joined, lines, message, offset, placed, split};
use super::pattern::{Fill, Pattern};
use super::user::CaseUser;
use super::{Action, Case, Exchange, RESET_TO, RESET_TOKEN, Request, Step};
use crate::diagnostic::{Diagnostic, Source, did_you_mean};

const WORDS: [&str; 9] = ["user", "advance", "mail", "no", "jwt", "disable", "enable", ">", "<"];

/// Parses a case file.
///
/// # Errors
/// Every fault, placed in the source.
pub fn parse(source: &Source) -> Result<Case, Vec<Diagnostic>> {
    let mut parser = Parser {
        text: &source.text,
        lines: lines(&source.text),
        at: 0,
        names: Vec::new(),
        faults: Vec::new(),
        case: Case { title: String::new(), users: Vec::new(), steps: Vec::new() },
    };
    parser.file();
    if parser.faults.is_empty() { Ok(parser.case) } else { Err(parser.faults) }
}

struct Parser<'a> {
    text: &'a str,
    lines: Vec<Line<'a>>,
    /// The next line, from 0.
    at: usize,
    /// What is captured so far.
    names: Vec<String>,
    faults: Vec<Diagnostic>,
    case: Case,
}

impl<'a> Parser<'a> {
    fn file(&mut self) {
        while let Some(line) = self.lines.get(self.at).copied() {
            let number = self.at + 1;
            self.at += 1;
            let text = line.text.trim();
            if let Some(comment) = text.strip_prefix('#') {
                if self.case.title.is_empty() {
                    self.case.title = comment.trim().to_owned();
                }
            } else if let Some(action) = (!text.is_empty()).then(|| self.step(line)).flatten() {
                self.case.steps.push(Step { line: number, action });
            }
        }
        if self.case.title.is_empty() {
            self.fault(0..0, "a case begins with a comment that says what it shows", None);
        }
        if self.case.steps.is_empty() && self.faults.is_empty() {
            self.fault(self.text.len()..self.text.len(), "a case has at least one step", None);
        }
    }

    fn step(&mut self, line: Line<'a>) -> Option<Action> {
        let (word, rest) = line.text.split_once(' ').unwrap_or((line.text, ""));
        let rest = rest.trim();
        match (word, rest) {
            (">", _) => self.exchange(),
            ("user", _) => {
                self.user(line);
                None
            }
            ("advance", _) => self.checked(line, duration(rest), "a time such as `31m` or `1d2h`").map(Action::Advance),
            ("mail", "reset") => {
                self.names.extend([RESET_TOKEN, RESET_TO].map(str::to_owned));
                Some(Action::ResetMail)
            }
            ("no", "mail") => Some(Action::NoMail),
            ("jwt", _) => self.jwt(line, rest).map(|jwt| Action::Jwt(Box::new(jwt))),
            ("disable", _) => self.checked(line, id(rest), "the id of a user").map(Action::Disable),
            ("enable", _) => self.checked(line, id(rest), "the id of a user").map(Action::Enable),
            _ if line.text.starts_with('<') => {
                self.block('<');
                self.fault(line.span(), "an answer without a request before it", None);
                None
            }
            _ => {
                let mail = (word == "mail" || word == "no").then(|| "`mail reset` or `no mail`".to_owned());
                let help = mail.or_else(|| did_you_mean(word, WORDS));
                self.fault(line.span(), "no such step", help);
                None
            }
        }
    }

    fn checked<T>(&mut self, line: Line<'_>, value: Option<T>, expected: &str) -> Option<T> {
        if value.is_none() {
            self.fault(line.span(), format!("expected {expected}"), None);
        }
        value
    }

    /// The user's JSON begins on this line and may go on over the next ones.
    fn user(&mut self, line: Line<'_>) {
        let start = line.start + "user".len();
        let text = self.text.get(start..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<CaseUser>();
        let parsed = values.next();
        let end = start + values.byte_offset();
        match parsed {
            Some(Ok(user)) => {
                let tail = self.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
                let again = self.case.users.iter().any(|other| other.id == user.id);
                let late = !self.case.steps.is_empty();
                let fault = user
                    .fault()
                    .or_else(|| again.then(|| format!("a second user with the id {}", user.id)))
                    .or_else(|| late.then(|| "users stand before the first step".to_owned()))
                    .or_else(|| (!tail.trim().is_empty()).then(|| "something follows the user on its line".to_owned()));
                if let Some(fault) = fault {
                    self.fault(line.start..end, fault, None);
                }
                self.case.users.push(user);
                self.at = self.lines.partition_point(|line| line.start < end);
            }
            Some(Err(error)) => {
                let place = start + offset(text, error.line(), error.column());
                self.fault(place..place + 1, message(&error), None);
                self.skip_paragraph();
            }
            None => self.fault(line.span(), "expected the user as a JSON object", None),
        }
    }

    fn skip_paragraph(&mut self) {
        while self.lines.get(self.at).is_some_and(|line| !line.text.trim().is_empty()) {
            self.at += 1;
        }
    }

    fn exchange(&mut self) -> Option<Action> {
        self.at -= 1;
        let block = self.block('>');
        let request = self.request(&block);
        while self.lines.get(self.at).is_some_and(|line| is_blank(line.text)) {
            self.at += 1;
        }
        let answer = self.block('<');
        if answer.is_empty() {
            let span = block.first().map_or(0..0, |line| line.span());
            self.fault(
                span,
                "this request has no answer",
                Some("lines that begin with `<`, first the status".to_owned()),
            );
            return None;
        }
        let response = self.response(&answer);
        Some(Action::Exchange(Box::new(Exchange { request: request?, response: response? })))
    }

    /// The lines from here on that begin with the mark, without it and one blank after it.
    fn block(&mut self, mark: char) -> Vec<Line<'a>> {
        let mut block = Vec::new();
        while let Some(line) = self.lines.get(self.at)
            && let Some(rest) = line.text.strip_prefix(mark)
        {
            let text = rest.strip_prefix(' ').unwrap_or(rest);
            block.push(Line { start: line.start + line.text.len() - text.len(), text });
            self.at += 1;
        }
        block
    }

    fn request(&mut self, block: &[Line<'a>]) -> Option<Request> {
        let (first, rest) = block.split_first()?;
        let mut words = first.text.split_ascii_whitespace();
        let method = words.next().and_then(|word| Method::from_bytes(word.as_bytes()).ok());
        let target = words.next().filter(|target| target.starts_with('/'));
        let end = words.next().is_none_or(|word| word.starts_with("HTTP/")) && words.next().is_none();
        let (Some(method), Some(target), true) = (method, target, end) else {
            self.fault(first.span(), "expected a method and a path: `> POST /api/login`", None);
            return None;
        };
        let (headers, body) = split(rest);
        let body = body.unwrap_or_default();
        let target = self.filled(target, block);
        let body = self.filled(&joined(body), body);
        let mut read = Vec::new();
        for line in headers {
            match header(line.text) {
                Some((name, value)) => read.push((name, self.filled(value, &[*line]))),
                None => self.fault(line.span(), "expected a header: `> content-type: application/json`", None),
            }
        }
        Some(Request { method, target, headers: read, body })
    }

    fn filled(&mut self, text: &str, lines: &[Line<'_>]) -> Fill {
        let mut faults = Vec::new();
        let fill = Fill::parse(text, &self.names, &mut faults);
        self.faults.extend(faults.into_iter().map(|fault| placed(fault, lines)));
        fill
    }

    fn response(&mut self, block: &[Line<'a>]) -> Option<Response> {
        let (first, rest) = block.split_first()?;
        let Ok(status) = StatusCode::from_bytes(first.text.trim().as_bytes()) else {
            self.fault(first.span(), "expected a status: `< 401`", None);
            return None;
        };
        let (lines, body) = split(rest);
        let mut headers = Vec::new();
        for line in lines {
            let absent = line.text.strip_prefix('!').map(|name| HeaderName::from_bytes(name.trim().as_bytes()));
            match (absent, header(line.text)) {
                (Some(Ok(name)), _) => headers.push((name, None)),
                (None, Some((name, value))) => headers.push((name, Some(self.pattern(value, &[*line])))),
                _ => {
                    self.fault(line.span(), "expected a header: `< content-type: text/plain` or `< !set-cookie`", None)
                }
            }
        }
        let body = self.body(body.unwrap_or_default())?;
        Some(Response { status, headers, body })
    }

    fn body(&mut self, lines: &[Line<'a>]) -> Option<Body> {
        let text = joined(lines);
        if text.is_empty() {
            return Some(Body::Empty);
        }
        if !text.starts_with(['{', '[']) {
            return Some(Body::Text(self.pattern(&text, lines)));
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => Some(Body::Json(self.node(value, lines))),
            Err(error) => {
                self.json_fault(&error, lines);
                None
            }
        }
    }

    fn jwt(&mut self, line: Line<'_>, name: &str) -> Option<Jwt> {
        let lines = self.block('=');
        if !self.names.iter().any(|known| known == name) {
            let help = did_you_mean(name, self.names.iter().map(String::as_str));
            self.fault(line.span(), format!("nothing is captured as `{name}` here"), help);
            return None;
        }
        let text = joined(&lines);
        let mut values = Vec::new();
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            match value {
                Ok(value) => values.push(self.node(value, &lines)),
                Err(error) => {
                    self.json_fault(&error, &lines);
                    return None;
                }
            }
        }
        let [header, claims] = values.as_slice() else {
            self.fault(line.span(), "expected two lines: `= {header}` and `= {claims}`", None);
            return None;
        };
        Some(Jwt { capture: name.to_owned(), header: header.clone(), claims: claims.clone() })
    }

    fn node(&mut self, value: Value, lines: &[Line<'_>]) -> Node {
        let mut faults = Vec::new();
        let node = Node::of(value, &mut self.names, &mut faults);
        self.faults.extend(faults.into_iter().map(|fault| placed(fault, lines)));
        node
    }

    fn pattern(&mut self, text: &str, lines: &[Line<'_>]) -> Pattern {
        let mut faults = Vec::new();
        let pattern = Pattern::parse(text, &mut self.names, &mut faults);
        self.faults.extend(faults.into_iter().map(|fault| placed(fault, lines)));
        pattern
    }

    fn json_fault(&mut self, error: &serde_json::Error, lines: &[Line<'_>]) {
        let last = lines.last().map_or(0, |line| line.span().end);
        let line = error.line().checked_sub(1).and_then(|index| lines.get(index));
        let place = line.map_or(last, |line| line.start + offset(line.text, 1, error.column()));
        self.fault(place..place + 1, message(error), None);
    }

    fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.faults.push(Diagnostic::new(message).at(span).help(help));
    }
}
