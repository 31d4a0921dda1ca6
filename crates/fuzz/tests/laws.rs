//! The targets for a moment, with fixed seeds, and laws over every dialect of the repository. Longer: `cargo xtask fuzz`.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::collections::HashSet;

use myna_core::outcome::Kind;
use myna_fuzz::exchange::Served;
use myna_fuzz::mutate::{Mutator, smallest};
use myna_fuzz::{all, files};

fn served() -> Vec<Served> {
    let dialects = files::dialects();
    assert!(dialects.len() >= 6, "the built-in dialects and the one of the tests");
    let served = |(name, text): (String, String)| Served::new(&name, &text).expect(&name);
    dialects.into_iter().map(served).collect()
}

// IN-09: whatever is sent, the answer is the dialect's.
#[test]
fn every_dialect_answers_hostile_requests_in_its_own_shape() {
    for served in served() {
        let seeds = [vec![0; 40], (0..=255).collect()];
        let mut choices = Mutator::new(1, &seeds, &[]);
        for endpoint in 0..served.endpoints() {
            let mut ends = HashSet::new();
            // Without choices it is a lawful request, which must come to its operation.
            let lawful = served.exchange(endpoint, &[]);
            let refused = [Kind::Malformed, Kind::Invalid, Kind::MethodNotAllowed, Kind::UnsupportedMediaType];
            let reached = lawful.is_some_and(|kind| !refused.contains(&kind));
            assert!(reached, "{}/{endpoint}: {lawful:?}", served.name());
            for _ in 0..400 {
                ends.extend(served.exchange(endpoint, &choices.next_input()));
            }
            assert!(ends.len() >= 2, "{}/{endpoint} ended as {ends:?} only", served.name());
        }
    }
}

// LG-06
#[test]
fn no_dialect_tells_why_a_login_was_denied() {
    let mut count = 0;
    for served in served() {
        for (place, answers) in served.denials() {
            count += 1;
            assert!(answers.iter().all(|answer| *answer == answers[0]), "{place} tells them apart: {answers:?}");
        }
    }
    assert!(count >= 6);
}

#[test]
fn every_target_holds_for_a_moment() {
    for target in all() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        let mut mutator = Mutator::new(7, &seeds, target.words);
        for _ in 0..150 {
            (target.run)(&mutator.next_input());
        }
    }
}

#[test]
fn one_seed_is_one_sequence_and_findings_become_small() {
    let seeds = [b"one\ntwo\nthree\n".to_vec()];
    let first = |seed| {
        let mut mutator = Mutator::new(seed, &seeds, &["word"]);
        (0..50).map(|_| mutator.next_input()).collect::<Vec<_>>()
    };
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
    let noise = b"xxxx\0\0{!xxxxxxxx}\n\n".to_vec();
    let fails = |input: &[u8]| input.windows(2).any(|pair| pair == b"{!");
    assert_eq!(smallest(noise, 1_000, fails), b"{!");
}
