//! The JSON Schema (draft 2020-12) of dialect files, for editors: which keys there are, of which types, what each means.
//! Made from the tables that the compiler reads; a test asks the compiler for its keys and compares. A schema sees names
//! and types; what placeholders mean together only `compile` judges.

use myna_core::catalog::Operation;
use myna_core::outcome::Kind;
use myna_core::problem::ProblemKind;
use serde_json::{Map, Value, json};

use crate::compile::ROTATIONS;
use crate::insecure::Insecure;

/// A key, what it holds, what it means.
type Key = (&'static str, Value, &'static str);

fn text() -> Value {
    json!({ "type": "string" })
}

fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn or_list(item: Value) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
}

fn span() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]+[smhd]$" })
}

fn map_of(value: Value) -> Value {
    json!({ "type": "object", "additionalProperties": value })
}

/// Words for people, in one language or by language.
fn words() -> Value {
    json!({ "anyOf": [text(), { "type": "object", "additionalProperties": text(), "minProperties": 1 }] })
}

fn shape() -> Value {
    json!({ "type": "string", "contentMediaType": "application/json" })
}

/// A table of exactly these keys.
fn table(keys: Vec<Key>, needed: &[&str]) -> Value {
    let described = |(name, mut value, means): Key| {
        if let Some(members) = value.as_object_mut() {
            members.insert("description".to_owned(), means.into());
        }
        (name.to_owned(), value)
    };
    let properties: Map<String, Value> = keys.into_iter().map(described).collect();
    json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false })
}

/// The schema.
pub fn schema() -> Value {
    let mut root = table(root_keys(), &["dialect", "endpoint"]);
    if let Some(members) = root.as_object_mut() {
        members.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".to_owned(), "A dialect of Myna".into());
        members.insert("description".to_owned(), "A login API as data: `myna dialect check` proves it.".into());
        members.insert("$defs".to_owned(), json!({ "reply": reply(), "on": on() }));
    }
    root
}

fn root_keys() -> Vec<Key> {
    let loosenings: Vec<&str> = Insecure::ALL.iter().map(|what| what.name()).collect();
    let kinds = |value: fn() -> Value| {
        let keys = ProblemKind::NAMES.iter().map(|name| (*name, value(), "For fields that fail in this way."));
        table(keys.collect(), &[])
    };
    vec![
        (
            "dialect",
            json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,64}$" }),
            "The name; the same as the folder's.",
        ),
        ("title", text(), "One line for people."),
        ("document", text(), "Where the API is described."),
        ("insecure", or_list(one_of(&loosenings)), "Rules that the dialect does without, said out loud."),
        (
            "left_out",
            map_of(json!({ "type": "string", "maxLength": 200 })),
            "Features that are not served: why, and what to do instead.",
        ),
        ("languages", or_list(text()), "Languages of the words, the default first; chosen by Accept-Language."),
        (
            "honour_accept",
            json!({ "type": "boolean" }),
            "Whether a client that accepts nothing we can write gets `not_acceptable`.",
        ),
        (
            "unknown_members",
            one_of(&["ignore", "refuse"]),
            "What becomes of body members that the endpoint does not read.",
        ),
        ("token", tokens(), "How tokens look."),
        (
            "session",
            table(
                vec![
                    ("lifetime", span(), "A session ends after this, used or not."),
                    ("rotation", one_of(&ROTATIONS), "How refresh tokens replace each other."),
                    (
                        "grace",
                        span(),
                        "With replay, for so long the retry of a refresh gets the same answer, 0s to 60s.",
                    ),
                ],
                &[],
            ),
            "How long sessions live, and how their refresh tokens replace each other.",
        ),
        ("headers", map_of(text()), "Headers of every response."),
        ("messages", kinds(words), "Words for failing fields, by kind; {field}, {label}, {min}, {max} are filled in."),
        ("codes", kinds(text), "The API's code for failing fields, by kind."),
        ("text", map_of(words()), "Words that responses show as {text.NAME}."),
        ("shape", map_of(shape()), "Named JSON trees, used as a leaf \"{shape.NAME}\"."),
        ("on", json!({ "$ref": "#/$defs/on" }), "Responses of the whole dialect, by outcome."),
        ("endpoint", json!({ "type": "array", "items": endpoint(), "minItems": 1 }), "Routes bound to operations."),
    ]
}

