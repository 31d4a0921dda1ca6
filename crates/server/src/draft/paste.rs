//! Pasted HTTP exchanges → requests with their answers, or what cannot be read and where. It takes plain HTTP, the `> `
//! and `< ` of cases, and what `curl -v` prints.

use myna_dialect::diagnostic::{Diagnostic, Source};
use serde_json::Value;

/// The most that is pasted at once.
const PASTED_BYTES_MAX: usize = 1 << 20;
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// Headers and a body.
#[derive(Clone, Default, Debug)]
pub(super) struct Message {
    /// Names in small letters.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Body,
}

/// What was sent.
#[derive(Clone, Default, PartialEq, Debug)]
pub(super) enum Body {
    #[default]
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub(super) struct Pasted {
    pub(super) method: String,
    /// Without the query.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) request: Message,
    pub(super) status: u16,
    pub(super) answer: Message,
}

impl Pasted {
    /// Whether it went well. Some APIs say with status 200 that it did not, and in the body what they mean.
    pub(super) fn is_good(&self) -> bool {
        self.status < 400 && !self.answer.tells_a_failure()
    }
}

impl Message {
    fn tells_a_failure(&self) -> bool {
        let Body::Json(Value::Object(members)) = &self.body else { return false };
        members.iter().any(|(name, value)| match (name.to_ascii_lowercase().as_str(), value) {
            ("success" | "ok", Value::Bool(good)) => !good,
            ("status", Value::String(text)) => ["error", "fail", "failed", "failure"].contains(&text.as_str()),
            ("error" | "errors", Value::String(text)) => !text.is_empty(),
            ("error" | "errors", Value::Array(all)) => !all.is_empty(),
            ("error" | "errors", Value::Object(members)) => !members.is_empty(),
            _ => false,
        })
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a header.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads exchanges.
///
/// # Errors
/// Everything that cannot be read, with its place.
pub(super) fn parse(source: &Source) -> Result<Vec<Pasted>, Vec<Diagnostic>> {
    if source.text.len() > PASTED_BYTES_MAX {
        return Err(vec![Diagnostic::new("at most 1 MiB of exchanges is read at once")]);
    }
    let mut reader = Reader::default();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let text = line.trim_end_matches(['\r', '\n']);
        reader.line(text, start);
        start += line.len();
    }
    reader.finish();
    if reader.done.is_empty() && reader.faults.is_empty() {
        reader.faults.push(Diagnostic::new(NO_REQUEST).at(0..0));
    }
    if reader.faults.is_empty() { Ok(reader.done) } else { Err(reader.faults) }
}

const NO_REQUEST: &str = "expected a request: `POST /api/login HTTP/1.1`, its headers, an empty line, its body";

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    RequestHead,
    RequestBody,
    AnswerHead,
    AnswerBody,
}

/// A request that is being read.
struct Open {
    at: usize,
    method: String,
    target: String,
    status: Option<u16>,
    request: Part,
    answer: Part,
}

#[derive(Default)]
struct Part {
    headers: Vec<(String, String)>,
    body: String,
    body_at: usize,
}

struct Reader {
    state: State,
    /// Whether the request that is being read has its lines marked with `>`.
    marked: bool,
    /// Whether its answer's body has, too: in a case, but not in what curl prints.
    body_marked: bool,
    open: Option<Open>,
    done: Vec<Pasted>,
    faults: Vec<Diagnostic>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            state: State::Outside,
            marked: false,
            body_marked: false,
            open: None,
            done: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl Reader {
    fn line(&mut self, text: &str, at: usize) {
        let noise = ["* ", "{ [", "} ["].iter().any(|noise| text.starts_with(noise)) || text == "*";
        let marked = |mark: char| {
            let rest = text.strip_prefix(mark)?;
            if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
        };
        let inside = self.state != State::Outside;
        match (marked('>'), marked('<')) {
            _ if noise && (self.marked || !inside) => {}
            (Some(rest), _) if self.marked || !inside => self.sent(rest, at),
            (_, Some(rest)) if self.marked => self.came(rest, at),
            _ if self.marked => self.unmarked(text, at),
            _ => self.plain(text, at),
        }
    }

    fn sent(&mut self, text: &str, at: usize) {
        match self.state {
            State::Outside | State::AnswerHead | State::AnswerBody => match request_line(text) {
                Some((method, target)) => self.begin(method, target, at, true),
                None => self.fault(text, at, NO_REQUEST),
            },
            State::RequestHead if text.trim().is_empty() => self.state = State::RequestBody,
            State::RequestHead => self.header(text, at),
            State::RequestBody => self.body(text, at),
        }
    }

    fn came(&mut self, text: &str, at: usize) {
        let status =
            status_line(text).or_else(|| text.trim().parse().ok().filter(|status| (100..600).contains(status)));
        match (self.state, status) {
            (State::RequestHead | State::RequestBody | State::AnswerHead, Some(status)) => self.answered(status),
            (State::RequestHead | State::RequestBody, None) => {
                self.fault(text, at, "expected a status: `HTTP/1.1 200 OK`")
            }
            (State::AnswerHead, None) if text.trim().is_empty() => self.state = State::AnswerBody,
            (State::AnswerHead, None) => self.header(text, at),
            (State::AnswerBody, _) => {
                self.body_marked = true;
                self.body(text, at);
            }
            (State::Outside, _) => self.fault(text, at, "an answer without a request before it"),
        }
    }

    /// A line without a mark among marked ones: the body that curl prints, or what cases hold beside exchanges.
    fn unmarked(&mut self, text: &str, at: usize) {
        if self.state == State::AnswerBody && !self.body_marked {
            self.body(text, at);
        }
    }

    fn plain(&mut self, text: &str, at: usize) {
        let blank = text.trim().is_empty();
        // Comments, and what a case holds beside its exchanges.
        let aside = ["#", "//", "```", "user ", "advance ", "mail ", "no mail", "jwt ", "= ", "disable ", "enable "]
            .iter()
            .any(|word| text.starts_with(word));
        match (self.state, request_line(text), status_line(text)) {
            (State::Outside | State::AnswerHead | State::AnswerBody, Some((method, target)), _) => {
                self.begin(method, target, at, false);
            }
            (State::RequestHead | State::RequestBody, _, Some(status)) => self.answered(status),
            // 100 Continue, and then the answer.
            (State::AnswerHead | State::AnswerBody, _, Some(status)) => self.answered(status),
            (State::Outside, ..) if blank || aside => {}
            (State::Outside, _, Some(_)) => self.fault(text, at, "an answer without a request before it"),
            (State::Outside, ..) => self.fault(text, at, NO_REQUEST),
            (State::RequestHead, ..) if blank => self.state = State::RequestBody,
            (State::AnswerHead, ..) if blank => self.state = State::AnswerBody,
            (State::RequestHead, ..) if text.starts_with(['{', '[']) => {
                self.state = State::RequestBody;
                self.body(text, at);
            }
            (State::AnswerHead, ..) if text.starts_with(['{', '[']) => {
                self.state = State::AnswerBody;
                self.body(text, at);
            }
            (State::RequestHead | State::AnswerHead, ..) => self.header(text, at),
            (State::RequestBody | State::AnswerBody, ..) if text.starts_with("###") => self.state = State::Outside,
            (State::RequestBody | State::AnswerBody, ..) if text.starts_with("```") => {}
            (State::RequestBody | State::AnswerBody, ..) => self.body(text, at),
        }
    }

    fn begin(&mut self, method: &str, target: &str, at: usize, marked: bool) {
        self.finish();
        self.marked = marked;
        self.body_marked = false;
        self.state = State::RequestHead;
        self.open = Some(Open {
            at,
            method: method.to_owned(),
            target: target.to_owned(),
            status: None,
            request: Part::default(),
            answer: Part::default(),
        });
    }

    fn answered(&mut self, status: u16) {
        if let Some(open) = &mut self.open {
            open.status = Some(status);
            open.answer = Part::default();
        }
        self.state = State::AnswerHead;
    }

    fn part(&mut self) -> Option<&mut Part> {
        let open = self.open.as_mut()?;
        Some(if open.status.is_some() { &mut open.answer } else { &mut open.request })
    }

    fn header(&mut self, text: &str, at: usize) {
        if text.starts_with('!') {
            return;
        }
        let split = text.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains([' ', '"', '{']));
        match (split, self.part()) {
            (Some((name, value)), Some(part)) => {
                part.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            _ => self.fault(text, at, "expected a header, or an empty line before the body"),
        }
    }

    fn body(&mut self, text: &str, at: usize) {
        if let Some(part) = self.part() {
            if part.body.is_empty() {
                part.body_at = at;
            }
            part.body.push_str(text);
            part.body.push('\n');
        }
    }

    fn finish(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(status) = open.status else {
            let fault = Diagnostic::new("this request has no answer").at(open.at..open.at + open.method.len());
            self.faults.push(fault.help("after it: `HTTP/1.1 200 OK`, headers, an empty line, the body".to_owned()));
            return;
        };
        let (path, query) = match open.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (open.target, None),
        };
        let request = self.message(open.request);
        let answer = self.message(open.answer);
        self.done.push(Pasted { method: open.method, path, query, request, status, answer });
    }

