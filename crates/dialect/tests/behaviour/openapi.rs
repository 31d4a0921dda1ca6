//! OpenAPI: what tools are told of a dialect.

use myna_dialect::case;
use myna_dialect::diagnostic::Source;
use myna_dialect::openapi::document;
use serde_json::{Value, json};

use crate::{LOGIN, TOKENS, dialect};

fn told(parts: &[&str]) -> Value {
    document(&dialect(parts).describe(), &[])
}

/// The value at a place of the document; `~1` is a slash.
fn at<'v>(document: &'v Value, place: &str) -> &'v Value {
    document.pointer(place).unwrap_or_else(|| panic!("nothing at {place} of {document:#}"))
}

#[test]
fn an_answer_can_hold_nothing_else() {
    let document = told(&[
        TOKENS,
        r#"
[on.signed_in]
body = '''{ "id": "{user.id}", "name": "{user.username?}", "mail": "{user.email??}", "key": "Bearer {access.token}",
  "ok": true, "at": "{now|iso8601}", "roles": ["{each user.roles}", "{role.name}"] }'''
[on.error]
body = '{ "code": "{status}", "is": "{reason|upper}" }'
[on.invalid]
body = '{ "{each errors}": { "{field}": "{messages}" } }'
"#,
        LOGIN,
    ]);
    let answers = "/paths/~1login/post/responses";
    let json = "content/application~1json/schema";
    assert_eq!(
        *at(&document, &format!("{answers}/200/{json}")),
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "id": { "type": "integer", "format": "int64" },
                "name": { "type": ["string", "null"] },
                "mail": { "type": "string" },
                "key": { "type": "string", "pattern": r"^Bearer [\s\S]*$" },
                "ok": { "type": "boolean", "const": true },
                "at": { "type": "string", "format": "date-time" },
                "roles": { "type": "array", "items": { "type": "string" } }
            },
            "required": ["id", "name", "key", "ok", "at", "roles"]
        })
    );
    let unauthorized = at(&document, &format!("{answers}/401/{json}"));
    assert_eq!(unauthorized["properties"]["code"], json!({ "type": "integer", "const": 401 }));
    assert_eq!(unauthorized["properties"]["is"], json!({ "type": "string", "const": "UNAUTHORIZED" }));
    assert_eq!(
        *at(&document, &format!("{answers}/422/{json}/additionalProperties")),
        json!({ "type": "array", "items": { "type": "string" } })
    );
}

#[test]
fn every_status_that_can_be_is_there_with_its_headers() {
    let document = told(&[TOKENS, "[on.signed_in]\n[on.error]\n[headers]\nx-api = \"2\"\n", LOGIN]);
    let answers = at(&document, "/paths/~1login/post/responses");
    let statuses: Vec<&String> = answers.as_object().expect("an object").keys().collect();
    assert_eq!(statuses, ["200", "400", "401", "405", "408", "413", "415", "422", "500", "503"]);
    for (_, answer) in answers.as_object().expect("an object") {
        assert_eq!(
            answer["headers"]["X-Api"],
            json!({ "required": true, "schema": { "type": "string", "const": "2" } })
        );
        assert!(answer["headers"]["X-Request-Id"]["$ref"].is_string());
    }
    assert_eq!(answers["405"]["headers"]["Allow"]["required"], true);
    assert_eq!(answers["503"]["headers"]["Retry-After"]["schema"]["type"], "integer");
}

#[test]
fn what_operations_share_is_told_once() {
    let other = LOGIN.replace("/login", "/enter").replace("\"login\"\nroute", "\"enter\"\nroute");
    let document = told(&[TOKENS, "[on.signed_in]\n[on.error]\nbody = '{ \"code\": \"{status}\" }'\n", LOGIN, &other]);
    let place = "/paths/~1enter/post/responses/401/$ref";
    let name = at(&document, place).as_str().and_then(|text| text.strip_prefix('#')).expect("a reference");
    assert_eq!(at(&document, name)["description"], "Unauthorized: invalid_credentials");
    assert_eq!(at(&document, place), at(&document, "/paths/~1login/post/responses/401/$ref"));
}

