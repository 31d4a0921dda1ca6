//! The notation of cases, what each matcher accepts and refuses, and that every kind of difference is seen.

use std::time::Duration;

use http::{HeaderMap, HeaderName, StatusCode};
use myna_core::time::Timestamp;
use myna_core::user::Status;
use serde_json::{Value, json};

use super::*;
use crate::diagnostic::{Source, render};

const LIFE: &str = r#"# Signs in and uses the token.
# Only the first comment is the title.

user { "id": 7, "email": "foo@gmail.com", "password": "foo",
       "roles": [ { "id": 9, "name": "B", "permissions": [] }, { "id": 2, "name": "User", "permissions": ["USER"] } ] }
user { "id": 8, "username": "bar", "password_hash": "$2b$04$x", "status": "disabled", "attributes": {"z": 1, "a": []} }

> POST /api/login?x={y} HTTP/1.1
> content-type: application/json
>
> {"email": "foo@gmail.com",
>  "password": "{repeat ab 2}{bytes ff 00}{}{bar}"}

< 200
< content-type: application/json
< !set-cookie
<
< {
<   "token": "<jwt token>", "id": "<int id>", "note": "a <b> & {c}"
< }

advance 1d2h3m4s
> GET /me/{id}
> authorization: Bearer {token}_bar

< 200
<
< Hey <text who>, {id} until <any>

mail reset
> POST /reset
>
> {"token": "{reset_token}", "to": "{reset_to}"}
< 204
no mail
disable 7
enable 7
jwt token
= {"alg": "HS256"}
= {"id": "{id}",
=  "exp": "<time>"}
"#;

fn parsed(text: &str) -> Case {
    let source = Source::new("x.case", text);
    parse(&source).unwrap_or_else(|faults| panic!("{}", render(&source, &faults, false)))
}

fn exchange(case: &Case, at: usize) -> &Exchange {
    let Action::Exchange(exchange) = &case.steps[at].action else { panic!("no exchange: {:?}", case.steps[at]) };
    exchange
}

#[test]
fn a_case_is_read_whole() {
    let case = parsed(LIFE);
    assert_eq!(case.title, "Signs in and uses the token.");
    assert_eq!(case.steps.iter().map(|step| step.line).collect::<Vec<_>>(), [8, 22, 23, 30, 31, 35, 36, 37, 38]);
    assert!(matches!(case.steps[1].action, Action::Advance(span) if span == Duration::from_secs(93_784)));
    assert!(matches!(case.steps[3].action, Action::ResetMail));
    assert!(matches!(case.steps[5].action, Action::NoMail));
    assert!(matches!(case.steps[6].action, Action::Disable(UserId(7))));
    assert!(matches!(case.steps[7].action, Action::Enable(UserId(7))));

    let now = Timestamp::from_seconds(5);
    let (foo, bar) = (case.users[0].user(now), case.users[1].user(now));
    assert_eq!(foo.roles.iter().map(|role| role.id).collect::<Vec<_>>(), [2, 9]);
    assert_eq!((foo.status, bar.status, bar.created_at), (Status::Active, Status::Disabled, now));
    assert_eq!(bar.attributes, r#"{"z":1,"a":[]}"#);
    assert_eq!(case.users[0].password.as_deref(), Some("foo"));
}

#[test]
fn a_request_is_filled_in() {
    let case = parsed(LIFE);
    let mut captures = Captures::default();
    let request = exchange(&case, 0).request.fill(&captures);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api/login?x={y}"));
    assert_eq!(request.headers, [(HeaderName::from_static("content-type"), b"application/json".to_vec())]);
    assert_eq!(request.body, b"{\"email\": \"foo@gmail.com\",\n \"password\": \"abab\xff\0{}{bar}\"}");

    captures.put("token", "a.b.c");
    captures.put("id", 7);
    let request = exchange(&case, 2).request.fill(&captures);
    assert_eq!(request.target, "/me/7");
    assert_eq!(request.headers[0].1, b"Bearer a.b.c_bar");
    assert!(request.body.is_empty());
}

fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), http::HeaderValue::from_static(value))
    };
    list.iter().map(pair).collect()
}

/// The differences of an answer with status 200 to an expectation, one line each.
fn differences(expected: &str, got_headers: &[(&'static str, &'static str)], body: &str) -> String {
    let case = parsed(&format!("# x\n> GET /\n{expected}"));
    let mut captures = Captures::default();
    captures.put("n", 7);
    let compared =
        exchange(&case, 0).response.compare(StatusCode::OK, &headers(got_headers), body.as_bytes(), &mut captures);
    let found = compared.err().unwrap_or_default();
    found.iter().map(|mismatch| format!("{mismatch}\n")).collect()
}

