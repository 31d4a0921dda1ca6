//! Samples: an answer as a case expects it, with a made-up value for each matcher, so that documents can show it. What is
//! captured is kept, so that later requests show the same value.

use serde_json::{Map, Value};

use super::Captures;
use super::class::Class;
use super::compare::{Body, Response};
use super::json::Node;
use super::pattern::Piece;

impl Class {
    /// A value of the class; `None`: it can be anything.
    fn sample(self) -> Option<Value> {
        Some(match self {
            Self::Any => return None,
            Self::Text => Value::from("text"),
            Self::Int => Value::from(1),
            Self::Bool => Value::from(true),
            Self::Hex => Value::from("5f0d2c9e8b7a4c61"),
            Self::Base64url => Value::from("Xw0sno2dTGE"),
            Self::Jwt => Value::from("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"),
            Self::Time => Value::from(1_566_127_840),
            Self::Iso8601 => Value::from("2019-08-18T11:30:40Z"),
            Self::HttpDate => Value::from("Sun, 18 Aug 2019 11:30:40 GMT"),
        })
    }
}

impl Response {
    /// The body with samples; `None` when there is none, or when it holds something that can be anything.
    pub fn sample(&self, captures: &mut Captures) -> Option<Value> {
        match &self.body {
            Body::Empty => None,
            Body::Json(node) => node.sample(captures),
            Body::Text(pattern) => text(pattern.pieces(), captures).map(Value::from),
        }
    }
}

impl Node {
    fn sample(&self, captures: &mut Captures) -> Option<Value> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            Self::Leaf(pattern) => match pattern.pieces() {
                [Piece::Match(class, name)] => matched(*class, name.as_ref(), captures),
                [Piece::Captured(name)] => captures.value(name).cloned(),
                pieces => text(pieces, captures).map(Value::from),
            },
            Self::Array(items) => items.iter().map(|item| item.sample(captures)).collect(),
            Self::Object(members) => {
                let member = |(name, node): &(String, Self)| Some((name.clone(), node.sample(captures)?));
                members.iter().map(member).collect::<Option<Map<String, Value>>>().map(Value::Object)
            }
        }
    }
}

fn matched(class: Class, name: Option<&String>, captures: &mut Captures) -> Option<Value> {
    let value = class.sample()?;
    if let Some(name) = name {
        captures.put(name, value.clone());
    }
    Some(value)
}

fn text(pieces: &[Piece], captures: &mut Captures) -> Option<String> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Captured(name) => out.push_str(&captures.text(name)?),
            Piece::Match(class, name) => {
                let value = matched(*class, name.as_ref(), captures)?;
                out.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
        }
    }
    Some(out)
}
