//! What a dialect says, told from what it compiled to: endpoints, what each reads, what each answers and of which types.
//! OpenAPI and the written documentation are made from it. It is made on demand and belongs to nobody, so that a loaded
//! dialect keeps nothing for it; it never looks at a request.

mod request;
mod response;
mod tree;

use std::fmt;

use http::Method;
use myna_core::catalog::Operation;
use myna_core::outcome::Kind;
use myna_core::problem::Field;

pub use self::tree::{Each, Letters, Member, Part, Shown, Tree, Type};
use crate::dialect::{Dialect, Endpoint};
use crate::insecure::Insecure;
pub use crate::scheme::Half;
use crate::token::{AccessProfile, Alphabet, OpaqueProfile, RefreshProfile};

/// A whole dialect.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Where the API is described.
    pub document: Option<String>,
    /// How its access tokens look; `None`: it has none.
    pub access: Option<TokenForm>,
    /// How its refresh tokens look; `None`: it has none.
    pub refresh: Option<TokenForm>,
    /// The loosenings in force.
    pub insecure: Vec<Insecure>,
    /// Features of the API that it does not serve: name, and why or what to do instead.
    pub left_out: Vec<(String, String)>,
    /// Every endpoint, in the order of the file.
    pub endpoints: Vec<EndpointDescription>,
}

/// What a client sees of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenForm {
    /// A JWT with this algorithm (RFC 7518 §3.1).
    Jwt(String),
    /// Letters without a visible meaning.
    Opaque {
        /// What each begins with.
        prefix: String,
        /// The letters after it.
        alphabet: Alphabet,
    },
}

impl TokenForm {
    fn opaque(profile: &OpaqueProfile) -> Self {
        Self::Opaque { prefix: profile.prefix().to_owned(), alphabet: profile.alphabet() }
    }
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct EndpointDescription {
    /// The name in the dialect.
    pub name: String,
    /// The method.
    pub method: Method,
    /// The paths, parameters in braces; several are the same endpoint.
    pub paths: Vec<String>,
    /// What has to hold of a request, where several endpoints share method and path.
    pub when: Vec<WhenDescription>,
    /// What it does.
    pub operation: Operation,
    /// Media types of the body that it reads; the first is taken for a body without `Content-Type`. None: a body is
    /// ignored.
    pub reads: Vec<&'static str>,
    /// Whether a member that is not in `body` makes the request malformed.
    pub strict: bool,
    /// Whether no body is an empty one.
    pub may_be_empty: bool,
    /// The shape of the body; `None`: it is ignored.
    pub body: Option<Vec<Asked>>,
    /// What a request gives, in the order in which failures are reported.
    pub inputs: Vec<InputDescription>,
    /// How it can end, what went well first.
    pub outcomes: Vec<OutcomeDescription>,
}

/// One condition.
#[derive(Clone, Debug)]
pub struct WhenDescription {
    /// What it looks at.
    pub subject: WhenSubject,
    /// What has to be there.
    pub want: Wanted,
}

impl fmt::Display for WhenDescription {
    /// One phrase of Markdown: `` `mode` in the query = `cookie` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.want, Wanted::Absent) {
            f.write_str("no ")?;
        }
        match &self.subject {
            WhenSubject::Body(path) => write!(f, "`{}` in the body", path.join("."))?,
            WhenSubject::Place(Place::Header(name)) => write!(f, "`{name}` in the header")?,
            WhenSubject::Place(Place::Cookie(name)) => write!(f, "`{name}` in the cookies")?,
            WhenSubject::Place(Place::Path(name)) => write!(f, "`{name}` in the path")?,
            WhenSubject::Place(Place::Query(name)) => write!(f, "`{name}` in the query")?,
            WhenSubject::Place(Place::Bearer(name) | Place::Scheme { header: name, .. }) => write!(f, "`{name}`")?,
            WhenSubject::Place(Place::Basic(_)) => f.write_str("`authorization`")?,
        }
        if let Wanted::Any(texts) = &self.want {
            let texts: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
            write!(f, " = {}", texts.join(" or "))?;
        }
        Ok(())
    }
}

/// What a condition looks at.
#[derive(Clone, Debug)]
pub enum WhenSubject {
    /// A place outside the body.
    Place(Place),
    /// A member of the body, by its path.
    Body(Vec<String>),
}

/// What a condition wants.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// One of these texts; JSON numbers and booleans by their letters.
    Any(Vec<String>),
    /// Anything.
    Present,
    /// Nothing.
    Absent,
}

/// A member of a request's body.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its name.
    pub name: String,
    /// What it is.
    pub shape: AskedShape,
}

/// What a member of a request's body is.
#[derive(Clone, Debug)]
pub enum AskedShape {
    /// The input at this place of [`EndpointDescription::inputs`].
    Input(usize),
    /// Exactly this.
    Literal(serde_json::Value),
    /// An object of these.
    Object(Vec<Asked>),
    /// An array, each of these at its place.
    Array(Vec<Self>),
}

/// Something that a request gives.
#[derive(Clone, Debug)]
pub struct InputDescription {
    /// The name in the dialect file.
    pub name: String,
    /// The name on the wire.
    pub wire: String,
    /// Which input of the operation; `None` for what only rules and echoes use.
    pub field: Option<Field>,
    secret: bool,
    /// Whether requests without it are refused.
    pub required: bool,
    /// Whether it stands in the body.
    pub in_body: bool,
    /// Where it is found outside the body; the first that is present.
    pub places: Vec<Place>,
    /// The dialect's own rules, in their order.
    pub rules: Vec<RuleDescription>,
}

