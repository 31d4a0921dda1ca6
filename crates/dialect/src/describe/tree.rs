//! Compiled templates read back as the JSON or the text that they write, with types where values go. What is read was
//! proven when it was compiled; should it ever not be JSON, the reading ends and nothing is made up.

use serde_json::Value;

use crate::slot::{self, List};
use crate::template::{Absent, Case, Form, Medium, Segment, Show, Template};

/// JSON with typed places.
#[derive(Clone, PartialEq, Debug)]
pub enum Tree {
    /// Null, a boolean, a number or a fixed text.
    Literal(Value),
    /// A text with values in it.
    Text(Vec<Part>),
    /// One value.
    Shown(Shown),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Vec<Member>),
    /// An array with one element for each entry of the list.
    EachElement(Each, Box<Self>),
    /// An object with these members for each entry of the list.
    EachMember(Each, Vec<Member>),
}

/// A list that is gone through, by its name in dialect files.
pub type Each = &'static str;

/// A member of an object.
#[derive(Clone, PartialEq, Debug)]
pub struct Member {
    /// Its name; one literal everywhere but inside [`Tree::EachMember`].
    pub key: Vec<Part>,
    /// Whether it is left out when its value is absent.
    pub optional: bool,
    /// Its value.
    pub value: Tree,
}

/// A part of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// These letters.
    Literal(String),
    /// A value.
    Shown(Shown),
}

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// The placeholder's name: `user.id`.
    pub slot: String,
    /// What is written.
    pub kind: Type,
    /// Whether it is written as a text, whatever it is.
    pub quoted: bool,
    /// What becomes of its letters.
    pub letters: Letters,
    /// Whether null stands for what is absent.
    pub nullable: bool,
    /// The text that stands for what is absent.
    pub or: Option<String>,
}

/// What becomes of a value's letters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Letters {
    /// They stay.
    AsIs,
    /// Capitals.
    Upper,
    /// Small letters.
    Lower,
}

/// What a value is written as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Type {
    /// An integer.
    Int,
    /// `true` or `false`.
    Bool,
    /// Unix time in seconds.
    Seconds,
    /// Unix time in milliseconds.
    Millis,
    /// `2019-08-18T11:30:40Z` (RFC 3339).
    Iso8601,
    /// `Sun, 18 Aug 2019 11:30:40 GMT` (RFC 9110 §5.6.7).
    HttpDate,
    /// A time in a form of the dialect's own, as text.
    Date,
    /// A span in seconds.
    SpanSeconds,
    /// A span in milliseconds.
    SpanMillis,
    /// A number inside a UUID (RFC 9562).
    Uuid,
    /// Text.
    Text,
    /// A text, a number or a boolean, as it was sent.
    Scalar,
    /// An array of texts.
    Texts,
    /// Any JSON.
    Json,
}

impl Shown {
    fn of(show: &Show) -> Self {
        let Show { slot, attribute, form, case, as_text, absent } = show;
        let kind = match (slot.kind(), form) {
            (slot::Type::Int, Form::Uuid) => Type::Uuid,
            (slot::Type::Int, _) => Type::Int,
            (slot::Type::Span, Form::Millis) => Type::SpanMillis,
            (slot::Type::Span, _) => Type::SpanSeconds,
            (slot::Type::Bool, _) => Type::Bool,
            (slot::Type::Time, Form::Plain | Form::Uuid) => Type::Seconds,
            (slot::Type::Time, Form::Millis) => Type::Millis,
            (slot::Type::Time, Form::Iso8601) => Type::Iso8601,
            (slot::Type::Time, Form::HttpDate) => Type::HttpDate,
            (slot::Type::Time, Form::Date(_)) => Type::Date,
            (slot::Type::Text, _) => Type::Text,
            (slot::Type::Scalar, _) => Type::Scalar,
            (slot::Type::Texts, _) => Type::Texts,
            (slot::Type::Json | slot::Type::List, _) => Type::Json,
        };
        let name = slot.written(attribute);
        let or = match absent {
            Absent::Or(text) => Some(text.to_string()),
            Absent::Never | Absent::Null | Absent::Omit => None,
        };
        let letters = match case {
            Case::AsIs => Letters::AsIs,
            Case::Upper => Letters::Upper,
            Case::Lower => Letters::Lower,
        };
        let nullable = *absent == Absent::Null && slot.is_optional();
        Self { slot: name, kind, quoted: *as_text, letters, nullable, or }
    }
}

/// The JSON that the template writes; `None` for text.
pub(super) fn json(template: &Template) -> Option<Tree> {
    if template.medium() != Medium::Json {
        return None;
    }
    Reader::new(template.segments()).value()
}

/// The text that the template writes.
pub(super) fn text(template: &Template) -> Vec<Part> {
    let part = |segment: &Segment| match segment {
        Segment::Literal(bytes) => Part::Literal(String::from_utf8_lossy(bytes).into_owned()),
        Segment::Comma => Part::Literal(",".to_owned()),
        Segment::Whole(show) | Segment::Part(show) | Segment::Words(show, _) | Segment::Present(show, _) => {
            Part::Shown(Shown::of(show))
        }
        Segment::Each(list, _) => Part::Literal(format!("{{each {}}}", list.slot().name())),
    };
    template.segments().iter().map(part).collect()
}

