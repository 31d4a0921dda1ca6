//! `[endpoint.on.KIND]` from an answer, and what a case expects of it.

use myna_core::catalog::Operation;
use myna_core::outcome::{Group, Kind};
use serde_json::{Map, Value};

use super::answer::{Answer, literal};
use super::known::{Known, Role, cookie_role, plain};
use super::paste::{Body, Pasted};
use super::request::Asked;
use super::write;

/// Headers that servers and proxies write for themselves.
const TRANSPORTS: [&str; 18] = [
    "accept-ranges",
    "age",
    "alt-svc",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "keep-alive",
    "location",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "x-powered-by",
];
/// Headers that a dialect keeps as they are.
const KEPT: [&str; 9] = [
    "cache-control",
    "pragma",
    "expires",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
    "referrer-policy",
    "www-authenticate",
    "content-language",
];

/// One answer, drafted.
pub(super) struct Reply {
    pub(super) kind: Kind,
    /// What stands below `[….on.KIND]`, with its cookies.
    pub(super) toml: String,
    pub(super) notes: Vec<(String, String)>,
    /// The answer of a case.
    pub(super) lines: Vec<String>,
    pub(super) attributes: Map<String, Value>,
    /// Name on the wire, rule and message.
    pub(super) rules: Vec<(String, &'static str, String)>,
    pub(super) shows_refresh: bool,
}

/// What happened, by operation, status and what was asked.
pub(super) fn kind(operation: Operation, pasted: &Pasted, asked: &Asked) -> Kind {
    if pasted.is_good() {
        let good = operation.entry().outcomes.iter().find(|kind| kind.is_success());
        return good.copied().unwrap_or(Kind::SignedIn);
    }
    let said = match &pasted.answer.body {
        Body::Json(value) => value.to_string().to_lowercase(),
        Body::Text(text) => text.to_lowercase(),
        Body::Empty | Body::Form(_) => String::new(),
    };
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let unread = matches!(pasted.request.body, Body::Text(_)) || (asked.shape.is_none() && pasted.method == "POST");
    let bears = asked.lines.iter().any(|line| line.starts_with("authorization:") || line.starts_with("cookie:"));
    let invalid = pasted.status == 422 || !asked.empty.is_empty();
    let own = match operation {
        Operation::Login if invalid => Kind::Invalid,
        Operation::Login => Kind::InvalidCredentials,
        Operation::Refresh if !asked.empty.is_empty() => Kind::Invalid,
        Operation::Refresh => Kind::InvalidRefresh,
        Operation::Register | Operation::ResetPassword => {
            if pasted.status == 409 || says(&["taken", "exist", "already", "in use", "duplicate"]) {
                Kind::IdentifierTaken
            } else if operation == Operation::ResetPassword && !invalid {
                Kind::InvalidReset
            } else if says(&["weak", "too short", "common", "strength"]) {
                Kind::WeakPassword
            } else if says(&["match", "differ"]) {
                Kind::PasswordMismatch
            } else {
                Kind::Invalid
            }
        }
        Operation::ChangePassword if invalid => Kind::Invalid,
        Operation::ChangePassword if bears => Kind::InvalidCredentials,
        _ if !bears => Kind::MissingToken,
        _ if says(&["expire"]) => Kind::ExpiredToken,
        _ => Kind::InvalidToken,
    };
    match pasted.status {
        405 => Kind::MethodNotAllowed,
        406 => Kind::NotAcceptable,
        413 => Kind::TooLarge,
        415 => Kind::UnsupportedMediaType,
        429 | 503 => Kind::Overloaded,
        500..=599 => Kind::Fault,
        400 if unread => Kind::Malformed,
        _ if operation.outcomes().any(|kind| kind == own) => own,
        _ => Kind::Error,
    }
}

/// Drafts an answer.
pub(super) fn reply(known: &Known, kind: Kind, pasted: &Pasted, asked: &Asked) -> Reply {
    let mut answer = Answer::new(known, kind, pasted.status);
    let mut toml = String::new();
    let mut lines = vec![pasted.status.to_string()];
    if pasted.status != kind.status() {
        toml.push_str(&format!("status = {}\n", pasted.status));
    }
    let mut rules = Vec::new();
    let mut body = Vec::new();
    let default = match &pasted.answer.body {
        Body::Json(value) => {
            let listed = kind
                .groups()
                .contains(&Group::Errors)
                .then(|| errors(value, asked, &mut rules))
                .flatten()
                .map(|written| with_status(written, pasted.status));
            let (written, expected) = match listed {
                Some(written) => (written, value.clone()),
                None => answer.body(value),
            };
            toml.push_str(&format!("body   = {}\n", write::json(&written)));
            body = vec![expected.to_string()];
            "application/json"
        }
        Body::Text(text) => {
            toml.push_str(&format!("text   = {}\n", write::quoted(&literal(text))));
            body = text.lines().map(str::to_owned).collect();
            "text/plain;charset=utf-8"
        }
        Body::Empty | Body::Form(_) => "",
    };
    if let Some(content_type) = pasted.answer.header("content-type").filter(|_| !default.is_empty()) {
        if content_type != default {
            toml.push_str(&format!("content_type = {}\n", write::plain(content_type)));
        }
        lines.push(format!("content-type: {content_type}"));
    }
    let (headers, cookies) = (headers(&mut answer, pasted, &mut lines), cookies(&mut answer, pasted, &mut lines));
    if !headers.is_empty() {
        toml.push_str(&format!("headers = {{ {} }}\n", headers.join(", ")));
    }
    toml.push_str(&cookies);
    if !body.is_empty() {
        lines.push(String::new());
        lines.extend(body);
    }
    let shows_refresh = toml.contains("{refresh.");
    let Answer { notes, attributes, .. } = answer;
    Reply { kind, toml, notes, lines, attributes, rules, shows_refresh }
}

fn headers(answer: &mut Answer<'_>, pasted: &Pasted, lines: &mut Vec<String>) -> Vec<String> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut left: Vec<String> = Vec::new();
    for (name, value) in &pasted.answer.headers {
        if headers.iter().any(|(known, _)| known == name) {
            continue;
        }
        let (scheme, token) = value.strip_prefix("Bearer ").map_or(("", value.as_str()), |token| ("Bearer ", token));
        let role = answer.role_of(token);
        if let Some(role) = role.filter(|_| name != "set-cookie") {
            let (slot, expected) = answer.token(role);
            lines.push(format!("{name}: {scheme}{expected}"));
            headers.push((name.clone(), format!("{scheme}{slot}")));
        } else if KEPT.contains(&name.as_str()) {
            lines.push(format!("{name}: {value}"));
            headers.push((name.clone(), literal(value)));
        } else if !TRANSPORTS.contains(&name.as_str()) {
            match answer.header(name, value) {
                Some((slot, expected)) => {
                    lines.push(format!("{name}: {expected}"));
                    headers.push((name.clone(), slot));
                }
                None => left.push(name.clone()),
            }
        }
    }
    if !left.is_empty() {
        answer.note("headers", format!("not taken over: {}", left.join(", ")));
    }
    headers.into_iter().map(|(name, value)| format!("{} = {}", write::plain(&name), write::plain(&value))).collect()
}

fn cookies(answer: &mut Answer<'_>, pasted: &Pasted, lines: &mut Vec<String>) -> String {
    let mut toml = String::new();
    for cookie in pasted.answer.all("set-cookie") {
        let mut parts = cookie.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
        let attributes: Vec<(String, &str)> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(name, value)| (plain(name), value))
            .collect();
        let attribute = |wanted: &str| attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let place = format!("cookie {name}");
        let cleared = value.is_empty() || attribute("maxage") == Some("0");
        let role = answer.role_of(value).or_else(|| cookie_role(name, value));
        let (slot, expected, max_age) = match role {
            _ if cleared => (String::new(), String::new(), Some("0".to_owned())),
            Some(role) if answer.shows_tokens() => {
                let (slot, expected) = answer.token(role);
                let lives = attribute("maxage").or_else(|| attribute("expires")).is_some();
                let span = if role == Role::Access { "\"{access.expires_in}\"" } else { "\"{refresh.expires_in}\"" };
                (slot.to_owned(), expected, lives.then(|| span.to_owned()))
            }
            _ => {
                answer.notes.push((place, "is no token, so it was left out".to_owned()));
                continue;
            }
        };
        toml.push_str(&format!("\n[[endpoint.on.{}.cookie]]\n", answer.kind().name()));
        toml.push_str(&format!("name   = {}\nvalue  = {}\n", write::plain(name), write::plain(&slot)));
        if let Some(max_age) = max_age {
            toml.push_str(&format!("max_age = {max_age}\n"));
        }
        match attribute("samesite").map(str::to_ascii_lowercase).as_deref() {
            Some("strict") => toml.push_str("same_site = \"strict\"\n"),
            Some("none") => answer.notes.push((place.clone(), "SameSite was None; Lax is safer".to_owned())),
            _ => {}
        }
        if attribute("httponly").is_none() || attribute("secure").is_none() {
            answer.notes.push((place, "was without HttpOnly or Secure; here it has both".to_owned()));
        }
        lines.push(format!("set-cookie: {name}={expected}<any>"));
    }
    toml
}

