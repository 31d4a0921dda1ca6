//! Descriptions: what a compiled dialect tells of itself.

use myna_core::outcome::Kind;
use myna_dialect::describe::{AskedShape, BodyDescription, EndpointDescription, Part, Place, Rule, Tree, Type};
use serde_json::json;

use crate::{LOGIN, TOKENS, dialect};

/// The body that the first endpoint answers `kind` with.
fn body(parts: &[&str], kind: Kind) -> Tree {
    let description = dialect(parts).describe();
    let outcomes = description.endpoints[0].outcomes.iter();
    match outcomes.into_iter().find(|outcome| outcome.kind == kind).and_then(|outcome| outcome.body.clone()) {
        Some(BodyDescription::Json(tree)) => tree,
        other => panic!("{other:?}"),
    }
}

/// The tree in few letters: types in angle brackets, `?` behind what may be missing.
fn shown(tree: &Tree) -> String {
    let text = |parts: &[Part]| -> String {
        let part = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Shown(shown) => format!("<{}>", shown.slot),
        };
        parts.iter().map(part).collect()
    };
    let members = |members: &[myna_dialect::describe::Member]| -> String {
        let member = |member: &myna_dialect::describe::Member| {
            format!("{}{}:{}", text(&member.key), if member.optional { "?" } else { "" }, shown(&member.value))
        };
        members.iter().map(member).collect::<Vec<_>>().join(",")
    };
    match tree {
        Tree::Literal(value) => value.to_string(),
        Tree::Text(parts) => format!("\"{}\"", text(parts)),
        Tree::Shown(shown) => {
            let (null, quoted) =
                (if shown.nullable { "|null" } else { "" }, if shown.quoted { "text of " } else { "" });
            let or = shown.or.as_ref().map(|or| format!("|'{or}'")).unwrap_or_default();
            format!("<{quoted}{:?}{null}{or}>", shown.kind)
        }
        Tree::Array(all) => format!("[{}]", all.iter().map(shown).collect::<Vec<_>>().join(",")),
        Tree::Object(all) => format!("{{{}}}", members(all)),
        Tree::EachElement(list, element) => format!("[{list}*{}]", shown(element)),
        Tree::EachMember(list, all) => format!("{{{list}*{}}}", members(all)),
    }
}

