//! OpenAPI 3.1: a dialect's description as a document for tools, its cases as examples. Strict where the dialect is: what
//! an answer can never hold is not lawful by its schema. It knows no dialect and no server.

mod example;
mod request;
mod response;
mod schema;
mod security;

use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::describe::{Description, EndpointDescription};
use example::Examples;

/// A JSON object, members in the order in which they were put in.
type Object = Map<String, Value>;

/// The name of the header that carries a request's id.
const REQUEST_ID: &str = "X-Request-Id";

/// Endpoints that share method and path: one operation of the document.
struct Group<'d> {
    path: &'d str,
    endpoints: Vec<&'d EndpointDescription>,
}

/// The document for a dialect.
pub fn document(description: &Description, cases: &[Case]) -> Value {
    let groups = groups(description);
    let mut examples = Examples::of(description, cases);
    let mut names = Vec::new();
    let mut paths = Object::new();
    let mut security = security::Schemes::new(description);
    for group in &groups {
        let operation = operation(description, group, &mut names, &mut examples, &mut security);
        let item = paths.entry(group.path).or_insert_with(|| json!({}));
        if let (Some(item), Some(first)) = (item.as_object_mut(), group.endpoints.first()) {
            item.insert(first.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut components = Object::new();
    components.insert("headers".to_owned(), json!({ REQUEST_ID: request_id() }));
    let shared = response::share(&mut paths);
    if !shared.is_empty() {
        components.insert("responses".to_owned(), Value::Object(shared));
    }
    if let Some(schemes) = security.into_components() {
        components.insert("securitySchemes".to_owned(), schemes);
    }
    let mut document = Object::new();
    document.insert("openapi".to_owned(), json!("3.1.0"));
    document.insert("info".to_owned(), info(description));
    document.insert("servers".to_owned(), json!([{ "url": "/" }]));
    document.insert("tags".to_owned(), json!([{ "name": description.name, "description": description.title }]));
    if let Some(link) = description.document.as_deref().filter(|link| is_link(link)) {
        document.insert("externalDocs".to_owned(), json!({ "url": link }));
    }
    document.insert("paths".to_owned(), Value::Object(paths));
    document.insert("components".to_owned(), Value::Object(components));
    Value::Object(document)
}

fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace)
}

fn info(description: &Description) -> Value {
    let mut info = json!({ "title": description.title, "version": "1" });
    let mut lines = vec![format!("The dialect `{}`.", description.name)];
    lines.extend(description.document.iter().filter(|link| !is_link(link)).cloned());
    for what in &description.insecure {
        lines.push(format!("**Insecure, `{}`**: {}", what.name(), what.cost()));
    }
    for (name, why) in &description.left_out {
        lines.push(format!("Left out, `{name}`: {why}"));
    }
    info["description"] = json!(lines.join("\n\n"));
    info
}

fn request_id() -> Value {
    json!({
        "description": "Names this request in the server's log.",
        "required": true,
        "schema": { "type": "string", "pattern": "^[0-9a-f]{16}$" }
    })
}

/// In the order of the file.
fn groups(description: &Description) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for endpoint in &description.endpoints {
        for path in &endpoint.paths {
            let same = |group: &&mut Group<'_>| {
                group.path == path && group.endpoints.first().is_some_and(|first| first.method == endpoint.method)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.endpoints.push(endpoint),
                None => groups.push(Group { path, endpoints: vec![endpoint] }),
            }
        }
    }
    groups
}

fn operation(
    description: &Description,
    group: &Group<'_>,
    names: &mut Vec<String>,
    examples: &mut Examples,
    security: &mut security::Schemes,
) -> Value {
    let endpoints = &group.endpoints;
    let method = endpoints.first().map(|first| first.method.clone()).unwrap_or_default();
    let mut operation = Object::new();
    operation.insert("operationId".to_owned(), json!(operation_id(group, names)));
    operation.insert("tags".to_owned(), json!([description.name]));
    let titles: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    operation.insert("summary".to_owned(), json!(titles.join(" / ")));
    operation.insert("description".to_owned(), json!(request::told(endpoints)));
    let parameters = request::parameters(group.path, endpoints);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), Value::Array(parameters));
    }
    let sent = examples.requests(&method, group.path);
    if let Some(body) = request::body(endpoints, sent) {
        operation.insert("requestBody".to_owned(), body);
    }
    let answered = examples.answers(&method, group.path);
    operation.insert("responses".to_owned(), response::responses(description, endpoints, &answered));
    if let Some(security) = security.of(endpoints) {
        operation.insert("security".to_owned(), security);
    }
    Value::Object(operation)
}

/// The first endpoint's name in letters that every generator takes, once in a document.
fn operation_id(group: &Group<'_>, names: &mut Vec<String>) -> String {
    let name = group.endpoints.first().map(|first| first.name.as_str()).unwrap_or_default();
    let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let name: String = name.chars().map(word).collect();
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|id| !names.contains(id)).unwrap_or(name.clone());
    names.push(free.clone());
    free
}

/// The only schema, or any of several; each once.
fn any_of(schemas: Vec<Value>) -> Value {
    let mut distinct: Vec<Value> = Vec::new();
    for schema in schemas {
        if !distinct.contains(&schema) {
            distinct.push(schema);
        }
    }
    if distinct.len() == 1 { distinct.remove(0) } else { json!({ "anyOf": distinct }) }
}