impl Answer<'_> {
    fn role_of(&self, text: &str) -> Option<Role> {
        self.known().token(text)
    }
}

/// A list or a map of failing fields as `each`, with the rules that it tells. `None`: there is none in the body.
fn errors(value: &Value, asked: &Asked, rules: &mut Vec<(String, &'static str, String)>) -> Option<Value> {
    let is_wire = |name: &str| asked.wires.iter().any(|(wire, _)| wire == name);
    match value {
        Value::Object(members) if !members.is_empty() && members.keys().all(|name| is_wire(name)) => {
            let mut listed = false;
            for (wire, said) in members {
                let message = said.as_str().or_else(|| said.get(0)?.as_str())?;
                listed |= said.is_array();
                rule(wire, message, asked, rules);
            }
            let shown = if listed { serde_json::json!(["{each messages}", "{message}"]) } else { "{message}".into() };
            Some(serde_json::json!({ "{each errors}": { "{field}": shown } }))
        }
        Value::Array(values) => {
            let first = values.first()?.as_object()?;
            let named = |value: &Value| value.as_str().is_some_and(is_wire);
            let field = first.iter().find(|(_, value)| named(value)).map(|(name, _)| name.clone())?;
            let says = ["message", "msg", "error", "detail", "description", "defaultmessage"];
            let message = first.iter().find(|(name, value)| says.contains(&plain(name).as_str()) && value.is_string());
            let message = message.map(|(name, _)| name.clone())?;
            for each in values {
                let text = |name: &str| each.get(name).and_then(Value::as_str).unwrap_or_default();
                rule(text(&field), text(&message), asked, rules);
            }
            let element = first.iter().map(|(name, value)| {
                let value = match name {
                    name if *name == field => "{field}".into(),
                    name if *name == message => "{message}".into(),
                    _ => value.as_str().map_or_else(|| value.clone(), |text| literal(text).into()),
                };
                (literal(name), value)
            });
            Some(serde_json::json!(["{each errors}", element.collect::<Map<_, _>>()]))
        }
        Value::Object(members) => {
            let (at, found) = members.iter().find_map(|(name, value)| Some((name, errors(value, asked, rules)?)))?;
            let written = members.iter().map(|(name, value)| {
                let value = if name == at { found.clone() } else { escaped(value) };
                (literal(name), value)
            });
            Some(Value::Object(written.collect()))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn rule(wire: &str, message: &str, asked: &Asked, rules: &mut Vec<(String, &'static str, String)>) {
    let Some((_, name)) = asked.wires.iter().find(|(known, _)| known == wire) else { return };
    let rule = if asked.empty.iter().any(|empty| empty == wire) {
        "required"
    } else if plain(wire).contains("mail") {
        "email"
    } else {
        return;
    };
    if rules.iter().all(|(known, other, _)| known != name || *other != rule) {
        rules.push((name.clone(), rule, message.to_owned()));
    }
}

/// The status that an envelope repeats.
fn with_status(written: Value, status: u16) -> Value {
    let Value::Object(members) = written else { return written };
    let member = |(name, value): (String, Value)| {
        let tells = name.to_lowercase().ends_with("code") || name.to_lowercase().contains("status");
        let repeats = tells && value.as_u64() == Some(u64::from(status));
        (name, if repeats { "{status}".into() } else { value })
    };
    Value::Object(members.into_iter().map(member).collect())
}

fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => literal(text).into(),
        Value::Array(values) => values.iter().map(escaped).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (literal(name), escaped(value))).collect(),
        other => other.clone(),
    }
}
