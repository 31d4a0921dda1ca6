//! What a first look at all exchanges tells: which texts are tokens and which passwords, what the tokens hold, who the
//! user is. The second look, which writes, only recognises.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::paste::{Body, Pasted};
use super::time;

/// The user of the cases where the exchanges name nobody.
const USER_ID: i64 = 7;

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Access,
    Refresh,
}

/// Header and claims of a JWT; no claims where the token was cut off.
type Jwt = (Map<String, Value>, Option<Map<String, Value>>);

/// A token as it was first seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) text: String,
    /// What it holds, where it is a JWT.
    pub(super) jwt: Option<Jwt>,
}

/// Seconds after an exchange at which a token may well end; nearer is the exchange itself, later is no token's end.
const LATER: std::ops::RangeInclusive<i64> = 60..=400 * 86_400;

/// Everything that is known.
#[derive(Default, Debug)]
pub(super) struct Known {
    /// When the exchanges took place, about.
    pub(super) now: i64,
    pub(super) access: Vec<Seen>,
    pub(super) refresh: Vec<Seen>,
    /// Passwords, also wrong ones.
    pub(super) passwords: Vec<String>,
    /// As a case writes it.
    pub(super) user: Map<String, Value>,
    pub(super) access_lifetime: Option<i64>,
    pub(super) refresh_lifetime: Option<i64>,
}

/// A name as it compares: small letters and digits.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Whether a member of that name holds a password.
pub(super) fn is_password(name: &str) -> bool {
    let name = plain(name.rsplit('.').next().unwrap_or_default());
    let longer = ["password", "passwd", "passphrase"].iter().any(|word| name.contains(word));
    (longer || ["pass", "pwd", "pw", "pin", "secret", "kennwort"].contains(&name.as_str()))
        && !["change", "must", "expire", "updated", "changed"].iter().any(|word| name.contains(word))
}

/// Whether the text could be a secret: long, without blanks, letters and digits.
pub(super) fn is_token_like(text: &str) -> bool {
    let lawful = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=|:%-".contains(&byte);
    let cut = text.trim_end_matches(['.', '…']);
    cut.len() >= 16
        && cut.bytes().all(lawful)
        && cut.bytes().any(|byte| byte.is_ascii_digit())
        && cut.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !cut.contains("://")
        && time::read(&Value::from(text)).is_none()
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// What kind of token a value under this name is.
pub(super) fn role(name: &str, text: &str) -> Option<Role> {
    let name = plain(name);
    if !is_token_like(text) || ["csrf", "xsrf", "requestid", "traceid"].iter().any(|word| name.contains(word)) {
        return None;
    }
    if name.contains("refresh") {
        return Some(Role::Refresh);
    }
    let named = name.contains("token") || ["jwt", "access", "authorization", "bearer", "key"].contains(&name.as_str());
    (text.starts_with("eyJ") || named).then_some(Role::Access)
}

/// A cookie of a login is a token, unless it is known to be something else.
pub(super) fn cookie_role(name: &str, text: &str) -> Option<Role> {
    let session = ["session", "sid", "auth", "jwt", "token"].iter().any(|word| plain(name).contains(word));
    let guard = ["csrf", "xsrf"].iter().any(|word| plain(name).contains(word));
    role(name, text).or_else(|| (session && !guard && is_token_like(text)).then_some(Role::Access))
}

fn decoded(text: &str) -> Option<Jwt> {
    let mut parts = text.split('.');
    let object = |part: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
    };
    let header = object(parts.next()?)?;
    header.contains_key("alg").then(|| (header, parts.next().and_then(object)))
}

impl Known {
    /// Looks at every exchange. `now`: when they were pasted, for those that do not say when they were.
    pub(super) fn of(exchanges: &[Pasted], now: i64) -> Self {
        let mut known = Self::default();
        let dates = exchanges.iter().filter_map(|pasted| time::http_date(pasted.answer.header("date")?));
        known.now = dates.min().unwrap_or_default();
        for pasted in exchanges {
            known.sent(pasted);
            if pasted.is_good() {
                known.came(pasted);
            }
        }
        known.lifetimes();
        if known.now == 0 {
            let issued = known.access.iter().find_map(|seen| seen.claim("iat"));
            known.now = issued.unwrap_or(now);
        }
        for pasted in exchanges.iter().filter(|pasted| pasted.is_good()) {
            if let Body::Json(value) = &pasted.answer.body {
                known.spans(value);
            }
        }
        known.user.entry("id").or_insert(json!(USER_ID));
        known
    }

