//! Dialect files of somebody who means harm: `tests/hostile/NAME.toml`, each with what it tries in its first line, and beside it
//! the reason for which it is refused, `NAME.txt`. `UPDATE=1 cargo test -p myna-dialect --test hostile` writes the reasons anew;
//! read the difference. IN-07, LG-06, TH-18.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use myna_dialect::diagnostic::{Source, render};
use myna_dialect::{Router, compile};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile");
    let entries = fs::read_dir(folder).expect("folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the switch of this test alone")]
fn every_hostile_file_is_refused_with_its_reason() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let source = Source::new(format!("tests/hostile/{name}"), fs::read_to_string(&path).expect("text"));
        let Err(faults) = compile(&source, Some("d")) else {
            wrong.push(format!("--- {name}\nis accepted"));
            continue;
        };
        // What is shown to the operator cannot steer a terminal or turn letters around.
        let shown = render(&source, &faults, false);
        let steers =
            |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if let Some(c) = shown.chars().find(steers) {
            wrong.push(format!("--- {name}\nis shown with {}", c.escape_unicode()));
        }
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &shown).expect("written");
        }
        if fs::read_to_string(&expected).unwrap_or_default() != shown {
            wrong.push(format!("--- {name}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "not as expected (UPDATE=1 rewrites):\n{}", wrong.join("\n"));
    assert!(files().len() >= 60);
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