fn tokens() -> Value {
    let algorithms = ["HS256", "HS384", "HS512", "RS256", "ES256", "EdDSA"];
    let token = || {
        table(
            vec![
                ("format", one_of(&["jwt", "opaque"]), "A JWT, or letters without a visible meaning."),
                ("algorithm", one_of(&algorithms), "Of a JWT; the key is made at the first start, or imported."),
                ("header", shape(), "A JWT's header; {alg} and {kid} are filled in."),
                ("claims", shape(), "A JWT's claims, written and read back with this tree."),
                ("prefix", json!({ "type": "string", "maxLength": 32 }), "What opaque tokens begin with."),
                ("alphabet", one_of(&["hex", "base64url", "base32"]), "The letters of opaque tokens."),
                (
                    "lifetime",
                    span(),
                    "How long a token is good for; of refresh tokens: how long a session may be left alone.",
                ),
            ],
            &["lifetime"],
        )
    };
    table(
        vec![
            ("access", token(), "What clients send with every request."),
            ("refresh", token(), "What gets new tokens."),
        ],
        &[],
    )
}

fn on() -> Value {
    let means = |kind: &Kind| match kind.parent() {
        Some(parent) => format!("Status {} unless stated; falls back to `{}`.", kind.status(), parent.name()),
        None => format!("Status {} unless stated.", kind.status()),
    };
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (kind.name().to_owned(), json!({ "$ref": "#/$defs/reply", "description": means(kind) })));
    json!({ "type": "object", "properties": kinds.collect::<Map<_, _>>(), "additionalProperties": false })
}

fn reply() -> Value {
    let cookie = table(
        vec![
            ("name", text(), "The cookie's name."),
            ("value", text(), "Its value, with placeholders."),
            (
                "max_age",
                json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, text()] }),
                "Seconds that it lives, or one placeholder.",
            ),
            ("expires", text(), "When it ends: one placeholder of a time, written as an HTTP date."),
            ("path", text(), "Where it is sent; default /."),
            ("domain", text(), "To which hosts it is sent; default: to this one."),
            ("same_site", one_of(&["lax", "strict", "none"]), "Whether other sites' requests carry it; default lax."),
            (
                "http_only",
                json!({ "type": "boolean" }),
                "false: scripts can read it; needs insecure `readable_cookie`.",
            ),
            (
                "secure",
                json!({ "type": "boolean" }),
                "false: it travels without TLS, too; needs insecure `plain_cookie`.",
            ),
        ],
        &["name", "value"],
    );
    table(
        vec![
            ("status", json!({ "type": "integer", "minimum": 200, "maximum": 599 }), "Default: the outcome's."),
            ("body", shape(), "JSON with placeholders as leaves."),
            ("text", text(), "A text with placeholders, instead of a body."),
            ("content_type", text(), "Default application/json; \"\" leaves the header out."),
            ("headers", map_of(text()), "Headers of this response."),
            ("cookie", json!({ "type": "array", "items": cookie }), "Cookies that are set."),
        ],
        &[],
    )
}