/// What is next in a template.
#[derive(Clone, Copy)]
enum Token<'t> {
    Byte(u8),
    Comma,
    Whole(&'t Show),
    Part(&'t Show),
    Present(&'t [Segment]),
    Each(List, &'t [Segment]),
}

struct Reader<'t> {
    tokens: Vec<Token<'t>>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn new(segments: &'t [Segment]) -> Self {
        let mut tokens = Vec::new();
        for segment in segments {
            match segment {
                Segment::Literal(bytes) => tokens.extend(bytes.iter().map(|byte| Token::Byte(*byte))),
                Segment::Comma => tokens.push(Token::Comma),
                Segment::Whole(show) => tokens.push(Token::Whole(show)),
                Segment::Part(show) | Segment::Words(show, _) => tokens.push(Token::Part(show)),
                Segment::Present(_, inner) => tokens.push(Token::Present(inner)),
                Segment::Each(list, inner) => tokens.push(Token::Each(*list, inner)),
            }
        }
        Self { tokens, at: 0 }
    }

    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn skip_commas(&mut self) {
        while let Some(Token::Comma | Token::Byte(b',')) = self.peek() {
            self.at += 1;
        }
    }

    /// Goes over what stands between members, and over the byte, if that is next.
    fn met(&mut self, wanted: u8) -> bool {
        self.skip_commas();
        let met = matches!(self.peek(), Some(Token::Byte(byte)) if byte == wanted);
        self.at += usize::from(met);
        met
    }

    fn value(&mut self) -> Option<Tree> {
        match self.next()? {
            Token::Whole(show) => Some(Tree::Shown(Shown::of(show))),
            Token::Byte(b'"') => {
                let parts = self.string()?;
                Some(match parts.as_slice() {
                    [] => Tree::Literal(Value::from("")),
                    [Part::Literal(text)] => Tree::Literal(Value::from(text.as_str())),
                    _ => Tree::Text(parts),
                })
            }
            Token::Byte(b'[') => self.array(),
            Token::Byte(b'{') => self.object(),
            Token::Byte(first) => {
                let mut bytes = vec![first];
                while let Some(Token::Byte(byte)) = self.peek()
                    && !matches!(byte, b',' | b']' | b'}')
                {
                    bytes.push(byte);
                    self.at += 1;
                }
                serde_json::from_slice(&bytes).ok().map(Tree::Literal)
            }
            Token::Comma | Token::Part(_) | Token::Present(_) | Token::Each(..) => None,
        }
    }

    /// What follows the opening quote, up to the closing one.
    fn string(&mut self) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        loop {
            match self.next()? {
                Token::Byte(b'"') => {
                    push_literal(&mut parts, &mut literal);
                    return Some(parts);
                }
                Token::Byte(b'\\') => {
                    literal.push(b'\\');
                    if let Some(Token::Byte(byte)) = self.next() {
                        literal.push(byte);
                    }
                }
                Token::Byte(byte) => literal.push(byte),
                Token::Part(show) => {
                    push_literal(&mut parts, &mut literal);
                    parts.push(Part::Shown(Shown::of(show)));
                }
                Token::Comma | Token::Whole(_) | Token::Present(_) | Token::Each(..) => return None,
            }
        }
    }

    fn array(&mut self) -> Option<Tree> {
        let mut all = Vec::new();
        while !self.met(b']') {
            if let Some(Token::Each(list, inner)) = self.peek() {
                self.at += 1;
                let mut element = Reader::new(inner);
                element.at += usize::from(matches!(element.peek(), Some(Token::Comma)));
                let element = element.value()?;
                return self.met(b']').then(|| Tree::EachElement(list.slot().name(), Box::new(element)));
            }
            all.push(self.value()?);
        }
        Some(Tree::Array(all))
    }

    fn object(&mut self) -> Option<Tree> {
        let mut members = Vec::new();
        while !self.met(b'}') {
            if let Some(Token::Each(list, inner)) = self.peek() {
                self.at += 1;
                let mut each = Vec::new();
                Reader::new(inner).members(false, &mut each)?;
                return self.met(b'}').then(|| Tree::EachMember(list.slot().name(), each));
            }
            self.member(false, &mut members)?;
        }
        Some(Tree::Object(members))
    }

    /// Members up to the end.
    fn members(&mut self, optional: bool, members: &mut Vec<Member>) -> Option<()> {
        self.skip_commas();
        while self.at < self.tokens.len() {
            self.member(optional, members)?;
            self.skip_commas();
        }
        Some(())
    }

    fn member(&mut self, optional: bool, members: &mut Vec<Member>) -> Option<()> {
        match self.next()? {
            Token::Present(inner) => Reader::new(inner).members(true, members),
            Token::Byte(b'"') => {
                let key = self.string()?;
                let colon = matches!(self.next(), Some(Token::Byte(b':')));
                let value = self.value().filter(|_| colon)?;
                members.push(Member { key, optional, value });
                Some(())
            }
            Token::Byte(_) | Token::Comma | Token::Whole(_) | Token::Part(_) | Token::Each(..) => None,
        }
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut Vec<u8>) {
    if literal.is_empty() {
        return;
    }
    let quoted = [b"\"", literal.as_slice(), b"\""].concat();
    let text = serde_json::from_slice::<String>(&quoted);
    parts.push(Part::Literal(text.unwrap_or_else(|_| String::from_utf8_lossy(literal).into_owned())));
    literal.clear();
}
