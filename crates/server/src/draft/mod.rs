//! A dialect drafted from pasted exchanges: placeholders where values were, each guess said in a comment, each exchange a
//! case. Text to text, nothing is read or written here; and nothing that was secret in the exchanges is in what comes out.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a guess looks at a few kinds of JSON, or of operations, and leaves every other one as it is"
)]

mod answer;
mod known;
mod paste;
mod reply;
mod request;
mod scrub;
mod time;
mod token;
mod write;

use http::StatusCode;
use myna_core::catalog::Operation;
use myna_core::outcome::Kind;
use myna_dialect::diagnostic::{Diagnostic, Source};
use serde_json::{Map, Value, json};

use answer::Answer;
use known::{Known, plain};
use paste::{Body, Pasted};
use reply::Reply;
use request::{Asked, PASSWORD, Reader};

/// A file and its cases, to be written.
pub(crate) struct Draft {
    /// The dialect file.
    pub(crate) text: String,
    /// File name and text.
    pub(crate) cases: Vec<(String, String)>,
    /// What was pasted and is not in it, one line each.
    pub(crate) left_out: Vec<String>,
}

/// An exchange, understood.
struct Step<'p> {
    pasted: &'p Pasted,
    operation: Operation,
    asked: Asked,
    reply: Reply,
}

/// Drafts the dialect `name`. `pasted_at`: when, in Unix seconds, for exchanges that do not say when they were.
///
/// # Errors
/// What of the exchanges cannot be read, with its place.
pub(crate) fn draft(name: &str, source: &Source, pasted_at: i64) -> Result<Draft, Vec<Diagnostic>> {
    let exchanges = paste::parse(source)?;
    let mut known = Known::of(&exchanges, pasted_at);
    let mut left_out = Vec::new();
    // Who signs in well is the user of the cases; else whoever tried.
    for good in [true, false] {
        for pasted in exchanges.iter().filter(|pasted| pasted.is_good() == good) {
            if let Some(text) = identifier(&known, pasted).filter(|_| good || no_name(&known)) {
                known.identifier(&text);
            }
        }
    }
    let mut steps: Vec<Step<'_>> = Vec::new();
    for pasted in &exchanges {
        let route = format!("{} {}", pasted.method, pasted.path);
        let same = steps.iter().find(|step| step.pasted.method == pasted.method && step.pasted.path == pasted.path);
        let Some(operation) = same.map(|step| step.operation).or_else(|| request::operation(pasted)) else {
            left_out.push(format!("{route}: nothing that a login server does"));
            continue;
        };
        let asked = Reader::read(&known, operation, pasted);
        let kind = reply::kind(operation, pasted, &asked);
        let reply = reply::reply(&known, kind, pasted, &asked);
        steps.push(Step { pasted, operation, asked, reply });
    }
    if steps.is_empty() {
        return Err(vec![Diagnostic::new("none of these exchanges is one of a login API").at(0..0)]);
    }
    let mut text = file(name, &known, &steps, &left_out);
    let mut cases = cases(&known, &steps, &mut left_out);
    let all = std::iter::once(&mut text).chain(cases.iter_mut().map(|(_, text)| text)).chain(&mut left_out);
    if scrub::scrub(&exchanges, &mut all.collect::<Vec<_>>()) {
        left_out.push(format!(
            "what looked like a secret and no placeholder fits: `{}` stands in its place",
            answer::REPLACED
        ));
    }
    Ok(Draft { text, cases, left_out })
}

fn no_name(known: &Known) -> bool {
    !known.user.contains_key("email") && !known.user.contains_key("username")
}

/// The name that somebody signs in under.
fn identifier(known: &Known, pasted: &Pasted) -> Option<String> {
    let operation = request::operation(pasted)?;
    if operation != Operation::Login {
        return None;
    }
    let asked = Reader::read(known, operation, pasted);
    let (wire, _) = asked.wires.iter().find(|(_, name)| name == "identifier")?;
    sent(&pasted.request.body, wire).filter(|text| !text.is_empty())
}

