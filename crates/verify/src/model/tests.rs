//! Histories by hand: what has to be explained, and what must not be.

use std::time::Duration;

use super::{Verdict, check, shortest};
use crate::history::{Action, Dialect, Event, Moment, Reply, Step, Token};

const A: Token = Token(0xa);
const B: Token = Token(0xb);
const C: Token = Token(0xc);

/// A request between two times in milliseconds.
fn event(start: u64, end: u64, action: Action, reply: Reply) -> Event {
    let at = |ms: u64| Moment {
        real: Duration::from_millis(ms),
        clock: i64::try_from(ms).unwrap() * 1000 + 1_700_000_000_000_000,
        ..Moment::default()
    };
    Event { start: at(start), end: at(end), node: 0, ahead: 0, dialect: Dialect::Named, action, reply }
}

/// Steps of one request each, a second apart.
fn one_by_one(events: &[(Action, Reply)]) -> Vec<Step> {
    let at = |place: usize| place as u64 * 1000;
    let step = |(place, (action, reply)): (usize, &(Action, Reply))| {
        vec![event(at(place), at(place) + 10, action.clone(), *reply)]
    };
    events.iter().enumerate().map(step).collect()
}

fn begun() -> Vec<(Action, Reply)> {
    vec![(Action::Register(0), Reply::Done), (Action::Login(0, 0), Reply::Granted(A))]
}

fn verdict(more: &[(Action, Reply)]) -> Verdict {
    check(&one_by_one(&[&begun(), more].concat()))
}

fn breaks(invariant: &str, more: &[(Action, Reply)]) {
    match verdict(more) {
        Verdict::Broken(found) => assert_eq!(found.invariant, invariant, "{}", found.what),
        other @ (Verdict::Explained | Verdict::Undecided) => panic!("{invariant}: {other:?}"),
    }
}

fn refresh(token: Token, reply: Reply) -> (Action, Reply) {
    (Action::Refresh(0, token), reply)
}

#[test]
fn what_is_lawful_is_explained() {
    let histories: [&[(Action, Reply)]; 8] = [
        &[refresh(A, Reply::Granted(B)), refresh(A, Reply::Granted(B)), refresh(B, Reply::Granted(C))],
        // A lost answer stands for something that happened, or for nothing.
        &[refresh(A, Reply::Open), refresh(A, Reply::Granted(B)), refresh(B, Reply::Granted(C))],
        &[(Action::Logout(0, A), Reply::Lost), refresh(A, Reply::Granted(B))],
        &[(Action::Logout(0, A), Reply::Lost), refresh(A, Reply::Refused)],
        // A request that was cut off may happen much later.
        &[(Action::Logout(0, A), Reply::Open), refresh(A, Reply::Granted(B)), refresh(B, Reply::Refused)],
        // Reuse ends the family.
        &[
            refresh(A, Reply::Granted(B)),
            refresh(B, Reply::Granted(C)),
            refresh(A, Reply::Refused),
            refresh(C, Reply::Refused),
        ],
        &[(Action::Change(0, A, 0, 1), Reply::Open), (Action::Login(0, 1), Reply::Refused)],
        &[
            (Action::Forgot(0), Reply::Done),
            (Action::Forgot(1), Reply::Done),
            (Action::Reset(vec![0], 1), Reply::Refused),
            (Action::Reset(vec![1], 2), Reply::Done),
            (Action::Login(2, 1), Reply::Granted(B)),
        ],
    ];
    for (place, more) in histories.iter().enumerate() {
        assert_eq!(verdict(more), Verdict::Explained, "{place}");
    }
}

#[test]
fn what_breaks_an_invariant_is_not() {
    let logged_out = (Action::Logout(0, A), Reply::Done);
    let changed = (Action::Change(0, A, 0, 1), Reply::Done);
    breaks("I1", &[(Action::Login(0, 1), Reply::Refused)]);
    breaks("I1", &[refresh(A, Reply::Granted(B)), refresh(B, Reply::Refused)]);
    breaks("I1", &[(Action::Register(1), Reply::Done)]);
    breaks("I1", &[changed.clone(), (Action::Login(1, 1), Reply::Refused)]);
    breaks("I2", &[refresh(A, Reply::Granted(B)), refresh(A, Reply::Granted(C))]);
    breaks("I4", &[logged_out.clone(), refresh(A, Reply::Granted(B))]);
    breaks("I4", &[logged_out, (Action::Me(0, A), Reply::Done)]);
    breaks("I5", &[changed, (Action::Login(0, 1), Reply::Granted(B))]);
    breaks("I7", &[refresh(A, Reply::Lost), refresh(A, Reply::Refused)]);
    breaks("I12", &[(Action::Disable, Reply::Done), (Action::Login(0, 1), Reply::Granted(B))]);
    breaks("I12", &[(Action::Disable, Reply::Done), (Action::Enable, Reply::Done), refresh(A, Reply::Granted(B))]);
    let mailed = [(Action::Forgot(0), Reply::Done), (Action::Reset(vec![0], 1), Reply::Done)];
    breaks("I3", &[&mailed[..], &[(Action::Reset(vec![0], 2), Reply::Done)]].concat());
    breaks("I5", &[&mailed[..], &[refresh(A, Reply::Granted(B))]].concat());
}

