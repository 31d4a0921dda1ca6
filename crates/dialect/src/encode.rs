//! Outcome → response, total: whatever an operation concluded, there is an answer in the dialect's shape. It renders
//! what was proven before; it never decides anything, and no value can add a header (IN-07).

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use http::{HeaderName, HeaderValue, StatusCode};
use myna_core::outcome::{Kind, Outcome};
use myna_core::policy::Shown;
use myna_core::time::Timestamp;

use crate::dialect::Dialect;
use crate::echo::Echo;
use crate::messages::FieldErrors;
use crate::slot::{Carrier, Slot};
use crate::template::Template;
use crate::value::Scope;
use crate::words::Language;

/// The tokens that were minted for an answer.
#[derive(Clone, Default)]
pub struct Tokens {
    /// The access token, when the response shows it.
    pub access: Option<Minted>,
    /// The refresh token, when the response shows it.
    pub refresh: Option<Minted>,
}

/// A minted token.
#[derive(Clone)]
pub struct Minted {
    /// The token as the client gets it.
    pub text: String,
    /// Names this token and no other; `{access.id}`.
    pub id: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From then on it is worth nothing.
    pub expires_at: Timestamp,
}

/// What is answered.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    /// What the operation concluded.
    pub outcome: &'a Outcome,
    /// As much as [`Dialect::wants_tokens`] asks for.
    pub tokens: &'a Tokens,
    /// The failing fields in the dialect's words.
    pub errors: &'a [FieldErrors],
    /// Names the request in the log.
    pub request_id: &'a str,
    /// What the request gave and the answer may show again.
    pub echo: &'a Echo,
    /// What the client wants to read.
    pub language: Language,
    /// The present.
    pub now: Timestamp,
    /// The lawful methods, after a wrong one.
    pub allow: Option<&'a str>,
}

/// An HTTP response, whatever sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// In this order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// Name and value of a cookie, at most; browsers drop a longer one without a word (RFC 6265bis §5.7).
pub(crate) const COOKIE_BYTES_MAX: usize = 4096;

impl Response {
    /// Cookies that browsers will drop for their length: name, and bytes of name and value. They are sent nevertheless, and
    /// whole (HD-03): a token that is cut is none, other clients take it, and what was done is done.
    pub fn oversized_cookies(&self) -> impl Iterator<Item = (&str, usize)> {
        let cookies = self.headers.iter().filter(|(name, _)| *name == SET_COOKIE);
        cookies.filter_map(|(_, line)| {
            let pair = line.as_bytes().split(|byte| *byte == b';').next()?;
            let name = pair.split(|byte| *byte == b'=').next()?;
            let bytes = pair.len().saturating_sub(1);
            (bytes > COOKIE_BYTES_MAX).then_some((std::str::from_utf8(name).ok()?, bytes))
        })
    }
}

/// Which tokens a response shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wants {
    /// Something of the access token.
    pub access: bool,
    /// Something of the refresh token.
    pub refresh: bool,
    /// The name or device of the session.
    pub session: bool,
}

/// A compiled response.
#[derive(Debug)]
pub(crate) struct Reply {
    /// `None`: the outcome's own.
    pub(crate) status: Option<StatusCode>,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) headers: Vec<(HeaderName, Filling)>,
    pub(crate) cookies: Vec<Cookie>,
    pub(crate) body: Option<Template>,
}

/// A header's value.
#[derive(Debug)]
pub(crate) enum Filling {
    Fixed(HeaderValue),
    Rendered(Template),
}

/// A cookie that a response sets.
#[derive(Debug)]
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: Template,
    pub(crate) max_age: Option<Template>,
    pub(crate) expires: Option<Template>,
    /// What follows the value and its end, each after a semicolon: the same for every answer.
    pub(crate) attributes: Box<str>,
}

/// For whom a cookie is, and how it travels.
#[derive(Debug)]
pub(crate) struct CookieFlags {
    pub(crate) path: String,
    pub(crate) domain: Option<String>,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    /// As it is written: `Lax`, `Strict` or `None`.
    pub(crate) same_site: &'static str,
}

impl Filling {
    pub(crate) fn new(template: Template) -> Self {
        let fixed = template.fixed().and_then(|bytes| HeaderValue::from_bytes(bytes).ok());
        fixed.map_or(Self::Rendered(template), Self::Fixed)
    }

    /// What has to be rendered, if anything has.
    pub(crate) const fn template(&self) -> Option<&Template> {
        match self {
            Self::Fixed(_) => None,
            Self::Rendered(template) => Some(template),
        }
    }

    /// `None` when the value holds what no header can: it is left out, not cut.
    fn fill(&self, scope: &Scope<'_>) -> Option<HeaderValue> {
        match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Rendered(template) => HeaderValue::from_maybe_shared(template.render(scope)).ok(),
        }
    }
}

impl Reply {
    pub(crate) fn wants(&self) -> Wants {
        Wants {
            access: self.shows(of_access),
            refresh: self.shows(of_refresh),
            session: self.shows(|slot| slot.carrier() == Carrier::Session),
        }
    }

    /// Whether the client gets the refresh token itself: from its end alone nobody can refresh again.
    pub(crate) fn hands_over_refresh(&self) -> bool {
        self.shows(|slot| slot.carrier() == Carrier::RefreshText)
    }

