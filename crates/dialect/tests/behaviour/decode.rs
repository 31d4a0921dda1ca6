//! Requests and what they give to an operation, or the outcome that they get instead.

use myna_core::outcome::Kind;
use myna_core::problem::Field;
use myna_dialect::Decoded;

use crate::{LOGIN, Sent, TOKENS, dialect};
use myna_dialect::Language;

const ON: &str = "[on.signed_in]\nbody = '{}'\n[on.error]\n";

/// What came out, in one line: the fields, or the outcome with its failing fields.
fn tell(parts: &[&str], sent: &Sent, body: &[u8]) -> String {
    let dialect = dialect(parts);
    match dialect.decode(0, &sent.with(body)) {
        Ok(Decoded { inputs, .. }) => {
            let all = Field::ALL.iter().filter_map(|field| Some(format!("{}={}", field.name(), inputs.text(*field)?)));
            all.collect::<Vec<_>>().join(" ")
        }
        Err(refusal) => {
            let errors =
                refusal.errors.iter().map(|error| format!(" {}: {};", error.field, error.messages.join(" + ")));
            refusal.kind.name().to_owned() + &errors.collect::<String>()
        }
    }
}

// IN-01, IN-02, IN-03, IN-05
#[test]
fn bodies_are_read_one_way_or_not_at_all() {
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(16), "]".repeat(16));
    let wide = format!("{{{}}}", (0..101).map(|n| format!("\"{n}\":1")).collect::<Vec<_>>().join(","));
    let not_text = "invalid password: The password must be a string.;";
    for (body, told) in [
        (r#"{"email":"a","password":"b"}"#, "identifier=a password=b"),
        (r#" { "password" : "b\u00e9\n" , "other": [{}], "email":"a" } "#, "identifier=a password=bé\n"),
        (r#"{"email":null,"password":""}"#, ""),
        (r"{}", ""),
        ("", "malformed"),
        ("null", "malformed"),
        ("[]", "malformed"),
        ("\"x\"", "malformed"),
        ("{", "malformed"),
        (r#"{"email":"a",}"#, "malformed"),
        (r#"{"email":"a","email":"a"}"#, "malformed"),
        (r#"{"other":{"a":1,"\u0061":2}}"#, "malformed"),
        ("\u{feff}{}", "malformed"),
        (&deep, "malformed"),
        (&wide, "malformed"),
        (r#"{"email":"a","password":["b"]}"#, not_text),
        (r#"{"email":"a","password":{"$gt":""}}"#, not_text),
        (r#"{"email":"a","password":1}"#, not_text),
        (r#"{"email":"a","password":true}"#, not_text),
        (r#"{"email":"a","password":"b\u0000"}"#, not_text),
    ] {
        assert_eq!(tell(&[TOKENS, ON, LOGIN], &Sent::new(&[]), body.as_bytes()), told, "{body}");
    }
    assert_eq!(tell(&[TOKENS, ON, LOGIN], &Sent::new(&[]), b"{\"email\":\"\xff\"}"), "malformed");
}

// IN-04
#[test]
fn content_types_are_those_of_the_encoding_or_absent() {
    let json = br#"{"email":"a"}"#;
    let form = b"email=a%40b&password=x+y";
    let as_form = LOGIN.to_owned() + "encoding = \"form\"\n";
    for (endpoint, kind, body, told) in [
        (LOGIN, Some("application/json; charset=utf-8"), &json[..], "identifier=a"),
        (LOGIN, None, json, "identifier=a"),
        (LOGIN, Some("text/plain"), json, "unsupported_media_type"),
        (LOGIN, Some("application/x-www-form-urlencoded"), json, "unsupported_media_type"),
        (&as_form, Some("application/x-www-form-urlencoded"), form, "identifier=a@b password=x y"),
        (&as_form, Some("application/json"), form, "unsupported_media_type"),
        (&as_form, None, b"email=a&email=b", "malformed"),
        (&as_form, None, b"", "malformed"),
    ] {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        assert_eq!(tell(&[TOKENS, ON, endpoint], &Sent::new(&headers), body), told, "{kind:?}");
    }
    let twice = Sent::new(&[("content-type", "application/json"), ("content-type", "text/plain")]);
    assert_eq!(tell(&[TOKENS, ON, LOGIN], &twice, json), "unsupported_media_type");
}

#[test]
fn a_dialect_may_listen_to_accept() {
    let on = "honour_accept = true\n".to_owned() + TOKENS + ON;
    for (accept, told) in [("application/json", ""), ("text/html, */*;q=0.1", ""), ("text/html", "not_acceptable")] {
        assert_eq!(tell(&[&on, LOGIN], &Sent::new(&[("accept", accept)]), b"{}"), told, "{accept}");
        assert_eq!(tell(&[TOKENS, ON, LOGIN], &Sent::new(&[("accept", accept)]), b"{}"), "");
    }
    assert_eq!(tell(&[&on, LOGIN], &Sent::new(&[]), b"{}"), "");
}

#[test]
fn nested_members_literals_and_strict_dialects() {
    let nested = LOGIN.replace(
        r#"'{ "email": "{identifier}", "password": "{password}" }'"#,
        r#"'{ "user": { "email": "{identifier}" }, "password": "{password}", "grant": "pass", "v": [1, {"a": 2}] }'"#,
    );
    let strict = "unknown_members = \"refuse\"";
    let good = r#"{"user":{"email":"a"},"password":"b","grant":"pass","v":[1, {"a":2}]}"#;
    for (general, body, told) in [
        ("", good.to_owned(), "identifier=a password=b"),
        (strict, good.to_owned(), "identifier=a password=b"),
        ("", good.replace("pass\"", "other\""), "malformed"),
        ("", good.replace("[1,", "[2,"), "malformed"),
        ("", r#"{"user":{"email":"a"},"password":"b"}"#.to_owned(), "malformed"),
        ("", good.replace(r#"{"email":"a"}"#, "\"a\""), "malformed"),
        ("", good.replace(r#""email":"a""#, r#""email":"a","x":1"#), "identifier=a password=b"),
        (strict, good.replace(r#""email":"a""#, r#""email":"a","x":1"#), "malformed"),
        (strict, good.replace("\"password\"", "\"x\":1,\"password\""), "malformed"),
        ("", good.replace("\"email\":\"a\"", "\"email\":5"), "invalid user.email: The user.email must be a string.;"),
    ] {
        assert_eq!(tell(&[general, TOKENS, ON, &nested], &Sent::new(&[]), body.as_bytes()), told, "{body}");
    }
}

#[test]
fn values_come_from_where_the_dialect_says() {
    let from = LOGIN.replace("POST /login", "POST /{tenant}/login")
        + r#"extra = ["tenant"]
from = { device = ["header X-Device", "cookie device", "query device"], tenant = "path tenant" }
check = [{ field = "tenant", rule = "required" }]
"#;
    let mut sent = Sent::new(&[("cookie", "device=c")]);
    sent.query = Some("device=q");
    sent.params.push(("tenant".to_owned(), "t".to_owned()));
    assert_eq!(tell(&[TOKENS, ON, &from], &sent, b"{}"), "device=c");
    sent.headers.clear();
    assert_eq!(tell(&[TOKENS, ON, &from], &sent, b"{}"), "device=q");
    sent.params.clear();
    assert_eq!(tell(&[TOKENS, ON, &from], &sent, b"{}"), "invalid tenant: The tenant field is required.;");
}

#[test]
fn a_body_that_nobody_reads_is_ignored() {
    let hey = "[[endpoint]]\nname = \"hey\"\nroute = \"GET /hey\"\noperation = \"userinfo\"\nfrom = { access_token = \"bearer\" }\n\
               [on.identified]\n";
    let sent = Sent::new(&[("authorization", "Bearer a.b.c"), ("content-type", "text/plain")]);
    assert_eq!(tell(&[TOKENS, ON, hey], &sent, b"\xff{"), "access_token=a.b.c");
}

const CHECKED: &str = r#"
[messages]
required = "The {label} field is required."

[on.signed_in]
[on.error]

[[endpoint]]
name      = "login"
route     = "POST /login"
operation = "login"
request   = '{ "e_mail": "{identifier}", "pass": "{password}", "again": "{again}" }'
extra     = ["again"]
check     = [
  { field = "password", rule = "required" },
  { field = "password", rule = "size", min = 3, max = 4, message = "Size must be between {min} and {max}" },
  { field = "identifier", rule = "required" },
  { field = "identifier", rule = "email" },
  { field = "identifier", rule = "size", min = 8 },
  { field = "again", rule = "same", as = "password" },
]
"#;

#[test]
fn rules_are_reported_in_the_dialects_order_and_words() {
    for (body, told) in [
        (r#"{"e_mail":"foo@x.example","pass":"abc","again":"abc"}"#, "identifier=foo@x.example password=abc"),
        (r"{}", "invalid pass: The pass field is required.; e_mail: The e mail field is required.;"),
        (
            r#"{"e_mail":"x","pass":"ab","again":"ab"}"#,
            "invalid pass: Size must be between 3 and 4; e_mail: The e_mail must be a valid email address. + \
             The e_mail must be at least 8 characters.;",
        ),
        (r#"{"e_mail":"foo@x.example","pass":"abcde","again":"abcde"}"#, "invalid pass: Size must be between 3 and 4;"),
        (r#"{"e_mail":"foo@x.example","pass":"abc"}"#, "password_mismatch again: The again does not match.;"),
        (
            r#"{"e_mail":"x","pass":"abc","again":"abd"}"#,
            "invalid e_mail: The e_mail must be a valid email address. + The e_mail must be at least 8 characters.; \
             again: The again does not match.;",
        ),
        (r#"{"e_mail":[],"pass":"abc","again":"abc"}"#, "invalid e_mail: The e_mail must be a string.;"),
    ] {
        assert_eq!(tell(&[CHECKED, TOKENS], &Sent::new(&[]), body.as_bytes()), told, "{body}");
    }
}

#[test]
fn problems_of_the_core_get_wire_names_once() {
    use myna_core::problem::{Problem, ProblemKind};
    let dialect = dialect(&[CHECKED, TOKENS]);
    let problem = |field, kind| Problem { field, kind };
    let errors = dialect.problems(
        0,
        &[
            problem(Field::Password, ProblemKind::Required),
            problem(Field::Email, ProblemKind::Taken),
            problem(Field::Password, ProblemKind::TooShort { min: 8 }),
        ],
        Language::default(),
    );
    let shown: Vec<_> = errors.iter().map(|error| (error.field.as_str(), error.messages.join(" + "))).collect();
    let password = "The pass field is required. + The pass must be at least 8 characters.".to_owned();
    assert_eq!(shown, [("pass", password), ("email", "The email has already been taken.".to_owned())]);
    assert!(dialect.decode(0, &Sent::new(&[]).with(b"x")).is_err_and(|refusal| refusal.kind == Kind::Malformed));
}

#[test]
fn what_is_wrong_has_a_code() {
    use myna_core::problem::{Problem, ProblemKind};
    let codes = "[codes]\nrequired = \"E1\"\ntoo_short = \"E2\"\n";
    let checked = LOGIN.to_owned()
        + r#"check = [
  { field = "identifier", rule = "required" },
  { field = "password", rule = "size", min = 8, max = 9 },
  { field = "password", rule = "one_of", values = ["x"], code = "not-x" },
]
"#;
    let dialect = dialect(&[codes, TOKENS, ON, &checked]);
    let codes = |body: &[u8]| {
        let refusal = dialect.decode(0, &Sent::new(&[]).with(body)).err().expect("a refusal");
        refusal.errors.iter().map(|error| format!("{}: {}", error.field, error.codes.join(" "))).collect::<Vec<_>>()
    };
    assert_eq!(codes(br#"{"password":"1234567"}"#), ["email: E1", "password: E2 not-x"]);
    assert_eq!(codes(br#"{"email":7,"password":"1234567890"}"#), ["email: not_text", "password: too_long not-x"]);
    let taken = Problem { field: Field::Identifier, kind: ProblemKind::Taken };
    let short = Problem { field: Field::Identifier, kind: ProblemKind::TooShort { min: 3 } };
    assert_eq!(dialect.problems(0, &[taken, short], Language::default())[0].codes, ["taken", "E2"]);
}

#[test]
fn an_input_may_stand_at_several_places() {
    let alias = LOGIN.replace(
        r#"'{ "email": "{identifier}", "password": "{password}" }'"#,
        r#"'{ "email": "{identifier}", "user": { "name": "{identifier}" }, "list": ["{device}", "v1", { "p": "{password}" }] }'"#,
    ) + "from = { identifier = [\"query login\", \"basic user\"], password = \"basic password\" }\n";
    let strict = "unknown_members = \"refuse\"";
    for (general, query, body, told) in [
        ("", None, r#"{"user":{"name":"b"},"email":"a"}"#, "identifier=a"),
        ("", None, r#"{"user":{"name":"b"},"email":null}"#, "identifier=b"),
        ("", Some("login=q"), r#"{"user":{"name":"b"}}"#, "identifier=b"),
        ("", Some("login=q"), "{}", "identifier=q password=p"),
        ("", None, "{}", "identifier=u password=p"),
        ("", None, r#"{"email":"","user":{"name":"b"}}"#, ""),
        ("", None, r#"{"list":["d","v1",{"p":"x"}]}"#, "identifier=u password=x device=d"),
        ("", None, r#"{"list":["d","v1"]}"#, "identifier=u password=p device=d"),
        ("", None, r#"{"list":["d","v2"]}"#, "malformed"),
        ("", None, r#"{"list":["d"]}"#, "malformed"),
        ("", None, r#"{"list":{"0":"d"}}"#, "malformed"),
        ("", None, r#"{"list":["d","v1",{},1]}"#, "identifier=u password=p device=d"),
        (strict, None, r#"{"list":["d","v1",{},1]}"#, "malformed"),
        ("", None, r#"{"list":[1,"v1"]}"#, "invalid list.0: The list.0 must be a string.;"),
        ("", None, r#"{"email":1,"user":{"name":"b"}}"#, "invalid email: The email must be a string.;"),
        ("", None, r#"{"email":"a","user":{"name":1}}"#, "invalid email: The email must be a string.;"),
    ] {
        let basic = if body.contains("b\"") { "Bearer x" } else { "Basic dTpw" };
        let mut sent = Sent::new(&[("authorization", basic)]);
        sent.query = query;
        assert_eq!(tell(&[general, TOKENS, ON, &alias], &sent, body.as_bytes()), told, "{body}");
    }
}

#[test]
fn an_empty_body_may_be_an_empty_object() {
    let empty = LOGIN.to_owned() + "may_be_empty = true\n";
    for (kind, body, told) in [
        ("application/json", "", ""),
        ("text/plain", "", ""),
        ("text/plain", "{}", "unsupported_media_type"),
        ("application/json", " ", "malformed"),
        ("application/json", r#"{"email":"a"}"#, "identifier=a"),
    ] {
        let sent = Sent::new(&[("content-type", kind)]);
        assert_eq!(tell(&[TOKENS, ON, &empty], &sent, body.as_bytes()), told, "{kind} {body}");
    }
}

#[test]
fn one_endpoint_reads_several_encodings() {
    let any = LOGIN.to_owned() + "encoding = [\"json\", \"form\", \"multipart\"]\n";
    let parts = "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n--x--\r\n";
    for (kind, body, told) in [
        (None, r#"{"email":"a"}"#, "identifier=a"),
        (None, "email=a", "malformed"),
        (Some("application/x-www-form-urlencoded"), "email=a", "identifier=a"),
        (Some("multipart/form-data; boundary=x"), parts, "identifier=a"),
        (Some("multipart/form-data; boundary=y"), parts, "malformed"),
        (Some("multipart/form-data"), parts, "malformed"),
        (Some("multipart/form-data; boundary=x"), "--x--\r\n", "malformed"),
        (Some("text/plain"), "email=a", "unsupported_media_type"),
    ] {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        assert_eq!(tell(&[TOKENS, ON, &any], &Sent::new(&headers), body.as_bytes()), told, "{kind:?} {body}");
    }
}

#[test]
fn a_body_can_be_the_value_itself() {
    let reset = "[on.error]\n[[endpoint]]\nname = \"r\"\nroute = \"POST /login\"\noperation = \"request_password_reset\"\n\
                 request = '{ \"mail\": \"{email}\" }'\ncheck = [{ field = \"email\", rule = \"email\", message = \"no {field}\" }]\n";
    let (text, both) =
        (reset.to_owned() + "encoding = \"text\"\n", reset.to_owned() + "encoding = [\"text\", \"json\"]\n");
    for (dialect, kind, body, told) in [
        (&text, Some("text/plain"), "a@b.example", "email=a@b.example"),
        (&text, Some("text/plain;charset=UTF-8"), "{\"mail\":1}", "invalid mail: no mail;"),
        (&text, Some("text/plain;charset=latin1"), "a@b.example", "unsupported_media_type"),
        (&text, None, "a@b.example", "email=a@b.example"),
        (&text, None, "", "malformed"),
        (&text, Some("application/json"), "{\"mail\":\"a@b.example\"}", "unsupported_media_type"),
        (&both, Some("application/json"), "{\"mail\":\"a@b.example\"}", "email=a@b.example"),
    ] {
        let headers: Vec<_> = kind.map(|kind| ("content-type", kind)).into_iter().collect();
        assert_eq!(
            tell(&[TOKENS, "[on.reset_requested]\n", dialect], &Sent::new(&headers), body.as_bytes()),
            told,
            "{kind:?} {body}"
        );
    }
}

#[test]
fn extra_inputs_may_be_numbers_and_booleans() {
    let extra = LOGIN.replace("\"{identifier}\",", "\"{identifier}\", \"mode\": \"{mode}\",")
        + "extra = [\"mode\"]\ncheck = [{ field = \"mode\", rule = \"one_of\", values = [\"1\", \"true\", \"x\"] }]\n";
    for (body, told) in [
        (r#"{"mode":1}"#, ""),
        (r#"{"mode":true}"#, ""),
        (r#"{"mode":"x"}"#, ""),
        (r"{}", ""),
        (r#"{"mode":2}"#, "invalid mode: The selected mode is invalid.;"),
        (r#"{"mode":[1]}"#, "invalid mode: The mode must be a string.;"),
    ] {
        assert_eq!(tell(&[TOKENS, ON, &extra], &Sent::new(&[]), body.as_bytes()), told, "{body}");
    }
}

#[test]
fn secrets_come_from_a_url_only_when_that_is_said_out_loud() {
    let url = LOGIN.replace("POST /login", "POST /{secret}/login").replace(", \"password\": \"{password}\"", "")
        + "from = { password = [\"query p\", \"path secret\"] }\n";
    let mut sent = Sent::new(&[]);
    sent.query = Some("p=q");
    let loose = "insecure = [\"secret_in_query\", \"secret_in_path\"]";
    assert_eq!(tell(&[loose, TOKENS, ON, &url], &sent, b"{}"), "password=q");
}

// HD-04
#[test]
fn another_site_cannot_use_or_set_a_cookie() {
    const COOKIE: &str =
        "\n[endpoint.on.signed_in]\n[[endpoint.on.signed_in.cookie]]\nname = \"s\"\nvalue = \"{access.token}\"\n";
    const BY_COOKIE: &str = "[[endpoint]]\nname = \"out\"\nroute = \"POST /out\"\noperation = \"logout\"\n\
        from = { access_token = [\"cookie s\", \"bearer\"] }\n[endpoint.on.signed_out]\n";
    let who = BY_COOKIE.replace("logout", "userinfo").replace("signed_out", "identified");
    let sets = LOGIN.to_owned() + COOKIE;
    let cookie = ("cookie", "s=t");
    let bearer = ("authorization", "Bearer t");
    for (general, endpoint, header, told) in [
        ("", LOGIN, cookie, ""),
        ("", &sets, cookie, "cross_site"),
        ("insecure = [\"cross_site\"]", &sets, cookie, ""),
        ("", BY_COOKIE, cookie, "cross_site"),
        ("", BY_COOKIE, bearer, "access_token=t"),
        ("insecure = [\"cross_site\"]", BY_COOKIE, cookie, "access_token=t"),
        ("", &who, cookie, "access_token=t"),
    ] {
        let mut sent = Sent::new(&[header, ("sec-fetch-site", "cross-site")]);
        assert_eq!(tell(&[general, TOKENS, ON, endpoint], &sent, b"{}"), told, "{general} {endpoint} {header:?}");
        sent.headers.insert("sec-fetch-site", http::HeaderValue::from_static("same-origin"));
        assert!(!tell(&[general, TOKENS, ON, endpoint], &sent, b"{}").contains("cross_site"));
    }
}
