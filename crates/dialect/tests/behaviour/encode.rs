//! Outcomes and the responses that they become.

use http::StatusCode;
use myna_core::id::{Handle, SessionId};
use myna_core::outcome::{Kind, Listed, Outcome};
use myna_core::policy::Shown;
use myna_core::session::Session;
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_dialect::{Answer, Dialect, Echo, FieldErrors, Language, Minted, Response, Tokens, Wants};

use crate::{LOGIN, TOKENS, dialect, session, user};

fn tokens() -> Tokens {
    let minted = |text: &str, hours: i64| Minted {
        text: text.to_owned(),
        id: "id1".to_owned(),
        issued_at: Timestamp::from_seconds(1_000),
        expires_at: Timestamp::from_seconds(1_000 + hours * 3600),
    };
    Tokens { access: Some(minted("a.b.c", 1)), refresh: Some(minted("r", 4)) }
}

fn respond(dialect: &Dialect, endpoint: Option<usize>, outcome: &Outcome, errors: &[FieldErrors]) -> Response {
    let now = Timestamp(1_566_127_840_123_456);
    let tokens = tokens();
    dialect.encode(
        endpoint,
        &Answer {
            outcome,
            tokens: &tokens,
            errors,
            request_id: "r1",
            echo: Echo::NONE,
            language: Language::default(),
            now,
            allow: None,
        },
    )
}

/// A field with these messages; the code of each is `c-MESSAGE`.
fn error(field: &str, messages: &[&str]) -> FieldErrors {
    FieldErrors {
        field: field.to_owned(),
        messages: messages.iter().map(|text| (*text).to_owned()).collect(),
        codes: messages.iter().map(|text| format!("c-{text}")).collect(),
    }
}

fn body(response: &Response) -> &str {
    str::from_utf8(&response.body).expect("text")
}

fn header<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
    let found = response.headers.iter().find(|(present, _)| present == name);
    found.map(|(_, value)| value.to_str().expect("text"))
}

/// One leaf of a response for a signed-in user.
fn leaf(leaf: &str) -> String {
    let on = format!("[on.signed_in]\nbody = '''{leaf}'''\n[on.error]\n");
    let dialect = dialect(&[TOKENS, &on, LOGIN]);
    body(&respond(&dialect, Some(0), &Outcome::signed_in(Kind::SignedIn, user(), session()), &[])).to_owned()
}