// What a process had not done when it was killed it never does; what nobody heard of by then happened before, or never.
#[test]
fn a_killed_process_does_nothing_more() {
    let mut history =
        one_by_one(&[&begun()[..], &[(Action::Logout(0, A), Reply::Open), refresh(A, Reply::Granted(B))]].concat());
    let refused = event(9000, 9010, Action::Refresh(0, B), Reply::Refused);
    history.push(vec![refused]);
    assert_eq!(check(&history), Verdict::Explained);
    history[3][0].start.deaths[0] = 1;
    history[3][0].end.deaths[0] = 1;
    history[4][0].start.deaths[0] = 1;
    history[4][0].end.deaths[0] = 1;
    assert!(matches!(check(&history), Verdict::Broken(found) if found.invariant == "I1"));
}

/// Sixty-four refreshes of one token, with a logout among them.
fn race(after_logout: Reply) -> Vec<Step> {
    let mut race: Step = (0..64).map(|n| event(5000 + n, 5200, Action::Refresh(0, A), Reply::Granted(B))).collect();
    race.push(event(5100, 5150, Action::Logout(0, A), Reply::Done));
    race.push(event(5160, 5190, Action::Refresh(0, A), after_logout));
    let mut history = one_by_one(&begun());
    history.push(race);
    history.push(vec![event(5300, 5310, Action::Refresh(0, B), Reply::Refused)]);
    history
}

// RF-05: the order within a race counts, too.
#[test]
fn a_race_is_judged_by_its_own_clock() {
    assert_eq!(check(&race(Reply::Refused)), Verdict::Explained);
    let broken = race(Reply::Granted(B));
    let Verdict::Broken(found) = check(&broken) else { panic!("a refresh that began after the logout was granted") };
    assert_eq!(found.invariant, "I4");
    let short = shortest(&broken, &found);
    let left: Vec<_> = short.iter().flatten().map(|event| event.action.clone()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

// The grace time has passed, or perhaps it has: a clock that jumped in between can have shown anything.
#[test]
fn time_is_known_as_far_as_it_was_seen() {
    let late = |by: i64, jumps: u32| {
        let mut history =
            one_by_one(&[&begun()[..], &[refresh(A, Reply::Granted(B)), refresh(A, Reply::Refused)]].concat());
        let Event { start, end, .. } = &mut history[3][0];
        for moment in [start, end] {
            moment.clock += by * 1_000_000;
            moment.jumps = jumps;
        }
        check(&history)
    };
    assert!(matches!(late(0, 0), Verdict::Broken(found) if found.invariant == "I7"));
    assert_eq!(late(20, 2), Verdict::Explained);
    assert_eq!(late(-20, 2), Verdict::Explained);
    assert_eq!(late(0, 3), Verdict::Explained);
}

// MN-04: each node decides by its own clock, and the model knows by which.
#[test]
fn a_node_decides_by_its_own_clock() {
    let apart = |first: i64, second: i64| {
        let mut history =
            one_by_one(&[&begun()[..], &[refresh(A, Reply::Granted(B)), refresh(A, Reply::Refused)]].concat());
        history[2][0].ahead = first * 1_000_000;
        history[3][0].ahead = second * 1_000_000;
        check(&history)
    };
    let honest = |verdict| matches!(verdict, Verdict::Broken(found) if found.invariant == "I7");
    assert!(honest(apart(0, 2)) && honest(apart(0, -2)) && honest(apart(-5, 2)) && honest(apart(20, 20)));
    assert_eq!(apart(0, 20), Verdict::Explained);
    assert_eq!(apart(20, 0), Verdict::Explained);
}

// A token that does not name its session is forgotten when there were two newer ones, and not before; it never outlives the
// session.
#[test]
fn a_nameless_token_is_known_for_two_exchanges() {
    let verdict = |more: &[(Action, Reply)]| {
        let mut history = one_by_one(&[&begun(), more].concat());
        history.iter_mut().flatten().for_each(|event| event.dialect = Dialect::Nameless);
        check(&history)
    };
    let me = |token, reply| (Action::Me(0, token), reply);
    let (first, second) = (refresh(A, Reply::Granted(B)), refresh(B, Reply::Granted(C)));
    let broken = |more: &[(Action, Reply)], invariant: &str| {
        assert!(matches!(verdict(more), Verdict::Broken(found) if found.invariant == invariant), "{more:?}");
    };
    broken(&[me(A, Reply::Refused)], "I1");
    broken(&[first.clone(), me(A, Reply::Refused)], "I1");
    broken(&[first.clone(), second.clone(), me(B, Reply::Refused)], "I1");
    assert_eq!(
        verdict(&[first.clone(), second.clone(), me(A, Reply::Refused), me(C, Reply::Done)]),
        Verdict::Explained
    );
    assert_eq!(verdict(&[first, second, me(A, Reply::Done)]), Verdict::Explained);
    broken(&[(Action::Logout(0, A), Reply::Done), me(A, Reply::Done)], "I4");
    broken(&[(Action::Change(0, A, 0, 1), Reply::Done), me(A, Reply::Refused)], "I1");
}

// A racer that is left out was answered. Were it taken for one that may still happen, its old token could end the family
// at any time, which explains the refusal: the race would have to stay.
#[test]
fn a_race_that_explains_nothing_is_left_out() {
    let mut history = one_by_one(&begun());
    history.push((0..64).map(|n| event(2000 + n, 2200, Action::Refresh(0, A), Reply::Granted(B))).collect());
    history.push(vec![event(3000, 3010, Action::Refresh(0, B), Reply::Granted(C))]);
    history.push(vec![event(4000, 4010, Action::Refresh(0, C), Reply::Refused)]);
    let Verdict::Broken(found) = check(&history) else { panic!("the newest token was refused") };
    let left = shortest(&history, &found);
    // Where the last token came from, and what became of it.
    assert_eq!(left.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1, 1], "{left:?}");
}
