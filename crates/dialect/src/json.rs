//! Strict JSON (RFC 8259) with positions and limits, and nothing more: no duplicate member at any depth (IN-01), no
//! lone surrogate, no trailing comma, no comment. It reads text into a tree; it never decides what a member means.

use std::borrow::Cow;
use std::ops::Range;

/// How much a text may hold before it is refused unread (IN-02).
pub(crate) struct Limits {
    /// Objects and arrays inside each other.
    pub(crate) depth: usize,
    /// Members of all objects together.
    pub(crate) members: usize,
    /// Values of all kinds together.
    pub(crate) values: usize,
}

/// What a client may send.
pub(crate) const BODY: Limits = Limits { depth: 16, members: 100, values: 1_000 };
/// What a dialect may write.
pub(crate) const TEMPLATE: Limits = Limits { depth: 32, members: 1_000, values: 10_000 };
/// What a user's attributes may hold when they are shown.
pub(crate) const ATTRIBUTES: Limits = Limits { depth: 32, members: 1_000, values: 10_000 };

/// A value and the bytes that it was read from.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    /// In the text that was parsed.
    pub(crate) span: Range<usize>,
    /// What it is.
    pub(crate) node: Node<'a>,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number as it was written.
    Number(&'a str),
    /// A string; borrowed when it holds no escapes.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object, in the order of the text.
    Object(Vec<Member<'a>>),
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    /// Its name.
    pub(crate) key: Cow<'a, str>,
    /// Where the name stands, with its quotes.
    pub(crate) key_span: Range<usize>,
    /// Its value.
    pub(crate) value: Value<'a>,
}

/// Why a text is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The bytes at fault.
    pub(crate) span: Range<usize>,
    /// One line.
    pub(crate) what: String,
}

/// Reads one value that fills the whole text.
///
/// # Errors
/// The first flaw.
pub(crate) fn parse<'a>(text: &'a str, limits: &Limits) -> Result<Value<'a>, Flaw> {
    let mut reader = Reader { text, at: 0, depth: limits.depth, members: limits.members, values: limits.values };
    reader.blank();
    let value = reader.value()?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.flaw("nothing may follow the value"));
    }
    Ok(value)
}

/// The member of that name.
pub(crate) fn member<'v, 'a>(members: &'v [Member<'a>], key: &str) -> Option<&'v Value<'a>> {
    members.iter().find(|member| member.key == key).map(|member| &member.value)
}

