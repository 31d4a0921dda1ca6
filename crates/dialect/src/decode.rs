//! Request → inputs of an operation. One reading of a request and no other: duplicates, half-valid text and odd types
//! are refused, not repaired. It judges form and the dialect's own rules; the operation's rules are the core's.

use std::borrow::Cow;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method};
use myna_core::ops::input::Inputs;
use myna_core::outcome::Kind;
use myna_core::problem::{Field, ProblemKind};

use crate::check::Check;
use crate::dialect::{Dialect, Endpoint};
use crate::form;
use crate::json::{self, Node, Value};
use crate::media;
use crate::messages::FieldErrors;
use crate::route::Params;
use crate::source::Source;

/// An HTTP request, whatever received it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path without query.
    pub path: &'a str,
    /// What follows the question mark.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body, whole.
    pub body: &'a [u8],
    /// What the router found in the path.
    pub params: &'a Params,
}

/// A request that does not come to its operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The outcome.
    pub kind: Kind,
    /// The failing fields, when that is why.
    pub errors: Vec<FieldErrors>,
}

impl From<Kind> for Refusal {
    fn from(kind: Kind) -> Self {
        Self { kind, errors: Vec::new() }
    }
}

/// How an endpoint reads its requests.
#[derive(Debug)]
pub(crate) struct Plan {
    /// `None`: a body is ignored.
    pub(crate) body: Option<BodyPlan>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) checks: Vec<Check>,
    /// The inputs in the order in which they are reported.
    pub(crate) order: Vec<usize>,
}

/// How the body is read.
#[derive(Debug)]
pub(crate) struct BodyPlan {
    pub(crate) encoding: Encoding,
    pub(crate) members: Vec<(String, Shape)>,
    /// Whether a member that is not in the shape is an error.
    pub(crate) strict: bool,
}

/// What a body is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Encoding {
    Json,
    Form,
}

/// What a member of the body is.
#[derive(Debug)]
pub(crate) enum Shape {
    /// The value of the input with this number.
    Input(usize),
    /// Exactly this, as compact JSON.
    Literal(Box<[u8]>),
    /// An object of these.
    Object(Vec<(String, Self)>),
}

/// Something that a request gives.
#[derive(Debug)]
pub(crate) struct Input {
    /// The name in the dialect file.
    pub(crate) name: String,
    /// `None` for what only checks use.
    pub(crate) field: Option<Field>,
    /// The name on the wire.
    pub(crate) wire: String,
    /// Where it is found outside the body; the first that is present.
    pub(crate) sources: Vec<Source>,
}

/// What was found for an input.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Got<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    /// Something that is no text.
    Wrong,
}

impl<'a> Got<'a> {
    /// PostgreSQL holds no NUL, and no name needs one (IN-05).
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.contains('\0') { Self::Wrong } else { Self::Text(text) }
    }
}

impl Dialect {
    /// The inputs that a request gives to the endpoint's operation.
    ///
    /// # Errors
    /// The outcome that the client is to be told instead.
    pub fn decode(&self, endpoint: usize, request: &Request<'_>) -> Result<Inputs, Refusal> {
        let endpoint = self.endpoint(endpoint);
        let got = self.gather(endpoint, request)?;
        self.check(&endpoint.plan, &got)?;
        Ok(inputs(&endpoint.plan, got))
    }

    /// The inputs of a request whose fields fail the endpoint's checks: so that everything that is wrong with them can be
    /// told at once. Empty when nothing can be read.
    pub fn decode_unchecked(&self, endpoint: usize, request: &Request<'_>) -> Inputs {
        let endpoint = self.endpoint(endpoint);
        self.gather(endpoint, request).map(|got| inputs(&endpoint.plan, got)).unwrap_or_default()
    }

