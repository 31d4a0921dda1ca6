//! Answers with placeholders where values were, and beside it what a case expects there.

use http::StatusCode;
use myna_core::outcome::{Group, Kind};
use serde_json::{Map, Value, json};

use super::known::{
    Known, Role, is_id, is_password, is_role, is_span, is_token_like, is_user, is_uuid, plain, user_slot,
};
use super::time;

/// What stands in place of a secret that no placeholder fits.
pub(super) const REPLACED: &str = "REPLACED";

/// One answer while it is drafted.
pub(super) struct Answer<'k> {
    known: &'k Known,
    kind: Kind,
    status: u16,
    /// Tokens that the case has captured.
    captured: Vec<Role>,
    /// What was guessed: where, and why.
    pub(super) notes: Vec<(String, String)>,
    /// Attributes that the case's user must have.
    pub(super) attributes: Map<String, Value>,
}

/// What a member is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Plain,
    User,
    /// The user's first role.
    Role,
    /// An entry of `each user.roles`.
    Entry,
}

/// Written in the dialect, expected by the case.
type Both = (Value, Value);

fn both(slot: &str, expected: impl Into<Value>) -> Both {
    (Value::from(format!("{{{slot}}}")), expected.into())
}

/// Braces of a literal text stand for themselves.
pub(super) fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

impl<'k> Answer<'k> {
    pub(super) fn new(known: &'k Known, kind: Kind, status: u16) -> Self {
        Self { known, kind, status, captured: Vec::new(), notes: Vec::new(), attributes: Map::new() }
    }

    pub(super) const fn known(&self) -> &'k Known {
        self.known
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn shows_tokens(&self) -> bool {
        self.shows(Group::Tokens)
    }

    fn shows(&self, group: Group) -> bool {
        self.kind.groups().contains(&group)
    }

    /// A JSON body.
    pub(super) fn body(&mut self, value: &Value) -> Both {
        self.tree("", "", value, Around::Plain)
    }

