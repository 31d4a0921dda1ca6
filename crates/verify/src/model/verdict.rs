//! The words for a history that nothing explains: which invariant, and what happened that must not.

use super::account::{Account, Said, Span};
use super::{Model, Moment};
use crate::history::{Action, Event, Reply, Token};
use crate::model::account::End;

/// A history that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which: `I1` … `I12`.
    pub invariant: &'static str,
    /// What happened that must not.
    pub what: String,
    /// In which step.
    pub step: usize,
}

impl Model {
    /// Names what is wrong with the answer to a request, by one of the accounts that were possible before it.
    pub(super) fn broken(&self, number: usize, now: Moment) -> (&'static str, String) {
        let (Some(event), Some(world)) = (self.open.get(&number), self.worlds.first()) else {
            return ("I1", "an answer that nothing explains".to_owned());
        };
        let span = Span::of(event, now);
        let ways = world.account.ways(&event.action, self.presented(event), span);
        let could_be = |said| ways.iter().any(|(each, _)| *each == said);
        match event.reply {
            Reply::Refused => self.refused(event),
            Reply::Done | Reply::Granted(_) | Reply::Lost | Reply::Open if could_be(Said::Yes) => {
                ("I1", format!("{} was granted against the order of what happened", event.action))
            }
            Reply::Done | Reply::Granted(_) | Reply::Lost | Reply::Open => granted(&world.account, event),
        }
    }

    fn refused(&self, event: &Event) -> (&'static str, String) {
        let what = match &event.action {
            Action::Refresh(number, token) if self.is_retried(event, *token) => {
                return ("I7", format!("an honest retry of session {number}, {token}, was refused"));
            }
            Action::Refresh(number, token) => {
                format!("the newest refresh token of session {number}, {token}, was refused")
            }
            Action::Me(number, _) | Action::Logout(number, _) => {
                format!("session {number} lives and its access token was refused")
            }
            Action::Login(password, _) => format!("password {password} is the user's and was refused"),
            Action::Register(_) => "nobody has the name and it was refused".to_owned(),
            Action::Reset(..) => "the link of the newest mail was refused".to_owned(),
            Action::Change(..) | Action::Forgot(_) | Action::Disable | Action::Enable => {
                format!("{} was refused for no reason", event.action)
            }
        };
        ("I1", what)
    }

    /// Whether the token was presented before this, or is presented by somebody else at the same time.
    fn is_retried(&self, event: &Event, token: Token) -> bool {
        let before = self.asked.get(&token).is_some_and(|first| first.real < event.start.real);
        let racers =
            self.open.values().filter(|other| matches!(other.action, Action::Refresh(_, each) if each == token));
        before || racers.count() > 1
    }
}

/// What a request was granted that must have been refused.
fn granted(account: &Account, event: &Event) -> (&'static str, String) {
    let number = match &event.action {
        Action::Refresh(number, _) | Action::Me(number, _) | Action::Logout(number, _) => number,
        Action::Change(number, ..) => number,
        Action::Login(..) if account.is_disabled => return ("I12", "a disabled user signed in".to_owned()),
        Action::Login(password, _) => {
            return ("I5", format!("password {password} is not the user's and was taken"));
        }
        Action::Reset(mails, _) => {
            return ("I3", format!("a link of mail {mails:?} worked that was spent or replaced"));
        }
        Action::Register(_) => return ("I1", "a user was registered twice".to_owned()),
        Action::Forgot(_) | Action::Disable | Action::Enable => return ("I1", format!("{} was granted", event.action)),
    };
    let end = account.sessions.get(number).and_then(|session| session.end);
    let after = |invariant, why| (invariant, format!("session {number} went on after {why}: {}", event.action));
    match end {
        Some(End::Logout) => after("I4", "its logout"),
        Some(End::Change) => after("I5", "a change of password"),
        Some(End::Reset) => after("I5", "a reset"),
        Some(End::Operator) => after("I12", "its user was disabled"),
        Some(End::Reuse) => after("I12", "a spent token had been seen"),
        None if matches!(event.action, Action::Change(..)) => {
            ("I5", format!("{} was granted with a wrong password", event.action))
        }
        None => after("I12", "it had expired, or with a token that was spent"),
    }
}
