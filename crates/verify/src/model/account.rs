//! The rules: one user's account as it should be, and what each request may do to it. No history, no search; what is not
//! known for sure (when exactly the server read its clock) has more than one way to go on.

use std::collections::BTreeMap;

use crate::history::{Action, Event, MailNumber, Moment, PasswordNumber, SessionNumber};

const SECOND: i64 = 1_000_000;
/// What `dialects/*.toml` says: how long the retry of a refresh gets the same answer.
const GRACE: i64 = 10 * SECOND;
/// The idle and the absolute limit of a session.
const IDLE: i64 = 14 * 24 * 3600 * SECOND;
const ABSOLUTE: i64 = 30 * 24 * 3600 * SECOND;
/// The lifetime of an access token; its end is told in whole seconds.
const ACCESS: i64 = 3600 * SECOND;
/// How long a link works: the server's default.
const LINK: i64 = 1800 * SECOND;

/// When something happened by the servers' clock: between these, both included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Span {
    from: i64,
    to: i64,
}

impl Span {
    /// A clock that jumped meanwhile can have shown anything.
    pub(crate) fn between(start: Moment, end: Moment) -> Self {
        if start.jumps == end.jumps && start.jumps.is_multiple_of(2) {
            Self { from: start.clock, to: end.clock.max(start.clock) }
        } else {
            Self { from: i64::MIN, to: i64::MAX }
        }
    }

    /// When a request was decided that had come to its end by `end`, by the clock of its node.
    pub(crate) fn of(event: &Event, end: Moment) -> Self {
        Self::between(event.start, end).later(event.ahead)
    }

    /// The same by clocks of which nobody knows which one it was: the last is so far behind, the first so far ahead.
    pub(crate) fn by_clocks(self, ahead: (i64, i64)) -> Self {
        Self { from: self.from.saturating_add(ahead.0), to: self.to.saturating_add(ahead.1) }
    }

    /// This or the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    fn later(self, by: i64) -> Self {
        Self { from: self.from.saturating_add(by), to: self.to.saturating_add(by) }
    }

    fn earlier_of(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.min(other.to) }
    }

    /// Whether this is before `limit`: what is possible.
    fn is_before(self, limit: Self) -> &'static [bool] {
        if self.to < limit.from {
            &[true]
        } else if self.from >= limit.to {
            &[false]
        } else {
            &[true, false]
        }
    }

    /// Whether the two are less than `distance` apart, in either direction: what is possible.
    fn is_within(self, distance: i64, other: Self) -> &'static [bool] {
        let most = self.to.saturating_sub(other.from).max(other.to.saturating_sub(self.from));
        let least = self.from.saturating_sub(other.to).max(other.from.saturating_sub(self.to));
        if most < distance {
            &[true]
        } else if least >= distance {
            &[false]
        } else {
            &[true, false]
        }
    }
}

/// Why a session is over.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum End {
    Logout,
    Change,
    Reset,
    Operator,
    Reuse,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Session {
    /// How often it was rotated.
    pub(crate) generation: usize,
    pub(crate) end: Option<End>,
    begun: Span,
    /// The last rotation, which is also the last use.
    rotated: Span,
}

/// One user's account.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Account {
    pub(crate) is_registered: bool,
    pub(crate) is_disabled: bool,
    pub(crate) password: PasswordNumber,
    /// The open link and when it was asked for.
    link: Option<(MailNumber, Span)>,
    /// Sessions whose tokens somebody has; others concern nobody.
    pub(crate) sessions: BTreeMap<SessionNumber, Session>,
}

/// What is known about the token that a request presents.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Presented {
    pub(crate) generation: usize,
    /// When the access token was made that came with it.
    pub(crate) issued: Span,
    /// Whether that token does not name its session, and the session may have had two newer ones since.
    pub(crate) is_forgettable: bool,
}

/// Whether a request is granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    Yes,
    No,
}

pub(crate) type Ways = Vec<(Said, Account)>;