    fn message(&mut self, part: Part) -> Message {
        let Part { headers, body, body_at } = part;
        let mut message = Message { headers, body: Body::Empty };
        let text = body.trim();
        let kind = message.header("content-type").unwrap_or_default().to_ascii_lowercase();
        message.body = if text.is_empty() {
            Body::Empty
        } else if text.starts_with(['{', '[']) || kind.contains("json") {
            match serde_json::from_str(text) {
                Ok(value) => Body::Json(value),
                Err(error) => {
                    let lead = body.len() - body.trim_start().len();
                    let before: usize =
                        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
                    let at = body_at + lead + before + error.column().saturating_sub(1);
                    let what = error.to_string();
                    let what = what.split(" at line ").next().unwrap_or_default();
                    self.faults.push(Diagnostic::new(format!("this body is not JSON: {what}")).at(at..at + 1));
                    Body::Empty
                }
            }
        } else if kind.contains("x-www-form-urlencoded") {
            Body::Form(form(text))
        } else {
            Body::Text(text.to_owned())
        };
        message
    }

    fn fault(&mut self, text: &str, at: usize, message: &str) {
        // One is enough for a text that is nothing of the kind.
        if self.faults.len() < 10 {
            self.faults.push(Diagnostic::new(message).at(at..at + text.len()));
        }
    }
}

fn request_line(text: &str) -> Option<(&str, &str)> {
    let mut words = text.split_ascii_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let end = words.next().is_none_or(|word| word.starts_with("HTTP/")) && words.next().is_none();
    let target = match target.split_once("://") {
        Some((scheme, rest)) if scheme == "http" || scheme == "https" => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    };
    (METHODS.contains(&method) && target.starts_with('/') && end).then_some((method, target))
}

fn status_line(text: &str) -> Option<u16> {
    let (version, rest) = text.split_once(' ')?;
    let status = rest.split_ascii_whitespace().next()?;
    let status: u16 = status.parse().ok().filter(|status| (100..600).contains(status))?;
    version.starts_with("HTTP/").then_some(status)
}

/// Pairs of a form or a query, decoded.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let hex = |rest: &str| u8::from_str_radix(rest.get(..2)?, 16).ok();
            match byte {
                b'+' => out.push(b' '),
                b'%' => match hex(&text[text.len() - bytes.len()..]) {
                    Some(value) => {
                        out.push(value);
                        bytes.nth(1);
                    }
                    None => out.push(byte),
                },
                _ => out.push(byte),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    text.trim().split('&').filter(|text| !text.is_empty()).map(pair).collect()
}
