//! Cases: golden exchanges of a dialect, written as people paste HTTP, and what of an answer they hold fast. It parses,
//! fills in and compares; it never sends anything and knows no dialect: whoever runs a case brings the server.
//!
//! ```text
//! # A wrong password and an unknown user look the same.          the first comment is the title
//! user { "id": 7, "email": "foo@gmail.com", "password": "foo" }
//!
//! > POST /api/login
//! > content-type: application/json
//! >
//! > {"email": "foo@gmail.com", "password": "bar"}
//!
//! < 401
//! < content-type: application/json
//! < !set-cookie                                                  must be absent
//! <
//! < {"code": 102, "description": "<text>"}                       no body here: the answer has none
//!
//! advance 31m
//! ```
//!
//! - What varies is matched by class, alone or within a text: `<jwt>`, `<int>`, … ([`Class`]). `<jwt token>` keeps it
//!   as `token`; from then on `{token}` stands for it, in requests and in expected answers. `{` and `<` otherwise stand
//!   for themselves.
//! - A request may hold `{repeat x 1048576}` and, for what is not UTF-8, `{bytes c3 28}`.
//! - A body of an answer that begins with `{` or `[` is JSON: same members in the same order, same types, and compact,
//!   however it is laid out in the case. Any other body is text.
//! - Steps beside exchanges: `advance 1d2h3m4s`; `mail reset` (a mail with a reset link is queued; keeps `reset_token`
//!   and `reset_to`); `no mail`; `disable 7`; `enable 7`; `jwt token` with lines `= {…}` for its header and claims.

mod class;
mod compare;
mod json;
mod line;
mod parse;
mod pattern;
mod sample;
#[cfg(test)]
mod tests;
mod user;

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderName, Method};
use myna_core::id::UserId;
use serde_json::Value;

pub use self::class::Class;
pub use self::compare::{Jwt, Mismatch, Response};
pub use self::parse::parse;
pub use self::pattern::Fill;
pub use self::user::CaseUser;

/// A parsed case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its first comment: what it shows.
    pub title: String,
    /// The users that exist before the first step.
    pub users: Vec<CaseUser>,
    /// What happens, in this order.
    pub steps: Vec<Step>,
}

/// One step and where it is written.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line of the file where it begins, from 1.
    pub line: usize,
    /// What happens.
    pub action: Action,
}

/// What a step does or looks at.
#[derive(Clone, Debug)]
pub enum Action {
    /// A request is sent and its answer compared.
    Exchange(Box<Exchange>),
    /// The clock moves on.
    Advance(Duration),
    /// One mail with a reset link has been queued since the last look; its token and address become the captures
    /// [`RESET_TOKEN`] and [`RESET_TO`].
    ResetMail,
    /// No mail to anybody has been queued since the last look.
    NoMail,
    /// A captured token is decoded and compared.
    Jwt(Box<Jwt>),
    /// A user is disabled.
    Disable(UserId),
    /// A user is active again.
    Enable(UserId),
}

/// The capture that `mail reset` makes of the link's token.
pub const RESET_TOKEN: &str = "reset_token";
/// The capture that `mail reset` makes of the address that the mail goes to.
pub const RESET_TO: &str = "reset_to";

/// A request and the answer that it gets.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What is sent.
    pub request: Request,
    /// What comes back.
    pub response: Response,
}

/// A request as written, with holes.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: Fill,
    /// The headers in their order; a name may stand more than once.
    pub headers: Vec<(HeaderName, Fill)>,
    /// The body; empty when there is none.
    pub body: Fill,
}

/// A request ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRequest {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// The headers in their order. `host` and `content-length` are the sender's business.
    pub headers: Vec<(HeaderName, Vec<u8>)>,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

impl Request {
    /// The request with the captures filled in. A capture that an earlier, failed exchange did not make stays `{name}`.
    pub fn fill(&self, captures: &Captures) -> CaseRequest {
        let Self { method, target, headers, body } = self;
        CaseRequest {
            method: method.clone(),
            target: String::from_utf8_lossy(&target.fill(captures)).into_owned(),
            headers: headers.iter().map(|(name, value)| (name.clone(), value.fill(captures))).collect(),
            body: body.fill(captures),
        }
    }
}

/// What answers gave to be used later, by name.
#[derive(Clone, Default, Debug)]
pub struct Captures(HashMap<String, Value>);

impl Captures {
    /// Keeps a value; a former one of that name is forgotten.
    pub fn put(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// The value of that name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value as it stands in a text: a string without its quotes, anything else as JSON.
    pub fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}
