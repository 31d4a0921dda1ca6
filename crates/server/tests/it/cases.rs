//! Every dialect's cases, without a network and over HTTP.

use super::{myna, text};

const EVERYTHING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/everything");

fn passes(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let output = myna(folder.path(), &[&["dialect", "test"], arguments].concat());
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn built_in_dialects_hold_in_process() {
    passes(&[]);
}

#[test]
fn built_in_dialects_hold_over_http() {
    passes(&["--over-http"]);
}

#[test]
fn every_operation_holds_in_process() {
    passes(&[EVERYTHING]);
}

#[test]
fn every_operation_holds_over_http() {
    passes(&[EVERYTHING, "--over-http"]);
}

#[test]
fn a_case_that_does_not_hold_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let dialect = folder.path().join("everything");
    std::fs::create_dir_all(dialect.join("cases")).unwrap();
    std::fs::copy(format!("{EVERYTHING}/dialect.toml"), dialect.join("dialect.toml")).unwrap();
    std::fs::write(dialect.join("cases/wrong.case"), "# Wrong\n\n> GET /everything/whoami\n\n< 200\n<\n< hello\n")
        .unwrap();
    let output = myna(folder.path(), &["dialect", "test", "everything"]);
    assert!(!output.status.success());
    let said = text(&output.stdout);
    assert!(said.contains("line 3: GET /everything/whoami") && said.contains("expected 200"), "{said}");
}
