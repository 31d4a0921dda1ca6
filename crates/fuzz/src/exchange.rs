//! Request → decode → some outcome of the operation → encode, for every dialect there is: whatever is sent, the answer is
//! one that the dialect describes, and no secret comes back.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use myna_core::outcome::{Kind, Outcome};
use myna_dialect::describe::{BodyDescription, Description, EndpointDescription, OutcomeDescription};
use myna_dialect::diagnostic::Source;
use myna_dialect::{
    Answer, Decoded, Dialect, Echo, FieldErrors, Found, Insecure, Language, Refusal, Request, Response, Router, Tokens,
    compile,
};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::entropy::Entropy;
use crate::request::{CANARY, Crafted, LARGE_NUMBERS, craft};
use crate::sample;

/// A dialect and what it says about itself.
pub struct Served {
    router: Router,
    dialect: Arc<Dialect>,
    description: Description,
}

impl Served {
    /// Compiles a dialect file; `None` when it is refused.
    pub fn new(name: &str, text: &str) -> Option<Self> {
        let dialect = Arc::new(compile(&Source::new(name, text), None).ok()?);
        let router = Router::new(vec![Arc::clone(&dialect)], &[]).ok()?;
        Some(Self { description: dialect.describe(), router, dialect })
    }

    /// The dialect's name.
    pub fn name(&self) -> &str {
        self.dialect.name()
    }

    /// How many endpoints it describes: one for each method of each.
    pub fn endpoints(&self) -> usize {
        self.description.endpoints.len()
    }

    /// One request to an endpoint, and its answer. Tells how it ended, for those who count.
    ///
    /// # Panics
    /// When the answer is none that the dialect describes, or tells a secret.
    pub fn exchange(&self, endpoint: usize, choices: &[u8]) -> Option<Kind> {
        let mut entropy = Entropy::new(choices);
        let crafted = craft(self.description.endpoints.get(endpoint)?, &mut entropy);
        let tokens = Tokens::default();
        let language = self.dialect.language(&crafted.headers);
        let (at, Concluded { outcome, errors, echo }) = match self.router.find(&crafted.method, &crafted.path) {
            Found::Endpoint(found) => {
                let request = Request {
                    method: &crafted.method,
                    path: &crafted.path,
                    query: crafted.query.as_deref(),
                    headers: &crafted.headers,
                    body: &crafted.body,
                    params: &found.params,
                    origins: &[],
                };
                // Of several at one route the one whose conditions hold; the first answers for none.
                match found.select(&request) {
                    Ok(at) => (Some(at), self.conclude(at, &request, language, &mut entropy)),
                    Err(refusal) => (Some(found.endpoint), refusal.into()),
                }
            }
            Found::WrongMethod { allow, .. } => {
                let outcome = Outcome::plain(Kind::MethodNotAllowed);
                let answer = Answer { allow: Some(&allow), language, ..plain(&outcome, &tokens) };
                let response = self.dialect.encode(None, &answer);
                assert!(!allow.is_empty(), "a wrong method without a right one");
                self.judge(None, Kind::MethodNotAllowed, &response, &crafted);
                return Some(Kind::MethodNotAllowed);
            }
            // The server's own answer, not a dialect's.
            Found::Nothing => return None,
        };
        let minted = sample::tokens();
        let answer = Answer { errors: &errors, echo: &echo, language, ..plain(&outcome, &minted) };
        let response = self.dialect.encode(at, &answer);
        self.judge(at, outcome.kind, &response, &crafted);
        Some(outcome.kind)
    }

