//! `[token.…]` from tokens that were seen.

use serde_json::{Map, Value};

use super::answer::{REPLACED, literal};
use super::known::{Known, Seen, is_token_like, is_uuid, plain, user_slot};
use super::time;

const ALGORITHMS: [&str; 6] = ["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"];
/// Where nothing tells how long a session may be left alone.
const REFRESH_LIFETIME: i64 = 14 * 86_400;
const ACCESS_LIFETIME: i64 = 3600;

/// What access tokens have to name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Their user.
    User,
    /// Their session, too: somebody signs out with one.
    Session,
}

/// Both tables, with what was guessed about them above.
pub(super) fn tables(known: &Known, has_refresh: bool, names: Names) -> String {
    let mut text = access(known, names);
    if has_refresh {
        text.push('\n');
        text.push_str(&refresh(known));
    }
    text
}

fn access(known: &Known, names: Names) -> String {
    let lifetime = known.access_lifetime.unwrap_or(ACCESS_LIFETIME);
    let seen = known.access.first();
    let best = known.access.iter().find(|seen| matches!(seen.jwt, Some((_, Some(_))))).or(seen);
    let guessed = if known.access_lifetime.is_some() { "as seen" } else { "a guess: nothing told it" };
    let lifetime = format!("lifetime  = \"{}\"                          # {guessed}\n", time::span(lifetime));
    match best {
        Some(Seen { text, jwt: None }) => {
            let (prefix, alphabet) = letters(std::slice::from_ref(text));
            format!(
                "# The access token is no JWT.\n[token.access]\nformat    = \"opaque\"\nprefix    = \"{prefix}\"\n\
                 alphabet  = \"{alphabet}\"\n{lifetime}"
            )
        }
        Some(Seen { jwt: Some((header, claims)), .. }) => {
            let mut notes = Vec::new();
            let jwt = jwt((header, claims.as_ref()), known, Use::Access(names), &mut notes);
            format!("{}[token.access]\n{jwt}{lifetime}", commented(&notes))
        }
        None => {
            let mut notes = vec!["no access token was pasted: this is a usual one".to_owned()];
            let jwt = jwt((&Map::new(), None), known, Use::Access(names), &mut notes);
            format!("{}[token.access]\n{jwt}{lifetime}", commented(&notes))
        }
    }
}

fn refresh(known: &Known) -> String {
    let lifetime = known.refresh_lifetime.unwrap_or(REFRESH_LIFETIME);
    let guessed = if known.refresh_lifetime.is_some() { "as seen" } else { "a guess: nothing told it" };
    let lifetime = format!("lifetime  = \"{}\"                          # {guessed}\n", time::span(lifetime));
    if let Some((header, claims)) = known.refresh.iter().find_map(|seen| seen.jwt.as_ref()) {
        let mut notes = Vec::new();
        let jwt = jwt((header, claims.as_ref()), known, Use::Refresh, &mut notes);
        return format!("{}[token.refresh]\nformat    = \"jwt\"\n{jwt}{lifetime}", commented(&notes));
    }
    let texts: Vec<String> = known.refresh.iter().map(|seen| seen.text.clone()).collect();
    let (prefix, alphabet) = letters(&texts);
    format!("[token.refresh]\nformat    = \"opaque\"\nprefix    = \"{prefix}\"\nalphabet  = \"{alphabet}\"\n{lifetime}")
}

/// What opaque tokens begin with, and what they are of. A prefix is what several share, or what ends in a separator.
fn letters(texts: &[String]) -> (String, &'static str) {
    let cut: Vec<&str> = texts.iter().map(|text| text.trim_end_matches(['.', '…'])).collect();
    let shared = match cut.as_slice() {
        [first, rest @ ..] if !rest.is_empty() => {
            let count = |other: &&str| first.bytes().zip(other.bytes()).take_while(|(one, two)| one == two).count();
            let length = rest.iter().map(count).min().unwrap_or_default();
            if length >= 3 { first.get(..length.min(16)).unwrap_or_default() } else { "" }
        }
        _ => "",
    };
    let first = cut.first().copied().unwrap_or_default();
    let head = first.get(..first.len().min(12)).unwrap_or_default();
    let separated = head.rfind(['_', '.', '~']).and_then(|at| first.get(..=at)).unwrap_or_default();
    let prefix = if shared.is_empty() { separated } else { shared };
    let lawful = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let prefix = if lawful { prefix } else { "" };
    let hex =
        |text: &&str| text.strip_prefix(prefix).unwrap_or(text).bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (prefix.to_owned(), if !first.is_empty() && cut.iter().all(hex) { "hex" } else { "base64url" })
}

/// What a JWT is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Access(Names),
    Refresh,
}

/// The claim that makes a JWT a refresh token.
const OPAQUE: &str = "jti";