#[test]
fn a_body_is_told_as_it_is_written() {
    for (written, expected) in [
        (r#"{ "a": 0, "b": [true, null, "x\"y"], "c": {} }"#, r#"{a:0,b:[true,null,"x\"y"],c:{}}"#),
        (r#"{ "id": "{user.id}", "s": "{user.id|text}" }"#, "{id:<Int>,s:<text of Int>}"),
        (r#"{ "e": "{user.email?}", "m": "{user.username??}", "z": 1 }"#, "{e:<Text|null>,m?:<Text>,z:1}"),
        (r#"{ "m": "{user.username??}", "n": "{user.email??}" }"#, "{m?:<Text>,n?:<Text>}"),
        (r#"["{user.email|or 'no, x'}", "Bearer {access.token}"]"#, r#"[<Text|'no, x'>,"Bearer <access.token>"]"#),
        (
            r#"{ "t": ["{now}", "{now|millis}", "{now|iso8601}", "{now|http_date}"] }"#,
            "{t:[<Seconds>,<Millis>,<Iso8601>,<HttpDate>]}",
        ),
        (
            r#"["{each user.roles}", { "n": "{role.name}", "p": "{role.permissions}" }]"#,
            "[user.roles*{n:<Text>,p:<Texts>}]",
        ),
        (
            r#"{ "{each user.roles}": { "{role.name}": "{role.id}", "{role.name}2": [] } }"#,
            "{user.roles*<role.name>:<Int>,<role.name>2:[]}",
        ),
        (r#""{user.must_change_password}""#, "<Bool>"),
        (r#"{ "\n\u00e9": "\\{{" }"#, "{\né:\"\\\\{\"}"),
        (r#""{user.attributes.plan?}""#, "<Json|null>"),
    ] {
        let on = format!("[on.signed_in]\nbody = '''{written}'''\n[on.error]\n");
        assert_eq!(shown(&body(&[TOKENS, &on, LOGIN], Kind::SignedIn)), expected, "{written}");
    }
}

fn endpoint(endpoint: &str) -> EndpointDescription {
    let mut description = dialect(&[TOKENS, "[on.signed_in]\n[on.signed_out]\n[on.error]\n", endpoint]).describe();
    description.endpoints.remove(0)
}

#[test]
fn a_request_is_told_as_it_is_read() {
    let told = endpoint(
        r#"
[[endpoint]]
name = "login"
route = "POST /in/{tenant}"
operation = "login"
extra = ["again", "tenant"]
request = '{ "kind": "pw", "who": { "mail": "{identifier}" }, "pw": "{password}", "pw2": "{again}" }'
from = { device = ["header X-Device", "query d"], tenant = "path tenant" }
check = [
  { field = "again", rule = "same", as = "password" },
  { field = "device", rule = "required" },
  { field = "password", rule = "size", min = 3, message = "{min}+" },
]
"#,
    );
    let inputs: Vec<_> = told
        .inputs
        .iter()
        .map(|input| (input.name.as_str(), input.wire.as_str(), input.required, input.in_body, input.is_secret()))
        .collect();
    assert_eq!(
        inputs,
        [
            ("again", "pw2", false, true, true),
            ("device", "X-Device", true, false, false),
            ("password", "pw", true, true, true),
            ("identifier", "who.mail", true, true, false),
            ("tenant", "tenant", false, false, false),
        ]
    );
    assert_eq!(told.inputs[1].places, [Place::Header("x-device".to_owned()), Place::Query("d".to_owned())]);
    assert_eq!(told.inputs[0].rules[0].rule, Rule::Same("pw".to_owned()));
    assert_eq!(told.inputs[2].rules[0].messages[0], "3+");
    assert_eq!((told.reads.as_slice(), told.strict), (["application/json"].as_slice(), false));
    let members = told.body.expect("a body");
    let [kind, who, pw, again] = members.as_slice() else { panic!("{members:?}") };
    assert!(matches!(&kind.shape, AskedShape::Literal(value) if *value == json!("pw")), "{kind:?}");
    assert!(matches!(&who.shape, AskedShape::Object(inner) if matches!(inner[0].shape, AskedShape::Input(3))));
    assert!(matches!((&pw.shape, &again.shape), (AskedShape::Input(2), AskedShape::Input(0))));
}

/// Of two inputs that can stand in for each other neither is required.
#[test]
fn what_another_can_stand_in_for_is_not_required() {
    let told = endpoint(
        "[[endpoint]]\nname = \"out\"\nroute = \"GET /out\"\noperation = \"logout\"\n\
         from = { access_token = \"bearer\", refresh_token = \"cookie r\" }\n",
    );
    assert!(told.inputs.iter().all(|input| !input.required) && told.body.is_none() && told.reads.is_empty());
}

#[test]
fn an_outcome_is_told_where_it_can_happen() {
    let told = endpoint(LOGIN);
    let statuses: Vec<_> = told.outcomes.iter().map(|outcome| (outcome.kind.name(), outcome.status)).collect();
    assert_eq!(
        statuses,
        [
            ("signed_in", 200),
            ("must_change_password", 200),
            ("invalid_credentials", 401),
            ("malformed", 400),
            ("invalid", 422),
            ("method_not_allowed", 405),
            ("timeout", 408),
            ("too_large", 413),
            ("unsupported_media_type", 415),
            ("unavailable", 503),
            ("overloaded", 503),
            ("fault", 500),
        ]
    );
    let headers = |kind: Kind| {
        let outcome = told.outcomes.iter().find(|outcome| outcome.kind == kind).expect("told");
        outcome.headers.iter().map(|header| header.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(headers(Kind::MethodNotAllowed), ["allow"]);
    assert_eq!(headers(Kind::Unavailable), ["retry-after"]);
    assert_eq!(headers(Kind::Overloaded), ["retry-after"]);
    assert!(headers(Kind::Fault).is_empty());
    let wait = told.outcomes.iter().find(|outcome| outcome.kind == Kind::Overloaded).expect("told");
    assert!(matches!(&wait.headers[0].value[0], Part::Shown(shown) if shown.kind == Type::SpanSeconds));
}
