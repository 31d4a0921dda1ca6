//! The drafted file and its cases as text.

use serde_json::Value;

/// What still fits on a line beside its key.
const LINE_CHARS_MAX: usize = 96;

/// JSON as a TOML string: on one line if it fits, else laid out.
pub(super) fn json(value: &Value) -> String {
    let line = spaced(value);
    if line.chars().count() <= LINE_CHARS_MAX { quoted(&line) } else { quoted(&laid_out(value)) }
}

/// A text as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace('\u{7f}', "\\u007f");
    if !text.contains(['\'', '\n']) && !text.is_empty() {
        format!("'{text}'")
    } else if !text.contains("'''") && !text.ends_with('\'') && !text.is_empty() {
        format!("'''{text}'''")
    } else {
        Value::from(text).to_string()
    }
}

/// A text as a TOML string with double quotes, for what holds no JSON.
pub(super) fn plain(text: &str) -> String {
    Value::from(text).to_string()
}

fn spaced(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let member =
                |(name, value): (&String, &Value)| format!("{}: {}", Value::from(name.as_str()), spaced(value));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn laid_out(value: &Value) -> String {
    fn walk(value: &Value, depth: usize, out: &mut String) {
        let line = spaced(value);
        let Value::Object(members) = value else {
            if let Value::Array(values) = value
                && depth * 2 + line.chars().count() > LINE_CHARS_MAX
            {
                out.push('[');
                for (at, value) in values.iter().enumerate() {
                    out.push_str(if at == 0 { "\n" } else { ",\n" });
                    out.push_str(&"  ".repeat(depth + 1));
                    walk(value, depth + 1, out);
                }
                out.push_str(&format!("\n{}]", "  ".repeat(depth)));
                return;
            }
            out.push_str(&line);
            return;
        };
        if depth > 0 && depth * 2 + line.chars().count() <= LINE_CHARS_MAX {
            out.push_str(&line);
            return;
        }
        out.push('{');
        for (at, (name, value)) in members.iter().enumerate() {
            out.push_str(if at == 0 { "\n" } else { ",\n" });
            out.push_str(&format!("{}{}: ", "  ".repeat(depth + 1), Value::from(name.as_str())));
            walk(value, depth + 1, out);
        }
        out.push_str(&format!("\n{}}}", "  ".repeat(depth)));
    }
    let mut out = String::new();
    walk(value, 0, &mut out);
    out
}

/// Guesses, each as a comment.
pub(super) fn notes(notes: &[(String, String)]) -> String {
    let width = notes.iter().map(|(place, _)| place.chars().count()).max().unwrap_or_default();
    notes.iter().map(|(place, why)| format!("#   {place:<width$}  {why}\n")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_read_back() {
        for text in ["", "a", "it's", "'", "a'''b", "''", "line\nline", "\u{7f}x", "\"", "\\", "ü 語", "ends'"] {
            let toml = format!("a = {}", quoted(text));
            let read: toml::Table = toml::from_str(&toml).unwrap_or_else(|error| panic!("{toml}: {error}"));
            assert_eq!(read["a"].as_str().map(|read| read.replace("\\u007f", "\u{7f}")).as_deref(), Some(text));
        }
    }

    #[test]
    fn json_is_laid_out_when_it_is_long() {
        assert_eq!(json(&json!({"a": 1, "b": [], "c": {}})), r#"'{ "a": 1, "b": [], "c": {} }'"#);
        let long = json!({"a": {"x": "y".repeat(60)}, "b": {"c": "d".repeat(60), "e": [1, 2]}});
        let toml: toml::Table = toml::from_str(&format!("a = {}", json(&long))).expect("TOML");
        let text = toml["a"].as_str().unwrap_or_default();
        assert_eq!(serde_json::from_str::<Value>(text).ok(), Some(long));
        assert!(text.lines().count() > 3, "{text}");
    }
}