impl Account {
    /// Every way in which a request can end that the server decides at `now`, and the account after it.
    pub(crate) fn ways(&self, action: &Action, presented: Option<Presented>, now: Span) -> Ways {
        let is_open = self.is_registered && !self.is_disabled;
        let refused = || (Said::No, self.clone());
        match action {
            Action::Register(_) if self.is_registered => vec![refused()],
            Action::Register(password) => self.to(|next| {
                next.is_registered = true;
                next.password = *password;
            }),
            Action::Login(password, number) if is_open && self.password == *password => self.to(|next| {
                let session = Session { generation: 0, end: None, begun: now, rotated: now };
                next.sessions.insert(*number, session);
            }),
            Action::Login(..) => vec![refused()],
            Action::Refresh(number, _) => self.refresh(*number, presented, now),
            Action::Me(number, _) => self.by_bearer(*number, presented, now, |_| {}),
            Action::Logout(number, _) => self.by_bearer(*number, presented, now, |next| {
                next.end(|each| each == *number, End::Logout);
            }),
            Action::Change(_, _, old, _) if self.password != *old => vec![refused()],
            Action::Change(number, _, _, new) => self.by_bearer(*number, presented, now, |next| {
                next.password = *new;
                next.link = None;
                next.end(|each| each != *number, End::Change);
            }),
            // The answer is the same to everybody.
            Action::Forgot(_) if !is_open => vec![(Said::Yes, self.clone())],
            Action::Forgot(mail) => self.to(|next| next.link = Some((*mail, now))),
            Action::Reset(mails, new) => self.reset(mails, *new, now),
            Action::Disable | Action::Enable if !self.is_registered => vec![refused()],
            Action::Disable => self.to(|next| {
                next.is_disabled = true;
                next.link = None;
                next.end(|_| true, End::Operator);
            }),
            Action::Enable => self.to(|next| {
                next.is_disabled = false;
                next.link = None;
            }),
        }
    }

    /// Granted, and this is what it alters.
    fn to(&self, alter: impl FnOnce(&mut Self)) -> Ways {
        let mut next = self.clone();
        alter(&mut next);
        vec![(Said::Yes, next)]
    }

    fn end(&mut self, which: impl Fn(SessionNumber) -> bool, why: End) {
        for (number, session) in &mut self.sessions {
            if which(*number) {
                session.end = session.end.or(Some(why));
            }
        }
    }

    fn refresh(&self, number: SessionNumber, presented: Option<Presented>, now: Span) -> Ways {
        let refused = (Said::No, self.clone());
        let (Some(session), Some(Presented { generation, .. })) = (self.sessions.get(&number), presented) else {
            return vec![refused];
        };
        let mut ways = Vec::new();
        for is_live in session.is_live(now) {
            if !is_live {
                ways.push(refused.clone());
            } else if generation == session.generation {
                let next = Session { generation: generation + 1, rotated: now, ..session.clone() };
                ways.extend(self.to(|account| {
                    account.sessions.insert(number, next);
                }));
            } else if generation + 1 == session.generation {
                for is_honest in now.is_within(GRACE, session.rotated) {
                    ways.push(if *is_honest { (Said::Yes, self.clone()) } else { self.reused(number) });
                }
            } else if generation < session.generation {
                ways.push(self.reused(number));
            }
            // A generation that is still to come is nobody's: there is no way to go on.
        }
        ways
    }

    fn reused(&self, number: SessionNumber) -> (Said, Self) {
        let mut next = self.clone();
        next.end(|each| each == number, End::Reuse);
        (Said::No, next)
    }

    fn by_bearer(
        &self,
        number: SessionNumber,
        presented: Option<Presented>,
        now: Span,
        alter: impl Fn(&mut Self),
    ) -> Ways {
        let refused = (Said::No, self.clone());
        let (Some(session), Some(Presented { issued, is_forgettable, .. })) = (self.sessions.get(&number), presented)
        else {
            return vec![refused];
        };
        let end = issued.later(ACCESS);
        let end = Span { from: end.from.saturating_sub(SECOND), ..end };
        let (live, fresh) = (session.is_live(now), now.is_before(end));
        let mut ways = Vec::new();
        if live.contains(&true) && fresh.contains(&true) {
            ways.extend(self.to(alter));
        }
        if live.contains(&false) || fresh.contains(&false) || is_forgettable {
            ways.push(refused);
        }
        ways
    }

    fn reset(&self, mails: &[MailNumber], new: PasswordNumber, now: Span) -> Ways {
        let refused = (Said::No, self.clone());
        let Some((_, asked)) = self.link.filter(|(mail, _)| !self.is_disabled && mails.contains(mail)) else {
            return vec![refused];
        };
        let mut ways = Vec::new();
        let open = now.is_before(asked.later(LINK));
        if open.contains(&true) {
            ways.extend(self.to(|next| {
                next.password = new;
                next.link = None;
                next.end(|_| true, End::Reset);
            }));
        }
        if open.contains(&false) || mails.len() > 1 {
            ways.push(refused);
        }
        ways
    }
}

impl Session {
    fn is_live(&self, now: Span) -> &'static [bool] {
        match self.end {
            Some(_) => &[false],
            None => now.is_before(self.rotated.later(IDLE).earlier_of(self.begun.later(ABSOLUTE))),
        }
    }
}
