//! Makes a history that breaks an invariant as short as it can be, without changing what it shows.

use super::{Verdict, Violation, check};
use crate::history::{Action, Event, Reply, Step};

/// The shortest history that breaks the same invariant. Something is left out only if it breaks that whether the thing
/// happened or not: leaving it out altogether could take away what explains an answer, and so make up a violation.
pub fn shortest(history: &[Step], violation: &Violation) -> Vec<Step> {
    let mut kept: Vec<Step> = history.iter().take(violation.step + 1).cloned().collect();
    for at in (0..kept.len()).rev() {
        for place in (0..kept[at].len()).rev() {
            if at + 1 == kept.len() && kept[at].len() == 1 {
                break;
            }
            let reply = std::mem::replace(&mut kept[at][place].reply, Reply::Open);
            if !breaks_the_same(&kept, violation) {
                kept[at][place].reply = reply;
                continue;
            }
            let event = kept[at].remove(place);
            if !breaks_the_same(&kept, violation) {
                kept[at].insert(place, Event { reply, ..event });
            }
        }
    }
    kept.retain(|step| !step.is_empty());
    kept
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