    /// Whether a slot for which `wanted` holds is somewhere in the response.
    pub(crate) fn shows(&self, wanted: fn(Slot) -> bool) -> bool {
        let headers = self.headers.iter().filter_map(|(_, filling)| filling.template());
        let cookies = self.cookies.iter().flat_map(Cookie::templates);
        headers.chain(cookies).chain(&self.body).any(|template| template.shows(wanted))
    }
}

pub(crate) fn of_access(slot: Slot) -> bool {
    matches!(slot.carrier(), Carrier::Access | Carrier::AccessText)
}

pub(crate) fn of_refresh(slot: Slot) -> bool {
    matches!(slot.carrier(), Carrier::Refresh | Carrier::RefreshText)
}

/// Whether the slot shows something that the request gave.
pub(crate) fn of_request(slot: Slot) -> bool {
    slot == Slot::Echo
}

impl Cookie {
    pub(crate) fn new(
        name: String,
        value: Template,
        max_age: Option<Template>,
        expires: Option<Template>,
        flags: CookieFlags,
    ) -> Self {
        let CookieFlags { path, domain, secure, http_only, same_site } = flags;
        let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
        let (secure, http_only) = (if secure { "; Secure" } else { "" }, if http_only { "; HttpOnly" } else { "" });
        let attributes = format!("; Path={path}{domain}{secure}{http_only}; SameSite={same_site}");
        Self { name, value, max_age, expires, attributes: attributes.into() }
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.value).chain(&self.max_age).chain(&self.expires)
    }

    fn write(&self, scope: &Scope<'_>) -> Option<HeaderValue> {
        let mut line = format!("{}=", self.name).into_bytes();
        line.extend(self.value.render(scope));
        if let Some(max_age) = &self.max_age {
            line.extend_from_slice(b"; Max-Age=");
            line.extend(max_age.render(scope));
        }
        if let Some(expires) = &self.expires {
            line.extend_from_slice(b"; Expires=");
            line.extend(expires.render(scope));
        }
        line.extend_from_slice(self.attributes.as_bytes());
        HeaderValue::from_maybe_shared(line).ok()
    }
}

impl Dialect {
    /// Which tokens the response for `kind` at the endpoint shows, so that none is minted for nothing.
    pub fn wants_tokens(&self, endpoint: usize, kind: Kind) -> Wants {
        self.reply(Some(endpoint), kind).map(Reply::wants).unwrap_or_default()
    }

    /// What the endpoint's answer shows when its operation does what was asked.
    pub fn shown(&self, endpoint: usize) -> Shown {
        let reply = self.reply(Some(endpoint), self.endpoint(endpoint).operation().success());
        let Wants { access, refresh, session } = reply.map(Reply::wants).unwrap_or_default();
        Shown { session: access || refresh || session, refresh: reply.is_some_and(Reply::hands_over_refresh) }
    }

    /// The response for an outcome. `endpoint`: where it happened; `None` when no endpoint was reached.
    pub fn encode(&self, endpoint: Option<usize>, answer: &Answer<'_>) -> Response {
        let outcome = answer.outcome;
        let reply = self.reply(endpoint, outcome.kind);
        let stated = reply.and_then(|reply| reply.status);
        let default = || StatusCode::from_u16(outcome.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let status = stated.unwrap_or_else(default);
        let scope = Scope {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default(),
            request_id: answer.request_id,
            language: answer.language,
            echo: Some(answer.echo),
            now: answer.now,
            user: outcome.user.as_deref(),
            session: outcome.grant.as_ref().map(|grant| &grant.session),
            sessions: &outcome.sessions,
            access: answer.tokens.access.as_ref().map(Into::into),
            refresh: answer.tokens.refresh.as_ref().map(Into::into),
            retry_after: outcome.retry_after,
            errors: answer.errors,
            ..Scope::default()
        };
        let body = reply.and_then(|reply| reply.body.as_ref()).map(|body| body.render(&scope));
        let headers = self.headers_of(reply, &scope, answer.allow);
        Response { status, headers, body: body.unwrap_or_default() }
    }

    fn headers_of(
        &self,
        reply: Option<&Reply>,
        scope: &Scope<'_>,
        allow: Option<&str>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let own = reply.map(|reply| reply.headers.as_slice()).unwrap_or_default();
        let mut headers = Vec::with_capacity(self.headers.len() + own.len() + 3);
        let general = self.headers.iter().filter(|(name, _)| !own.iter().any(|(own, _)| own == name));
        for (name, filling) in general.chain(own) {
            headers.extend(filling.fill(scope).map(|value| (name.clone(), value)));
        }
        if let Some(reply) = reply {
            headers.extend(reply.content_type.iter().map(|value| (CONTENT_TYPE, value.clone())));
            let cookies = reply.cookies.iter().filter_map(|cookie| cookie.write(scope));
            headers.extend(cookies.map(|value| (SET_COOKIE, value)));
        }
        let mut add = |name: HeaderName, value: Option<HeaderValue>| {
            if !headers.iter().any(|(present, _)| *present == name) {
                headers.extend(value.map(|value| (name, value)));
            }
        };
        add(ALLOW, allow.and_then(|methods| HeaderValue::from_str(methods).ok()));
        add(RETRY_AFTER, scope.retry_after.map(HeaderValue::from));
        headers
    }
}