    /// A description of the endpoint at this place of the dialect; each of its methods has one.
    fn described(&self, at: usize) -> Option<&EndpointDescription> {
        let name = self.dialect.endpoint(at).name();
        self.description.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// As the server does it, with some outcome of the operation in place of the operation.
    fn conclude(
        &self,
        endpoint: usize,
        request: &Request<'_>,
        language: Language,
        entropy: &mut Entropy<'_>,
    ) -> Concluded {
        match self.dialect.decode(endpoint, request) {
            Err(refusal) => {
                assert!(!format!("{refusal:?}").contains(CANARY), "a secret in a refusal");
                // The server reads once more to tell everything that is wrong.
                drop(self.dialect.decode_unchecked(endpoint, request));
                refusal.into()
            }
            Ok(Decoded { echo, .. }) => {
                let outcomes = self.described(endpoint).into_iter().flat_map(|endpoint| &endpoint.outcomes);
                // A wrong method is told before any endpoint is reached.
                let kinds: Vec<Kind> =
                    outcomes.map(|outcome| outcome.kind).filter(|kind| *kind != Kind::MethodNotAllowed).collect();
                let kind = kinds.get(entropy.below(kinds.len())).copied().unwrap_or(Kind::Fault);
                let outcome = sample::outcome(kind, entropy);
                let errors = self.dialect.problems(endpoint, &outcome.problems, language);
                Concluded { outcome, errors, echo }
            }
        }
    }

    fn judge(&self, at: Option<usize>, kind: Kind, response: &Response, crafted: &Crafted) {
        let described: Vec<&OutcomeDescription> = match at.and_then(|at| self.described(at)) {
            Some(endpoint) => of_kind(endpoint, kind).collect(),
            None => self.description.endpoints.iter().flat_map(|endpoint| of_kind(endpoint, kind)).collect(),
        };
        let place = || format!("{} {} {}: {}", self.name(), crafted.method, crafted.path, kind.name());
        assert!(described.iter().any(|outcome| fits(outcome, response)), "not as described: {} {response:?}", place());
        for (name, value) in &response.headers {
            assert!(!holds(value.as_bytes(), CANARY), "a secret in the header {name}: {}", place());
            let lawful = value.as_bytes().iter().all(|byte| *byte >= 0x20 && *byte != 0x7f || *byte == b'\t');
            assert!(lawful, "control characters in {name}: {}", place());
        }
        assert!(!holds(&response.body, CANARY), "a secret in the body: {} {response:?}", place());
    }

    /// What is answered to the three that must not be told apart, at every endpoint: unknown user, wrong password, disabled
    /// user, and what stands for all of them; nothing where the file says `insecure = ["enumeration"]`. LG-06.
    pub fn denials(&self) -> Vec<(String, Vec<Response>)> {
        if self.dialect.insecure().contains(&Insecure::Enumeration) {
            return Vec::new();
        }
        let alike = |kind: &&Kind| kind.chain().any(|each| each == Kind::InvalidCredentials);
        let tokens = Tokens::default();
        let denies = |at: &usize| {
            self.described(*at).is_some_and(|endpoint| of_kind(endpoint, Kind::InvalidCredentials).next().is_some())
        };
        let all = (0..self.dialect.endpoints().len()).filter(denies);
        let answers = |at: usize| {
            let outcomes = Kind::ALL.iter().filter(alike).map(|kind| Outcome::plain(*kind));
            outcomes.map(|outcome| self.dialect.encode(Some(at), &plain(&outcome, &tokens))).collect()
        };
        all.map(|at| (format!("{}/{}", self.name(), self.dialect.endpoint(at).name()), answers(at))).collect()
    }
}

/// What is to be answered.
struct Concluded {
    outcome: Outcome,
    errors: Vec<FieldErrors>,
    echo: Echo,
}

impl From<Refusal> for Concluded {
    fn from(Refusal { kind, errors, echo }: Refusal) -> Self {
        Self { outcome: sample::outcome(kind, &mut Entropy::new(&[])), errors, echo }
    }
}

fn plain<'a>(outcome: &'a Outcome, tokens: &'a Tokens) -> Answer<'a> {
    Answer {
        outcome,
        tokens,
        errors: &[],
        request_id: "0123456789abcdef",
        now: sample::NOW,
        allow: None,
        echo: Echo::NONE,
        language: Language::default(),
    }
}

fn of_kind(endpoint: &EndpointDescription, kind: Kind) -> impl Iterator<Item = &OutcomeDescription> {
    endpoint.outcomes.iter().filter(move |outcome| outcome.kind == kind)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Whether a response is what its description says: status, content type, and a body of its form.
fn fits(described: &OutcomeDescription, response: &Response) -> bool {
    let mut types = response.headers.iter().filter(|(name, _)| *name == CONTENT_TYPE).map(|(_, value)| value.to_str());
    let content_type = types.next().map(|value| value.ok().unwrap_or_default().to_owned());
    let body = match &described.body {
        None => response.body.is_empty(),
        Some(BodyDescription::Json(_)) => is_compact_json(&response.body),
        Some(BodyDescription::Text(_)) => str::from_utf8(&response.body).is_ok(),
    };
    described.status == response.status.as_u16()
        && described.content_type == content_type
        && types.next().is_none()
        && body
}

/// Whether reading and writing it again gives the same bytes: so there are no blanks and no member twice. A number that
/// is shown again as it was sent may be larger than any that is read: then it is JSON by its grammar.
fn is_compact_json(body: &[u8]) -> bool {
    let value: Result<Value, _> = serde_json::from_slice(body);
    let same = value.is_ok_and(|value| serde_json::to_vec(&value).is_ok_and(|again| again == body));
    let large = LARGE_NUMBERS.iter().any(|number| holds(body, number));
    same || (large && serde_json::from_slice::<&RawValue>(body).is_ok())
}
