//! A compiled dialect: proven, immutable, shared. It holds the parts and answers questions about them; decoding and
//! encoding are in their own files.

use http::{HeaderMap, HeaderName, Method};
use myna_core::catalog::Operation;
use myna_core::outcome::Kind;
use myna_core::policy::Terms;
use myna_core::problem::{Field, Problem};

use crate::decode::Plan;
use crate::encode::{Filling, Reply};
use crate::insecure::Insecure;
use crate::messages::{FieldErrors, Messages};
use crate::route::Pattern;
use crate::source::Source;
use crate::token::{AccessProfile, RefreshProfile};
use crate::when::Condition;
use crate::words::{Language, Languages};

/// A dialect that cannot fail for reasons in its file.
#[derive(Debug)]
pub struct Dialect {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) document: Option<String>,
    pub(crate) terms: Terms,
    pub(crate) access: Option<AccessProfile>,
    pub(crate) refresh: Option<RefreshProfile>,
    pub(crate) insecure: Vec<Insecure>,
    pub(crate) left_out: Vec<(String, String)>,
    pub(crate) honour_accept: bool,
    pub(crate) headers: Vec<(HeaderName, Filling)>,
    pub(crate) languages: Languages,
    pub(crate) messages: Messages,
    pub(crate) replies: Vec<Reply>,
    /// Which reply serves a kind where no endpoint was reached.
    pub(crate) general: ReplyTable,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// For each kind, by its place in [`Kind::ALL`], which reply serves it. Every endpoint has one: small numbers keep it small.
pub(crate) type ReplyTable = Vec<Option<ReplyAt>>;

/// A place in [`Dialect::replies`].
pub(crate) type ReplyAt = u16;

/// A method and a path.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) pattern: Pattern,
}

/// One operation of a dialect, bound to one or more routes.
#[derive(Debug)]
pub struct Endpoint {
    pub(crate) name: String,
    /// At least one; all name the same parameters.
    pub(crate) routes: Vec<Route>,
    /// What has to hold of a request, where several endpoints share a route.
    pub(crate) when: Vec<Condition>,
    pub(crate) operation: Operation,
    pub(crate) plan: Plan,
    pub(crate) replies: ReplyTable,
    /// Content types of its good answers, for clients that choose.
    pub(crate) writes: Vec<String>,
}

impl Endpoint {
    /// The name in the dialect.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Methods and paths in the order of the file, parameters in braces, other letters than ASCII's percent-encoded.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &str)> {
        self.routes.iter().map(|route| (&route.method, route.pattern.text()))
    }

    /// Whether a secret stands in its path, which then belongs into no log.
    pub fn hides_path(&self) -> bool {
        let by_path = |source: &Source| matches!(source, Source::Path(_));
        self.plan.inputs.iter().any(|input| input.secret && input.sources.iter().any(by_path))
    }

    /// What it does.
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether a request can give it the field.
    pub fn reads(&self, field: Field) -> bool {
        self.plan.inputs.iter().any(|input| input.field == Some(field))
    }
}

impl Dialect {
    /// The name: that of its folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where the API is described.
    pub fn document(&self) -> Option<&str> {
        self.document.as_deref()
    }

    /// The rules that it does without, in the order of the file.
    pub fn insecure(&self) -> &[Insecure] {
        &self.insecure
    }

    /// Features of the API that it does not serve: name, and why or what to do instead. In the order of the file.
    pub fn left_out(&self) -> impl Iterator<Item = (&str, &str)> {
        self.left_out.iter().map(|(name, why)| (name.as_str(), why.as_str()))
    }

    /// How its sessions live.
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// How its access tokens look; `None`: it has none.
    pub const fn access(&self) -> Option<&AccessProfile> {
        self.access.as_ref()
    }

    /// How its refresh tokens look; `None`: it has none.
    pub const fn refresh(&self) -> Option<&RefreshProfile> {
        self.refresh.as_ref()
    }

    /// Every endpoint, in the order of the file.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The endpoint at a place that a [`Match`](crate::Match) named.
    ///
    /// # Panics
    /// When the place is of another dialect.
    pub fn endpoint(&self, at: usize) -> &Endpoint {
        &self.endpoints[at]
    }

    /// The language that a client with these headers is answered in.
    pub fn language(&self, headers: &HeaderMap) -> Language {
        self.languages.choose(headers)
    }

    /// The core's problems in the dialect's words, fields by their wire names, in the given order, each field once. A
    /// field that the endpoint does not read keeps its own name.
    pub fn problems(&self, endpoint: usize, problems: &[Problem], language: Language) -> Vec<FieldErrors> {
        let inputs = self.endpoints.get(endpoint).map(|endpoint| endpoint.plan.inputs.as_slice()).unwrap_or_default();
        let mut all: Vec<FieldErrors> = Vec::with_capacity(problems.len());
        for Problem { field, kind } in problems {
            let input = inputs.iter().find(|input| input.field == Some(*field));
            let wire = input.map_or(field.name(), |input| &input.wire);
            let phrase = self.messages.of(*kind, wire);
            match all.iter_mut().find(|errors| errors.field == wire) {
                Some(errors) => errors.say(&phrase, language),
                None => {
                    let mut errors = FieldErrors::new(wire);
                    errors.say(&phrase, language);
                    all.push(errors);
                }
            }
        }
        all
    }

    pub(crate) fn reply(&self, endpoint: Option<usize>, kind: Kind) -> Option<&Reply> {
        let place = Kind::ALL.iter().position(|each| *each == kind)?;
        let table = endpoint.and_then(|at| self.endpoints.get(at)).map_or(&self.general, |endpoint| &endpoint.replies);
        self.replies.get(usize::from(table.get(place).copied().flatten()?))
    }
}