/// The text that was sent under a name of the wire.
fn sent(body: &Body, wire: &str) -> Option<String> {
    match body {
        Body::Json(value) => {
            let found = wire.split('.').try_fold(value, |value, name| value.get(name))?;
            found.as_str().map(str::to_owned)
        }
        Body::Form(pairs) => pairs.iter().find(|(name, _)| name == wire).map(|(_, value)| value.clone()),
        Body::Empty | Body::Text(_) => None,
    }
}

fn file(name: &str, known: &Known, steps: &[Step<'_>], left_out: &[String]) -> String {
    let mut text = format!(
        "# Drafted from pasted exchanges. What was guessed is said above each part; read it all once, then delete what is\n\
         # plain. `myna dialect check` and `myna dialect test` tell what does not hold, with --watch after every change.\n\n\
         dialect = \"{name}\"\ntitle   = \"The login API of {name}\"\n\n"
    );
    let refreshes = steps.iter().any(|step| step.reply.shows_refresh || step.operation == Operation::Refresh);
    let ends = steps.iter().any(|step| matches!(step.operation, Operation::Logout | Operation::Renew));
    let names = if ends { token::Names::Session } else { token::Names::User };
    text.push_str(&token::tables(known, refreshes, names));
    text.push_str(&errors_of_all(known, steps));
    let mut names: Vec<String> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let same =
            |other: &&Step<'_>| other.pasted.method == step.pasted.method && other.pasted.path == step.pasted.path;
        if steps[..at].iter().any(|other| same(&other)) {
            continue;
        }
        let all: Vec<&Step<'_>> = steps.iter().filter(same).collect();
        let name = free_name(step, &names);
        text.push_str(&endpoint(&name, &all));
        text.push_str(&unseen(&all, steps));
        names.push(name);
    }
    for left in left_out {
        text.push_str(&format!("\n# Left out: {left}\n"));
    }
    text
}

fn free_name(step: &Step<'_>, taken: &[String]) -> String {
    let name = step.operation.name().to_owned();
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or(name)
}

