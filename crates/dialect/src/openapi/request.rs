//! Requests: parameters, bodies, and in words what no schema can say.

use myna_core::problem::Field;
use serde_json::{Value, json};

use super::example::Example;
use super::schema::literal;
use super::{Object, any_of};
use crate::describe::{
    Asked, AskedShape, EndpointDescription, InputDescription, Place, Rule, Wanted, WhenDescription, WhenSubject,
};
use crate::media;

/// What the endpoints do, and their rules.
pub(super) fn told(endpoints: &[&EndpointDescription]) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    for endpoint in endpoints {
        let summary = endpoint.operation.entry().summary.to_owned();
        if !paragraphs.contains(&summary) {
            paragraphs.push(summary);
        }
        let conditions: Vec<String> = endpoint.when.iter().map(ToString::to_string).collect();
        if !conditions.is_empty() {
            paragraphs.push(format!("`{}`: with {}.", endpoint.name, conditions.join(" and ")));
        }
        for input in &endpoint.inputs {
            for rule in &input.rules {
                if let Rule::Same(other) = &rule.rule {
                    paragraphs.push(format!("`{}` has to be the same as `{other}`.", input.wire));
                }
            }
            for place in &input.places {
                if let Place::Scheme { word, param: Some(param), header } = place {
                    paragraphs.push(format!("`{}` is read from `{header}: {word} {param}=\"…\"`.", input.name));
                }
            }
        }
    }
    paragraphs.join("\n\n")
}

/// Parameters of path, query, header and cookies; tokens are credentials and told elsewhere.
pub(super) fn parameters(path: &str, endpoints: &[&EndpointDescription]) -> Vec<Value> {
    let mut found: Vec<(&'static str, String, Vec<Value>, usize)> = Vec::new();
    for endpoint in endpoints {
        for input in endpoint.inputs.iter().filter(|input| !is_credential(input)) {
            for place in &input.places {
                let Some((within, name)) = parameter(place) else { continue };
                let schema = text_schema(input);
                let required = usize::from(input.required && !input.in_body && input.places.len() == 1);
                match found.iter_mut().find(|(known, other, ..)| *known == within && *other == name) {
                    Some((_, _, schemas, sure)) => {
                        schemas.push(schema);
                        *sure += required;
                    }
                    None => found.push((within, name, vec![schema], required)),
                }
            }
        }
    }
    // What tells the endpoints apart.
    for (place, want) in endpoints.iter().flat_map(|endpoint| &endpoint.when).filter_map(outside) {
        let Some((within, name)) = parameter(place) else { continue };
        if !found.iter().any(|(known, other, ..)| *known == within && *other == name) {
            let values: Vec<&String> = values(endpoints, place);
            // An endpoint without conditions takes every other value.
            let all = endpoints.iter().any(|endpoint| endpoint.when.is_empty());
            let open = all || values.is_empty() || matches!(want, Wanted::Present);
            let schema = if open { json!({ "type": "string" }) } else { json!({ "type": "string", "enum": values }) };
            found.push((within, name, vec![schema], 0));
        }
    }
    // A parameter of the path that only a condition reads is one all the same.
    for name in path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
        if !found.iter().any(|(within, known, ..)| *within == "path" && known == name) {
            found.push(("path", name.to_owned(), vec![json!({ "type": "string" })], 0));
        }
    }
    let parameter = |(within, name, schemas, sure): (&str, String, Vec<Value>, usize)| {
        let required = within == "path" || sure == endpoints.len();
        json!({ "name": name, "in": within, "required": required, "schema": any_of(schemas) })
    };
    found.into_iter().map(parameter).collect()
}

fn outside(when: &WhenDescription) -> Option<(&Place, &Wanted)> {
    match &when.subject {
        WhenSubject::Place(place) => Some((place, &when.want)),
        WhenSubject::Body(_) => None,
    }
}

/// All that conditions ask for at the place.
fn values<'d>(endpoints: &[&'d EndpointDescription], place: &Place) -> Vec<&'d String> {
    let mut all = Vec::new();
    for (other, want) in endpoints.iter().flat_map(|endpoint| &endpoint.when).filter_map(outside) {
        if let Wanted::Any(texts) = want
            && other == place
        {
            all.extend(texts.iter().filter(|text| !all.contains(text)).collect::<Vec<_>>());
        }
    }
    all
}

/// Tokens outside the body prove who asks.
fn is_credential(input: &InputDescription) -> bool {
    matches!(input.field, Some(Field::AccessToken | Field::RefreshToken))
}

fn parameter(place: &Place) -> Option<(&'static str, String)> {
    match place {
        Place::Bearer(_) | Place::Basic(_) | Place::Scheme { .. } => None,
        // OpenAPI 3.1 §4.8.12.1: these are told by other means.
        Place::Header(name) if ["accept", "content-type", "authorization"].contains(&name.as_str()) => None,
        Place::Header(name) => Some(("header", name.clone())),
        Place::Cookie(name) => Some(("cookie", name.clone())),
        Place::Path(name) => Some(("path", name.clone())),
        Place::Query(name) => Some(("query", name.clone())),
    }
}

