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
