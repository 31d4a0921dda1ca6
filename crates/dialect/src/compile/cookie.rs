//! `[[on.KIND.cookie]]`: cookies that a response sets. Every flag that protects them is set unless the file says out loud
//! that it is not; what a browser would drop, or take for another's, is a fault (RFC 6265bis, HD-03).

use std::ops::Range;

use http::HeaderName;
use myna_core::outcome::Kind;

use super::Compiler;
use super::emit::Use;
use crate::diagnostic::did_you_mean;
use crate::dialect::Endpoint;
use crate::encode::{COOKIE_BYTES_MAX, Cookie, CookieFlags, of_access, of_refresh};
use crate::file::{Table, Text};
use crate::insecure::Insecure;
use crate::slot::Type;
use crate::source::Source;
use crate::template::{Form, Medium, Template};
use crate::tree::{self, Part, Placeholder};
use crate::write::is_cookie_octet;

const KEYS: [&str; 9] = ["name", "value", "max_age", "expires", "path", "domain", "same_site", "http_only", "secure"];
/// A longer attribute is as if it were not there (RFC 6265bis §5.6).
const ATTRIBUTE_BYTES_MAX: usize = 1024;
const SAME_SITE: [(&str, &str); 3] = [("lax", "Lax"), ("strict", "Strict"), ("none", "None")];

/// Which responses set which cookies: what no single one shows, judged when all are compiled.
#[derive(Default)]
pub(super) struct Jar {
    /// Cookies that hold a token after a success.
    of_tokens: Vec<String>,
    /// Cookies that answers to failures set.
    of_failures: Vec<Text>,
}

impl Compiler {
    pub(super) fn cookies(&mut self, table: &Table<'_>, used: Use) -> Vec<Cookie> {
        let tables = table.tables("cookie", &mut self.faults);
        let mut cookies: Vec<Cookie> = tables.iter().filter_map(|table| self.cookie(table, used)).collect();
        // Room for four was taken at the first, in every response that sets one.
        cookies.shrink_to_fit();
        cookies
    }

    fn cookie(&mut self, table: &Table<'_>, used: Use) -> Option<Cookie> {
        table.only(&KEYS, &mut self.faults);
        let name = table.needed("name", &mut self.faults);
        let value = table.needed("value", &mut self.faults);
        // RFC 6265 §4.1.1: a cookie's name is a token, as a header's is.
        if let Some(name) = name.as_ref().filter(|name| HeaderName::from_bytes(name.value.as_bytes()).is_err()) {
            self.faults.add(name.span.clone(), format!("`{}` cannot be a cookie's name", name.value.escape_debug()));
        }
        let flags = self.flags(table);
        if let Some(name) = &name {
            self.prove_prefix(name, &flags);
        }
        let max_age = self.max_age(table, used);
        let expires = self.expires(table, used);
        let kept = self.prove_kept(table, used, value.as_ref());
        let (name, value) = (name?, value?);
        let parts = tree::parts(&value, &mut self.faults);
        let bad = |part: &Part| matches!(part, Part::Literal(text) if !text.bytes().all(is_cookie_octet));
        if parts.iter().any(bad) {
            self.faults
                .add(value.span.clone(), "a cookie's value holds no blank, comma, semicolon, quote or backslash");
        }
        let fixed = parts.iter().map(|part| if let Part::Literal(text) = part { text.len() } else { 0 });
        if name.value.len() + fixed.sum::<usize>() > COOKIE_BYTES_MAX {
            let message =
                format!("browsers drop a cookie whose name and value are longer than {COOKIE_BYTES_MAX} bytes");
            self.faults.add(table.place("value"), message);
        }
        let template = self.plain(&parts, used, Medium::Cookie);
        if used.kind.is_some_and(Kind::is_success) {
            if template.shows(|slot| of_access(slot) || of_refresh(slot)) {
                self.jar.of_tokens.push(name.value.clone());
            }
        } else if kept {
            self.jar.of_failures.push(name.clone());
        }
        Some(Cookie::new(name.value, template, max_age, expires, flags))
    }

    fn flags(&mut self, table: &Table<'_>) -> CookieFlags {
        let same_site = table.text("same_site", &mut self.faults).and_then(|text| {
            let found = SAME_SITE.iter().find(|(name, _)| *name == text.value);
            if found.is_none() {
                let help = did_you_mean(&text.value, SAME_SITE.map(|(name, _)| name));
                self.faults.add_with(text.span, "`same_site` is \"lax\", \"strict\" or \"none\"", help);
            }
            found.map(|(_, written)| *written)
        });
        let http_only = table.bool("http_only", &mut self.faults).unwrap_or(true);
        if !http_only {
            let message = "a cookie that scripts can read";
            self.insecure.need(Insecure::ReadableCookie, table.place("http_only"), message, &mut self.faults);
        }
        let secure = table.bool("secure", &mut self.faults).unwrap_or(true);
        if !secure {
            let message = "a cookie that travels without TLS, too";
            self.insecure.need(Insecure::PlainCookie, table.place("secure"), message, &mut self.faults);
        }
        let same_site = same_site.unwrap_or("Lax");
        if same_site == "None" && !secure {
            self.faults
                .add(table.place("same_site"), "browsers drop a cookie with `same_site = \"none\"` and not `secure`");
        }
        let path = table.text("path", &mut self.faults);
        let lawful = |byte: u8| byte.is_ascii_graphic() && byte != b';' && byte != b',';
        if let Some(path) = path.as_ref().filter(|path| !path.value.starts_with('/') || !path.value.bytes().all(lawful))
        {
            self.faults
                .add(path.span.clone(), "a cookie's path begins with `/` and holds no blank, comma or semicolon");
        }
        if let Some(path) = path.as_ref().filter(|path| path.value.len() > ATTRIBUTE_BYTES_MAX) {
            let message = format!("browsers ignore a `path` of more than {ATTRIBUTE_BYTES_MAX} bytes");
            self.faults.add(path.span.clone(), message);
        }
        let domain = table.text("domain", &mut self.faults);
        if let Some(domain) = domain.as_ref().filter(|domain| !is_domain(&domain.value)) {
            let help = "a host's name without a leading dot: \"example.com\"".to_owned();
            self.faults.add_with(domain.span.clone(), "this is no domain of a cookie", help);
        }
        let path = path.map_or_else(|| "/".to_owned(), |path| path.value);
        CookieFlags { path, domain: domain.map(|domain| domain.value), secure, http_only, same_site }
    }