/// The request body; `None` when none of the endpoints reads one.
pub(super) fn body(endpoints: &[&EndpointDescription], examples: Vec<(String, Example)>) -> Option<Value> {
    let mut content: Vec<(&'static str, Vec<Value>)> = Vec::new();
    for endpoint in endpoints {
        let Some(members) = &endpoint.body else { continue };
        let object = members_schema(endpoint, members);
        for media_type in &endpoint.reads {
            // A text is the one member's value, without a name.
            let whole = members.first().filter(|_| *media_type == media::TEXT);
            let schema = whole.map_or_else(|| object.clone(), |member| asked(endpoint, &member.shape).0);
            match content.iter_mut().find(|(known, _)| known == media_type) {
                Some((_, schemas)) => schemas.push(schema),
                None => content.push((media_type, vec![schema])),
            }
        }
    }
    if content.is_empty() {
        return None;
    }
    let required = endpoints.iter().all(|endpoint| endpoint.body.is_some() && !endpoint.may_be_empty);
    let media_type = |(name, schemas): (&'static str, Vec<Value>)| {
        let mut media_type = json!({ "schema": any_of(schemas) });
        let fitting = examples
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, example)| (example.name.clone(), json!({ "summary": example.title, "value": example.value })));
        let fitting: Object = fitting.collect();
        if !fitting.is_empty() {
            media_type["examples"] = Value::Object(fitting);
        }
        (name.to_owned(), media_type)
    };
    let content: Object = content.into_iter().map(media_type).collect();
    Some(json!({ "required": required, "content": content }))
}

fn members_schema(endpoint: &EndpointDescription, members: &[Asked]) -> Value {
    let mut properties = Object::new();
    let mut required: Vec<&str> = Vec::new();
    for Asked { name, shape } in members {
        let (schema, needed) = asked(endpoint, shape);
        properties.insert(name.clone(), schema);
        if needed {
            required.push(name);
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if endpoint.strict {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

/// The schema, and whether it has to be there.
fn asked(endpoint: &EndpointDescription, shape: &AskedShape) -> (Value, bool) {
    match shape {
        AskedShape::Literal(value) => (literal(value), true),
        AskedShape::Object(members) => {
            let needed = members.iter().any(|member| asked(endpoint, &member.shape).1);
            (members_schema(endpoint, members), needed)
        }
        AskedShape::Array(shapes) => {
            let (items, needed): (Vec<Value>, Vec<bool>) = shapes.iter().map(|shape| asked(endpoint, shape)).unzip();
            (json!({ "type": "array", "items": any_of(items) }), needed.contains(&true))
        }
        AskedShape::Input(at) => {
            let Some(input) = endpoint.inputs.get(*at) else { return (json!({}), false) };
            let count: usize = endpoint.body.iter().flatten().map(|member| uses(&member.shape, *at)).sum();
            // What may stand in several places is required in none of them.
            let needed = input.required && input.places.is_empty() && count == 1;
            (member_schema(input, needed), needed)
        }
    }
}

fn uses(shape: &AskedShape, at: usize) -> usize {
    match shape {
        AskedShape::Input(input) => usize::from(*input == at),
        AskedShape::Literal(_) => 0,
        AskedShape::Object(members) => members.iter().map(|member| uses(&member.shape, at)).sum(),
        AskedShape::Array(shapes) => shapes.iter().map(|shape| uses(shape, at)).sum(),
    }
}

/// A member of a body. Null is the same as none, and what only rules and echoes use may be any scalar.
fn member_schema(input: &InputDescription, needed: bool) -> Value {
    let mut schema = text_schema(input);
    let mut types = vec!["string"];
    if input.field.is_none() && !input.is_secret() {
        types.extend(["number", "boolean"]);
    }
    if !needed {
        types.push("null");
        if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            values.push(Value::Null);
        }
    }
    schema["type"] = if types.len() == 1 { json!("string") } else { json!(types) };
    schema
}

/// A text with the dialect's rules.
fn text_schema(input: &InputDescription) -> Value {
    let mut schema = json!({ "type": "string" });
    let asked_for = input.rules.iter().any(|rule| rule.rule == Rule::Required);
    if asked_for {
        schema["minLength"] = json!(1);
    }
    if let Some(Field::Password | Field::NewPassword) = input.field {
        schema["format"] = json!("password");
    }
    for rule in &input.rules {
        match rule.rule {
            Rule::Email => schema["format"] = json!("email"),
            Rule::Size { min, max } => {
                // An empty text is the same as none, and only `required` minds that.
                if asked_for && min > 1 {
                    schema["minLength"] = json!(min);
                }
                if max < u32::MAX {
                    schema["maxLength"] = json!(max);
                }
            }
            Rule::OneOf(ref values) => schema["enum"] = json!(values),
            Rule::Required | Rule::Username | Rule::Same(_) => {}
        }
    }
    schema
}