impl InputDescription {
    /// Whether nobody may see it.
    pub const fn is_secret(&self) -> bool {
        self.secret
    }
}

/// A place outside the body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// `Bearer TOKEN` in this header.
    Bearer(String),
    /// The whole header.
    Header(String),
    /// A cookie.
    Cookie(String),
    /// A parameter of the path.
    Path(String),
    /// A parameter of the query.
    Query(String),
    /// A half of `Authorization: Basic …` (RFC 7617).
    Basic(Half),
    /// `WORD TOKEN`, or a parameter of `WORD NAME="VALUE", …` (RFC 9110 §11.4).
    Scheme {
        /// The scheme.
        word: String,
        /// The parameter; `None`: all that follows the scheme.
        param: Option<String>,
        /// In which header.
        header: String,
    },
}

/// One rule for one input.
#[derive(Clone, Debug)]
pub struct RuleDescription {
    /// What must hold.
    pub rule: Rule,
    /// What is said when it does not; for a size when it is too small, then when it is too large.
    pub messages: [String; 2],
}

/// What can be asked of an input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// It is there and not empty.
    Required,
    /// It can be an e-mail address.
    Email,
    /// It can be a username.
    Username,
    /// It has so many characters, both ends included.
    Size {
        /// At least.
        min: u32,
        /// At most.
        max: u32,
    },
    /// It is the same as the input of this wire name.
    Same(String),
    /// It is one of these.
    OneOf(Vec<String>),
}

/// One way in which an endpoint ends.
#[derive(Clone, Debug)]
pub struct OutcomeDescription {
    /// What happened.
    pub kind: Kind,
    /// The status.
    pub status: u16,
    /// Its reason phrase.
    pub reason: &'static str,
    /// The content type; `None`: no such header.
    pub content_type: Option<String>,
    /// Headers that the dialect writes, and `Allow` and `Retry-After` where the server adds them.
    pub headers: Vec<HeaderDescription>,
    /// Cookies that are set.
    pub cookies: Vec<CookieDescription>,
    /// The body; `None`: empty.
    pub body: Option<BodyDescription>,
}

/// A header of an answer.
#[derive(Clone, Debug)]
pub struct HeaderDescription {
    /// Its name, in small letters.
    pub name: String,
    /// Its value.
    pub value: Vec<Part>,
}

/// A cookie of an answer.
#[derive(Clone, Debug)]
pub struct CookieDescription {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Vec<Part>,
    /// Seconds that it lives; `None`: as long as the browser runs.
    pub max_age: Option<Vec<Part>>,
    /// When it ends, as an HTTP date.
    pub expires: Option<Vec<Part>>,
    /// The other attributes as they are written, each after a semicolon.
    pub attributes: String,
}

impl CookieDescription {
    /// The value of `Set-Cookie`; `show` writes what is rendered.
    pub fn line(&self, show: impl Fn(&[Part]) -> String) -> String {
        let end = |name: &str, parts: &Option<Vec<Part>>| {
            parts.as_ref().map(|parts| format!("; {name}={}", show(parts))).unwrap_or_default()
        };
        let (age, expires) = (end("Max-Age", &self.max_age), end("Expires", &self.expires));
        format!("{}={}{age}{expires}{}", self.name, show(&self.value), self.attributes)
    }
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub enum BodyDescription {
    /// JSON.
    Json(Tree),
    /// Text.
    Text(Vec<Part>),
}

impl Dialect {
    /// The dialect in words that documents are made from.
    pub fn describe(&self) -> Description {
        Description {
            name: self.name().to_owned(),
            title: self.title().to_owned(),
            document: self.document().map(str::to_owned),
            access: self.access().map(|profile| match profile {
                AccessProfile::Jwt(profile) => TokenForm::Jwt(profile.algorithm().to_owned()),
                AccessProfile::Opaque(profile) => TokenForm::opaque(profile),
            }),
            refresh: self.refresh().map(|profile| match profile {
                RefreshProfile::Jwt(profile) => TokenForm::Jwt(profile.algorithm().to_owned()),
                RefreshProfile::Opaque(profile) => TokenForm::opaque(profile),
            }),
            insecure: self.insecure().to_vec(),
            left_out: self.left_out().map(|(name, why)| (name.to_owned(), why.to_owned())).collect(),
            endpoints: (0..self.endpoints().len()).flat_map(|at| self.describe_endpoint(at)).collect(),
        }
    }

    /// One description for each method of the endpoint's routes.
    fn describe_endpoint(&self, at: usize) -> Vec<EndpointDescription> {
        let endpoint: &Endpoint = self.endpoint(at);
        let plan = &endpoint.plan;
        let mut all: Vec<EndpointDescription> = Vec::new();
        for (method, path) in endpoint.routes() {
            if let Some(told) = all.iter_mut().find(|told| told.method == *method) {
                told.paths.push(path.to_owned());
                continue;
            }
            all.push(EndpointDescription {
                name: endpoint.name().to_owned(),
                method: method.clone(),
                paths: vec![path.to_owned()],
                when: endpoint.when.iter().map(request::when).collect(),
                operation: endpoint.operation(),
                reads: plan.body.as_ref().map(request::media_types).unwrap_or_default(),
                strict: plan.body.as_ref().is_some_and(|body| body.strict),
                may_be_empty: plan.body.as_ref().is_some_and(|body| body.may_be_empty),
                body: plan.body.as_ref().map(|body| request::asked(body, &plan.order)),
                inputs: request::inputs(plan, endpoint.operation()),
                outcomes: self.outcomes(at),
            });
        }
        all
    }
}
