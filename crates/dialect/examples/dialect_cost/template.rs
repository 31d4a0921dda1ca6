//! A minijinja template for an answer, made from two answers with different values: what is the same in both is literal,
//! what is not is a variable at its path. The rival's struct is the context.

use serde_json::Value;

/// The text of the template.
pub(crate) fn of(one: &Value, other: &Value) -> String {
    let mut out = String::new();
    value(one, other, "", &mut out);
    out
}

fn value(one: &Value, other: &Value, path: &str, out: &mut String) {
    match (one, other) {
        (Value::Object(members), Value::Object(others)) => {
            out.push('{');
            for (at, (key, inner)) in members.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                out.push_str(&format!("{comma}{}:", Value::from(key.as_str())));
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                value(inner, others.get(key).unwrap_or(&Value::Null), &path, out);
            }
            out.push('}');
        }
        (one, other) if one == other => out.push_str(&one.to_string()),
        _ => out.push_str(&format!("{{{{{path}}}}}")),
    }
}