/// Writes the value without blanks, strings escaped as [`crate::write::quoted`] does it.
pub(crate) fn compact(value: &Value<'_>, out: &mut Vec<u8>) {
    match &value.node {
        Node::Null => out.extend_from_slice(b"null"),
        Node::Bool(true) => out.extend_from_slice(b"true"),
        Node::Bool(false) => out.extend_from_slice(b"false"),
        Node::Number(text) => out.extend_from_slice(text.as_bytes()),
        Node::Text(text) => crate::write::quoted(text, out),
        Node::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                compact(value, out);
            }
            out.push(b']');
        }
        Node::Object(members) => {
            out.push(b'{');
            for (at, member) in members.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                crate::write::quoted(&member.key, out);
                out.push(b':');
                compact(&member.value, out);
            }
            out.push(b'}');
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    members: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// A flaw at the next character.
    fn flaw(&self, what: &str) -> Flaw {
        let length = self.text.get(self.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        Flaw { span: self.at..self.at + length, what: what.to_owned() }
    }

    fn spend(&self, budget: usize, what: &str) -> Result<usize, Flaw> {
        budget.checked_sub(1).ok_or_else(|| self.flaw(what))
    }

    fn value(&mut self) -> Result<Value<'a>, Flaw> {
        self.values = self.spend(self.values, "too many values")?;
        let start = self.at;
        let node = match self.peek() {
            Some(b'"') => Node::Text(self.string()?),
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'-' | b'0'..=b'9') => Node::Number(self.number()?),
            Some(b't') => self.word("true", Node::Bool(true))?,
            Some(b'f') => self.word("false", Node::Bool(false))?,
            Some(b'n') => self.word("null", Node::Null)?,
            Some(_) => return Err(self.flaw("a value was expected")),
            None => return Err(self.flaw("a value was expected before the end")),
        };
        Ok(Value { span: start..self.at, node })
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Node<'a>, Flaw>) -> Result<Node<'a>, Flaw> {
        self.depth = self.spend(self.depth, "nested too deep")?;
        self.at += 1;
        self.blank();
        let node = read(self)?;
        self.at += 1;
        self.depth += 1;
        Ok(node)
    }

    fn array(&mut self) -> Result<Node<'a>, Flaw> {
        let mut values = Vec::new();
        while self.peek() != Some(b']') {
            values.push(self.value()?);
            self.separator(b']', "`,` or `]` was expected")?;
        }
        Ok(Node::Array(values))
    }

    fn object(&mut self) -> Result<Node<'a>, Flaw> {
        let mut members: Vec<Member<'a>> = Vec::new();
        while self.peek() != Some(b'}') {
            self.members = self.spend(self.members, "too many members")?;
            if self.peek() != Some(b'"') {
                return Err(self.flaw("a member's name in double quotes was expected"));
            }
            let start = self.at;
            let key = self.string()?;
            let key_span = start..self.at;
            if members.iter().any(|member| member.key == key) {
                return Err(Flaw { span: key_span, what: format!("the member `{key}` is written twice") });
            }
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.flaw("`:` was expected"));
            }
            self.at += 1;
            self.blank();
            let value = self.value()?;
            members.push(Member { key, key_span, value });
            self.separator(b'}', "`,` or `}` was expected")?;
        }
        Ok(Node::Object(members))
    }

    /// After a value: a comma and what must follow it, or the closing mark, which stays.
    fn separator(&mut self, close: u8, expected: &str) -> Result<(), Flaw> {
        self.blank();
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.blank();
                if self.peek() == Some(close) {
                    return Err(Flaw { span: comma..comma + 1, what: "nothing follows this comma".to_owned() });
                }
                Ok(())
            }
            Some(byte) if byte == close => Ok(()),
            _ => Err(self.flaw(expected)),
        }
    }

    fn word(&mut self, word: &str, node: Node<'a>) -> Result<Node<'a>, Flaw> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.flaw("a value was expected"));
        }
        self.at += word.len();
        Ok(node)
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.flaw("a digit was expected")) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<&'a str, Flaw> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Flaw> {
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let run = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok(match owned {
                        Some(text) => Cow::Owned(text + run),
                        None => Cow::Borrowed(run),
                    });
                }
                Some(b'\\') => {
                    let text = owned.get_or_insert_default();
                    text.push_str(self.text.get(start..self.at).unwrap_or_default());
                    let escaped = self.escape()?;
                    owned.get_or_insert_default().push(escaped);
                    start = self.at;
                }
                Some(0..=0x1f) => return Err(self.flaw("a control character must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.flaw("the string does not end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Flaw> {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.flaw("not an escape that JSON knows")),
        };
        self.at += 1;
        Ok(simple)
    }

    fn unicode(&mut self, start: usize) -> Result<char, Flaw> {
        let high = self.hex4()?;
        let lone = |end| Flaw { span: start..end, what: "half of a surrogate pair".to_owned() };
        if !(0xd800..0xe000).contains(&high) {
            return char::from_u32(high).ok_or_else(|| lone(self.at));
        }
        if high >= 0xdc00 || !self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
            return Err(lone(self.at));
        }
        self.at += 1;
        let low = self.hex4()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(lone(self.at));
        }
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or_else(|| lone(self.at))
    }

    /// The four digits after the `u` that is next.
    fn hex4(&mut self) -> Result<u32, Flaw> {
        let digits = self.text.get(self.at + 1..self.at + 5).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = number.ok_or_else(|| self.flaw("four hexadecimal digits were expected"))?;
        self.at += 5;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> Result<String, Flaw> {
        let mut out = Vec::new();
        compact(&parse(text, &BODY)?, &mut out);
        Ok(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn json_is_read_and_written_back_compact() {
        for (text, expected) in [
            (
                " { \"a\" : [ 1 , -0.5e+3 , null, true ,false ] , \"b\":{} , \"c\":[] } ",
                "{\"a\":[1,-0.5e+3,null,true,false],\"b\":{},\"c\":[]}",
            ),
            (r#""a\u00e9\ud83d\ude00\n\"\\\/""#, "\"aé😀\\n\\\"\\\\/\""),
            ("\"\\u0000\"", "\"\\u0000\""),
            ("0", "0"),
        ] {
            assert_eq!(round(text).as_deref(), Ok(expected), "{text}");
            let theirs: serde_json::Value = serde_json::from_str(text).expect(text);
            assert_eq!(serde_json::from_str::<serde_json::Value>(expected).expect(expected), theirs);
        }
    }

    // IN-01, IN-02, IN-05
    #[test]
    fn what_is_not_strict_json_is_refused_where_it_goes_wrong() {
        let deep = "[".repeat(17) + &"]".repeat(17);
        let wide = format!("{{{}}}", (0..101).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(","));
        let long = format!("[{}]", vec!["0"; 1000].join(","));
        for (text, at, what) in [
            ("", 0, "before the end"),
            ("{\"a\":1,\"a\":2}", 7, "twice"),
            ("{\"a\":{\"b\":1,\"\\u0062\":2}}", 12, "twice"),
            ("{\"a\":1,}", 6, "comma"),
            ("[1,]", 2, "comma"),
            ("{a:1}", 1, "double quotes"),
            ("{\"a\" 1}", 5, "`:`"),
            ("{} x", 3, "nothing may follow"),
            ("01", 1, "nothing may follow"),
            ("1.", 2, "digit"),
            ("-", 1, "digit"),
            ("nul", 0, "a value"),
            ("NaN", 0, "a value"),
            ("'a'", 0, "a value"),
            ("\"a", 2, "does not end"),
            ("\"\n\"", 1, "control"),
            ("\"\\x\"", 2, "escape"),
            ("\"\\u12\"", 2, "four"),
            ("\"\\ud800\"", 1, "surrogate"),
            ("\"\\udc00\\ud800\"", 1, "surrogate"),
            ("\"\\ud800\\u0041\"", 1, "surrogate"),
            ("\u{feff}{}", 0, "a value"),
            ("{/**/}", 1, "double quotes"),
            (&deep, 16, "too deep"),
            (&wide, 691, "too many members"),
            (&long, 1999, "too many values"),
        ] {
            let flaw = parse(text, &BODY).expect_err(text);
            assert!(flaw.what.contains(what), "{text}: {flaw:?}");
            assert_eq!(flaw.span.start, at, "{text}: {flaw:?}");
        }
        assert!(parse(&("[".repeat(16) + &"]".repeat(16)), &BODY).is_ok());
    }

    #[test]
    fn values_know_where_they_stand() {
        let text = "{ \"a\": \"x\", \"b\": [1] }";
        let Node::Object(members) = parse(text, &BODY).expect("JSON").node else { panic!("object") };
        let shown: Vec<_> = members.iter().map(|m| (&text[m.key_span.clone()], &text[m.value.span.clone()])).collect();
        assert_eq!(shown, [("\"a\"", "\"x\""), ("\"b\"", "[1]")]);
    }
}
