//! Which operation a request is, what it gives and where; and the same request as a case sends it, without its secrets.

use myna_core::catalog::Operation;
use myna_core::problem::Field;
use serde_json::{Map, Value};

use super::answer::literal;
use super::known::{Known, Role, cookie_role, is_password, plain, texts, user_slot};
use super::paste::{Body, Pasted, form};

/// The password of the cases, and one that is wrong.
pub(super) const PASSWORD: &str = "made up: brass kettle 41";
pub(super) const NEW_PASSWORD: &str = "made up: copper kettle 42";
pub(super) const WRONG: &str = "made up: wrong kettle";
/// Members that say what kind of request it is.
const FIXED: [&str; 6] = ["granttype", "responsetype", "mode", "strategy", "provider", "clientid"];

/// A request, understood.
#[derive(Debug)]
pub(super) struct Asked {
    /// The shape of the body; `None`: there is none.
    pub(super) shape: Option<Value>,
    pub(super) form: bool,
    /// Input and source.
    pub(super) from: Vec<(String, String)>,
    pub(super) extra: Vec<String>,
    /// Names on the wire with those in the dialect.
    pub(super) wires: Vec<(String, String)>,
    /// The request of a case: first line, headers, body.
    pub(super) lines: Vec<String>,
    pub(super) notes: Vec<(String, String)>,
    /// Names on the wire whose value was missing or empty.
    pub(super) empty: Vec<String>,
}

/// The operation that the request is, by its path, its fields and what it carries.
pub(super) fn operation(pasted: &Pasted) -> Option<Operation> {
    let path = pasted.path.to_ascii_lowercase();
    let names: Vec<String> = match &pasted.request.body {
        Body::Json(value) => texts(value).into_iter().map(|(name, _)| name).collect(),
        Body::Form(pairs) => pairs.iter().map(|(name, _)| name.clone()).collect(),
        Body::Empty | Body::Text(_) => Vec::new(),
    };
    let passwords = names.iter().filter(|name| is_password(name)).count();
    let has = |words: &[&str]| words.iter().any(|word| path.contains(word));
    let old = names.iter().any(|name| {
        let name = plain(name);
        is_password(&name) && ["old", "current", "new"].iter().any(|word| name.contains(word))
    });
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if has(&["refresh"]) || (has(&["token"]) && names.iter().any(|name| plain(name).contains("refresh"))) {
        let token = names.iter().any(|name| plain(name).contains("token")) || pasted.request.header("cookie").is_some();
        return Some(if token { Operation::Refresh } else { Operation::Renew });
    }
    if has(&["logout", "signout", "sign-out", "sign_out", "log-out", "revoke"]) || pasted.method == "DELETE" {
        return Some(Operation::Logout);
    }
    if has(&["forgot", "recover", "password/email", "request-reset", "reset-request", "lost"]) {
        return Some(Operation::RequestPasswordReset);
    }
    if has(&["reset"]) {
        return Some(if passwords > 0 { Operation::ResetPassword } else { Operation::RequestPasswordReset });
    }
    if passwords > 1 && old {
        return Some(Operation::ChangePassword);
    }
    let users = passwords > 0 && ["users", "accounts", "customers"].contains(&last);
    if users || has(&["register", "registration", "signup", "sign-up", "sign_up"]) {
        return Some(Operation::Register);
    }
    if passwords > 0 || (pasted.method == "POST" && has(&["login", "signin", "sign-in", "sign_in", "authenticate"])) {
        return Some(Operation::Login);
    }
    let bears = ["authorization", "cookie", "x-auth-token"].iter().any(|name| pasted.request.header(name).is_some());
    let me = ["me", "whoami", "userinfo", "profile", "user", "self", "current"].contains(&last);
    if pasted.method == "GET" && (bears || me) {
        return Some(Operation::Userinfo);
    }
    (pasted.method == "GET").then(|| Operation::parse("answer")).flatten()
}