/// `[on.error]` in the shape of the first failure, and what belongs to no endpoint.
fn errors_of_all(known: &Known, steps: &[Step<'_>]) -> String {
    let says = ["message", "msg", "error", "detail", "description", "title", "errordescription"];
    let failure = steps.iter().filter(|step| !step.pasted.is_good() && step.reply.rules.is_empty()).find_map(|step| {
        let Body::Json(Value::Object(members)) = &step.pasted.answer.body else { return None };
        let reason = StatusCode::from_u16(step.pasted.status).ok()?.canonical_reason()?;
        let general = members.iter().map(|(name, value)| {
            let says = value.is_string() && says.contains(&plain(name).as_str());
            (name.clone(), if says { reason.into() } else { value.clone() })
        });
        let mut answer = Answer::new(known, Kind::Error, step.pasted.status);
        Some((answer.body(&Value::Object(general.collect())).0, step.pasted.status))
    });
    let (why, body) = match &failure {
        Some((body, _)) => {
            ("every failure that no other response is written for, in the shape of those pasted", body.clone())
        }
        None => ("no failure was pasted: this is what every one looks like", json!({ "error": "{reason}" })),
    };
    let status = failure.filter(|(_, status)| *status < 400).map(|(_, status)| format!("status = {status}\n"));
    let mut text = format!("\n# {why}\n[on.error]\n{}body   = {}\n", status.unwrap_or_default(), write::json(&body));
    if let Some(step) = steps.iter().find(|step| step.reply.kind == Kind::MethodNotAllowed) {
        text.push_str(&format!("\n[on.method_not_allowed]\n{}", step.reply.toml));
    }
    text
}

fn endpoint(name: &str, all: &[&Step<'_>]) -> String {
    // The one that says most: of the good ones, if there are any.
    let size = |step: &&&Step<'_>| (step.pasted.is_good(), step.asked.wires.len());
    let Some(best) = all.iter().max_by_key(size) else { return String::new() };
    let asked = &best.asked;
    let operation = best.operation;
    let mut text = format!("\n# {} {}: {}\n", best.pasted.method, best.pasted.path, operation.entry().summary);
    text.push_str(&write::notes(&asked.notes));
    text.push_str(&format!(
        "[[endpoint]]\nname      = \"{name}\"\nroute     = \"{} {}\"\noperation = \"{}\"\n",
        best.pasted.method,
        best.pasted.path,
        operation.name()
    ));
    if asked.form {
        text.push_str("encoding  = \"form\"\n");
    }
    if let Some(shape) = asked.shape.as_ref().filter(|shape| **shape != json!({})) {
        text.push_str(&format!("request   = {}\n", write::json(shape)));
    }
    let mut from: Vec<(String, String)> = Vec::new();
    for (input, source) in all.iter().flat_map(|step| &step.asked.from) {
        let read = asked.wires.iter().any(|(_, name)| name == input);
        if !read && from.iter().all(|(known, _)| known != input) {
            from.push((input.clone(), source.clone()));
        }
    }
    let reads =
        |name: &str| asked.wires.iter().any(|(_, known)| known == name) || from.iter().any(|(known, _)| known == name);
    let bearer = operation.entry().needs.iter().any(|needed| {
        needed.iter().any(|field| field.name() == "access_token") && !needed.iter().any(|field| reads(field.name()))
    });
    if bearer {
        text.push_str("# no request with a token was pasted: this is the usual place\n");
        from.push(("access_token".to_owned(), "bearer".to_owned()));
    }
    if !from.is_empty() {
        let from: Vec<String> =
            from.iter().map(|(input, source)| format!("{input} = {}", write::plain(source))).collect();
        text.push_str(&format!("from      = {{ {} }}\n", from.join(", ")));
    }
    if !asked.extra.is_empty() {
        let extra: Vec<String> = asked.extra.iter().map(|name| write::plain(name)).collect();
        text.push_str(&format!("extra     = [{}]\n", extra.join(", ")));
    }
    text.push_str(&checks(asked, all));
    let mut kinds = vec![Kind::MethodNotAllowed];
    for reply in all.iter().map(|step| &step.reply) {
        if !kinds.contains(&reply.kind) {
            kinds.push(reply.kind);
            let notes = write::notes(&reply.notes);
            text.push_str(&format!("\n{notes}[endpoint.on.{}]\n{}", reply.kind.name(), reply.toml));
        }
    }
    text
}

/// A good answer for an endpoint that only failures were pasted of: a login's where it is of that kind.
fn unseen(all: &[&Step<'_>], steps: &[Step<'_>]) -> String {
    let Some(first) = all.first().filter(|_| all.iter().all(|step| !step.pasted.is_good())) else {
        return String::new();
    };
    let Some(kind) = first.operation.entry().outcomes.iter().find(|kind| kind.is_success()) else {
        return String::new();
    };
    let login = steps.iter().find(|step| step.reply.kind == Kind::SignedIn);
    let signs_in = kind.chain().any(|kind| kind == Kind::SignedIn);
    let toml = match (login, kind) {
        (Some(login), _) if signs_in => {
            login.reply.toml.replace("endpoint.on.signed_in", &format!("endpoint.on.{}", kind.name()))
        }
        _ if signs_in => "body   = '{ \"token\": \"{access.token}\" }'\n".to_owned(),
        (_, Kind::Identified) => "body   = '{ \"id\": \"{user.id}\", \"email\": \"{user.email?}\" }'\n".to_owned(),
        _ => "status = 204\n".to_owned(),
    };
    format!("\n# no good answer was pasted: a guess\n[endpoint.on.{}]\n{toml}", kind.name())
}

/// The rules that failures told, and that a repeated password is the same.
fn checks(asked: &Asked, all: &[&Step<'_>]) -> String {
    let mut rows = Vec::new();
    let mut rules: Vec<&(String, &'static str, String)> = all.iter().flat_map(|step| &step.reply.rules).collect();
    // What is missing is told before what is wrong.
    rules.sort_by_key(|(name, rule, _)| (asked.wires.iter().position(|(_, known)| known == name), *rule != "required"));
    for (name, rule, message) in
        rules.into_iter().filter(|(name, ..)| asked.wires.iter().any(|(_, known)| known == name))
    {
        rows.push(format!("  {{ field = \"{name}\", rule = \"{rule}\", message = {} }},\n", write::plain(message)));
    }
    if asked.extra.iter().any(|name| name == "password_confirmation") {
        let other =
            if asked.wires.iter().any(|(_, name)| name == "new_password") { "new_password" } else { "password" };
        rows.push(format!("  {{ field = \"password_confirmation\", rule = \"same\", as = \"{other}\" }},\n"));
    }
    rows.dedup();
    if rows.is_empty() { String::new() } else { format!("check     = [\n{}]\n", rows.concat()) }
}

fn cases(known: &Known, steps: &[Step<'_>], left_out: &mut Vec<String>) -> Vec<(String, String)> {
    let mut user = known.user.clone();
    let attributes: Map<String, Value> = steps.iter().flat_map(|step| step.reply.attributes.clone()).collect();
    if !attributes.is_empty() {
        user.insert("attributes".to_owned(), Value::Object(attributes));
    }
    user.insert("password".to_owned(), PASSWORD.into());
    let good = |operation: Operation| steps.iter().find(|step| step.operation == operation && step.pasted.is_good());
    let mut cases: Vec<(String, String)> = Vec::new();
    for step in steps {
        let told = format!("{} {} → {}", step.pasted.method, step.pasted.path, step.pasted.status);
        let uses = |name: &str| step.asked.lines.iter().any(|line| line.contains(&format!("{{{name}}}")));
        let mut before = String::new();
        if uses("access") || uses("refresh") {
            match good(Operation::Login) {
                Some(login) => before.push_str(&exchange(login)),
                None => {
                    left_out.push(format!("no case for {told}: it needs a token, and no login was pasted"));
                    continue;
                }
            }
        }
        if uses("reset_token") {
            match good(Operation::RequestPasswordReset) {
                Some(asking) => before.push_str(&format!("{}mail reset\n\n", exchange(asking))),
                None => {
                    left_out.push(format!("no case for {told}: no request for a reset mail was pasted"));
                    continue;
                }
            }
        }
        if matches!(step.reply.kind, Kind::Overloaded | Kind::Fault | Kind::ExpiredToken | Kind::Error) {
            left_out.push(format!("no case for {told}: a case cannot bring it about by itself"));
            continue;
        }
        let registers = step.operation == Operation::Register;
        let mut user = user.clone();
        if registers && step.reply.kind == Kind::IdentifierTaken {
            for (wire, name) in step.asked.wires.iter().filter(|(_, name)| name == "email" || name == "username") {
                user.insert(name.clone(), sent(&step.pasted.request.body, wire).unwrap_or_default().into());
            }
        }
        let user = if registers && step.reply.kind != Kind::IdentifierTaken {
            String::new()
        } else {
            format!("user {}\n", Value::Object(user))
        };
        let title = format!("{}: {}", step.operation.name(), step.reply.kind.name());
        let base = title.replace(": ", "-").replace('_', "-");
        let taken = |name: &str| cases.iter().any(|(known, _)| known == name);
        let numbered = (2..).map(|number| format!("{base}-{number}.case"));
        let file =
            std::iter::once(format!("{base}.case")).chain(numbered).find(|name| !taken(name)).unwrap_or_default();
        cases.push((file, format!("# {title}\n{user}\n{before}{}", exchange(step))));
    }
    cases
}

/// Request and answer as a case writes them, with an empty line after.
fn exchange(step: &Step<'_>) -> String {
    let marked = |mark: char, lines: &[String]| {
        lines.iter().map(|line| format!("{mark} {line}").trim_end().to_owned() + "\n").collect::<String>()
    };
    format!("{}\n{}\n", marked('>', &step.asked.lines), marked('<', &step.reply.lines))
}