/// Algorithm, header and claims.
fn jwt(
    (header, claims): (&Map<String, Value>, Option<&Map<String, Value>>),
    known: &Known,
    purpose: Use,
    notes: &mut Vec<String>,
) -> String {
    let written = header.get("alg").and_then(Value::as_str).unwrap_or("HS256");
    let algorithm = match written {
        known if ALGORITHMS.contains(&known) => known,
        "ES384" | "ES512" => "ES256",
        other if other.starts_with("RS") || other.starts_with("PS") => "RS256",
        _ => "HS256",
    };
    if algorithm != written {
        notes.push(format!("the token's algorithm was {written}, which is not made here"));
    }
    let mut shape = Map::new();
    for (name, value) in header {
        let value = match name.as_str() {
            "alg" => "{alg}".into(),
            "kid" => "{kid}".into(),
            "jti" => "{access.id}".into(),
            _ => constant(value),
        };
        shape.insert(literal(name), value);
    }
    shape.entry("alg").or_insert("{alg}".into());
    let usual: Map<String, Value> =
        ["sub", "iat", "exp"].into_iter().map(|name| (name.to_owned(), Value::Null)).collect();
    if claims.is_none() {
        notes.push("its claims could not be read: these are usual ones".to_owned());
    }
    let claims = written_claims(claims.unwrap_or(&usual), known, purpose, notes);
    format!(
        "algorithm = \"{algorithm}\"\nheader    = {}\nclaims    = {}\n",
        super::write::json(&Value::Object(shape)),
        super::write::json(&Value::Object(claims)),
    )
}

fn constant(value: &Value) -> Value {
    match value {
        Value::String(text) if is_token_like(text) && !is_uuid(text) && text.len() >= 24 => REPLACED.into(),
        Value::String(text) => literal(text).into(),
        other => other.clone(),
    }
}

fn written_claims(
    claims: &Map<String, Value>,
    known: &Known,
    purpose: Use,
    notes: &mut Vec<String>,
) -> Map<String, Value> {
    let mut shape = Map::new();
    let mut constants = Vec::new();
    let mut names_user = false;
    for (name, value) in claims {
        let placeholder = match name.as_str() {
            "exp" if purpose == Use::Refresh => Some("{refresh.expires_at}".to_owned()),
            "exp" => Some("{access.expires_at}".to_owned()),
            "iat" | "nbf" | "auth_time" => Some("{access.issued_at}".to_owned()),
            OPAQUE if purpose == Use::Refresh => Some("{refresh.opaque}".to_owned()),
            "jti" => Some("{access.id}".to_owned()),
            name => claim(name, value, known),
        };
        names_user |=
            placeholder.as_deref().is_some_and(|text| text.starts_with("{user.id") || text == "{user.email?}");
        let value = placeholder.map_or_else(
            || {
                constants.push(name.as_str());
                constant(value)
            },
            Value::from,
        );
        shape.insert(literal(name), value);
    }
    if !constants.is_empty() {
        notes.push(format!("taken for constant: {}", constants.join(", ")));
    }
    if !names_user {
        notes.push("no claim named the user: \"sub\" was added".to_owned());
        shape.insert("sub".to_owned(), "{user.id|text}".into());
    }
    if !shape.contains_key("exp") {
        notes.push("no claim said when it expires: \"exp\" was added".to_owned());
        let slot = if purpose == Use::Refresh { "{refresh.expires_at}" } else { "{access.expires_at}" };
        shape.insert("exp".to_owned(), slot.into());
    }
    if purpose == Use::Refresh && !shape.contains_key(OPAQUE) {
        notes.push(format!("\"{OPAQUE}\" was added: it is what makes the token a refresh token"));
        shape.insert(OPAQUE.to_owned(), "{refresh.opaque}".into());
    }
    match purpose {
        _ if shape.values().any(|value| value == "{session.id}") => {}
        Use::Access(Names::Session) => {
            notes.push("\"sid\" was added: it is how an access token tells which session to end".to_owned());
            shape.insert("sid".to_owned(), "{session.id}".into());
        }
        Use::Access(Names::User) => {
            notes.push("with \"sid\": \"{session.id}\" among the claims a token dies with its session here".to_owned());
        }
        Use::Refresh => {}
    }
    // Both kinds have to be told apart by that claim.
    if purpose != Use::Refresh && known.refresh.iter().any(|seen| seen.jwt.is_some()) {
        shape.remove(OPAQUE);
    }
    shape
}

/// The placeholder of a claim of an API's own.
fn claim(name: &str, value: &Value, known: &Known) -> Option<String> {
    let plain = plain(name);
    let user = |field: &str| known.user.get(field);
    let id = user("id").and_then(Value::as_i64);
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let names_id = ["sub", "id", "userid", "uid", "customerid", "accountid", "user"].contains(&plain.as_str());
    if ["sid", "sessionid", "session", "sessionstate"].contains(&plain.as_str()) {
        return Some("{session.id}".to_owned());
    }
    if value.is_null() && plain == "sub" {
        return Some("{user.id|text}".to_owned());
    }
    if names_id || (number.is_some() && number == id) {
        return match value {
            Value::Number(_) => Some("{user.id}".to_owned()),
            Value::String(text) if text.contains('@') => Some("{user.email?}".to_owned()),
            Value::String(text) if user("username").is_some_and(|known| known == text) => {
                Some("{user.username?}".to_owned())
            }
            Value::String(_) => Some("{user.id|text}".to_owned()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
    }
    let text = value.as_str()?;
    match user_slot(&plain) {
        Some(("user.email", _)) => Some("{user.email?}".to_owned()),
        Some((slot, field)) if user(field).is_some_and(|known| known == text) => Some(format!("{{{slot}?}}")),
        _ => None,
    }
}

/// One comment line each.
pub(super) fn commented(notes: &[String]) -> String {
    notes.iter().map(|note| format!("# {note}\n")).collect()
}