fn endpoint() -> Value {
    let operations: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let check = table(
        vec![
            ("field", text(), "The input, by its name in the dialect."),
            ("rule", one_of(&["required", "email", "username", "size", "same", "one_of"]), "What must hold."),
            ("message", words(), "What is said when it does not; default: that of [messages]."),
            ("code", text(), "The API's code for it; default: that of [codes]."),
            ("min", json!({ "type": "integer", "minimum": 0 }), "Of `size`: at least so many characters."),
            ("max", json!({ "type": "integer", "minimum": 0 }), "Of `size`: at most so many characters."),
            ("as", text(), "Of `same`: the input that it has to repeat."),
            ("values", or_list(text()), "Of `one_of`: the lawful texts."),
        ],
        &["field", "rule"],
    );
    let condition = json!({ "anyOf": [text(), { "type": "array", "items": text() }, { "type": "boolean" }] });
    let route = json!({ "type": "string", "pattern": "^[A-Z]+ /" });
    table(
        vec![
            ("name", text(), "For logs and documents."),
            ("route", or_list(route), "METHOD /path, parameters in braces; several are the same endpoint."),
            ("operation", one_of(&operations), "What it does."),
            (
                "when",
                map_of(condition),
                "Of several endpoints of one route: what a request must hold to be this one's.",
            ),
            (
                "encoding",
                or_list(one_of(&["json", "form", "multipart", "text"])),
                "Of the request's body; default json.",
            ),
            ("may_be_empty", json!({ "type": "boolean" }), "Whether an empty body is an empty object."),
            ("request", shape(), "The body's shape: each leaf one placeholder, or a literal that must be equal."),
            (
                "from",
                map_of(or_list(text())),
                "Inputs outside the body: bearer, header NAME, cookie NAME, query NAME, path NAME, basic user, …",
            ),
            ("extra", or_list(text()), "Placeholders that only rules and echoes use."),
            (
                "check",
                json!({ "type": "array", "items": check }),
                "The API's own rules, in the order in which failures are reported.",
            ),
            ("on", json!({ "$ref": "#/$defs/on" }), "Responses of this endpoint, by outcome."),
        ],
        &["route", "operation"],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    /// What the compiler says it knows where an unknown key stands.
    fn known(before: &str) -> Vec<String> {
        let file = format!("{before}\nzzzzzzzzzzzzzzzzzzzzzzzzzzzz = 1\n");
        let faults = crate::compile(&Source::new("f", file), None).err().unwrap_or_default();
        let help = faults.into_iter().find(|fault| fault.message.contains("zzzzz")).and_then(|fault| fault.help);
        let help = help.unwrap_or_else(|| panic!("no help for an unknown key after {before}"));
        let list = help.strip_prefix("known here: ").unwrap_or_else(|| panic!("{help}"));
        let mut keys: Vec<String> = list.split(", ").map(str::to_owned).collect();
        keys.sort();
        keys
    }

    /// The keys of a table.
    fn keys(table: &Value) -> Vec<String> {
        let properties = table["properties"].as_object().unwrap_or_else(|| panic!("{table} is no table"));
        let mut keys: Vec<String> = properties.keys().cloned().collect();
        keys.sort();
        keys
    }

    #[test]
    fn the_schema_has_the_keys_of_the_compiler() {
        let schema = schema();
        let endpoint = &schema["properties"]["endpoint"]["items"];
        let reply = &schema["$defs"]["reply"];
        let table = [
            ("", &schema),
            ("[session]", &schema["properties"]["session"]),
            ("[messages]", &schema["properties"]["messages"]),
            ("[codes]", &schema["properties"]["codes"]),
            ("[token]", &schema["properties"]["token"]),
            ("[on.error]", reply),
            ("[[on.error.cookie]]", &reply["properties"]["cookie"]["items"]),
            ("[[endpoint]]\nroute = \"GET /a\"\noperation = \"userinfo\"", endpoint),
            (
                "[[endpoint]]\nroute = \"GET /a\"\noperation = \"userinfo\"\n[[endpoint.check]]",
                &endpoint["properties"]["check"]["items"],
            ),
        ];
        for (before, table) in table {
            let known = known(before);
            assert_eq!(keys(table), known, "{before}");
        }
        for token in ["access", "refresh"] {
            let mut both = known(&format!("[token.{token}]\nformat = \"jwt\""));
            both.extend(known(&format!("[token.{token}]\nformat = \"opaque\"")));
            both.sort();
            both.dedup();
            assert_eq!(keys(&schema["properties"]["token"]["properties"][token]), both);
        }
    }

    #[test]
    fn every_key_is_described() {
        fn walk(value: &Value, path: &str) {
            if let Some(properties) = value.get("properties").and_then(Value::as_object) {
                for (name, value) in properties {
                    assert!(value.get("description").is_some(), "{path}.{name} has no description");
                    walk(value, &format!("{path}.{name}"));
                }
            }
            for inner in ["items", "$defs", "reply", "on"] {
                if let Some(inner) = value.get(inner) {
                    walk(inner, path);
                }
            }
        }
        walk(&schema(), "");
    }

    #[test]
    fn the_file_in_the_repository_is_this_schema() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/generated/dialect.schema.json");
        let expected = serde_json::to_string_pretty(&schema()).unwrap_or_default() + "\n";
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == expected, "write it anew: cargo run -- dialect schema > docs/generated/dialect.schema.json");
    }
}
