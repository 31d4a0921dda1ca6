//! How an endpoint reads a body: which encoding, which member is which input. One reading and no other; an unreadable body
//! is malformed, never half read.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use myna_core::outcome::Kind;

use crate::decode::{Got, Request};
use crate::json::{self, Node, Value};
use crate::{form, media, multipart};

/// How the body is read.
#[derive(Debug)]
pub(crate) struct BodyPlan {
    /// Which encodings are read; the first is taken for a body without `Content-Type`.
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) members: Vec<(String, Shape)>,
    /// How many leaves repeat an input.
    pub(crate) repeats: Vec<usize>,
    /// Whether a member that is not in the shape is an error.
    pub(crate) strict: bool,
    /// Whether no body is an empty object.
    pub(crate) may_be_empty: bool,
}

/// What a body is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Encoding {
    Json,
    Form,
    Multipart,
    /// The whole body is the value of the one member.
    Text,
}

impl Encoding {
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::Form, Self::Multipart, Self::Text];

    /// The name in dialect files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::Text => "text",
        }
    }

    /// The media type that documents name.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Multipart => "multipart/form-data",
            Self::Text => media::TEXT,
        }
    }

    fn is_named_by(self, content_type: &str) -> bool {
        match self {
            Self::Json => media::is_json(content_type),
            Self::Form => media::is_form(content_type),
            Self::Multipart => media::is_multipart(content_type),
            Self::Text => media::is_text(content_type),
        }
    }
}

/// What a member of the body is.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The value of the input with this number.
    Input(usize),
    /// Another place for an input's value: this one of [`BodyPlan::repeats`].
    Repeat(usize),
    /// Exactly this, as compact JSON.
    Literal(Box<[u8]>),
    /// An object of these.
    Object(Vec<(String, Self)>),
    /// An array, each of these at its place.
    Array(Vec<Self>),
}

/// The inputs found so far: first each once, then the repeats.
type Found<'g, 'a> = &'g mut [Got<'a>];

impl BodyPlan {
    /// Reads the body into `got`, one for each input. `texts`: whether an input is text and nothing else.
    ///
    /// # Errors
    /// How it cannot be read.
    pub(crate) fn read<'a>(
        &self,
        request: &Request<'a>,
        texts: impl Fn(usize) -> bool,
        got: &mut Vec<Got<'a>>,
    ) -> Result<(), Kind> {
        let members = match self.parse(request)? {
            Some(Node::Object(members)) => members,
            Some(Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_)) => {
                return Err(Kind::Malformed);
            }
            None => Vec::new(),
        };
        let inputs = got.len();
        got.resize(inputs + self.repeats.len(), Got::Absent);
        self.object(&self.members, members, got).ok_or(Kind::Malformed)?;
        for (at, input) in self.repeats.iter().enumerate() {
            let repeated = std::mem::take(&mut got[inputs + at]);
            // What is no text is told wherever it stands, also where the value is there already.
            let wrong = repeated == Got::Wrong || (texts(*input) && matches!(repeated, Got::Raw(_)));
            if got[*input] == Got::Absent || wrong {
                got[*input] = repeated;
            }
        }
        got.truncate(inputs);
        Ok(())
    }

    /// The body as JSON, whatever it is written in: a form is an object of texts, a text one of one. `None`: there is none, and there need
    /// not be.
    ///
    /// # Errors
    /// How it cannot be read.
    pub(crate) fn parse<'a>(&self, request: &Request<'a>) -> Result<Option<Node<'a>>, Kind> {
        if self.may_be_empty && request.body.is_empty() {
            return Ok(None);
        }
        let (encoding, content_type) = self.encoding(request.headers).ok_or(Kind::UnsupportedMediaType)?;
        let text = str::from_utf8(request.body).map_err(|_| Kind::Malformed)?;
        let pairs = match encoding {
            Encoding::Json => {
                return json::parse(text, &json::BODY).map(|value| Some(value.node)).map_err(|_| Kind::Malformed);
            }
            Encoding::Form => form::parse(text),
            Encoding::Multipart => media::boundary(content_type).and_then(|boundary| multipart::parse(text, boundary)),
            Encoding::Text => {
                let name = self.members.first().map(|(name, _)| Cow::Owned(name.clone()));
                name.filter(|_| !text.is_empty()).map(|name| vec![(name, Cow::Borrowed(text))])
            }
        };
        let pairs = pairs.filter(|pairs| !pairs.is_empty()).ok_or(Kind::Malformed)?;
        let value = |text| Value { span: 0..0, node: Node::Text(text) };
        let member = |(key, text)| json::Member { key, key_span: 0..0, value: value(text) };
        Ok(Some(Node::Object(pairs.into_iter().map(member).collect())))
    }

    /// IN-04: a page of another origin can send text and forms unasked, so what claims to be one is not read as JSON.
    fn encoding<'h>(&self, headers: &'h HeaderMap) -> Option<(Encoding, &'h str)> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let (value, second) = (values.next(), values.next());
        let Some(value) = value else {
            return self.encodings.first().map(|encoding| (*encoding, ""));
        };
        let value = value.to_str().ok().filter(|_| second.is_none())?;
        let encoding = self.encodings.iter().find(|encoding| encoding.is_named_by(value))?;
        Some((*encoding, value))
    }

    fn object<'a>(&self, shape: &[(String, Shape)], members: Vec<json::Member<'a>>, got: Found<'_, 'a>) -> Option<()> {
        let mut met = 0;
        for json::Member { key, value, .. } in members {
            match shape.iter().find(|(name, _)| *name == key) {
                Some((_, shape)) => {
                    met += usize::from(matches!(shape, Shape::Literal(_)));
                    self.member(shape, value, got)?;
                }
                None if self.strict => return None,
                None => {}
            }
        }
        // Literals are what tells this request from others: each has to be there.
        (met == shape.iter().filter(|(_, shape)| matches!(shape, Shape::Literal(_))).count()).then_some(())
    }

    fn array<'a>(&self, shape: &[Shape], values: Vec<Value<'a>>, got: Found<'_, 'a>) -> Option<()> {
        let (given, asked) = (values.len(), shape.len());
        for (shape, value) in shape.iter().zip(values) {
            self.member(shape, value, got)?;
        }
        let absent = shape.get(given..).unwrap_or_default();
        let lacks_literal = absent.iter().any(|shape| matches!(shape, Shape::Literal(_)));
        (!lacks_literal && (given <= asked || !self.strict)).then_some(())
    }

    fn member<'a>(&self, shape: &Shape, value: Value<'a>, got: Found<'_, 'a>) -> Option<()> {
        let at = match shape {
            Shape::Input(at) => *at,
            Shape::Repeat(at) => got.len() - self.repeats.len() + at,
            Shape::Object(members) => match value.node {
                Node::Object(inner) => return self.object(members, inner, got),
                Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_) => return None,
            },
            Shape::Array(shapes) => match value.node {
                Node::Array(inner) => return self.array(shapes, inner, got),
                Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Object(_) => return None,
            },
            Shape::Literal(literal) => {
                let mut written = Vec::new();
                json::compact(&value, &mut written);
                return (**literal == *written).then_some(());
            }
        };
        *got.get_mut(at)? = match value.node {
            Node::Null => Got::Absent,
            Node::Text(text) => Got::text(text),
            Node::Number(text) => Got::Raw(text),
            Node::Bool(true) => Got::Raw("true"),
            Node::Bool(false) => Got::Raw("false"),
            Node::Array(_) | Node::Object(_) => Got::Wrong,
        };
        Some(())
    }
}
