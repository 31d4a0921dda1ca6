//! Paths and methods, and whose they are.

use std::sync::Arc;

use http::Method;
use myna_dialect::diagnostic::Source;
use myna_dialect::{Dialect, Found, Router, compile};

fn dialect(name: &str, routes: &[&str]) -> Arc<Dialect> {
    let mut text = format!("dialect = \"{name}\"\n[on.reset_requested]\n[on.error]\n");
    for (at, route) in routes.iter().enumerate() {
        let params = route.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name);
        let params: Vec<&str> = params.collect();
        let extra = params.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let from = params.iter().map(|name| format!("{name} = \"path {name}\", ")).collect::<String>();
        text += &format!(
            "[[endpoint]]\nname = \"e{at}\"\nroute = \"{route}\"\noperation = \"request_password_reset\"\n\
             request = '{{ \"e\": \"{{email}}\" }}'\nextra = [{extra}]\nfrom = {{ {from} }}\n"
        );
    }
    Arc::new(compile(&Source::new(name, text), None).unwrap_or_else(|faults| panic!("{faults:?}")))
}

fn find(router: &Router, method: &Method, path: &str) -> String {
    match router.find(method, path) {
        Found::Endpoint(found) => {
            let params = found.params.iter().map(|(name, value)| format!(" {name}={value}")).collect::<String>();
            format!("{}/{}{params}", found.dialect.name(), found.dialect.endpoint(found.endpoint).name())
        }
        Found::WrongMethod { dialect, allow } => format!("{} allows {allow}", dialect.name()),
        Found::Nothing => "nothing".to_owned(),
    }
}

// IN-10: a path is its bytes.
#[test]
fn paths_are_compared_byte_by_byte() {
    let one = dialect("one", &["POST /api/login", "GET /api/login", "DELETE /u/{id}/s/{s}", "POST /", "POST /slash/"]);
    let two = dialect("two", &["POST /api/{x}/y", "PUT /other"]);
    let router = Router::new(vec![one, two], &["/healthz"]).expect("no overlap");
    assert_eq!(router.dialects().count(), 2);
    for (method, path, expected) in [
        (Method::POST, "/api/login", "one/e0"),
        (Method::GET, "/api/login", "one/e1"),
        (Method::HEAD, "/api/login", "one allows GET, POST"),
        (Method::TRACE, "/u/1/s/2", "one allows DELETE"),
        (Method::DELETE, "/u/1/s/a%2Fb", "one/e2 id=1 s=a%2Fb"),
        (Method::DELETE, "/u//s/2", "nothing"),
        (Method::DELETE, "/u/1/s/2/", "nothing"),
        (Method::POST, "/", "one/e3"),
        (Method::POST, "/slash/", "one/e4"),
        (Method::POST, "/slash", "nothing"),
        (Method::POST, "/api/a/y", "two/e0 x=a"),
        (Method::POST, "/api/login/", "nothing"),
        (Method::POST, "//api/login", "nothing"),
        (Method::POST, "/api//login", "nothing"),
        (Method::POST, "/API/login", "nothing"),
        (Method::POST, "/api/log%69n", "nothing"),
        (Method::POST, "/api/./login", "nothing"),
        (Method::POST, "/api/login;x", "nothing"),
        (Method::POST, "api/login", "nothing"),
        (Method::POST, "", "nothing"),
        (Method::OPTIONS, "*", "nothing"),
    ] {
        assert_eq!(find(&router, &method, path), expected, "{method} {path}");
    }
}

#[test]
fn in_one_dialect_a_fixed_segment_comes_before_a_parameter() {
    let routes = ["GET /users/{x}", "GET /users/me", "POST /users/login", "GET /{x}/me/b", "GET /users/{x}/c"];
    let router = Router::new(vec![dialect("one", &routes)], &[]).expect("no overlap");
    for (method, path, expected) in [
        (Method::GET, "/users/7", "one/e0 x=7"),
        (Method::GET, "/users/me", "one/e1"),
        (Method::GET, "/users/login", "one allows POST"),
        (Method::GET, "/users/me/b", "one/e3 x=users"),
        (Method::GET, "/users/me/c", "one/e4 x=me"),
        (Method::GET, "/users/", "nothing"),
    ] {
        assert_eq!(find(&router, &method, path), expected, "{method} {path}");
    }
}

