//! JSON Schema (2020-12) for the trees that answers are.

use serde_json::{Value, json};

use super::{Object, any_of};
use crate::describe::{Description, Letters, Member, OutcomeDescription, Part, Shown, TokenForm, Tree, Type};
use crate::token::Alphabet;

/// What is fixed in an answer.
#[derive(Clone, Copy)]
pub(super) struct Context<'d> {
    pub(super) description: &'d Description,
    pub(super) outcome: &'d OutcomeDescription,
}

impl Context<'_> {
    pub(super) fn tree(&self, tree: &Tree) -> Value {
        match tree {
            Tree::Literal(value) => literal(value),
            Tree::Text(parts) => self.text(parts),
            Tree::Shown(shown) => self.shown(shown),
            Tree::Array(all) => {
                let items: Vec<Value> = all.iter().map(|tree| self.tree(tree)).collect();
                tuple(&items)
            }
            Tree::Object(members) => self.object(members),
            Tree::EachElement(_, element) => json!({ "type": "array", "items": self.tree(element) }),
            Tree::EachMember(_, members) => {
                let values = any_of(members.iter().map(|member| self.tree(&member.value)).collect());
                json!({ "type": "object", "additionalProperties": values })
            }
        }
    }

    fn object(&self, members: &[Member]) -> Value {
        let mut properties = Object::new();
        let mut required = Vec::new();
        for Member { key, optional, value } in members {
            let name = plain(key);
            if !optional {
                required.push(name.clone());
            }
            properties.insert(name, self.tree(value));
        }
        closed(properties, required)
    }

    /// A text whose fixed parts are where they are.
    pub(super) fn text(&self, parts: &[Part]) -> Value {
        if let [Part::Shown(shown)] = parts {
            return self.shown(&Shown { quoted: true, nullable: false, ..shown.clone() });
        }
        if let [] | [Part::Literal(_)] = parts {
            return json!({ "type": "string", "const": plain(parts) });
        }
        let part = |part: &Part| match part {
            Part::Literal(text) => escaped(text),
            Part::Shown(shown) => match self.fixed(shown) {
                Some(Value::String(text)) => escaped(&text),
                Some(value) => escaped(&value.to_string()),
                None => inner(shown).to_owned(),
            },
        };
        let pattern: String = parts.iter().map(part).collect();
        json!({ "type": "string", "pattern": format!("^{pattern}$") })
    }

    pub(super) fn shown(&self, shown: &Shown) -> Value {
        let mut schema = match (self.fixed(shown), shown.quoted) {
            (Some(Value::Number(number)), true) => json!({ "type": "string", "const": number.to_string() }),
            (Some(value), _) => literal(&value),
            (None, true) if shown.kind != Type::Text => {
                json!({ "type": "string", "pattern": format!("^{}$", inner(shown)) })
            }
            (None, _) => self.typed(shown),
        };
        if let Some(or) = &shown.or
            && !(schema["type"] == "string" && schema.as_object().is_some_and(|schema| schema.len() == 1))
        {
            schema = any_of(vec![schema, json!({ "type": "string", "const": or })]);
        }
        if shown.nullable {
            if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
                kinds.push(json!("null"));
            } else if let Some(kind) = schema.get("type") {
                schema["type"] = json!([kind, "null"]);
            } else if schema.get("anyOf").is_some() {
                schema = json!({ "anyOf": [schema, { "type": "null" }] });
            }
        }
        schema
    }

    fn typed(&self, shown: &Shown) -> Value {
        match shown.kind {
            Type::Int => json!({ "type": "integer", "format": "int64" }),
            Type::SpanSeconds => json!({ "type": "integer", "format": "int64", "description": "Seconds." }),
            Type::SpanMillis => json!({ "type": "integer", "format": "int64", "description": "Milliseconds." }),
            Type::Uuid => json!({ "type": "string", "format": "uuid" }),
            Type::Bool => json!({ "type": "boolean" }),
            Type::Seconds => json!({ "type": "integer", "format": "int64", "description": "Unix time in seconds." }),
            Type::Millis => {
                json!({ "type": "integer", "format": "int64", "description": "Unix time in milliseconds." })
            }
            Type::Iso8601 => json!({ "type": "string", "format": "date-time" }),
            Type::Date => json!({ "type": "string", "description": "A time (UTC)." }),
            Type::HttpDate => json!({ "type": "string", "pattern": format!("^{}$", inner(shown)) }),
            Type::Text => self.named(shown),
            Type::Scalar => json!({ "type": ["string", "number", "boolean"] }),
            Type::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Type::Json if shown.slot == "user.attributes" => json!({ "type": "object" }),
            Type::Json => json!({}),
        }
    }

    /// A text that is more than any text.
    fn named(&self, shown: &Shown) -> Value {
        let token = match shown.slot.as_str() {
            "access.token" => self.description.access.as_ref(),
            "refresh.token" => self.description.refresh.as_ref(),
            _ => None,
        };
        match token.filter(|_| shown.letters == Letters::AsIs) {
            Some(TokenForm::Jwt(algorithm)) => json!({
                "type": "string",
                "description": format!("A JWT ({algorithm})."),
                "pattern": r"^[\w-]+\.[\w-]+\.[\w-]+$"
            }),
            Some(TokenForm::Opaque { prefix, alphabet }) => {
                let letters = match alphabet {
                    Alphabet::Hex => "[0-9a-f]+",
                    Alphabet::Base64Url => r"[\w-]+",
                    Alphabet::Base32 => "[a-z2-7]+",
                };
                json!({ "type": "string", "pattern": format!("^{}{letters}$", escaped(prefix)) })
            }
            None => json!({ "type": "string" }),
        }
    }

    /// The value, where the outcome says it all.
    fn fixed(&self, shown: &Shown) -> Option<Value> {
        match shown.slot.as_str() {
            "status" => Some(json!(self.outcome.status)),
            "reason" => Some(json!(match shown.letters {
                Letters::AsIs => self.outcome.reason.to_owned(),
                Letters::Upper => self.outcome.reason.to_uppercase(),
                Letters::Lower => self.outcome.reason.to_lowercase(),
            })),
            _ => None,
        }
    }
}

