//! Every dialect's cases, without a network and over HTTP.

use super::{myna, text};

const LOOSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/loose");
const WORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/words");
const ENDLESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/endless");
const FEATURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/features");
const EVERYTHING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/everything");
const NAMELESS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/nameless");
const OPAQUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/opaque");
const UNTIL_USED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/until_used");
const STRICT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/strict");
const FIXED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/fixed");

const RARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/rare");
const READING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dialects/reading");

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
    passes(&[EVERYTHING, READING, RARE, NAMELESS]);
}

#[test]
fn what_answers_can_show_holds_in_process() {
    passes(&[OPAQUE]);
}

#[test]
fn what_answers_can_show_holds_over_http() {
    passes(&[OPAQUE, "--over-http"]);
}

#[test]
fn every_operation_holds_over_http() {
    passes(&[EVERYTHING, READING, RARE, NAMELESS, "--over-http"]);
}

#[test]
fn what_legacy_apis_insist_on_holds_in_process() {
    passes(&[LOOSE, ENDLESS]);
}

#[test]
fn what_legacy_apis_insist_on_holds_over_http() {
    passes(&[LOOSE, ENDLESS, "--over-http"]);
}

#[test]
fn profiles_of_rotation_hold_in_process() {
    passes(&[UNTIL_USED, STRICT, FIXED]);
}

#[test]
fn words_and_echoes_hold_in_process() {
    passes(&[WORDS, FEATURES]);
}

#[test]
fn words_and_echoes_hold_over_http() {
    passes(&[WORDS, FEATURES, "--over-http"]);
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

/// The first fenced block of `document` that begins with `start`.
fn block(document: &str, fence: &str, start: &str) -> String {
    let marker = format!("{fence}\n{start}");
    let at = document.find(&marker).unwrap() + fence.len() + 1;
    let length = document[at..].find("\n```").or_else(|| document[at..].find("\n   ```")).unwrap();
    document[at..at + length].lines().map(|line| line.strip_prefix("   ").unwrap_or(line)).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    )
}

#[test]
fn the_examples_of_the_documents_hold() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    let language = std::fs::read_to_string(format!("{root}/docs/dialects.md")).unwrap();
    let spring = std::fs::read_to_string(format!("{root}/dialects/spring/dialect.toml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, dialect, case) in [
        ("shop", block(&readme, "```toml", "   dialect = \"shop\""), block(&readme, "```", "   # A wrong password")),
        ("spring", spring, block(&language, "```", "# The first comment is the title")),
        (
            "harbour",
            block(&language, "```toml", "dialect = \"harbour\""),
            block(&language, "```", "# Sign in, ask who I am"),
        ),
    ] {
        let cases = folder.path().join(name).join("cases");
        std::fs::create_dir_all(&cases).unwrap();
        std::fs::write(folder.path().join(name).join("dialect.toml"), dialect).unwrap();
        std::fs::write(cases.join("example.case"), case).unwrap();
        let output = myna(folder.path(), &["dialect", "test", name]);
        assert!(output.status.success(), "{name}\n{}\n{}", text(&output.stdout), text(&output.stderr));
        assert!(text(&output.stdout).contains("1 case passed"), "{}", text(&output.stdout));
    }
}

#[test]
fn the_tutorial_begins_as_it_says() {
    let language = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/dialects.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("login.http"), block(&language, "```http", "POST /harbour")).unwrap();
    for arguments in [&["dialect", "new", "harbour", "--from", "login.http"][..], &["dialect", "test", "harbour"]] {
        let output = myna(folder.path(), arguments);
        assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    }
    let drafted = std::fs::read_to_string(folder.path().join("harbour/dialect.toml")).unwrap();
    for guessed in ["{access.token}", "{access.expires_at|iso8601}", "{access.expires_in}", "{user.first_name?}"] {
        assert!(drafted.contains(guessed), "{guessed}\n{drafted}");
    }
    assert!(!drafted.contains("correct horse battery"), "{drafted}");
}