    /// Which token the text is.
    pub(super) fn token(&self, text: &str) -> Option<Role> {
        let among = |seen: &[Seen]| seen.iter().any(|seen| seen.text == text);
        among(&self.refresh).then_some(Role::Refresh).or_else(|| among(&self.access).then_some(Role::Access))
    }

    fn sent(&mut self, pasted: &Pasted) {
        let pairs: Vec<(String, String)> = match &pasted.request.body {
            Body::Json(value) => texts(value),
            Body::Form(pairs) => pairs.clone(),
            Body::Empty | Body::Text(_) => Vec::new(),
        };
        for (name, text) in pairs {
            if is_password(&name) && !text.is_empty() {
                self.passwords.push(text);
            } else if pasted.is_good() && plain(&name).contains("refresh") && is_token_like(&text) {
                self.add(Role::Refresh, &text);
            }
        }
        if let Some((scheme, token)) = pasted.request.header("authorization").and_then(|value| value.split_once(' '))
            && scheme.eq_ignore_ascii_case("bearer")
            && is_token_like(token)
            && self.token(token).is_none()
        {
            self.add(Role::Access, token);
        }
    }

    fn came(&mut self, pasted: &Pasted) {
        if let Body::Json(value) = &pasted.answer.body {
            for (name, text) in texts(value) {
                let text = text.strip_prefix("Bearer ").unwrap_or(&text);
                if let Some(role) = role(&name, text) {
                    self.add(role, text);
                }
            }
            self.person(value, "");
        }
        for (name, value) in &pasted.answer.headers {
            let value = value.strip_prefix("Bearer ").unwrap_or(value);
            if name == "set-cookie" {
                let cookie = value;
                let (name, value) = value.split(';').next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
                if let Some(role) = cookie_role(name, value) {
                    self.add(role, value);
                    self.lives(role, cookie);
                }
            } else if let Some(role) = role(name, value).filter(|_| name != "etag") {
                self.add(role, value);
            }
        }
    }

    fn add(&mut self, role: Role, text: &str) {
        let list = match role {
            Role::Access => &mut self.access,
            Role::Refresh => &mut self.refresh,
        };
        if list.iter().all(|seen| seen.text != text) {
            list.push(Seen { text: text.to_owned(), jwt: decoded(text) });
        }
    }

    /// A cookie is kept as long as the token in it is good for.
    fn lives(&mut self, role: Role, cookie: &str) {
        let age =
            cookie.split(';').filter_map(|part| part.trim().split_once('=')).find(|(name, _)| plain(name) == "maxage");
        let age = age.and_then(|(_, age)| age.parse::<i64>().ok()).filter(|age| *age > 0);
        match role {
            Role::Access => self.access_lifetime = self.access_lifetime.or(age),
            Role::Refresh => self.refresh_lifetime = self.refresh_lifetime.or(age),
        }
    }

    fn lifetimes(&mut self) {
        let of = |seen: &[Seen]| seen.iter().find_map(|seen| Some(seen.claim("exp")? - seen.claim("iat")?));
        self.access_lifetime = of(&self.access).filter(|span| *span > 0).or(self.access_lifetime);
        self.refresh_lifetime = of(&self.refresh).filter(|span| *span > 0).or(self.refresh_lifetime);
    }

    /// Spans that the answers tell, where the tokens themselves tell none.
    fn spans(&mut self, value: &Value) {
        let mut later: Option<i64> = None;
        for (name, value) in scalars(value) {
            let name = plain(&name);
            let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            let span = number.filter(|_| is_span(&name)).filter(|span| (1..400_000_000).contains(span));
            let until = time::read(&value).map(|(time, _)| time - self.now).filter(|span| *span > 0);
            later = later.or(until.filter(|span| LATER.contains(span)));
            let until = until.filter(|_| name.contains("exp"));
            let Some(span) = span.or(until) else { continue };
            let slot = if name.contains("refresh") { &mut self.refresh_lifetime } else { &mut self.access_lifetime };
            slot.get_or_insert(span);
        }
        // Whatever it is called: an answer with a token and a time to come tells when the token ends.
        self.access_lifetime = self.access_lifetime.or(later);
    }

