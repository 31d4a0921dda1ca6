//! Answers: one for each status that an operation can have, with everything that can come under it.

use serde_json::{Value, json};

use super::example::Example;
use super::schema::{Context, plain};
use super::{Object, REQUEST_ID, any_of};
use crate::describe::{BodyDescription, Description, EndpointDescription, HeaderDescription, OutcomeDescription, Part};
use crate::media;

/// Everything that can come under one status.
struct Answers<'d> {
    status: u16,
    outcomes: Vec<&'d OutcomeDescription>,
}

pub(super) fn responses(
    description: &Description,
    endpoints: &[&EndpointDescription],
    examples: &[(u16, Example)],
) -> Value {
    let mut all: Vec<Answers<'_>> = Vec::new();
    for outcome in endpoints.iter().flat_map(|endpoint| &endpoint.outcomes) {
        match all.iter_mut().find(|answers| answers.status == outcome.status) {
            Some(answers) => answers.outcomes.push(outcome),
            None => all.push(Answers { status: outcome.status, outcomes: vec![outcome] }),
        }
    }
    all.sort_by_key(|answers| answers.status);
    let responses = all.iter().map(|answers| {
        let examples: Vec<&Example> =
            examples.iter().filter(|(status, _)| *status == answers.status).map(|(_, example)| example).collect();
        (answers.status.to_string(), answers.response(description, &examples))
    });
    Value::Object(responses.collect())
}

impl Answers<'_> {
    fn response(&self, description: &Description, examples: &[&Example]) -> Value {
        let mut response = json!({ "description": self.told(), "headers": self.headers(description) });
        let content = self.content(description, examples);
        if !content.is_empty() {
            response["content"] = Value::Object(content);
        }
        response
    }

    /// The outcomes by name.
    fn told(&self) -> String {
        let mut names: Vec<&str> = self.outcomes.iter().map(|outcome| outcome.kind.name()).collect();
        names.dedup();
        let reason = self.outcomes.first().map(|outcome| outcome.reason).filter(|reason| !reason.is_empty());
        format!("{}: {}", reason.unwrap_or("Answer"), names.join(", "))
    }

    /// A header that comes with every outcome is required.
    fn headers(&self, description: &Description) -> Object {
        let mut headers = Object::new();
        headers.insert(REQUEST_ID.to_owned(), json!({ "$ref": format!("#/components/headers/{REQUEST_ID}") }));
        let names = self.outcomes.iter().flat_map(|outcome| outcome.headers.iter().map(|header| header.name.as_str()));
        for name in names {
            if headers.keys().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            let found: Vec<(&OutcomeDescription, &HeaderDescription)> = self
                .outcomes
                .iter()
                .filter_map(|outcome| Some((*outcome, outcome.headers.iter().find(|header| header.name == name)?)))
                .collect();
            // A value that no header can hold is left out when it is rendered.
            let sure = |header: &HeaderDescription| header.value.iter().all(is_sure);
            let required = found.len() == self.outcomes.len() && found.iter().all(|(_, header)| sure(header));
            let schema = |(outcome, header): &(&OutcomeDescription, &HeaderDescription)| {
                header_schema(Context { description, outcome }, header)
            };
            let schema = any_of(found.iter().map(schema).collect());
            headers.insert(canonical(name), json!({ "required": required, "schema": schema }));
        }
        if let Some(cookies) = self.cookies() {
            headers.insert("Set-Cookie".to_owned(), cookies);
        }
        headers
    }

    fn cookies(&self) -> Option<Value> {
        let mut lines = Vec::new();
        for cookie in self.outcomes.iter().flat_map(|outcome| &outcome.cookies) {
            let line = format!("`{}`", cookie.line(plain));
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let required = self.outcomes.iter().all(|outcome| !outcome.cookies.is_empty());
        let told = || json!({ "description": lines.join(", "), "required": required, "schema": { "type": "string" } });
        (!lines.is_empty()).then(told)
    }

    fn content(&self, description: &Description, examples: &[&Example]) -> Object {
        let mut content: Vec<(String, Vec<Value>)> = Vec::new();
        for outcome in &self.outcomes {
            let (Some(content_type), Some(body)) = (&outcome.content_type, &outcome.body) else { continue };
            let context = Context { description, outcome };
            let essence = media::essence(content_type);
            let schema = match body {
                BodyDescription::Json(tree) if media::is_json(&essence) => context.tree(tree),
                BodyDescription::Json(tree) => json!({
                    "type": "string", "contentMediaType": "application/json", "contentSchema": context.tree(tree)
                }),
                BodyDescription::Text(parts) => context.text(parts),
            };
            match content.iter_mut().find(|(known, _)| *known == essence) {
                Some((_, schemas)) => schemas.push(schema),
                None => content.push((essence, vec![schema])),
            }
        }
        let media_type = |(essence, schemas): (String, Vec<Value>)| {
            let mut media_type = json!({ "schema": any_of(schemas) });
            let fitting: Object = examples
                .iter()
                .filter(|example| example.value.is_string() != media::is_json(&essence))
                .map(|example| (example.name.clone(), json!({ "summary": example.title, "value": example.value })))
                .collect();
            if !fitting.is_empty() {
                media_type["examples"] = Value::Object(fitting);
            }
            (essence, media_type)
        };
        content.into_iter().map(media_type).collect()
    }
}

fn is_sure(part: &Part) -> bool {
    match part {
        Part::Literal(_) => true,
        Part::Shown(shown) => matches!(shown.slot.as_str(), "allow" | "retry_after" | "request.id" | "now"),
    }
}

fn header_schema(context: Context<'_>, header: &HeaderDescription) -> Value {
    match header.value.as_slice() {
        // A header that is a number is told as one.
        [Part::Shown(shown)] => context.shown(shown),
        parts => context.text(parts),
    }
}

/// `retry-after` as people write it: `Retry-After`.
fn canonical(name: &str) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(part).collect::<Vec<_>>().join("-")
}

/// Moves answers that several operations have to one place, and returns them.
pub(super) fn share(paths: &mut Object) -> Object {
    let mut met: Vec<(Value, String, usize)> = Vec::new();
    each(paths, &mut |status, response| match met.iter_mut().find(|(known, ..)| known == response) {
        Some((_, _, count)) => *count += 1,
        None => met.push((response.clone(), status.to_owned(), 1)),
    });
    met.retain(|(_, _, count)| *count > 1);
    let mut shared = Object::new();
    let mut names: Vec<(Value, String)> = Vec::new();
    for (response, status, _) in met {
        let told = response["description"].as_str().unwrap_or_default();
        let reason: String = told.split(':').next().unwrap_or_default().split([' ', '\'', '-']).collect();
        let numbered = (2..).map(|number| format!("{reason}{status}_{number}"));
        let mut free = std::iter::once(format!("{reason}{status}")).chain(numbered);
        let Some(name) = free.find(|name| !shared.contains_key(name)) else { continue };
        shared.insert(name.clone(), response.clone());
        names.push((response, name));
    }
    each(paths, &mut |_, response| {
        if let Some((_, name)) = names.iter().find(|(known, _)| known == response) {
            *response = json!({ "$ref": format!("#/components/responses/{name}") });
        }
    });
    shared
}

fn each(paths: &mut Object, visit: &mut dyn FnMut(&str, &mut Value)) {
    let items = paths.values_mut().filter_map(Value::as_object_mut);
    for operation in items.flat_map(|item| item.values_mut()) {
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, response) in responses.into_iter().flatten() {
            visit(status, response);
        }
    }
}