/// What one request gives to its operation.
pub(super) struct Reader<'k> {
    known: &'k Known,
    operation: Operation,
    /// Whether it was answered as good.
    good: bool,
    /// The password that has to be repeated.
    first: Option<String>,
    asked: Asked,
}

impl<'k> Reader<'k> {
    pub(super) fn read(known: &'k Known, operation: Operation, pasted: &Pasted) -> Asked {
        let asked = Asked {
            shape: None,
            form: false,
            from: Vec::new(),
            extra: Vec::new(),
            wires: Vec::new(),
            lines: Vec::new(),
            notes: Vec::new(),
            empty: Vec::new(),
        };
        let mut reader = Self { known, operation, good: pasted.is_good(), first: None, asked };
        let body = reader.body(&pasted.request.body);
        let mut headers = reader.headers(pasted);
        if let Some(kind) = pasted.request.header("content-type").filter(|_| body.is_some()) {
            headers.insert(0, format!("content-type: {kind}"));
        } else if body.is_some() {
            headers.insert(0, "content-type: application/json".to_owned());
        }
        let query = pasted.query.as_deref().map(|query| reader.query(query)).unwrap_or_default();
        let mut lines = vec![format!("{} {}{query}", pasted.method, pasted.path)];
        lines.extend(headers);
        if let Some(body) = body {
            lines.push(String::new());
            lines.extend(body.lines().map(str::to_owned));
        }
        reader.asked.lines = lines;
        reader.asked
    }

    fn takes(&self, name: &str) -> bool {
        self.operation.fields().any(|field| field.name() == name)
    }

    /// The placeholder of a body's member, and what a case sends there. `None`: it is fixed.
    fn input(&mut self, wire: &str, value: &Value) -> Option<(String, Value)> {
        let name = plain(wire.rsplit('.').next().unwrap_or(wire));
        let text = value.as_str().unwrap_or_default();
        let known = self.known.token(text);
        let repeats = ["confirm", "repeat", "again", "retype"].iter().any(|word| name.contains(word));
        if is_password(wire) {
            return Some(self.password(&name, text, repeats || name.ends_with('2')));
        }
        let tokenish = known.is_some() || name.contains("token") || name.contains("refresh");
        let field = match self.operation {
            Operation::Refresh if tokenish && known != Some(Role::Access) => Some("refresh_token"),
            Operation::Logout if tokenish && known != Some(Role::Access) && self.takes("refresh_token") => {
                Some("refresh_token")
            }
            Operation::Renew | Operation::Refresh | Operation::Logout if tokenish => Some("access_token"),
            Operation::ResetPassword if tokenish || ["code", "key", "otp"].contains(&name.as_str()) => {
                Some("reset_token")
            }
            _ => None,
        };
        let identifies = ["email", "mail", "user", "username", "login", "identifier", "identity", "account", "userid"]
            .contains(&name.as_str())
            || name.ends_with("email")
            || name.contains("login");
        let field = field.or_else(|| match user_slot(&name) {
            _ if name.contains("device") && self.takes("device") => Some("device"),
            _ if identifies && self.takes("identifier") && !self.takes("email") => Some("identifier"),
            Some(("user.email", _)) if self.takes("email") => Some("email"),
            _ if identifies && self.takes("username") => Some("username"),
            _ if identifies && self.takes("email") => Some("email"),
            Some((_, field)) if self.takes(field) => Field::parse(field).map(|field| field.name()),
            _ => None,
        });
        let sent = match (field, known) {
            (Some("refresh_token"), _) => {
                if self.good {
                    "{refresh}".into()
                } else {
                    "wrong.token.value".into()
                }
            }
            (Some("access_token"), _) => {
                if self.good {
                    "{access}".into()
                } else {
                    "wrong.token.value".into()
                }
            }
            (Some("reset_token"), _) => {
                if self.good {
                    "{reset_token}".into()
                } else {
                    "wrong.token.value".into()
                }
            }
            _ => value.clone(),
        };
        if let Some(field) = field {
            return Some((field.to_owned(), sent));
        }
        if FIXED.contains(&name.as_str()) && !value.is_null() {
            return None;
        }
        // Anything may stand here, and nobody uses it.
        let secret = name.contains("secret") || super::known::is_token_like(text);
        if secret {
            self.asked.notes.push((wire.to_owned(), "looks like a secret, so it was not copied".to_owned()));
        } else {
            self.asked.notes.push((wire.to_owned(), "whatever it is, nothing is done with it".to_owned()));
        }
        Some((self.extra(wire), if secret { super::answer::REPLACED.into() } else { value.clone() }))
    }

