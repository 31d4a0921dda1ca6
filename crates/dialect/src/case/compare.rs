//! What an exchange expects of its answer, and the comparison: every difference at once, each with its place. Nothing
//! here decides what happens after a difference.

use std::fmt;

use http::{HeaderMap, HeaderName, StatusCode};

use super::Captures;
use super::json::Node;
use super::pattern::Pattern;

/// The most characters of a value that a mismatch shows.
const SHOWN_CHARS_MAX: usize = 400;

/// An expected answer.
#[derive(Clone, Debug)]
pub struct Response {
    pub(super) status: StatusCode,
    /// `None`: the header must be absent.
    pub(super) headers: Vec<(HeaderName, Option<Pattern>)>,
    pub(super) body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    Empty,
    Json(Node),
    Text(Pattern),
}

/// What a captured token holds.
#[derive(Clone, Debug)]
pub struct Jwt {
    pub(super) capture: String,
    pub(super) header: Node,
    pub(super) claims: Node,
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// Where: `status`, `header content-type`, `body.user.id`, `token claims.exp`.
    pub place: String,
    /// What the case says.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Mismatch {
    pub(super) fn new(place: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { place: place.into(), expected: expected.into(), got: got.into() }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, expected, got } = self;
        write!(f, "{place}: expected {expected}, got {got}")
    }
}

impl Response {
    /// The expected status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Compares an answer, and keeps what its matchers capture. Headers that the case does not name are free.
    ///
    /// # Errors
    /// Every difference.
    pub fn compare(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        captures: &mut Captures,
    ) -> Result<(), Vec<Mismatch>> {
        let mut found = Vec::new();
        if status != self.status {
            found.push(Mismatch::new("status", self.status.as_str(), status.as_str()));
        }
        self.compare_headers(headers, captures, &mut found);
        let text = String::from_utf8_lossy(body);
        match &self.body {
            Body::Empty if body.is_empty() => {}
            Body::Empty => found.push(Mismatch::new("body", "none", cut(&text))),
            Body::Json(node) => {
                let before = found.len();
                node.compare_bytes("body", body, captures, &mut found);
                // Another status is another answer: the whole of it tells more than each member that is not there.
                if status != self.status && found.len() > before {
                    found.truncate(before);
                    found.push(Mismatch::new("body", cut(&node.show(captures)), cut(&text)));
                }
            }
            Body::Text(pattern) => {
                let matches = std::str::from_utf8(body).is_ok_and(|text| pattern.matches(text, captures));
                if !matches {
                    found.push(Mismatch::new("body", pattern.show(captures), cut(&text)));
                }
            }
        }
        if found.is_empty() { Ok(()) } else { Err(found) }
    }

    /// Each name is looked at once: as many values as the case has lines for it, in their order.
    fn compare_headers(&self, headers: &HeaderMap, captures: &mut Captures, found: &mut Vec<Mismatch>) {
        for (at, (name, _)) in self.headers.iter().enumerate() {
            if self.headers[..at].iter().any(|(earlier, _)| earlier == name) {
                continue;
            }
            let expected: Vec<&Pattern> = self
                .headers
                .iter()
                .filter(|(other, _)| other == name)
                .filter_map(|(_, value)| value.as_ref())
                .collect();
            let got: Vec<_> =
                headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            let matches = expected.len() == got.len()
                && expected.iter().zip(&got).all(|(pattern, text)| pattern.matches(text, captures));
            if !matches {
                let or_none = |list: Vec<String>| {
                    if list.is_empty() { "none".to_owned() } else { list.join(" and ") }
                };
                let expected = or_none(expected.iter().map(|pattern| pattern.show(captures)).collect());
                let got = or_none(got.iter().map(|text| cut(text)).collect());
                found.push(Mismatch::new(format!("header {name}"), expected, got));
            }
        }
    }
}

impl Jwt {
    /// Decodes the captured token and compares header and claims; the signature is a verifier's business.
    ///
    /// # Errors
    /// Every difference; also when the capture is missing or no token.
    pub fn compare(&self, captures: &mut Captures) -> Result<(), Vec<Mismatch>> {
        let Self { capture, header, claims } = self;
        let token = captures.text(capture).unwrap_or_default();
        let mut parts = token.split('.').map(decode_base64url);
        let (Some(Some(first)), Some(Some(second))) = (parts.next(), parts.next()) else {
            return Err(vec![Mismatch::new(capture, "a token", cut(&token))]);
        };
        let mut found = Vec::new();
        header.compare_bytes(&format!("{capture} header"), &first, captures, &mut found);
        claims.compare_bytes(&format!("{capture} claims"), &second, captures, &mut found);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// RFC 4648 §5 without padding. Bits left over at the end are not looked at: a verifier refuses them, a case only reads.
fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xFF) as u8);
        }
    }
    Some(out)
}

/// The text, shortened to what fits into a report.
pub(super) fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