// IN-11
#[test]
fn a_path_belongs_to_one_dialect() {
    for (one, two, overlap) in [
        ("POST /a", "GET /a", true),
        ("POST /a/{x}", "POST /a/b", true),
        ("POST /a/b", "PUT /{x}/b", true),
        ("POST /a/{x}", "POST /{y}/b", true),
        ("POST /a/{x}", "POST /b/{x}", false),
        ("POST /a/{x}", "POST /a/", false),
        ("POST /a", "POST /a/", false),
        ("POST /a", "POST /A", false),
    ] {
        let result = Router::new(vec![dialect("one", &[one]), dialect("two", &[two])], &[]);
        assert_eq!(result.is_err(), overlap, "{one} {two}");
        if let Err(overlaps) = result {
            let told = overlaps[0].to_string();
            assert!(told.contains("one/e0") && told.contains("two/e0"), "{told}");
        }
    }
    for (route, overlap) in [("POST /healthz", true), ("POST /{x}", true), ("POST /health", false)] {
        assert_eq!(Router::new(vec![dialect("one", &[route])], &["/healthz"]).is_err(), overlap, "{route}");
    }
}

const SHARED: &str = r#"
[on.answered]
[on.error]

[[endpoint]]
name      = "by query"
route     = ["POST /a", "POST /a/", "PUT /a"]
operation = "answer"
when      = { "query mode" = ["x", "y"] }

[[endpoint]]
name      = "by header"
route     = "POST /a"
operation = "answer"
when      = { "header X-Mode" = true, "cookie c" = false }

[[endpoint]]
name      = "by body"
route     = "POST /a"
operation = "answer"
request   = '{ "v": "{v}" }'
extra     = ["v"]
encoding  = ["json", "form"]
when      = { "body s.t" = ["1", "true", "z"], "body v" = true, "body w" = false, "body l.1" = ["q", "r"] }
"#;
const REST: &str = "\n[[endpoint]]\nname = \"rest\"\nroute = \"POST /a\"\noperation = \"answer\"\n";

fn selected(
    dialect: &Arc<Dialect>,
    target: &'static str,
    headers: &[(&'static str, &'static str)],
    body: &str,
) -> String {
    let router = Router::new(vec![Arc::clone(dialect)], &[]).expect("alone");
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let Found::Endpoint(found) = router.find(&Method::POST, path) else { return "nothing".to_owned() };
    let mut sent = crate::Sent::new(headers);
    sent.query = query;
    match found.select(&sent.with(body.as_bytes())) {
        Ok(at) => dialect.endpoint(at).name().to_owned(),
        Err(refusal) => format!("{}: {}", dialect.endpoint(found.endpoint).name(), refusal.kind.name()),
    }
}

