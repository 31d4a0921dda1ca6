//! Request → inputs of an operation. One reading of a request and no other: duplicates, half-valid text and odd types
//! are refused, not repaired. It judges form and the dialect's own rules; the operation's rules are the core's.

use std::borrow::Cow;

use http::header::ACCEPT;
use http::{HeaderMap, Method};
use myna_core::ops::input::Inputs;
use myna_core::outcome::Kind;
use myna_core::problem::{Field, ProblemKind};

use crate::body::BodyPlan;
use crate::check::Check;
use crate::dialect::{Dialect, Endpoint};
use crate::echo::Echo;
use crate::media;
use crate::messages::{FieldErrors, Phrase};
use crate::origin::{CrossSite, is_cross_site};
use crate::route::Params;
use crate::source::Source;
use crate::words::Language;

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
    /// Origins whose pages may call us, as the operator configured them.
    pub origins: &'a [String],
}

/// A request that does not come to its operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The outcome.
    pub kind: Kind,
    /// The failing fields, when that is why.
    pub errors: Vec<FieldErrors>,
    /// What the request gave and may be shown again; empty where no response of the endpoint shows it.
    pub echo: Echo,
}

impl From<Kind> for Refusal {
    fn from(kind: Kind) -> Self {
        Self { kind, errors: Vec::new(), echo: Echo::default() }
    }
}

/// A request that is one of its operation.
#[derive(Default)]
pub struct Decoded {
    /// What the operation is given.
    pub inputs: Inputs,
    /// What the request gave and may be shown again; empty where no response of the endpoint shows it.
    pub echo: Echo,
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
    /// Whether a response of the endpoint shows something of the request again.
    pub(crate) echoes: bool,
    /// What becomes of requests that another site caused.
    pub(crate) cross_site: CrossSite,
}

/// Something that a request gives.
#[derive(Debug)]
pub(crate) struct Input {
    /// The name in the dialect file.
    pub(crate) name: String,
    /// `None` for what only checks and echoes use.
    pub(crate) field: Option<Field>,
    /// Whether nobody may see it: a secret of the operation, or what has to be the same as one.
    pub(crate) secret: bool,
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
    /// A JSON number or boolean as it was written; only of what no operation reads.
    Raw(&'a str),
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
    pub fn decode(&self, endpoint: usize, request: &Request<'_>) -> Result<Decoded, Refusal> {
        let endpoint = self.endpoint(endpoint);
        let got = self.gather(endpoint, request)?;
        let echo = if endpoint.plan.echoes { Echo::new(&endpoint.plan.inputs, &got) } else { Echo::default() };
        match self.check(&endpoint.plan, &got, self.language(request.headers)) {
            Ok(()) => Ok(Decoded { inputs: inputs(&endpoint.plan, got), echo }),
            Err(refusal) => Err(Refusal { echo, ..refusal }),
        }
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
        if plan.cross_site == CrossSite::Refused && is_cross_site(request) {
            return Err(Kind::CrossSite.into());
        }
        let mut got = vec![Got::Absent; plan.inputs.len()];
        if let Some(body) = &plan.body {
            let texts = |at: usize| plan.inputs.get(at).is_some_and(|input| input.field.is_some());
            body.read(request, texts, &mut got)?;
        }
        for (input, got) in plan.inputs.iter().zip(&mut got) {
            // What an operation reads is text and nothing else.
            if input.field.is_some() && matches!(got, Got::Raw(_)) {
                *got = Got::Wrong;
            }
            for source in &input.sources {
                if *got == Got::Absent {
                    *got = source.find(request).ok_or(Kind::Malformed)?;
                    let by_cookie = input.secret && *got != Got::Absent && matches!(source, Source::Cookie(_));
                    if by_cookie && plan.cross_site == CrossSite::RefusedByCookie && is_cross_site(request) {
                        return Err(Kind::CrossSite.into());
                    }
                }
            }
        }
        Ok(got)
    }

    /// Every failing field, in the dialect's order.
    fn check(&self, plan: &Plan, got: &[Got<'_>], language: Language) -> Result<(), Refusal> {
        let mut said: Vec<Vec<Cow<'_, Phrase>>> = vec![Vec::new(); got.len()];
        let mut only_mismatches = true;
        for (at, input) in plan.inputs.iter().enumerate() {
            if got[at] == Got::Wrong {
                said[at].push(Cow::Owned(self.messages.of(ProblemKind::NotText, &input.wire)));
                only_mismatches = false;
            }
        }
        // An input that is missing or no text has nothing that other rules could judge.
        let mut done: Vec<bool> = got.iter().map(|got| *got == Got::Wrong).collect();
        for check in &plan.checks {
            if done[check.input] {
                continue;
            }
            if let Some(phrase) = check.fails(got) {
                said[check.input].push(Cow::Borrowed(phrase));
                only_mismatches &= check.is_repetition();
                done[check.input] = check.is_required();
            }
        }
        let failing = plan.order.iter().filter(|at| !said[**at].is_empty());
        let told = |at: &usize| {
            let mut errors = FieldErrors::new(&plan.inputs[*at].wire);
            said[*at].iter().for_each(|phrase| errors.say(phrase, language));
            errors
        };
        let errors: Vec<FieldErrors> = failing.map(told).collect();
        match errors.is_empty() {
            true => Ok(()),
            false if only_mismatches => Err(Refusal { errors, ..Kind::PasswordMismatch.into() }),
            false => Err(Refusal { errors, ..Kind::Invalid.into() }),
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

fn is_acceptable(endpoint: &Endpoint, headers: &HeaderMap) -> bool {
    let accepted: Option<Vec<&str>> = headers.get_all(ACCEPT).iter().map(|value| value.to_str().ok()).collect();
    // What cannot be read is no wish.
    let Some(accepted) = accepted.filter(|values| !values.is_empty()) else {
        return true;
    };
    let accepted = accepted.join(",");
    endpoint.writes.is_empty() || endpoint.writes.iter().any(|written| media::accepts(&accepted, written))
}