    /// A header's value, where it is one that a placeholder stands for; and what a case expects of it.
    pub(super) fn header(&mut self, name: &str, value: &str) -> Option<(String, String)> {
        for (field, slot) in [("email", "{user.email?}"), ("username", "{user.username?}")] {
            if self.shows(Group::User) && self.known.user.get(field).and_then(Value::as_str) == Some(value) {
                return Some((slot.to_owned(), value.to_owned()));
            }
        }
        let typed = value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from);
        // What varies in a header is text to a case.
        let (written, _) = self.moment(name, name, &typed, Around::Plain)?;
        Some((written.as_str()?.to_owned(), "<text>".to_owned()))
    }

    fn tree(&mut self, path: &str, name: &str, value: &Value, around: Around) -> Both {
        match value {
            Value::Object(members) => {
                let around = match around {
                    Around::Plain if self.shows(Group::User) && is_user(name, members) => Around::User,
                    // What is within a user and no role is told as an attribute, before this.
                    other => other,
                };
                let mut both = (Map::new(), Map::new());
                for (name, value) in members {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let (written, expected) = self.member(&path, name, value, around);
                    both.0.insert(literal(name), written);
                    both.1.insert(name.clone(), expected);
                }
                (both.0.into(), both.1.into())
            }
            Value::Array(values) => {
                let each = values
                    .iter()
                    .enumerate()
                    .map(|(at, value)| self.tree(&format!("{path}[{at}]"), name, value, around));
                let (written, expected): (Vec<Value>, Vec<Value>) = each.unzip();
                (written.into(), expected.into())
            }
            scalar => self.member(path, name, scalar, around),
        }
    }

    fn member(&mut self, path: &str, name: &str, value: &Value, around: Around) -> Both {
        let found = self.secret(path, name, value).or_else(|| self.role(path, name, value, around));
        let found = found.or_else(|| self.envelope(name, value, around));
        let found = found.or_else(|| if around == Around::User { self.of_user(path, name, value) } else { None });
        let found = found.or_else(|| self.moment(path, name, value, around));
        let found = found.or_else(|| self.other(path, name, value, around));
        match (found, value) {
            (Some(found), _) => found,
            (None, Value::Object(_) | Value::Array(_)) => self.tree(path, name, value, around),
            (None, Value::String(text)) => (literal(text).into(), value.clone()),
            (None, _) => (value.clone(), value.clone()),
        }
    }

    pub(super) fn note(&mut self, path: &str, why: impl Into<String>) {
        self.notes.push((path.to_owned(), why.into()));
    }

    /// Tokens and passwords, and nothing of them is left.
    fn secret(&mut self, path: &str, name: &str, value: &Value) -> Option<Both> {
        let text = value.as_str()?;
        if is_password(name) && (self.known.passwords.iter().any(|known| known == text) || !text.is_empty()) {
            self.note(path, "a password; the server shows none, so it is \"\" always");
            return Some(("".into(), "".into()));
        }
        let (before, token) = match text.strip_prefix("Bearer ") {
            Some(token) => ("Bearer ", token),
            None => ("", text),
        };
        let role = self.known.token(token)?;
        if !self.shows(Group::Tokens) {
            self.note(path, "a token, where no token can be shown");
            return Some((REPLACED.into(), REPLACED.into()));
        }
        let (written, expected) = self.token(role);
        Some((format!("{before}{written}").into(), format!("{before}{expected}").into()))
    }

    /// A token's placeholder, and what a case expects: what it is the first time, the same later.
    pub(super) fn token(&mut self, role: Role) -> (&'static str, String) {
        let (slot, name, seen) = match role {
            Role::Access => ("{access.token}", "access", &self.known.access),
            Role::Refresh => ("{refresh.token}", "refresh", &self.known.refresh),
        };
        if self.captured.contains(&role) {
            return (slot, format!("{{{name}}}"));
        }
        self.captured.push(role);
        let class = if seen.iter().any(|seen| seen.jwt.is_some()) { "jwt" } else { "text" };
        (slot, format!("<{class} {name}>"))
    }

    /// What an envelope says about its own answer.
    fn envelope(&mut self, name: &str, value: &Value, around: Around) -> Option<Both> {
        let plain = plain(name);
        let good = self.kind.is_success();
        let reason = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason());
        if value.as_u64() == Some(u64::from(self.status)) && (plain.contains("status") || plain.ends_with("code")) {
            return Some(both("status", value.clone()));
        }
        let tells = ["statusmessage", "statustext", "reason"].contains(&plain.as_str());
        if value.as_str().is_some_and(|text| Some(text) == reason) && (tells || !good) {
            return Some(both("reason", value.clone()));
        }
        let named = ["requestid", "traceid", "correlationid"].contains(&plain.as_str());
        if named && value.is_string() && around == Around::Plain {
            return Some(both("request.id", "<text>"));
        }
        None
    }

    fn role(&mut self, path: &str, name: &str, value: &Value, around: Around) -> Option<Both> {
        if !self.shows(Group::User) {
            return None;
        }
        let plain = plain(name);
        match (around, value) {
            (Around::Role | Around::Entry, _) => {
                let prefix = if around == Around::Role { "user.role" } else { "role" };
                let mark = if around == Around::Role { "?" } else { "" };
                match value {
                    Value::Number(_) if is_id(&plain) => Some(both(&format!("{prefix}.id{mark}"), value.clone())),
                    Value::String(_) if plain == "name" || plain == "role" || plain == "title" => {
                        Some(both(&format!("{prefix}.name{mark}"), value.clone()))
                    }
                    Value::Array(all) if all.iter().all(Value::is_string) => {
                        Some(both(&format!("{prefix}.permissions"), value.clone()))
                    }
                    _ => None,
                }
            }
            (_, _) if !is_role(name) => None,
            (_, Value::String(_)) => {
                self.note(path, "the name of the user's first role");
                Some(both("user.role.name?", value.clone()))
            }
            (_, Value::Object(_)) => {
                self.note(path, "the user's first role");
                Some(self.tree(path, name, value, Around::Role))
            }
            (_, Value::Array(all)) => {
                self.note(path, "the user's roles");
                let (element, _) = match all.first() {
                    Some(Value::Object(_)) => self.tree(path, name, all.first()?, Around::Entry),
                    _ => both("role.name", Value::Null),
                };
                Some((json!(["{each user.roles}", element]), value.clone()))
            }
            _ => None,
        }
    }

    fn of_user(&mut self, path: &str, name: &str, value: &Value) -> Option<Both> {
        let plain = plain(name);
        let fresh = self.kind == Kind::Registered;
        if is_id(&plain) {
            return Some(match value {
                Value::Number(_) if fresh => both("user.id", "<int>"),
                Value::String(text) if is_uuid(text) => {
                    self.note(path, "ids are numbers here; `uuid` writes one as a UUID");
                    both("user.id|uuid", "<text>")
                }
                Value::String(text) => {
                    let known = text.parse::<i64>().is_ok() && !fresh;
                    let expected = if known { value.clone() } else { "<text>".into() };
                    if !known {
                        self.note(path, "ids are numbers here, written as a text");
                    }
                    both("user.id|text", expected)
                }
                _ => both("user.id", value.clone()),
            });
        }
        if let Some((slot, _)) = user_slot(&plain)
            && (value.is_string() || value.is_null())
        {
            if ["name", "displayname", "fullname"].contains(&plain.as_str()) {
                self.note(path, "one name: kept as the first name");
            }
            let empty = value.as_str() == Some("");
            let slot = if empty { format!("{slot}|or ''") } else { format!("{slot}?") };
            return Some(both(&slot, value.clone()));
        }
        match (plain.as_str(), value) {
            ("status", Value::String(text)) if text.eq_ignore_ascii_case("active") => {
                let upper = text.bytes().all(|byte| byte.is_ascii_uppercase());
                Some(both(if upper { "user.status|upper" } else { "user.status" }, text.to_lowercase()))
                    .map(|(written, _)| (written, value.clone()))
            }
            ("mustchangepassword" | "changepassword" | "passwordexpired", Value::Bool(_)) => {
                Some(both("user.must_change_password", value.clone()))
            }
            _ => None,
        }
    }

    /// Times and spans.
    fn moment(&mut self, path: &str, name: &str, value: &Value, around: Around) -> Option<Both> {
        let plain = plain(name);
        if let Some((seconds, form)) = time::read(value) {
            let (slot, why) = self.slot_of_time(&plain, seconds, around)?;
            self.note(path, why);
            return Some((form.placeholder(slot).into(), form.class().into()));
        }
        let number = value.as_i64().or_else(|| value.as_str()?.parse().ok()).filter(|number| *number > 0)?;
        if !self.shows(Group::Tokens) || !matches!(around, Around::Plain | Around::User) {
            return None;
        }
        let (access, refresh) = (self.known.access_lifetime, self.known.refresh_lifetime);
        let is = |span: Option<i64>, factor: i64| span.is_some_and(|span| span * factor == number);
        let named = is_span(&plain);
        let refreshes = plain.contains("refresh");
        let (slot, factor) = if is(refresh, 1) && (refreshes || !is(access, 1)) {
            ("refresh.expires_in", 1)
        } else if is(access, 1) || (named && !refreshes && !is(access, 1000)) {
            ("access.expires_in", 1)
        } else if is(access, 1000) {
            ("access.expires_in", 1000)
        } else {
            return None;
        };
        self.note(path, "as long as the token is good for");
        let filter = match (factor, value.is_string()) {
            (1000, _) => "|millis",
            (_, true) => "|text",
            (_, false) => "",
        };
        let expected = if value.is_string() { value.clone() } else { "<int>".into() };
        Some(both(&format!("{slot}{filter}"), expected))
    }

    fn slot_of_time(&self, plain: &str, seconds: i64, around: Around) -> Option<(&'static str, String)> {
        let near = |other: Option<i64>| other.is_some_and(|other| (other - seconds).abs() <= 2);
        let claim = |name: &str, seen: &[super::known::Seen]| seen.iter().any(|seen| near(seen.claim(name)));
        if around == Around::User && self.shows(Group::User) {
            let word = |words: &[&str]| words.iter().any(|word| plain.contains(word));
            if word(&["creat", "regist", "joined", "signup"]) {
                return Some(("user.created_at", "when the user was made".to_owned()));
            }
            if word(&["updat", "modif"]) {
                return Some(("user.updated_at", "when the user was changed".to_owned()));
            }
        }
        if self.shows(Group::Tokens) {
            if claim("exp", &self.known.access) {
                return Some(("access.expires_at", "equals exp of the access token".to_owned()));
            }
            if claim("exp", &self.known.refresh) {
                return Some(("refresh.expires_at", "equals exp of the refresh token".to_owned()));
            }
            if claim("iat", &self.known.access) {
                return Some(("access.issued_at", "equals iat of the access token".to_owned()));
            }
            let ends = |span: Option<i64>| near(span.map(|span| self.known.now + span));
            if ends(self.known.access_lifetime) {
                return Some(("access.expires_at", "as late as the access token ends".to_owned()));
            }
            if ends(self.known.refresh_lifetime) {
                return Some(("refresh.expires_at", "as late as the refresh token ends".to_owned()));
            }
            if plain.contains("exp") && plain.contains("refresh") {
                return Some(("refresh.expires_at", "guessed by its name".to_owned()));
            }
            if plain.contains("exp") {
                return Some(("access.expires_at", "guessed by its name".to_owned()));
            }
        }
        let now = (self.known.now - seconds).abs() <= 600 || plain == "timestamp" || plain == "now";
        now.then(|| ("now", "a time near that of the exchange".to_owned()))
    }

    fn other(&mut self, path: &str, name: &str, value: &Value, around: Around) -> Option<Both> {
        let plain = plain(name);
        if let Some(text) = value.as_str() {
            if ["sid", "sessionid", "session"].contains(&plain.as_str()) && self.shows(Group::Tokens) {
                return Some(both("session.id", "<text>"));
            }
            let wordy = text.len() < 20 || !is_token_like(text);
            if !wordy {
                self.note(path, "looks like a secret, so it was not copied: what is it?");
                return Some(if self.shows(Group::Tokens) {
                    both("access.id", "<text>")
                } else {
                    (REPLACED.into(), REPLACED.into())
                });
            }
        }
        let lawful =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if around != Around::User || !lawful {
            return None;
        }
        self.note(path, "kept with the user, as an attribute; a constant needs no placeholder");
        let expected = if self.kind == Kind::Registered { Value::Null } else { value.clone() };
        if !expected.is_null() {
            self.attributes.insert(name.to_owned(), value.clone());
        }
        Some(both(&format!("user.attributes.{name}?"), expected))
    }
}