    /// RFC 6265bis §4.1.3: browsers hold the prefixes against the flags, in any case of letters, and drop what lies.
    fn prove_prefix(&mut self, name: &Text, flags: &CookieFlags) {
        let begins =
            |prefix: &str| name.value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let (host, secure) = (begins("__Host-"), begins("__Secure-"));
        if (host || secure) && !flags.secure {
            self.faults.add(name.span.clone(), "browsers drop a cookie of this name that is not `secure`");
        }
        if host && (flags.domain.is_some() || flags.path != "/") {
            self.faults
                .add(name.span.clone(), "browsers drop a `__Host-` cookie with a `domain`, or a `path` other than `/`");
        }
    }

    fn max_age(&mut self, table: &Table<'_>, used: Use) -> Option<Template> {
        if table.is_number("max_age") {
            let seconds = table.number("max_age", &mut self.faults)?;
            return Some(self.plain(&[Part::Literal(seconds.to_string())], used, Medium::Plain));
        }
        let text = table.text("max_age", &mut self.faults)?;
        let seconds = |show: &Placeholder| {
            matches!(show.show.slot.kind(), Type::Int | Type::Span) && show.show.form == Form::Plain
        };
        self.one_slot(&text, used, "`max_age` is a number of seconds or one placeholder for one", seconds)
    }

    /// Always an HTTP date: browsers read no other (RFC 6265 §4.1.1).
    fn expires(&mut self, table: &Table<'_>, used: Use) -> Option<Template> {
        let text = table.text("expires", &mut self.faults)?;
        let time = |show: &Placeholder| {
            show.show.slot.kind() == Type::Time && matches!(show.show.form, Form::Plain | Form::HttpDate)
        };
        self.one_slot(&text, used, "`expires` is one placeholder for a time: \"{access.expires_at}\"", time)
    }

    /// The template of a text that is one placeholder and nothing else, so that no value can add an attribute.
    fn one_slot(
        &mut self,
        text: &Text,
        used: Use,
        message: &str,
        fits: impl Fn(&Placeholder) -> bool,
    ) -> Option<Template> {
        let mut parts = tree::parts(text, &mut self.faults);
        let [Part::Slot(placeholder)] = parts.as_mut_slice() else {
            self.faults.add(text.span.clone(), message);
            return None;
        };
        if !fits(placeholder) {
            self.faults.add(text.span.clone(), message);
            return None;
        }
        if placeholder.show.slot.kind() == Type::Time {
            placeholder.show.form = Form::HttpDate;
        }
        Some(self.plain(&parts, used, Medium::Plain))
    }

    /// RF-04: a request that failed for any reason must not sign out whoever is signed in: two tabs that refresh at once
    /// would throw each other out.
    fn prove_kept(&mut self, table: &Table<'_>, used: Use, value: Option<&Text>) -> bool {
        if used.kind.is_none_or(Kind::is_success) {
            return true;
        }
        let zero = table.is_number("max_age") && table.number("max_age", &mut self.faults) == Some(0);
        let empty = value.filter(|value| value.value.is_empty());
        // After a failure there is no time to show but the present.
        let span: Option<Range<usize>> = match (zero, table.has("expires"), empty) {
            (true, ..) => Some(table.place("max_age")),
            (_, true, _) => Some(table.place("expires")),
            (.., empty) => empty.map(|text| text.span.clone()),
        };
        if let Some(span) = span.clone() {
            let help = "the cookie goes with `signed_out`; one that is no longer good is refused anyway".to_owned();
            self.faults.add_with(span, "the answer to a failure clears no cookie", help);
        }
        span.is_none()
    }

    /// RF-04, too: another value in the place of a token signs out as well as none does.
    pub(super) fn prove_jar(&mut self, endpoints: &[Endpoint]) {
        let Jar { of_tokens, of_failures } = std::mem::take(&mut self.jar);
        let credentials = endpoints.iter().flat_map(|endpoint| &endpoint.plan.inputs).filter(|input| input.secret);
        let read: Vec<&Source> = credentials.flat_map(|input| &input.sources).collect();
        for name in of_failures {
            let is_read = read.iter().any(|source| matches!(source, Source::Cookie(read) if *read == name.value));
            if is_read || of_tokens.contains(&name.value) {
                let help = "a failure can be told in a cookie of another name".to_owned();
                let message = format!("the answer to a failure overwrites `{}`, which holds a token", name.value);
                self.faults.add_with(name.span, message, help);
            }
        }
    }
}

/// Labels of letters, digits and hyphens.
fn is_domain(text: &str) -> bool {
    let lawful =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.len() <= 253 && text.split('.').all(lawful)
}