#[test]
fn credentials_are_told_as_they_are_taken() {
    let endpoints = r#"
[[endpoint]]
name = "out"
route = "GET /out"
operation = "logout"
from = { access_token = ["bearer", "cookie s"] }
[[endpoint]]
name = "out 2"
route = "POST /out"
operation = "logout"
request = '{ "refresh": "{refresh_token}" }'
from = { access_token = "header X-Token" }
[[endpoint]]
name = "again"
route = "POST /again/{tenant}"
operation = "refresh"
extra = ["tenant"]
request = '{ "refresh": "{refresh_token}" }'
from = { access_token = "bearer", tenant = "path tenant" }
"#;
    let document =
        told(&["insecure = [\"no_rotation\"]", TOKENS, "[on.signed_in]\n[on.signed_out]\n[on.error]\n", endpoints]);
    assert_eq!(*at(&document, "/paths/~1out/get/security"), json!([{ "bearer": [] }, { "cookie_s": [] }]));
    assert_eq!(*at(&document, "/paths/~1out/post/security"), json!([{ "header_x_token": [] }, {}]));
    assert_eq!(*at(&document, "/paths/~1again~1{tenant}/post/security"), json!([{ "bearer": [] }]));
    assert_eq!(at(&document, "/paths/~1out/post/operationId"), "out_2");
    assert_eq!(
        *at(&document, "/paths/~1again~1{tenant}/post/parameters"),
        json!([{ "name": "tenant", "in": "path", "required": true, "schema": { "type": "string" } }])
    );
    assert_eq!(
        *at(&document, "/components/securitySchemes/cookie_s"),
        json!({ "type": "apiKey", "in": "cookie", "name": "s" })
    );
}

#[test]
fn cases_are_the_examples() {
    let case = Source::new(
        "c",
        "# It goes well.\n\n> POST /login\n> content-type: application/json\n>\n> {\"email\": \"a@b.example\", \
         \"password\": \"x\"}\n\n< 200\n<\n< {\"token\": \"<jwt token>\", \"id\": \"<int>\"}\n\n> POST /login\n> \
         content-type: application/json\n>\n> {\"email\": \"{token}\"}\n\n< 401\n<\n< {\"is\": \"no {token}\"}\n",
    );
    let case = case::parse(&case).expect("a case");
    let parts =
        &[TOKENS, "[on.signed_in]\nbody = '{ \"token\": \"{access.token}\" }'\n[on.error]\nbody = '{}'\n", LOGIN];
    let document = document(&dialect(parts).describe(), &[case]);
    let post = at(&document, "/paths/~1login/post");
    assert_eq!(
        *at(post, "/requestBody/content/application~1json/examples"),
        json!({ "case_1": { "summary": "It goes well.", "value": { "email": "a@b.example", "password": "x" } } })
    );
    let answer = at(post, "/responses/200/content/application~1json/examples/case_1/value");
    assert_eq!(answer["id"], 1);
    let refused = at(post, "/responses/401/content/application~1json/examples/case_1/value");
    assert_eq!(refused["is"], format!("no {}", answer["token"].as_str().expect("text")));
}

#[test]
fn endpoints_of_one_route_are_one_operation() {
    let endpoints = r#"
[[endpoint]]
name = "by password"
route = "POST /in"
operation = "login"
when = { "query mode" = ["pw", "password"] }
request = '{ "user": "{identifier}", "password": "{password}" }'
[[endpoint]]
name = "by token"
route = "POST /in"
operation = "refresh"
when = { "query mode" = "token", "body strategy" = true }
may_be_empty = true
request = '{ "token": "{refresh_token}" }'
"#;
    let on = "[on.signed_in]\nbody = '\"{refresh.token}\"'\n[on.error]\n";
    let document = told(&[TOKENS, on, endpoints]);
    let post = at(&document, "/paths/~1in/post");
    assert_eq!(post["operationId"], "by_password");
    assert_eq!(post["requestBody"]["required"], false);
    let bodies = at(post, "/requestBody/content/application~1json/schema/anyOf").as_array().expect("an array");
    assert_eq!(bodies.len(), 2);
    assert_eq!(
        *at(post, "/parameters"),
        json!([{
            "name": "mode", "in": "query", "required": false,
            "schema": { "type": "string", "enum": ["pw", "password", "token"] }
        }])
    );
    let description = post["description"].as_str().expect("text");
    assert!(description.contains("`by token`: with "), "{description}");
    assert!(description.contains("`mode` in the query = `token`"), "{description}");
    assert!(description.contains("`strategy` in the body"), "{description}");
}