const JSON: &str = "< 200\n<\n< { \"a\": 1, \"b\": [ \"x\", null ] }";

/// Expectation, headers that came, body that came, differences.
type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

const DIFFERENCES: &[Row] = &[
    (JSON, &[], r#"{"a":1,"b":["x",null]}"#, ""),
    (JSON, &[], r#"{"a":1,"b":["x",null]} "#, "body: expected compact JSON, got {\"a\":1,\"b\":[\"x\",null]} \n"),
    (JSON, &[], r#"{"a":1, "b":["x",null]}"#, "body: expected compact JSON, got {\"a\":1, \"b\":[\"x\",null]}\n"),
    (JSON, &[], r#"{"b":["x",null],"a":1}"#, "body: expected the order a, b, got the order b, a\n"),
    (JSON, &[], r#"{"a":1}"#, "body.b: expected [\"x\",null], got nothing\n"),
    (JSON, &[], r#"{"a":1,"b":["x",null],"c":0}"#, "body.c: expected nothing, got 0\n"),
    (JSON, &[], r#"{"a":"1","b":["x",null]}"#, "body.a: expected 1, got \"1\"\n"),
    (JSON, &[], r#"{"a":1.0,"b":["x",null]}"#, "body.a: expected 1, got 1.0\n"),
    (
        JSON,
        &[],
        r#"{"a":2,"b":["y",0]}"#,
        "body.a: expected 1, got 2\nbody.b[0]: expected \"x\", got \"y\"\nbody.b[1]: expected null, got 0\n",
    ),
    (JSON, &[], r#"{"a":1,"b":["x"]}"#, "body.b[1]: expected null, got nothing\n"),
    (JSON, &[], r#"{"a":1,"b":{}}"#, "body.b: expected an array, got {}\n"),
    (JSON, &[], "[]", "body: expected an object, got []\n"),
    (JSON, &[], "oops", "body: expected JSON, got oops\n"),
    ("< 401", &[], "", "status: expected 401, got 200\n"),
    ("< 200", &[], "{}", "body: expected none, got {}\n"),
    ("< 200\n<\n< <any>", &[], "{ }", ""),
    ("< 200\n<\n< Hey <int>!", &[], "Hey 7!", ""),
    ("< 200\n<\n< Hey <int>!", &[], "Hey 7", "body: expected Hey <int>!, got Hey 7\n"),
    ("< 200\n< x: a", &[("x", "a")], "", ""),
    ("< 200\n< x: a", &[("x", "A")], "", "header x: expected a, got A\n"),
    ("< 200\n< x: a", &[], "", "header x: expected a, got none\n"),
    ("< 200\n< x: a", &[("x", "a"), ("x", "b")], "", "header x: expected a, got a and b\n"),
    ("< 200\n< x: a\n< x: <text>", &[("x", "a"), ("x", "b")], "", ""),
    ("< 200\n< !x", &[("y", "a")], "", ""),
    ("< 200\n< !x", &[("x", "a")], "", "header x: expected none, got a\n"),
    ("< 200\n< x: id=<hex>; Path=/", &[("x", "id=0f; Path=/")], "", ""),
    (
        "< 200\n< x: id=<hex>; Path=/",
        &[("x", "id=0F; Path=/")],
        "",
        "header x: expected id=<hex>; Path=/, got id=0F; Path=/\n",
    ),
];

#[test]
fn every_difference_is_seen() {
    for (expected, got_headers, body, differ) in DIFFERENCES {
        assert_eq!(differences(expected, got_headers, body), *differ, "{expected} / {body}");
    }
}

/// Each matcher, alone in a leaf: what it accepts and what it refuses.
#[test]
fn every_matcher_accepts_and_refuses() {
    let table: &[(&str, Value, Value)] = &[
        ("any", json!([1, null, { "a": "" }]), json!([])),
        ("text", json!(["a", " "]), json!(["", 1, null, ["a"]])),
        ("int", json!([0, -7, 31_622_400]), json!([1.0, 1.5, "1", null, true])),
        ("bool", json!([true, false]), json!(["true", 1, null])),
        ("hex", json!(["0f", "def50200"]), json!(["", "0F", "0x1", "g", 10])),
        ("base64url", json!(["aA0-_"]), json!(["", "a=", "a+b", "a/b", 1])),
        ("jwt", json!(["a.b.c", "eyJ.eyJ.x-_"]), json!(["", "a.b", "a..c", "a.b.c.d", "a.b.", "a.b.c=", "a. b.c", 1])),
        (
            "time",
            json!([1_566_131_194, 49_850_168_866_i64]),
            json!(["1566131194", 999, -1_566_131_194, 1_566_131_194_000_i64, 1_566_131_194.5]),
        ),
        (
            "iso8601",
            json!(["2019-08-18T11:30:40Z", "2019-08-18T11:30:40.123Z", "2019-08-18T11:30:40+02:00"]),
            json!([
                "2019-08-18",
                "2019-08-18 11:30:40Z",
                "2019-08-18T11:30:40",
                "2019-08-18T11:30:40.Z",
                "2019-08-18T1x:30:40Z",
                1
            ]),
        ),
        ("http_date", json!(["Sun, 18 Aug 2019 11:30:40 GMT"]), json!(["18 Aug 2019", "2019-08-18T11:30:40Z", "", 1])),
    ];
    assert_eq!(table.len(), Class::ALL.len());
    for ((class, accepted, refused), (name, _)) in table.iter().zip(Class::ALL) {
        assert_eq!(*class, name);
        let case = parsed(&format!("# x\n> GET /\n< 200\n<\n< [\"<{class} found>\"]"));
        for (values, expected) in [(accepted, true), (refused, false)] {
            for value in values.as_array().expect("a list") {
                let mut captures = Captures::default();
                let body = json!([value]).to_string();
                let compared = exchange(&case, 0).response.compare(
                    StatusCode::OK,
                    &HeaderMap::new(),
                    body.as_bytes(),
                    &mut captures,
                );
                assert_eq!(compared.is_ok(), expected, "{class}: {value}");
                assert_eq!(captures.value("found"), expected.then_some(value), "{class}: {value}");
            }
        }
    }
}

#[test]
fn captures_bind_later_answers_with_their_type() {
    let case = parsed(
        "# x\n> GET /\n< 200\n<\n< {\"id\": \"<int id>\"}\n> GET /\n< 200\n<\n< {\"id\": \"{id}\", \"t\": \"no {id}\"}",
    );
    for (body, expected) in [
        (r#"{"id":7,"t":"no 7"}"#, ""),
        (r#"{"id":"7","t":"no 7"}"#, "body.id: expected 7, got \"7\""),
        (r#"{"id":7,"t":"no 8"}"#, "body.t: expected \"no 7\", got \"no 8\""),
    ] {
        let mut captures = Captures::default();
        let answer = |at: usize, body: &str, captures: &mut Captures| {
            exchange(&case, at).response.compare(StatusCode::OK, &HeaderMap::new(), body.as_bytes(), captures)
        };
        answer(0, r#"{"id":7}"#, &mut captures).expect("as written");
        let found = answer(1, body, &mut captures).err().unwrap_or_default();
        assert_eq!(found.iter().map(ToString::to_string).collect::<String>(), expected);
    }
}

/// The header and claims of the documents' own tokens, and of what is none.
#[test]
fn tokens_are_looked_into() {
    let case = parsed(
        "# x\n> GET /\n< 200\n<\n< <any token>\njwt token\n= {\"alg\": \"HS256\"}\n= {\"sub\": \"foo@gmail.com\", \"exp\": \"<time>\"}",
    );
    let Action::Jwt(jwt) = &case.steps[1].action else { panic!("a jwt step") };
    let differs = |token: &str| {
        let mut captures = Captures::default();
        captures.put("token", token);
        let found = jwt.compare(&mut captures).err().unwrap_or_default();
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let table = [
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmb29AZ21haWwuY29tIiwiZXhwIjoxNTY2MTMxMTk0fQ.jlhG", ""),
        (
            "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJmb29AZ21haWwuY29tIiwiZXhwIjoxNTY2MTMxMTk0fQ.jlhG",
            "token header.alg: expected \"HS256\", got \"HS512\"",
        ),
        (
            "eyJhbGciOiJIUzI1NiJ9.e30.x",
            "token claims.sub: expected \"foo@gmail.com\", got nothing; token claims.exp: expected <time>, got nothing",
        ),
        ("eyJhbGciOiJIUzI1NiJ9.e.x", "token claims: expected JSON, got "),
        ("e30=.e30.x", "token: expected a token, got e30=.e30.x"),
        ("", "token: expected a token, got "),
    ];
    for (token, expected) in table {
        assert_eq!(differs(token), expected, "{token}");
    }
}

/// A text, the message, the text from the place on, the help.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("", "a case begins with a comment", "", ""),
    ("# x\n", "at least one step", "", ""),
    ("# x\nusr {}", "no such step", "usr {}", "did you mean `user`?"),
    ("# x\nmail", "no such step", "mail", "`mail reset` or `no mail`"),
    ("# x\nadvance 3", "a time such as", "advance 3", ""),
    ("# x\nadvance 3w", "a time such as", "advance 3w", ""),
    ("# x\ndisable foo", "the id of a user", "disable foo", ""),
    ("# x\n< 200", "an answer without a request", "< 200", ""),
    ("# x\n> GET /", "this request has no answer", "GET /", "first the status"),
    ("# x\n> GET x\n< 200", "expected a method and a path", "GET x", ""),
    ("# x\n> GET / x\n< 200", "expected a method and a path", "GET / x", ""),
    ("# x\n> GET /\n> a b\n< 200", "expected a header", "a b", ""),
    ("# x\n> GET /\n>\n> {repeat x y}\n< 200", "not a number", "{repeat x y}", ""),
    ("# x\n> GET /\n>\n> {repeat x}\n< 200", "how often", "{repeat x}", ""),
    ("# x\n> GET /\n>\n> {repeat x 99999999999}\n< 200", "more than 16 MiB", "{repeat x 99999999999}", ""),
    ("# x\n> GET /\n>\n> {bytes fff}\n< 200", "two hexadecimal digits", "{bytes fff}", ""),
    ("# x\n> GET /\n< OK", "expected a status", "OK", ""),
    ("# x\n> GET /\n< 200\n< !", "expected a header", "!", ""),
    ("# x\n> GET /\n< 200\n<\n< {\"a\": x}", "expected value", "x", ""),
    ("# x\n> GET /\n< 200\n<\n< {\"a\": 1,\n<  \"b\" 2}", "expected `:`", "2", ""),
    ("# x\n> GET /\n< 200\n<\n< {\"a\": \"<jtw x>\"}", "no class is called `jtw`", "<jtw x>", "did you mean `jwt`?"),
    (
        "# x\n> GET /\n< 200\n<\n< <jwt token>\n> GET /\n> a: {tokn}\n< 200",
        "nothing is captured as `tokn`",
        "{tokn}",
        "did you mean `token`?",
    ),
    ("# x\njwt token\n= {}\n= {}", "nothing is captured as `token`", "jwt token", ""),
    ("# x\n> GET /\n< 200\n<\n< <jwt t>\njwt t\n= {}", "two lines", "jwt t", ""),
    ("# x\nuser { \"id\": 1, \"emial\": 2 }", "unknown field `emial`", "\"", ""),
    ("# x\nuser { \"id\": 0 }", "positive", "user { \"id\": 0 }", ""),
    ("# x\nuser { \"id\": 1 } x", "something follows", "user { \"id\": 1 }", ""),
    ("# x\nuser { \"id\": 1 }\nuser { \"id\": 1 }", "a second user", "user { \"id\": 1 }", ""),
    ("# x\nuser { \"id\": 1, \"password\": \"\", \"password_hash\": \"\" }", "not both", "user { \"id\"", ""),
    ("# x\nuser { \"id\": 1, \"status\": \"gone\" }", "unknown status `gone`", "user { \"id\"", ""),
    ("# x\nno mail\nuser { \"id\": 1 }", "before the first step", "user { \"id\": 1 }", ""),
];

/// Each fault is reported, with the words at fault under the caret.
#[test]
fn faults_are_placed() {
    for (text, message, at, help) in FAULTS {
        let faults = parse(&Source::new("x.case", *text)).expect_err(text);
        let fault = faults.iter().find(|fault| fault.message.contains(message));
        let fault = fault.unwrap_or_else(|| panic!("{text}: {faults:?}"));
        let span = fault.span.clone().expect("placed");
        let shown = &text[span.start..];
        assert!(shown.starts_with(at) && (at.is_empty() || span.end > span.start), "{text}: at {shown}");
        assert!(fault.help.as_deref().unwrap_or_default().contains(help), "{text}: {:?}", fault.help);
    }
}

#[test]
fn all_faults_are_listed_at_once() {
    let faults = parse(&Source::new("x.case", "# x\nadvance\nfoo\n> GET /\n< 1\n")).expect_err("three faults");
    assert_eq!(faults.len(), 3, "{faults:?}");
}

/// IN-09: no text panics, whatever it is cut to.
#[test]
fn no_text_panics() {
    for text in [LIFE, "#\n> ü {\n< é\n", "user\u{e9}{\r\n= {"] {
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            for part in [&text[..at], &text[at..]] {
                let source = Source::new("x.case", part);
                let _drawn = parse(&source).map_err(|faults| render(&source, &faults, false));
            }
        }
    }
}
