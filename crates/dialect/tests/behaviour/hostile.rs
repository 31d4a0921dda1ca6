//! Dialect files of somebody who means harm, `tests/hostile`: what each tries is in its first line, beside it the reason for
//! which it is refused. IN-07, LG-06, TH-18.

use std::sync::Arc;

use myna_dialect::diagnostic::{Source, render};
use myna_dialect::{Router, compile};

use crate::refused::{all_are_told, files};

#[test]
fn every_hostile_file_is_refused_with_its_reason() {
    all_are_told("hostile");
    assert!(files("hostile").len() >= 80);
}

// TH-18: whatever is in 256 KiB, the faults that are told are few, and so is the work of telling them.
#[test]
fn a_large_file_is_told_in_few_words() {
    let keys: String = (0..20_000).map(|n| format!("k{n} = 1\n")).collect();
    let shapes: String = (0..8_000).map(|n| format!("s{n} = '\"{{x}}\"'\n")).collect();
    let endpoints = "[[endpoint]]\nname = 1\nroute = 2\nx = 3\n".repeat(199);
    let slots = format!("[on.error]\nbody = '[{}]'\n", vec!["\"{x}\""; 9_000].join(","));
    let messages = format!("[messages]\nrequired = \"{}\"\n", "{x}".repeat(60_000));
    for (what, text) in [
        ("keys", keys),
        ("shapes", format!("[shape]\n{shapes}")),
        ("endpoints", endpoints),
        ("slots", slots),
        ("messages", messages),
    ] {
        let source = Source::new(what, format!("dialect = \"d\"\n{text}"));
        let faults = compile(&source, None).expect_err(what);
        assert!(faults.len() <= 101, "{what}: {} faults", faults.len());
        assert!(render(&source, &faults, false).len() <= 64 * 1024, "{what}");
    }
}

// IN-11: what is another's, or the server's own, is taken by nobody.
#[test]
fn no_dialect_takes_a_path_of_another_or_of_the_server() {
    let dialect = |name: &str, route: &str, from: &str| {
        let text = format!(
            "dialect = \"{name}\"\n[on.reset_requested]\n[on.error]\n[[endpoint]]\nname = \"forgot\"\nroute = \"{route}\"\n\
             operation = \"request_password_reset\"\n{from}"
        );
        Arc::new(compile(&Source::new(name, text), None).expect(name))
    };
    let body = "request = '{ \"e\": \"{email}\" }'\n";
    for (route, from) in [
        ("POST /api/forgot", body),
        ("DELETE /api/forgot", body),
        ("POST /{email}/forgot", "from = { email = \"path email\" }"),
        ("POST /api/{email}", "from = { email = \"path email\" }"),
        ("GET /healthz", body),
        ("POST /{email}", "from = { email = \"path email\" }"),
    ] {
        let honest = dialect("honest", "POST /api/forgot", body);
        let overlaps = Router::new(vec![honest, dialect("hostile", route, from)], &["/healthz"]).expect_err(route);
        assert!(overlaps.iter().all(|overlap| overlap.to_string().contains("hostile/forgot")), "{route}: {overlaps:?}");
    }
}