#[test]
fn endpoints_at_one_route_are_told_apart_in_the_order_of_the_file() {
    let (alone, with_rest) = (crate::dialect(&[SHARED]), crate::dialect(&[SHARED, REST]));
    let good = r#"{"s":{"t":1},"v":"x","l":[0,"q"]}"#;
    for (target, headers, body, expected) in [
        ("/a?mode=x", &[][..], "", "by query"),
        ("/a?mode=y", &[("x-mode", "1")], good, "by query"),
        ("/a/?mode=y", &[], "", "by query"),
        ("/a?mode=z", &[("x-mode", "")], "", "by header"),
        ("/a", &[("x-mode", "1"), ("cookie", "c=1")], good, "by body"),
        ("/a", &[], good, "by body"),
        ("/a", &[], &good.replace('1', "true"), "by body"),
        ("/a", &[], &good.replace('1', "\"z\""), "by body"),
        ("/a", &[], &good.replace('1', "\"1\""), "by body"),
        ("/a", &[], &good.replace('1', "2"), "rest"),
        ("/a", &[], &good.replace('1', "{}"), "rest"),
        ("/a", &[], &good.replace("\"x\"", "null"), "rest"),
        ("/a", &[], &good.replace("\"x\"", "[]"), "by body"),
        ("/a", &[], &good.replace("\"v\"", "\"w\":null,\"v\""), "by body"),
        ("/a", &[], &good.replace("\"v\"", "\"w\":0,\"v\""), "rest"),
        ("/a", &[], &good.replace("[0,\"q\"]", "[\"q\"]"), "rest"),
        ("/a", &[], "{", "rest"),
        ("/a", &[("content-type", "text/plain")], good, "rest"),
        ("/a?mode=x&mode=y", &[], "", "malformed"),
        ("/b", &[], "", "nothing"),
    ] {
        assert!(selected(&with_rest, target, headers, body).ends_with(expected), "{target} {headers:?} {body}");
        let alone = selected(&alone, target, headers, body);
        let expected = if expected == "rest" { "by query: malformed" } else { expected };
        assert!(alone.ends_with(expected), "{target} {headers:?} {body}: {alone}");
    }
}

#[test]
fn a_text_body_is_the_member_of_the_endpoint_that_asks() {
    let endpoint = |name: &str| {
        format!(
            "[[endpoint]]\nname = \"{name}\"\nroute = \"POST /a\"\noperation = \"answer\"\nencoding = \"text\"\n\
             request = '{{ \"{name}\": \"{{v}}\" }}'\nextra = [\"v\"]\nwhen = {{ \"body {name}\" = \"{name}\" }}\n"
        )
    };
    let dialect = crate::dialect(&["[on.answered]\n[on.error]\n", &endpoint("one"), &endpoint("two")]);
    let text = [("content-type", "text/plain")];
    assert_eq!(selected(&dialect, "/a", &text, "one"), "one");
    assert_eq!(selected(&dialect, "/a", &text, "two"), "two");
    assert_eq!(selected(&dialect, "/a", &text, "three"), "one: malformed");
}

#[test]
fn paths_of_other_letters_are_those_that_browsers_send() {
    let text =
        "[on.answered]\n[on.error]\n[[endpoint]]\nname = \"e\"\nroute = \"POST /größe/日本\"\noperation = \"answer\"\n";
    let dialect = crate::dialect(&[text]);
    assert_eq!(selected(&dialect, "/gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC", &[], ""), "e");
    assert_eq!(selected(&dialect, "/gr%c3%b6%c3%9fe/%E6%97%A5%E6%9C%AC", &[], ""), "nothing");
}

// JT-20: what stands in a path stands in the log; a secret must not.
#[test]
fn a_path_with_a_secret_is_not_shown() {
    let endpoint = |route: &str, from: &str| {
        format!(
            "[[endpoint]]\nname = \"{route}\"\nroute = \"{route}\"\noperation = \"userinfo\"\nfrom = {{ access_token = \"{from}\" }}\n"
        )
    };
    let (hidden, open) = (endpoint("GET /who/{t}", "path t"), endpoint("GET /me", "bearer"));
    let general = "insecure = [\"secret_in_path\"]\n";
    let dialect = crate::dialect(&[general, crate::TOKENS, "[on.identified]\n[on.error]\n", &hidden, &open]);
    let router = Router::new(vec![dialect], &[]).expect("alone");
    for (path, shown) in [
        ("/who/a.b.c", "/who/{t}"),
        ("/me", "/me"),
        ("/other/a.b.c", "/other/a.b.c"),
        ("/who/a.b.c/", "/who/{t}"),
        ("//who//a.b.c", "/who/{t}"),
        ("/who/a.b.c/x", "/who/{t}"),
        ("/who/", "/who/"),
    ] {
        assert_eq!(router.shown_path(path), shown);
    }
}
