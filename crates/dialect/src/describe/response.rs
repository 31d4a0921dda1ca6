//! What an endpoint answers, told from its replies: one description for each outcome that it can have.

use http::StatusCode;
use http::header::{ALLOW, RETRY_AFTER};
use myna_core::outcome::Kind;
use myna_core::problem::Field;

use super::tree::{self, Letters, Part, Shown, Type};
use super::{BodyDescription, CookieDescription, HeaderDescription, OutcomeDescription};
use crate::check::Check;
use crate::dialect::{Dialect, Endpoint};
use crate::encode::{Cookie, Filling, Reply};
use crate::origin::CrossSite;

impl Dialect {
    /// How the endpoint can end, what went well first. A wrong method never reaches an endpoint; the answer to one
    /// belongs to its path all the same.
    pub(super) fn outcomes(&self, at: usize) -> Vec<OutcomeDescription> {
        let endpoint = self.endpoint(at);
        let possible = endpoint.operation().outcomes().filter(|kind| self.can_end(endpoint, *kind));
        let described = possible.map(|kind| {
            let place = (kind != Kind::MethodNotAllowed).then_some(at);
            self.outcome(kind, self.reply(place, kind))
        });
        let (good, bad): (Vec<_>, Vec<_>) = described.partition(|outcome| outcome.kind.is_success());
        good.into_iter().chain(bad).collect()
    }

    fn can_end(&self, endpoint: &Endpoint, kind: Kind) -> bool {
        let plan = &endpoint.plan;
        let needless = (kind == Kind::NotAcceptable && !self.honour_accept)
            || (kind == Kind::UnsupportedMediaType && plan.body.is_none())
            || (kind.tells_who_exists() && !self.terms.enumerable)
            || (kind == Kind::CrossSite && plan.cross_site == CrossSite::Served)
            || (kind == Kind::OtherUser && !endpoint.reads(Field::UserId))
            || (kind == Kind::Invalid && plan.inputs.is_empty())
            || (kind == Kind::PasswordMismatch && !plan.checks.iter().any(Check::is_repetition));
        !needless
    }

    fn outcome(&self, kind: Kind, reply: Option<&Reply>) -> OutcomeDescription {
        let status = reply.and_then(|reply| reply.status).map_or(kind.status(), |status| status.as_u16());
        OutcomeDescription {
            kind,
            status,
            reason: StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default(),
            content_type: reply.and_then(|reply| Some(reply.content_type.as_ref()?.to_str().ok()?.to_owned())),
            headers: self.headers_told(kind, reply),
            cookies: reply.map(|reply| reply.cookies.iter().map(cookie).collect()).unwrap_or_default(),
            body: reply.and_then(body),
        }
    }

    fn headers_told(&self, kind: Kind, reply: Option<&Reply>) -> Vec<HeaderDescription> {
        let own = reply.map(|reply| reply.headers.as_slice()).unwrap_or_default();
        let general = self.headers.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own == name));
        let mut headers: Vec<HeaderDescription> = general
            .chain(own)
            .map(|(name, filling)| HeaderDescription { name: name.as_str().to_owned(), value: filled(filling) })
            .collect();
        let mut add = |name: &str, slot: &str, kind: Type| {
            if headers.iter().all(|header| header.name != name) {
                let (slot, letters) = (slot.to_owned(), Letters::AsIs);
                let shown = Shown { slot, kind, quoted: false, letters, nullable: false, or: None };
                headers.push(HeaderDescription { name: name.to_owned(), value: vec![Part::Shown(shown)] });
            }
        };
        if kind == Kind::MethodNotAllowed {
            add(ALLOW.as_str(), "allow", Type::Text);
        }
        if matches!(kind, Kind::Unavailable | Kind::Overloaded) {
            add(RETRY_AFTER.as_str(), "retry_after", Type::SpanSeconds);
        }
        headers
    }
}

fn filled(filling: &Filling) -> Vec<Part> {
    match filling {
        Filling::Fixed(value) => vec![Part::Literal(String::from_utf8_lossy(value.as_bytes()).into_owned())],
        Filling::Rendered(template) => tree::text(template),
    }
}

fn cookie(cookie: &Cookie) -> CookieDescription {
    CookieDescription {
        name: cookie.name.clone(),
        value: tree::text(&cookie.value),
        max_age: cookie.max_age.as_ref().map(tree::text),
        expires: cookie.expires.as_ref().map(tree::text),
        attributes: cookie.attributes.to_string(),
    }
}

fn body(reply: &Reply) -> Option<BodyDescription> {
    let template = reply.body.as_ref()?;
    Some(match tree::json(template) {
        Some(tree) => BodyDescription::Json(tree),
        None => BodyDescription::Text(tree::text(template)),
    })
}