#[test]
fn every_form_of_a_value() {
    for (written, rendered) in [
        (r#""{user.id}""#, "7"),
        (r#""{user.id | text}""#, "\"7\""),
        (r#""no. {user.id}""#, "\"no. 7\""),
        (r#""{user.first_name?}""#, r#""Alex \"}""#),
        (r#""Hi {user.first_name?}, {user.last_name?}.""#, r#""Hi Alex \"}, .""#),
        (r#""{user.last_name?}""#, "null"),
        (r#""{user.last_name | or 'a|b'}""#, "\"a|b\""),
        (r#""{user.role.name | upper | or 'NONE'}""#, "\"USER\""),
        (r#""{user.status | upper}""#, "\"ACTIVE\""),
        (r#""{user.email? | lower}""#, "\"foo@gmail.com\""),
        (r#""{user.must_change_password}""#, "false"),
        (r#""{user.must_change_password | text}""#, "\"false\""),
        (r#""{now}""#, "1566127840"),
        (r#""{now | millis}""#, "1566127840123"),
        (r#""{now | millis | text}""#, "\"1566127840123\""),
        (r#""{now | iso8601}""#, "\"2019-08-18T11:30:40Z\""),
        (r#""{now | http_date}""#, "\"Sun, 18 Aug 2019 11:30:40 GMT\""),
        (r#""{now | date '[day].[month].[year] [hour]:[minute]'}""#, "\"18.08.2019 11:30\""),
        (r#""at {now | date '[hour]|[minute]'}""#, "\"at 11|30\""),
        (r#""{access.expires_in}""#, "3600"),
        (r#""{access.expires_in | millis}""#, "3600000"),
        (r#""{access.expires_in | millis | text}""#, "\"3600000\""),
        (r#""{user.id | uuid}""#, "\"00000000-0000-8000-8000-000000000007\""),
        (r#""u-{user.id | uuid}""#, "\"u-00000000-0000-8000-8000-000000000007\""),
        (r#""{access.refresh_after}""#, "2800"),
        (r#""{refresh.expires_in}""#, "14400"),
        (r#""{session.id}""#, "\"abababababababababababababababab\""),
        (r#""{session.device?}""#, "null"),
        (r#""{user.role.permissions}""#, r#"["USER","READ"]"#),
        (r#""{user.attributes}""#, r#"{ "plan": {"a": [1, 2]}, "nick": "x", "none": null }"#),
        (r#""{user.attributes.plan?}""#, r#"{"a": [1, 2]}"#),
        (r#""{user.attributes.none?}""#, "null"),
        (r#""{user.attributes.other?}""#, "null"),
        (
            r#"["{each user.roles}", { "{{id}}": "{role.id}", "p": "{role.permissions}" }]"#,
            r#"[{"{id}":2,"p":["USER","READ"]},{"{id}":3,"p":[]}]"#,
        ),
        (
            r#"{ "{each user.roles}": { "{role.name}-x": "{role.id}", "{role.id}": 1 } }"#,
            r#"{"User-x":2,"2":1,"Admin-x":3,"3":1}"#,
        ),
        (r#"{ "a": "{user.last_name??}", "b": "{user.photo??}", "c": 1, "d": "{user.photo??}" }"#, r#"{"c":1}"#),
        (
            r#"{ "a": "{user.email??}", "b": "{user.photo??}", "c": "{user.email??}" }"#,
            r#"{"a":"foo@gmail.com","c":"foo@gmail.com"}"#,
        ),
        (r#"{ "a": "{user.photo??}" }"#, "{}"),
        (r#"{ "n": 1.50, "é": "\u00e9\n", "t": [true, null, {}] }"#, r#"{"n":1.50,"é":"é\n","t":[true,null,{}]}"#),
        (r#""{status} {reason} {request.id}""#, "\"200 OK r1\""),
    ] {
        assert_eq!(leaf(written), rendered, "{written}");
        serde_json::from_str::<serde_json::Value>(rendered).expect(rendered);
    }
}

#[test]
fn sessions_are_gone_through_with_the_user_beside_them() {
    let phone = Session {
        id: SessionId { handle: Handle([1; 16]), ..session().id },
        device: Some("Ada's \"phone\"".to_owned()),
        created_at: Timestamp::from_seconds(10),
        used_at: Timestamp::from_seconds(20),
        idle_expires_at: Timestamp::from_seconds(30),
        expires_at: Timestamp::from_seconds(40),
        client_address: Some("192.0.2.1".to_owned()),
        client_agent: Some("</script>\u{7}".to_owned()),
        ..session()
    };
    let listed = [(session(), true), (phone, false)].map(|(session, is_current)| Listed { session, is_current });
    let outcome = Outcome::sessions_listed(user(), listed.into());
    let (ours, theirs) = ("ab".repeat(16), "01".repeat(16));
    for (written, rendered) in [
        (
            r#"["{each sessions}", { "i": "{session.id}", "c": "{session.current}", "u": "{user.id}" }]"#,
            format!(r#"[{{"i":"{ours}","c":true,"u":7}},{{"i":"{theirs}","c":false,"u":7}}]"#),
        ),
        (
            r#"{ "{each sessions}": { "{session.id}": ["{session.device?}", "{session.agent|or '-'}"] } }"#,
            format!(r#"{{"{ours}":[null,"-"],"{theirs}":["Ada's \"phone\"","</script>\u0007"]}}"#),
        ),
        (
            r#"["{each sessions}", "{session.created_at} {session.used_at} {session.expires_at} {session.address?}"]"#,
            r#"["0 0 0 ","10 20 30 192.0.2.1"]"#.to_owned(),
        ),
        (r#"["{each sessions}", "{session.dialect}"]"#, r#"["d","d"]"#.to_owned()),
    ] {
        let endpoint = "[[endpoint]]\nname = \"s\"\nroute = \"GET /s\"\noperation = \"list_sessions\"\n\
            from = { access_token = \"bearer\" }\n";
        let on = format!("[endpoint.on.sessions_listed]\nbody = '''{written}'''\n");
        let dialect = dialect(&[TOKENS, "[on.error]\n", endpoint, &on]);
        assert_eq!(body(&respond(&dialect, Some(0), &outcome, &[])), rendered, "{written}");
        let value: serde_json::Value = serde_json::from_str(&rendered).expect(written);
        assert!(!value.to_string().is_empty());
    }
}

// IN-07: whatever a user is called, the structure is the file's.
#[test]
fn no_value_breaks_out_of_its_place() {
    let on = r#"
[on.signed_in]
body    = '{ "name": "{user.first_name?}", "hey": "Hey {user.first_name?}!", "plan": "{user.attributes}" }'
headers = { X-Name = "{user.first_name?}", X-Id = "u{user.id}" }
[[on.signed_in.cookie]]
name    = "__Host-session"
value   = "{user.first_name?}"
max_age = "{access.expires_in}"
same_site = "strict"
[on.error]
"#;
    let dialect = dialect(&[TOKENS, on, LOGIN]);
    for name in
        ["x\",\"admin\":true,\"y\":\"", "a\r\nSet-Cookie: x=y", "; Domain=evil", "\u{0}\u{7f}é", "{access.token}"]
    {
        let mut user = user();
        user.first_name = Some(name.to_owned());
        user.attributes = "\"}, not JSON".to_owned();
        let response = respond(&dialect, Some(0), &Outcome::signed_in(Kind::SignedIn, user, session()), &[]);
        let json: serde_json::Value = serde_json::from_slice(&response.body).expect(name);
        assert_eq!(json["name"], name);
        assert_eq!(json["hey"], format!("Hey {name}!"));
        assert_eq!(json["plan"], serde_json::json!({}));
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(3));
        let cookie = header(&response, "set-cookie").expect("cookie");
        assert!(cookie.ends_with("; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
        assert_eq!(cookie.matches([';', '\r', '\n', '"', ' ', ',']).count(), 10, "{cookie}");
        assert_eq!(response.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 1);
        assert_eq!(header(&response, "x-id"), Some("u7"));
        let shown = response.headers.iter().any(|(header, _)| header == "x-name");
        assert_eq!(shown, !name.contains(char::is_control), "{name:?}");
    }
}

#[test]
fn a_cookie_has_every_flag_unless_the_file_says_otherwise() {
    let loose = "insecure = [\"readable_cookie\", \"plain_cookie\"]";
    for (insecure, keys, attributes) in [
        ("", "", "; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (
            "",
            "expires = \"{access.expires_at}\"\nmax_age = 60\npath = \"/api\"\ndomain = \"example.com\"\nsame_site = \"none\"",
            "; Max-Age=60; Expires=Thu, 01 Jan 1970 01:16:40 GMT; Path=/api; Domain=example.com; Secure; HttpOnly; \
             SameSite=None",
        ),
        (loose, "http_only = false\nsecure = false", "; Path=/; SameSite=Lax"),
    ] {
        let on = format!("[[on.signed_in.cookie]]\nname = \"s\"\nvalue = \"v\"\n{keys}\n[on.error]\n");
        let dialect = dialect(&[insecure, TOKENS, &on, LOGIN]);
        let response = respond(&dialect, Some(0), &Outcome::signed_in(Kind::SignedIn, user(), session()), &[]);
        assert_eq!(header(&response, "set-cookie"), Some(format!("s=v{attributes}").as_str()));
    }
}

const ERRORS: &str = r#"
[headers]
X-Frame-Options = "DENY"
Cache-Control   = "no-cache"

[on.signed_in]
[on.error]
body = '{ "code": "{status}", "message": "{reason}" }'
[on.invalid]
body = '{ "errors": { "{each errors}": { "{field}": "{messages}" } }, "first": ["{each errors}", "{label}: {message}"], "all": ["{each errors}", ["{each messages}", { "m": "{message}" }]] }'
headers = { cache-control = "private" }
[on.unauthorized]
status = 403
text = "No, {status}"
[on.too_large]
content_type = "application/problem+json"
body = 'null'
"#;

#[test]
fn the_most_precise_response_is_taken() {
    let own = LOGIN.to_owned() + "[endpoint.on.unauthorized]\nstatus = 402\n[endpoint.on.timeout]\ntext = \"slow\"\n";
    let dialect = dialect(&[ERRORS, TOKENS, &own]);
    for (endpoint, kind, status, shown, media) in [
        (Some(0), Kind::Malformed, 400, r#"{"code":400,"message":"Bad Request"}"#, Some("application/json")),
        (Some(0), Kind::Fault, 500, r#"{"code":500,"message":"Internal Server Error"}"#, Some("application/json")),
        (Some(0), Kind::InvalidCredentials, 402, "", None),
        (None, Kind::InvalidCredentials, 403, "No, 403", Some("text/plain;charset=utf-8")),
        (Some(0), Kind::TooLarge, 413, "null", Some("application/problem+json")),
        (Some(0), Kind::Timeout, 408, "slow", Some("text/plain;charset=utf-8")),
        (Some(0), Kind::MustChangePassword, 200, "", None),
        (Some(0), Kind::SignedOut, 200, "", None),
        (Some(99), Kind::Malformed, 400, r#"{"code":400,"message":"Bad Request"}"#, Some("application/json")),
    ] {
        let response = respond(&dialect, endpoint, &Outcome::plain(kind), &[]);
        assert_eq!(response.status, StatusCode::from_u16(status).expect("status"), "{}", kind.name());
        assert_eq!(body(&response), shown, "{}", kind.name());
        assert_eq!(header(&response, "content-type"), media, "{}", kind.name());
        assert_eq!(header(&response, "x-frame-options"), Some("DENY"));
        assert_eq!(header(&response, "cache-control"), Some("no-cache"));
    }
}

#[test]
fn errors_are_listed_with_their_messages() {
    let dialect = dialect(&[ERRORS, TOKENS, LOGIN]);
    let errors = [error("first_name", &["a", "b\""]), error("x", &["c"])];
    let response = respond(&dialect, Some(0), &Outcome::plain(Kind::PasswordMismatch), &errors);
    let expected = r#"{"errors":{"first_name":["a","b\""],"x":["c"]},"first":["first name: a","x: c"],"all":[[{"m":"a"},{"m":"b\""}],[{"m":"c"}]]}"#;
    assert_eq!(body(&response), expected);
    assert_eq!((response.status.as_u16(), header(&response, "cache-control")), (422, Some("private")));
    assert_eq!(
        body(&respond(&dialect, Some(0), &Outcome::plain(Kind::Invalid), &[])),
        r#"{"errors":{},"first":[],"all":[]}"#
    );
}

#[test]
fn outside_of_the_list_stands_the_first_error() {
    let first = r#"
[on.signed_in]
[on.error]
[on.invalid]
body = '{ "field": "{field}", "text": "{label}: {message}", "all": "{messages}", "each": ["{each messages}", "{message}"], "n": ["{each errors}", "{field}"] }'
"#;
    let dialect = dialect(&[first, TOKENS, LOGIN]);
    let errors = [error("first_name", &["a", "b"]), error("x", &["c"])];
    assert_eq!(
        body(&respond(&dialect, Some(0), &Outcome::plain(Kind::WeakPassword), &errors)),
        r#"{"field":"first_name","text":"first name: a","all":["a","b"],"each":["a","b"],"n":["first_name","x"]}"#
    );
    assert_eq!(
        body(&respond(&dialect, Some(0), &Outcome::plain(Kind::Invalid), &[])),
        r#"{"field":null,"text":": ","all":[],"each":[],"n":[]}"#
    );
}

#[test]
fn each_code_is_told_once() {
    let coded = r#"
[on.signed_in]
[on.error]
[on.invalid]
body = '{ "first": "{code}", "of": { "{each codes}": { "{code}": { "field": "{field}", "text": "{message}" } } }, "all": ["{each errors}", ["{each messages}", "{code}"]], "one": ["{each errors}", "{code}"] }'
"#;
    let dialect = dialect(&[coded, TOKENS, LOGIN]);
    let error = |field: &str, codes: &[&str]| FieldErrors {
        field: field.to_owned(),
        messages: codes.iter().map(|code| format!("{code} at {field}")).collect(),
        codes: codes.iter().map(|text| (*text).to_owned()).collect(),
    };
    let errors = [error("a", &["x", "y", "x"]), error("b", &["y", "z"])];
    assert_eq!(
        body(&respond(&dialect, Some(0), &Outcome::plain(Kind::Invalid), &errors)),
        r#"{"first":"x","of":{"x":{"field":"a","text":"x at a"},"y":{"field":"a","text":"y at a"},"z":{"field":"b","text":"z at b"}},"all":[["x","y","x"],["y","z"]],"one":["x","y"]}"#
    );
}

#[test]
fn the_server_is_told_what_to_say_besides() {
    let dialect = dialect(&[ERRORS, TOKENS, LOGIN]);
    for outcome in [Outcome::overloaded(5), Outcome::unavailable(5)] {
        let response = respond(&dialect, None, &outcome, &[]);
        assert_eq!((response.status.as_u16(), header(&response, "retry-after")), (503, Some("5")));
    }
    let outcome = Outcome::plain(Kind::MethodNotAllowed);
    let tokens = Tokens::default();
    let now = Timestamp(0);
    let answer = Answer {
        outcome: &outcome,
        tokens: &tokens,
        errors: &[],
        request_id: "",
        echo: Echo::NONE,
        language: Language::default(),
        now,
        allow: Some("GET, POST"),
    };
    let response = dialect.encode(None, &answer);
    assert_eq!((response.status.as_u16(), header(&response, "allow")), (405, Some("GET, POST")));
}

// Total: also for outcomes that the operation never has, without anything that they carry.
#[test]
fn every_outcome_has_an_answer() {
    let on = "[shape]\nu = '{ \"id\": \"{user.id}\" }'\n[on.signed_in]\nbody = '[\"{access.token}\", \"{shape.u}\", \"{session.id}\"]'\n\
              [on.error]\nbody = '{ \"s\": \"{status}\" }'\n[on.overloaded]\nbody = '\"{retry_after}\"'\n";
    let dialect = dialect(&[TOKENS, on, LOGIN]);
    for kind in Kind::ALL {
        for endpoint in [None, Some(0)] {
            let outcome = Outcome::plain(*kind);
            let tokens = Tokens::default();
            let answer = Answer {
                outcome: &outcome,
                tokens: &tokens,
                errors: &[],
                request_id: "",
                echo: Echo::NONE,
                language: Language::default(),
                now: Timestamp(0),
                allow: None,
            };
            let response = dialect.encode(endpoint, &answer);
            assert_eq!(response.status.as_u16(), kind.status());
            assert!(response.body.is_empty() || serde_json::from_slice::<serde_json::Value>(&response.body).is_ok());
        }
    }
}

// HD-03: sent whole, and told to whoever writes the log.
#[test]
fn a_cookie_that_browsers_drop_is_told() {
    let on = "[[on.signed_in.cookie]]\nname = \"s\"\nvalue = \"{user.first_name|or ''}\"\n[on.error]\n";
    let dialect = dialect(&[TOKENS, on, LOGIN]);
    for (length, told) in [(4095, vec![]), (4096, vec![("s", 4097)])] {
        let first_name = Some("x".repeat(length));
        let outcome = Outcome::signed_in(Kind::SignedIn, User { first_name, ..user() }, session());
        let response = respond(&dialect, Some(0), &outcome, &[]);
        assert_eq!(response.oversized_cookies().collect::<Vec<_>>(), told);
        let cookie = header(&response, "set-cookie").expect("cookie");
        assert_eq!(cookie.find(';'), Some(length + 2), "it is not cut");
    }
}

// From the end of a refresh token alone nobody refreshes again: the one that is there has to stay good.
#[test]
fn a_refresh_token_is_replaced_where_its_successor_is_shown() {
    let refresh = "[[endpoint]]\nname = \"r\"\nroute = \"POST /r\"\noperation = \"refresh\"\n\
        request = '{ \"t\": \"{refresh_token}\" }'\n";
    for (shown, session, refreshes) in [
        ("{status}", false, false),
        ("{session.id}", true, false),
        ("{access.token}", true, false),
        ("{refresh.expires_at}", true, false),
        ("{refresh.token}", true, true),
    ] {
        let on = format!("[on.signed_in]\nbody = '{{ \"t\": \"{shown}\" }}'\n[on.error]\n");
        let loosened = if refreshes { "" } else { "insecure = [\"no_rotation\"]" };
        let dialect = dialect(&[loosened, TOKENS, &on, refresh]);
        assert_eq!(dialect.shown(0), Shown { session, refresh: refreshes }, "{shown}");
    }
}

#[test]
fn tokens_are_wanted_where_they_are_shown() {
    let wants = |shown: &str| {
        let dialect = dialect(&[TOKENS, &format!("[on.signed_in]\n{shown}\n[on.error]\n"), LOGIN]);
        assert_eq!(dialect.wants_tokens(0, Kind::Malformed), Wants::default());
        let Wants { access, refresh, .. } = dialect.wants_tokens(0, Kind::MustChangePassword);
        (access, refresh)
    };
    for (shown, wanted) in [
        ("body = '{}'", (false, false)),
        ("body = '{ \"a\": \"{access.expires_in}\" }'", (true, false)),
        ("body = '{ \"{each user.roles}\": { \"{role.name}\": \"x {refresh.token}\" } }'", (false, true)),
        ("headers = { X-T = \"{access.token}\" }", (true, false)),
        (
            "[[on.signed_in.cookie]]\nname = \"s\"\nvalue = \"{access.token}\"\nmax_age = \"{refresh.expires_in}\"",
            (true, true),
        ),
        ("[[on.signed_in.cookie]]\nname = \"s\"\nvalue = \"\"\nmax_age = 0", (false, false)),
        ("[[on.signed_in.cookie]]\nname = \"s\"\nvalue = \"\"\nexpires = \"{refresh.expires_at}\"", (false, true)),
    ] {
        assert_eq!(wants(shown), wanted, "{shown}");
    }
}