    fn gather<'r>(&self, endpoint: &Endpoint, request: &Request<'r>) -> Result<Vec<Got<'r>>, Refusal> {
        if self.honour_accept && !is_acceptable(endpoint, request.headers) {
            return Err(Kind::NotAcceptable.into());
        }
        let plan = &endpoint.plan;
        let mut got = vec![Got::Absent; plan.inputs.len()];
        if let Some(body) = &plan.body {
            if !is_readable(body.encoding, request.headers) {
                return Err(Kind::UnsupportedMediaType.into());
            }
            body.read(request.body, &mut got).ok_or(Kind::Malformed)?;
        }
        for (input, got) in plan.inputs.iter().zip(&mut got) {
            for source in &input.sources {
                if *got == Got::Absent {
                    *got = source.find(request).ok_or(Kind::Malformed)?;
                }
            }
        }
        Ok(got)
    }

    /// Every failing field, in the dialect's order.
    fn check(&self, plan: &Plan, got: &[Got<'_>]) -> Result<(), Refusal> {
        let mut messages: Vec<Vec<String>> = vec![Vec::new(); got.len()];
        let mut only_mismatches = true;
        for (at, input) in plan.inputs.iter().enumerate() {
            if got[at] == Got::Wrong {
                messages[at].push(self.messages.of(ProblemKind::NotText, &input.wire));
                only_mismatches = false;
            }
        }
        // An input that is missing or no text has nothing that other rules could judge.
        let mut done: Vec<bool> = got.iter().map(|got| *got == Got::Wrong).collect();
        for check in &plan.checks {
            if done[check.input] {
                continue;
            }
            if let Some(message) = check.fails(got) {
                messages[check.input].push(message.to_owned());
                only_mismatches &= check.is_repetition();
                done[check.input] = check.is_required();
            }
        }
        let failing = plan.order.iter().filter(|at| !messages[**at].is_empty());
        let errors: Vec<FieldErrors> = failing
            .map(|at| FieldErrors { field: plan.inputs[*at].wire.clone(), messages: messages[*at].clone() })
            .collect();
        match errors.is_empty() {
            true => Ok(()),
            false if only_mismatches => Err(Refusal { kind: Kind::PasswordMismatch, errors }),
            false => Err(Refusal { kind: Kind::Invalid, errors }),
        }
    }
}

fn inputs(plan: &Plan, got: Vec<Got<'_>>) -> Inputs {
    let mut inputs = Inputs::default();
    for (input, got) in plan.inputs.iter().zip(got) {
        if let (Some(field), Got::Text(text)) = (input.field, got) {
            inputs.put(field, text.into_owned());
        }
    }
    inputs
}

impl BodyPlan {
    /// `None`: malformed.
    fn read<'a>(&self, body: &'a [u8], got: &mut [Got<'a>]) -> Option<()> {
        let text = str::from_utf8(body).ok()?;
        match self.encoding {
            Encoding::Json => match json::parse(text, &json::BODY).ok()?.node {
                Node::Object(members) => self.object(&self.members, members, got),
                Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Array(_) => None,
            },
            Encoding::Form => {
                let pairs = form::parse(text).filter(|pairs| !pairs.is_empty())?;
                // A form is an object whose members are all text.
                let value = |text| Value { span: 0..0, node: Node::Text(text) };
                let member = |(key, text)| json::Member { key, key_span: 0..0, value: value(text) };
                self.object(&self.members, pairs.into_iter().map(member).collect(), got)
            }
        }
    }

    fn object<'a>(&self, shape: &[(String, Shape)], members: Vec<json::Member<'a>>, got: &mut [Got<'a>]) -> Option<()> {
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

    fn member<'a>(&self, shape: &Shape, value: Value<'a>, got: &mut [Got<'a>]) -> Option<()> {
        match (shape, value.node) {
            (Shape::Input(_), Node::Null) => {}
            (Shape::Input(at), Node::Text(text)) => *got.get_mut(*at)? = Got::text(text),
            (Shape::Input(at), _) => *got.get_mut(*at)? = Got::Wrong,
            (Shape::Object(members), Node::Object(inner)) => self.object(members, inner, got)?,
            (Shape::Object(_), _) => return None,
            (Shape::Literal(literal), node) => {
                let mut written = Vec::new();
                json::compact(&Value { span: value.span, node }, &mut written);
                return (**literal == *written).then_some(());
            }
        }
        Some(())
    }
}

fn is_acceptable(endpoint: &Endpoint, headers: &HeaderMap) -> bool {
    let accepted: Option<Vec<&str>> = headers.get_all(ACCEPT).iter().map(|value| value.to_str().ok()).collect();
    // What cannot be read is no wish.
    let Some(accepted) = accepted.filter(|values| !values.is_empty()) else {
        return true;
    };
    let accepted = accepted.join(",");
    endpoint.writes.is_empty() || endpoint.writes.iter().any(|written| media::accepts(&accepted, written))
}

/// IN-04: a page of another origin can send text and forms unasked, so what claims to be one is not read as JSON.
fn is_readable(encoding: Encoding, headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (value, second) = (values.next(), values.next());
    match (value, second) {
        (None, _) => true,
        (Some(_), Some(_)) => false,
        (Some(value), None) => value.to_str().is_ok_and(|value| match encoding {
            Encoding::Json => media::is_json(value),
            Encoding::Form => media::is_form(value),
        }),
    }
}
