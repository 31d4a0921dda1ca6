//! Makes a history that breaks an invariant as short as it can be, without changing what it shows.

use std::ops::Range;

use super::{Verdict, Violation, check};
use crate::history::{Action, Reply, Step};

/// A history that breaks the same invariant, and of which no request can be left out. Something is left out only if it
/// breaks that whether the thing happened or not: leaving it out altogether could take away what explains an answer, and
/// so make up a violation.
pub fn shortest(history: &[Step], violation: &Violation) -> Vec<Step> {
    let mut kept: Vec<Step> = history.iter().take(violation.step + 1).cloned().collect();
    // What was needed for something later is not any more once that is gone.
    loop {
        let before = kept.iter().flatten().count();
        for at in (0..kept.len()).rev() {
            let whole = 0..kept[at].len();
            leave_out(&mut kept, at, whole, violation);
        }
        if kept.iter().flatten().count() == before {
            break;
        }
    }
    kept.retain(|step| !step.is_empty());
    kept
}

/// Leaves out these requests of a step: all of them at once, or of each half what it can.
fn leave_out(kept: &mut [Step], at: usize, places: Range<usize>, violation: &Violation) {
    if places.is_empty() {
        return;
    }
    let whole = kept[at].clone();
    // An answer says at least that the server was done with it by then.
    for event in kept[at][places.clone()].iter_mut().filter(|event| event.reply != Reply::Open) {
        event.reply = Reply::Lost;
    }
    if breaks_the_same(kept, violation) {
        kept[at].drain(places.clone());
        if breaks_the_same(kept, violation) {
            return;
        }
    }
    kept[at] = whole;
    if places.len() > 1 {
        let middle = places.start + places.len() / 2;
        leave_out(kept, at, middle..places.end, violation);
        leave_out(kept, at, places.start..middle, violation);
    }
}

fn breaks_the_same(history: &[Step], violation: &Violation) -> bool {
    let known = |token| {
        history.iter().flatten().any(|event| {
            event.reply == Reply::Granted(token) && matches!(event.action, Action::Login(..) | Action::Refresh(..))
        })
    };
    let explained = history.iter().flatten().all(|event| match event.action {
        Action::Refresh(_, token) | Action::Me(_, token) | Action::Logout(_, token) => known(token),
        Action::Change(_, token, ..) => known(token),
        Action::Register(_) | Action::Login(..) | Action::Forgot(_) | Action::Reset(..) => true,
        Action::Disable | Action::Enable => true,
    });
    explained
        && matches!(check(history), Verdict::Broken(found)
            if found.invariant == violation.invariant && found.step == violation.step)
}