/// Exactly this value.
pub(super) fn literal(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "type": "null" }),
        Value::Bool(_) => json!({ "type": "boolean", "const": value }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number", "const": value }),
        Value::Number(_) => json!({ "type": "integer", "const": value }),
        Value::String(_) => json!({ "type": "string", "const": value }),
        Value::Array(all) => tuple(&all.iter().map(literal).collect::<Vec<_>>()),
        Value::Object(members) => {
            let properties = members.iter().map(|(name, value)| (name.clone(), literal(value))).collect();
            closed(properties, members.keys().cloned().collect())
        }
    }
}

/// An object of these members and no others.
fn closed(properties: Object, required: Vec<String>) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    if !properties.is_empty() {
        schema["properties"] = Value::Object(properties);
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// An array of as many as these. `prefixItems` would tell which is where; half of the tools do not know it.
pub(super) fn tuple(items: &[Value]) -> Value {
    if items.is_empty() {
        return json!({ "type": "array", "maxItems": 0 });
    }
    json!({ "type": "array", "items": any_of(items.to_vec()), "minItems": items.len(), "maxItems": items.len() })
}

/// What a value looks like inside a text, as a regular expression.
fn inner(shown: &Shown) -> &'static str {
    if shown.or.is_some() || shown.nullable {
        return r"[\s\S]*";
    }
    match shown.kind {
        Type::Int | Type::Seconds | Type::Millis | Type::SpanSeconds | Type::SpanMillis => "-?[0-9]+",
        Type::Uuid => "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        Type::Bool => "(true|false)",
        Type::Iso8601 => "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z",
        Type::HttpDate => "[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT",
        Type::Text | Type::Texts | Type::Scalar | Type::Json | Type::Date => r"[\s\S]*",
    }
}

/// The text for itself in a regular expression, for ECMA-262 (`u`) and for everybody else.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if r"\^$.*+?()[]{}|/".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// The literal parts as one text.
pub(super) fn plain(parts: &[Part]) -> String {
    let part = |part: &Part| match part {
        Part::Literal(text) => text.clone(),
        Part::Shown(shown) => format!("{{{}}}", shown.slot),
    };
    parts.iter().map(part).collect()
}