    fn password(&mut self, name: &str, text: &str, repeats: bool) -> (String, Value) {
        let empty = text.is_empty();
        let made_up = |text: &'static str| if empty { Value::from("") } else { Value::from(text) };
        if self.operation == Operation::ChangePassword {
            if name.contains("old") || name.contains("current") || name == "password" {
                return ("password".to_owned(), made_up(if self.good { PASSWORD } else { WRONG }));
            }
            let field = if repeats { self.extra("password_confirmation") } else { "new_password".to_owned() };
            return (field, made_up(NEW_PASSWORD));
        }
        let chosen = match self.operation {
            Operation::Login if !self.good => WRONG,
            Operation::ResetPassword => NEW_PASSWORD,
            _ => PASSWORD,
        };
        if repeats || !self.takes("password") {
            // One that did not match has to go on not matching.
            let same = self.first.as_deref().is_none_or(|first| first == text);
            return (self.extra("password_confirmation"), made_up(if same { chosen } else { WRONG }));
        }
        self.first = Some(text.to_owned());
        ("password".to_owned(), made_up(chosen))
    }

    fn extra(&mut self, wire: &str) -> String {
        let mut name = String::new();
        for letter in wire.chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            name.push(if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' });
        }
        if self.takes(&name) || Field::parse(&name).is_some() || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            name = format!("given_{name}");
        }
        if !self.asked.extra.contains(&name) {
            self.asked.extra.push(name.clone());
        }
        name
    }

    /// The placeholder for a member, each once.
    fn placed(&mut self, wire: &str, value: &Value) -> Option<(Value, Value)> {
        let (name, sent) = self.input(wire, value)?;
        let name = if self.asked.wires.iter().any(|(_, known)| *known == name) { self.extra(wire) } else { name };
        if value.is_null() || value.as_str() == Some("") {
            self.asked.empty.push(wire.to_owned());
        }
        self.asked.wires.push((wire.to_owned(), name.clone()));
        Some((format!("{{{name}}}").into(), sent))
    }

    fn body(&mut self, body: &Body) -> Option<String> {
        match body {
            Body::Empty => None,
            Body::Text(text) => Some(text.clone()),
            Body::Json(Value::Object(members)) => {
                let (shape, sent) = self.members("", members);
                self.asked.shape = Some(Value::Object(shape));
                Some(Value::Object(sent).to_string())
            }
            Body::Json(other) => Some(other.to_string()),
            Body::Form(pairs) => {
                self.asked.form = true;
                let members = pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
                let (shape, sent) = self.members("", &members);
                self.asked.shape = Some(Value::Object(shape));
                let pair = |(name, value): (&String, &Value)| {
                    let value = value.as_str().unwrap_or_default();
                    // A capture is filled in as it is.
                    let value = if value.starts_with('{') { value.to_owned() } else { encoded(value) };
                    format!("{}={value}", encoded(name))
                };
                Some(sent.iter().map(pair).collect::<Vec<_>>().join("&"))
            }
        }
    }

    fn members(&mut self, path: &str, members: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
        let (mut shape, mut sent) = (Map::new(), Map::new());
        for (name, value) in members {
            let wire = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let (written, given) = match value {
                Value::Object(inner) => {
                    let (shape, sent) = self.members(&wire, inner);
                    (Value::Object(shape), Value::Object(sent))
                }
                // Ignored, unless the dialect refuses what it does not read.
                Value::Array(_) => {
                    self.asked.notes.push((wire.clone(), "a list: ignored".to_owned()));
                    sent.insert(name.clone(), Value::Array(Vec::new()));
                    continue;
                }
                scalar => match self.placed(&wire, scalar) {
                    Some(both) => both,
                    None => {
                        (scalar.as_str().map_or_else(|| scalar.clone(), |text| literal(text).into()), scalar.clone())
                    }
                },
            };
            shape.insert(name.clone(), written);
            sent.insert(name.clone(), given);
        }
        (shape, sent)
    }

    fn source(&mut self, input: &str, source: String) {
        if self.takes(input) && !self.asked.from.iter().any(|(known, _)| known == input) {
            self.asked.from.push((input.to_owned(), source));
        }
    }

    fn held(&self, role: Role) -> &'static str {
        match (self.good, role) {
            (false, _) => "wrong.token.value",
            (true, Role::Access) => "{access}",
            (true, Role::Refresh) => "{refresh}",
        }
    }

    fn headers(&mut self, pasted: &Pasted) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, value) in &pasted.request.headers {
            if name == "authorization" {
                lines.extend(self.authorization(value));
            } else if name == "cookie" {
                let cookies: Vec<String> = value.split(';').filter_map(|pair| self.cookie(pair.trim())).collect();
                if !cookies.is_empty() {
                    lines.push(format!("cookie: {}", cookies.join("; ")));
                }
            } else if let Some(role) = self.known.token(value) {
                let input = self.input_of(role);
                self.source(input, format!("header {}", canonical(name)));
                lines.push(format!("{name}: {}", self.held(role)));
            }
        }
        lines
    }

    const fn input_of(&self, role: Role) -> &'static str {
        match (role, self.operation) {
            (Role::Refresh, _) => "refresh_token",
            (Role::Access, _) => "access_token",
        }
    }

    fn authorization(&mut self, value: &str) -> Option<String> {
        let (scheme, token) = value.split_once(' ').unwrap_or(("", value));
        if scheme.eq_ignore_ascii_case("basic") {
            self.asked.notes.push(("Authorization".to_owned(), "Basic: user and password".to_owned()));
            let wanted = !self.asked.wires.iter().any(|(_, name)| name == "password");
            if wanted {
                self.source("identifier", "basic user".to_owned());
                self.source("password", "basic password".to_owned());
            }
            return None;
        }
        let refresh = self.known.token(token) == Some(Role::Refresh);
        let lonely =
            self.operation == Operation::Refresh && !self.asked.wires.iter().any(|(_, n)| n == "refresh_token");
        let role = if refresh || (lonely && self.known.token(token).is_none()) { Role::Refresh } else { Role::Access };
        let input = self.input_of(role);
        let source = match scheme {
            "" => "header Authorization".to_owned(),
            scheme if scheme.eq_ignore_ascii_case("bearer") => "bearer".to_owned(),
            scheme => format!("scheme {scheme}"),
        };
        if !self.takes(input) {
            return None;
        }
        self.source(input, source);
        let blank = if scheme.is_empty() { "" } else { " " };
        Some(format!("authorization: {scheme}{blank}{}", self.held(role)))
    }

    fn cookie(&mut self, pair: &str) -> Option<String> {
        let (name, value) = pair.split_once('=')?;
        let role = self.known.token(value).or_else(|| cookie_role(name, value))?;
        let input = self.input_of(role);
        self.takes(input).then(|| {
            self.source(input, format!("cookie {name}"));
            format!("{name}={}", self.held(role))
        })
    }

    /// The query as a case sends it: no secret stays in it.
    fn query(&mut self, query: &str) -> String {
        let pair = |(name, value): (String, String)| {
            let secret = is_password(&name) || super::known::is_token_like(&value);
            self.asked.notes.push((format!("?{name}"), "a query: ignored".to_owned()));
            format!("{}={}", encoded(&name), if secret { super::answer::REPLACED.to_owned() } else { encoded(&value) })
        };
        format!("?{}", form(query).into_iter().map(pair).collect::<Vec<_>>().join("&"))
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// `x-auth-token` as people write it.
fn canonical(name: &str) -> String {
    let part = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}
