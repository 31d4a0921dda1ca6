//! Which of several endpoints at one route a request is for: the first whose conditions all hold. They look at what is
//! there; what it is worth is judged by the endpoint.

use myna_core::outcome::Kind;

use crate::body::{BodyPlan, Encoding};
use crate::decode::{Got, Refusal, Request};
use crate::json::{self, Node};
use crate::route::Match;
use crate::source::Source;

/// One condition of `when`.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) subject: Subject,
    pub(crate) want: Want,
}

/// What a condition looks at.
#[derive(Debug)]
pub(crate) enum Subject {
    /// A place outside the body.
    Source(Source),
    /// A member of the body, by its path.
    Body(Vec<String>),
}

/// What has to be there.
#[derive(Debug)]
pub(crate) enum Want {
    /// One of these texts; JSON numbers and booleans by their letters.
    Any(Box<[String]>),
    /// Anything.
    Present,
    /// Nothing; `null` is nothing.
    Absent,
}

/// The bodies that were parsed so far, by the plan that says how: endpoints of one route mostly read alike.
type Parsed<'p, 'a> = Vec<(&'p BodyPlan, Option<Node<'a>>)>;

impl Match {
    /// The endpoint that the request is for: one, unless several share the route.
    ///
    /// # Errors
    /// Malformed when it is for none of them; the endpoint that was found first answers so.
    pub fn select(&self, request: &Request<'_>) -> Result<usize, Refusal> {
        let mut parsed = Parsed::new();
        for at in std::iter::once(self.endpoint).chain(self.others.iter().copied()) {
            let endpoint = self.dialect.endpoint(at);
            let mut holds = true;
            for condition in &endpoint.when {
                holds = holds && condition.holds(endpoint.plan.body.as_ref(), request, &mut parsed)?;
            }
            if holds {
                return Ok(at);
            }
        }
        Err(Kind::Malformed.into())
    }
}

impl Condition {
    fn holds<'p, 'a>(
        &self,
        plan: Option<&'p BodyPlan>,
        request: &Request<'a>,
        parsed: &mut Parsed<'p, 'a>,
    ) -> Result<bool, Kind> {
        match &self.subject {
            Subject::Source(source) => Ok(match source.find(request).ok_or(Kind::Malformed)? {
                Got::Absent => self.want.takes(Value::Nothing),
                Got::Text(text) => self.want.takes(Value::Text(&text)),
                Got::Raw(text) => self.want.takes(Value::Text(text)),
                Got::Wrong => self.want.takes(Value::Something),
            }),
            Subject::Body(path) => {
                let Some(plan) = plan else { return Ok(false) };
                // A text body is read as the one member, so its name is part of the reading.
                let first = |plan: &'p BodyPlan| plan.members.first().map(|(name, _)| name);
                let alike = |other: &'p BodyPlan| {
                    other.encodings == plan.encodings
                        && other.may_be_empty == plan.may_be_empty
                        && (first(other) == first(plan) || !plan.encodings.contains(&Encoding::Text))
                };
                if !parsed.iter().any(|(other, _)| alike(other)) {
                    // What cannot be read fulfils no condition, and is told by the endpoint that takes the rest.
                    let body = plan.parse(request).map(|body| body.unwrap_or(Node::Object(Vec::new())));
                    parsed.push((plan, body.ok()));
                }
                let body = parsed.iter().find(|(other, _)| alike(other)).and_then(|(_, body)| body.as_ref());
                Ok(body.is_some_and(|body| self.want.takes(member(body, path))))
            }
        }
    }
}

/// What stands somewhere.
enum Value<'v> {
    Nothing,
    Text(&'v str),
    Something,
}

impl Want {
    fn takes(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Any(texts), Value::Text(text)) => texts.iter().any(|each| each == text),
            (Self::Present, Value::Text(_) | Value::Something) | (Self::Absent, Value::Nothing) => true,
            (Self::Any(_) | Self::Present, Value::Nothing)
            | (Self::Any(_), Value::Something)
            | (Self::Absent, Value::Text(_) | Value::Something) => false,
        }
    }
}

fn member<'v>(body: &'v Node<'_>, path: &[String]) -> Value<'v> {
    let Some((name, rest)) = path.split_first() else {
        return match body {
            Node::Null => Value::Nothing,
            Node::Text(text) => Value::Text(text),
            Node::Number(text) => Value::Text(text),
            Node::Bool(true) => Value::Text("true"),
            Node::Bool(false) => Value::Text("false"),
            Node::Array(_) | Node::Object(_) => Value::Something,
        };
    };
    let inner = match body {
        Node::Object(members) => json::member(members, name),
        Node::Array(values) => name.parse().ok().and_then(|at: usize| values.get(at)),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => None,
    };
    inner.map_or(Value::Nothing, |value| member(&value.node, rest))
}
