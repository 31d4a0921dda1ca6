//! The checker can fail: with each guard taken out in turn it finds the violation. (That it finds none in the server as it
//! is, `cargo xtask verify` shows.)

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use myna_verify::history::{Action, Event, Reply, Token};
use myna_verify::{Cluster, Options, Report, Standby, built, run};

static SERVER: LazyLock<PathBuf> = LazyLock::new(|| built().unwrap());

/// A run with one guard missing; it ends at the first violation.
fn without(guard: &str, nodes: Option<usize>) -> Report {
    // A seed that draws a crash of the database in the first seconds, and more after it.
    let options = Options { duration: Duration::from_secs(60), seed: 9, clients: 16, kills: true, jumps: false };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = match nodes {
            Some(nodes) => Cluster::over_postgres(&SERVER, Some(guard), nodes, Standby::Synchronous).await.unwrap(),
            None => Cluster::embedded(&SERVER, Some(guard)).unwrap(),
        };
        run(cluster, &options, |_| {}).await.unwrap()
    })
}

fn found(guard: &str, nodes: Option<usize>, invariants: &[&str]) {
    let report = without(guard, nodes);
    let found =
        report.found.unwrap_or_else(|| panic!("{} operations without `{guard}`, and nothing found", report.operations));
    assert!(invariants.contains(&found.violation.invariant), "{}: {}", found.violation.invariant, found.violation.what);
    let shown: Vec<&Event> = found.history.iter().flatten().collect();
    // Where a token came from is told back to the login, however long that is; of everything else only what shows it.
    let lineage: HashSet<Token> = shown.iter().filter_map(|event| rotated(event)).collect();
    let text: Vec<String> = shown.iter().map(ToString::to_string).collect();
    assert!((1..=20).contains(&(shown.len() - lineage.len())), "{}:\n{}", found.violation.what, text.join("\n"));
}

/// The token that an exchange was granted.
fn rotated(event: &Event) -> Option<Token> {
    match (&event.action, event.reply) {
        (Action::Refresh(..), Reply::Granted(token)) => Some(token),
        _ => None,
    }
}

// I2, I7: racers rotate one after the other, and the successor that all of them got is spent already.
#[test]
fn a_rotation_without_its_guard_is_found() {
    found("rotation", None, &["I2", "I7", "I1"]);
}

// I4
#[test]
fn a_logout_that_does_not_hold_is_found() {
    found("logout", None, &["I4"]);
}

// I1; what was said and is not there shows as whatever it was about.
#[test]
fn an_answer_before_the_commit_is_found() {
    found("durability", None, &["I1", "I3", "I4", "I5", "I7", "I12"]);
}

// RF-01: the racers are at two nodes.
#[test]
fn a_rotation_without_its_guard_is_found_over_two_nodes() {
    found("rotation", Some(2), &["I2", "I7", "I1"]);
}

// I1, MN-06: the database crashes, or a standby takes its place that was not waited for.
#[test]
fn an_answer_before_the_commit_is_found_over_two_nodes() {
    found("durability", Some(2), &["I1", "I2", "I3", "I4", "I5", "I7", "I12"]);
}