    /// What of a user stands in an answer, for the user of the cases.
    fn person(&mut self, value: &Value, name: &str) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.person(value, name)),
            Value::Object(members) => {
                let user = is_user(name, members);
                for (name, value) in members {
                    if user {
                        self.trait_of_user(name, value);
                    }
                    if !is_role(name) {
                        self.person(value, name);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn trait_of_user(&mut self, name: &str, value: &Value) {
        let key = plain(name);
        let text = value.as_str().filter(|text| !text.is_empty());
        if is_id(&key) {
            let id = value.as_i64().or_else(|| text?.parse().ok()).filter(|id| *id > 0);
            if let Some(id) = id {
                self.user.entry("id").or_insert(json!(id));
            }
        } else if let Some((_, field)) = user_slot(&key)
            && let Some(text) = text
        {
            self.user.entry(field).or_insert(json!(text));
        } else if is_role(name) {
            let roles = roles(value);
            if !roles.is_empty() {
                self.user.entry("roles").or_insert(json!(roles));
            }
        }
    }

    /// Somebody signs in under this name.
    pub(super) fn identifier(&mut self, text: &str) {
        let field = if text.contains('@') { "email" } else { "username" };
        self.user.entry(field).or_insert(json!(text));
    }
}

impl Seen {
    /// A time of the claims.
    pub(super) fn claim(&self, name: &str) -> Option<i64> {
        let claim = self.jwt.as_ref()?.1.as_ref()?.get(name)?;
        time::read(claim).map(|(seconds, _)| seconds)
    }
}

/// The roles of a case's user.
fn roles(value: &Value) -> Vec<Value> {
    let role = |(at, value): (usize, &Value)| match value {
        Value::String(name) => Some(json!({ "id": at + 1, "name": name, "permissions": [] })),
        Value::Object(members) => {
            let find = |wanted: fn(&Value) -> bool, not: &str| {
                members.iter().find(|(name, value)| plain(name) != not && wanted(value)).map(|(_, value)| value.clone())
            };
            let id = members.iter().find(|(name, _)| is_id(&plain(name))).and_then(|(_, value)| value.as_i64());
            let permissions = find(|value| value.as_array().is_some_and(|all| all.iter().all(Value::is_string)), "");
            let name = find(Value::is_string, "id").unwrap_or(json!("Role"));
            Some(json!({ "id": id.unwrap_or(1), "name": name, "permissions": permissions.unwrap_or(json!([])) }))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    };
    match value {
        Value::Array(values) => values.iter().enumerate().filter_map(role).collect(),
        other => role((0, other)).into_iter().collect(),
    }
}

pub(super) fn is_id(plain: &str) -> bool {
    ["id", "userid", "uid", "customerid", "accountid", "memberid"].contains(&plain)
}

pub(super) fn is_role(name: &str) -> bool {
    ["role", "roles", "authorities", "groups", "permissions"].contains(&plain(name).as_str())
}

/// Whether the text names a span until something expires.
pub(super) fn is_span(plain: &str) -> bool {
    ["expiresin", "expirein", "expin", "lifetime", "ttl", "maxage", "validfor"].iter().any(|word| plain.contains(word))
        || ["expires", "expiry", "expiration"].contains(&plain)
}

/// Whether an object under this name is about the user.
pub(super) fn is_user(name: &str, members: &Map<String, Value>) -> bool {
    let users =
        ["user", "customer", "account", "profile", "me", "member", "viewer", "currentuser", "principal", "self"];
    let has = |wanted: fn(&str) -> bool| members.keys().any(|name| wanted(&plain(name)));
    !is_role(name)
        && (users.contains(&plain(name).as_str())
            || has(|name| ["email", "mail", "emailaddress", "username"].contains(&name))
            || (has(is_id) && has(|name| user_slot(name).is_some())))
}

/// Slot of a dialect and field of a case's user.
pub(super) fn user_slot(plain: &str) -> Option<(&'static str, &'static str)> {
    Some(match plain {
        "email" | "mail" | "emailaddress" => ("user.email", "email"),
        "username" | "login" | "nickname" | "handle" => ("user.username", "username"),
        "first" | "firstname" | "givenname" | "forename" | "name" | "displayname" | "fullname" => {
            ("user.first_name", "first_name")
        }
        "middlename" => ("user.middle_name", "middle_name"),
        "last" | "lastname" | "surname" | "familyname" => ("user.last_name", "last_name"),
        "photo" | "avatar" | "picture" | "image" | "avatarurl" | "photourl" => ("user.photo", "photo"),
        _ => return None,
    })
}

/// Every text with the name of its member.
pub(super) fn texts(value: &Value) -> Vec<(String, String)> {
    scalars(value).into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect()
}

/// Every scalar with the name of its member.
fn scalars(value: &Value) -> Vec<(String, Value)> {
    fn walk(name: &str, value: &Value, found: &mut Vec<(String, Value)>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, value)| walk(name, value, found)),
            Value::Array(values) => values.iter().for_each(|value| walk(name, value, found)),
            other => found.push((name.to_owned(), other.clone())),
        }
    }
    let mut found = Vec::new();
    walk("", value, &mut found);
    found
}
