//! The model: what can be true of one user, given every answer so far. A history that it cannot explain breaks an
//! invariant.
//!
//! An answer that never came may stand for something that happened or for nothing; the model then knows less. It never
//! guesses: what it calls a violation has no lawful explanation.

use std::collections::{BTreeMap, HashSet};

use crate::history::{Action, Event, Moment, PasswordNumber, Reply, SessionNumber, Step, Token};

const SECOND: i64 = 1_000_000;
/// How long the retry of a refresh certainly gets the same answer: the dialect's ten seconds, less what requests take.
const GRACE_SURE: i64 = 7 * SECOND;
/// How long after a rotation its predecessor is certainly too old.
const GRACE_OVER: i64 = 11 * SECOND;
/// The idle and absolute limits of the dialect's sessions, and the lifetime of its access tokens.
const IDLE: i64 = 14 * 24 * 3600 * SECOND;
const ABSOLUTE: i64 = 30 * 24 * 3600 * SECOND;
const ACCESS: i64 = 3600 * SECOND;

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

/// Replays a user's history.
pub fn check(history: &[Step]) -> Option<Violation> {
    let mut user = User::default();
    for (at, step) in history.iter().enumerate() {
        if let Err((invariant, what)) = user.step(step) {
            return Some(Violation { invariant, what, step: at });
        }
    }
    None
}

/// The shortest history that breaks the same invariant: steps, and then requests of a step, are left out as long as it
/// does.
pub fn shortest(history: &[Step], violation: &Violation) -> Vec<Step> {
    let mut kept: Vec<Step> = history.iter().take(violation.step + 1).cloned().collect();
    let same = |kept: &[Step]| {
        let last = kept.len().saturating_sub(1);
        check(kept).is_some_and(|found| found.invariant == violation.invariant && found.step == last)
    };
    for at in (0..kept.len().saturating_sub(1)).rev() {
        let step = kept.remove(at);
        if !same(&kept) {
            kept.insert(at, step);
        }
    }
    for at in 0..kept.len() {
        for place in (0..kept[at].len()).rev() {
            if kept[at].len() == 1 {
                break;
            }
            let event = kept[at].remove(place);
            if !same(&kept) {
                kept[at].insert(place, event);
            }
        }
    }
    kept
}

type Broken = (&'static str, String);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Live,
    /// Something may have ended it.
    Perhaps,
    Ended(&'static str),
}

struct Session {
    /// Every refresh token, oldest first.
    chain: Vec<Token>,
    /// Whether the server may have rotated once more.
    ahead: bool,
    state: State,
    /// When it began.
    begun: Span,
    /// When the newest token was asked for and granted, or a rotation was last attempted.
    rotated: Span,
    /// The last use that was acknowledged.
    used: Span,
    /// When it was last used as far as anybody can tell.
    used_at_most: i64,
}

/// From before a request to after its answer.
#[derive(Clone, Copy)]
struct Span {
    from: Moment,
    to: Moment,
}

struct User {
    registered: bool,
    /// The passwords that may be the current one.
    passwords: Vec<PasswordNumber>,
    /// `None`: it is not known.
    disabled: Option<bool>,
    sessions: BTreeMap<SessionNumber, Session>,
    used_links: HashSet<usize>,
}

impl Default for User {
    fn default() -> Self {
        Self {
            registered: false,
            passwords: vec![0],
            disabled: Some(false),
            sessions: BTreeMap::new(),
            used_links: HashSet::new(),
        }
    }
}

impl User {
    fn step(&mut self, step: &[Event]) -> Result<(), Broken> {
        let others = Others::of(step);
        for event in step {
            self.judge(event, &others)?;
        }
        self.judge_refreshes(step, &others)?;
        self.apply(step);
        Ok(())
    }

    /// Whether the answer can be, given what is known before the step.
    fn judge(&self, event: &Event, others: &Others) -> Result<(), Broken> {
        let sure = self.registered && self.disabled == Some(false) && !others.disables && !others.passwords;
        match (&event.action, event.reply) {
            (Action::Login(password, _), Reply::Granted(_)) => {
                if self.disabled == Some(true) && !others.enables {
                    return Err(("I12", "a disabled user signed in".to_owned()));
                }
                if !self.passwords.contains(password) && !others.sets.contains(password) {
                    return Err(("I5", format!("password {password} is not the user's and was taken")));
                }
            }
            (Action::Login(password, _), Reply::Refused) if sure && self.passwords == [*password] => {
                return Err(("I1", format!("password {password} is the user's and was refused")));
            }
            (Action::Me(number) | Action::Logout(number) | Action::Change(number, ..), reply) => {
                self.judge_bearer(*number, event, others)?;
                if let (Action::Change(_, old, _), Reply::Done) = (&event.action, reply)
                    && !self.passwords.contains(old)
                    && !others.sets.contains(old)
                {
                    return Err(("I5", format!("password {old} is not the user's and was taken for the old one")));
                }
            }
            (Action::Reset(link, _), Reply::Done) => {
                let times = |event: &&Event| matches!(event.action, Action::Reset(each, _) if each == *link);
                let done = others.events.iter().filter(times).filter(|event| event.reply == Reply::Done).count();
                if self.used_links.contains(link) || done > 1 {
                    return Err(("I3", format!("the link of mail {link} worked twice")));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What an access token may do depends on its session.
    fn judge_bearer(&self, number: SessionNumber, event: &Event, others: &Others) -> Result<(), Broken> {
        let Some(session) = self.sessions.get(&number) else { return Ok(()) };
        match (session.state, event.reply) {
            (State::Ended(why), Reply::Done) if !matches!(event.action, Action::Logout(_)) => {
                Err(("I4", format!("the access token of session {number} was taken after the end by {why}")))
            }
            (_, Reply::Done) if session.is_surely_expired(event.start) => {
                Err(("I4", format!("the access token of session {number} was taken after the session had expired")))
            }
            (State::Live, Reply::Refused) => {
                let wrong_password = matches!(event.action, Action::Change(_, old, _) if self.passwords != [old]);
                let fresh = session.used.from.jumps == event.end.jumps
                    && event.end.clock - session.used.from.clock < ACCESS - 60 * SECOND;
                let untouched = !others.ends(number) && self.disabled == Some(false) && !others.disables;
                if fresh && untouched && !wrong_password && !others.passwords && session.is_surely_alive(event.end) {
                    return Err(("I1", format!("session {number} lives and its access token was refused")));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Rotations of one session are judged together: at most one distinct successor, and honest retries get it.
    fn judge_refreshes(&self, step: &[Event], others: &Others) -> Result<(), Broken> {
        for (number, session) in &self.sessions {
            let mut successor = None;
            let own = |event: &&Event| matches!(event.action, Action::Refresh(each, _) if each == *number);
            let racers = step.iter().filter(own).count();
            for event in step.iter().filter(own) {
                let Action::Refresh(_, token) = event.action else { continue };
                let Some(place) = session.chain.iter().position(|each| *each == token) else { continue };
                let behind = session.chain.len() - 1 - place;
                match event.reply {
                    Reply::Granted(next) => {
                        if let State::Ended(why) = session.state {
                            return Err(("I4", format!("session {number} was refreshed after its end by {why}")));
                        }
                        if session.is_surely_expired(event.start) {
                            return Err(("I4", format!("session {number} was refreshed after it had expired")));
                        }
                        let known = session.chain.get(place + 1).copied().or(successor);
                        if known.is_some_and(|known| known != next) {
                            return Err(("I2", format!("{token} of session {number} has two successors")));
                        }
                        if behind >= 2 {
                            return Err(("I12", format!("{token} of session {number} was spent and was taken again")));
                        }
                        successor = Some(next);
                    }
                    Reply::Refused => {
                        let retried = racers > 1 || session.ahead || behind == 1;
                        let first = if behind == 1 || session.ahead { session.rotated.from } else { event.start };
                        let in_grace = first.jumps == event.end.jumps && event.end.clock - first.clock < GRACE_SURE;
                        let untouched = session.state == State::Live
                            && !others.ends(*number)
                            && self.disabled == Some(false)
                            && !others.disables
                            && session.is_surely_alive(event.end);
                        if untouched && behind <= 1 && (!retried || in_grace) {
                            let (invariant, what) =
                                if retried { ("I7", "an honest retry") } else { ("I1", "the newest refresh token") };
                            return Err((invariant, format!("{what} of session {number}, {token}, was refused")));
                        }
                    }
                    Reply::Done | Reply::Unknown => {}
                }
            }
        }
        Ok(())
    }

    /// What is known after the step.
    fn apply(&mut self, step: &[Event]) {
        // Sessions first: what ends in this step ends also what began in it.
        for event in step {
            if let (Action::Login(_, number), Reply::Granted(token)) = (&event.action, event.reply) {
                self.sessions.insert(*number, Session::begun(event, token));
            }
        }
        self.apply_refreshes(step);
        for event in step {
            self.apply_one(event, step);
        }
    }

    fn apply_one(&mut self, event: &Event, step: &[Event]) {
        let certain = event.reply != Reply::Unknown;
        if event.reply == Reply::Refused {
            let alone = step.len() == 1 && self.disabled == Some(false);
            if let (Action::Login(password, _), true) = (&event.action, alone && self.passwords.len() > 1) {
                self.passwords.retain(|each| each != password);
            }
            return;
        }
        match &event.action {
            Action::Register => self.registered |= certain,
            Action::Login(password, _) => {
                self.registered |= certain;
                if certain && step.len() == 1 {
                    self.passwords = vec![*password];
                }
            }
            Action::Logout(number) => self.end(|each| each == *number, "logout", certain),
            Action::Change(own, _, new) => {
                self.set_password(*new, certain);
                self.end(|each| each != *own, "a change of password", certain);
            }
            Action::Reset(link, new) => {
                self.used_links.insert(*link);
                self.set_password(*new, certain);
                self.end(|_| true, "a reset", certain);
            }
            Action::Disable => {
                self.disabled = certain.then_some(true);
                self.end(|_| true, "an operator", certain);
            }
            Action::Enable => self.disabled = certain.then_some(false),
            Action::Me(_) | Action::Refresh(..) => {}
        }
    }

    fn set_password(&mut self, new: PasswordNumber, certain: bool) {
        if certain {
            self.passwords.clear();
        }
        self.passwords.push(new);
    }

    fn end(&mut self, which: impl Fn(SessionNumber) -> bool, why: &'static str, certain: bool) {
        for (number, session) in &mut self.sessions {
            if which(*number) {
                session.state = match session.state {
                    State::Ended(known) => State::Ended(known),
                    State::Live | State::Perhaps if certain => State::Ended(why),
                    State::Live | State::Perhaps => State::Perhaps,
                };
            }
        }
    }

    fn apply_refreshes(&mut self, step: &[Event]) {
        for event in step {
            let Action::Refresh(number, token) = event.action else { continue };
            let Some(session) = self.sessions.get_mut(&number) else { continue };
            let Some(place) = session.chain.iter().position(|each| *each == token) else { continue };
            let behind = session.chain.len() - 1 - place;
            session.used_at_most = session.used_at_most.max(event.end.clock);
            match event.reply {
                Reply::Granted(next) => {
                    if behind == 0 {
                        session.chain.push(next);
                        session.rotated.to = event.end;
                        if !session.ahead {
                            session.rotated.from = event.start;
                        }
                        session.ahead = false;
                    }
                    session.used = Span { from: event.start, to: event.end };
                }
                Reply::Unknown if behind == 0 => {
                    if !session.ahead {
                        session.rotated.from = event.start;
                    }
                    session.ahead = true;
                }
                Reply::Unknown => session.weaken(),
                Reply::Refused if behind >= 2 && session.state != State::Perhaps => {
                    session.state = State::Ended("reuse of a spent token");
                }
                Reply::Refused => session.refused(behind, event),
                Reply::Done => {}
            }
        }
    }
}

impl Session {
    fn begun(event: &Event, token: Token) -> Self {
        let span = Span { from: event.start, to: event.end };
        Self {
            chain: vec![token],
            ahead: false,
            state: State::Live,
            begun: span,
            rotated: span,
            used: span,
            used_at_most: event.end.clock,
        }
    }

    fn weaken(&mut self) {
        if self.state == State::Live {
            self.state = State::Perhaps;
        }
    }

    /// Nobody but the server knows why; if the token was a spent one for sure, the family has ended.
    fn refused(&mut self, behind: usize, event: &Event) {
        let over = self.rotated.to.jumps == event.start.jumps && event.start.clock - self.rotated.to.clock > GRACE_OVER;
        match self.state {
            State::Live if behind == 1 && over && !self.ahead => self.state = State::Ended("reuse of a spent token"),
            State::Live => self.state = State::Perhaps,
            State::Perhaps | State::Ended(_) => {}
        }
    }

    fn is_surely_alive(&self, at: Moment) -> bool {
        at.clock < self.used.from.clock.saturating_add(IDLE)
            && at.clock < self.begun.from.clock.saturating_add(ABSOLUTE)
    }

    fn is_surely_expired(&self, at: Moment) -> bool {
        at.clock > self.used_at_most.saturating_add(IDLE) || at.clock > self.begun.to.clock.saturating_add(ABSOLUTE)
    }
}

/// What else a step asks for.
struct Others<'a> {
    events: &'a [Event],
    disables: bool,
    enables: bool,
    /// Whether a password is changed or reset.
    passwords: bool,
    sets: Vec<PasswordNumber>,
}

impl<'a> Others<'a> {
    fn of(events: &'a [Event]) -> Self {
        let mut sets = Vec::new();
        for event in events {
            if let Action::Change(_, _, new) | Action::Reset(_, new) = event.action {
                sets.push(new);
            }
        }
        let any = |action: &Action| events.iter().any(|event| event.action == *action);
        Self {
            events,
            disables: any(&Action::Disable),
            enables: any(&Action::Enable),
            passwords: events.len() > 1 && !sets.is_empty(),
            sets,
        }
    }

    /// Whether the step may end this session.
    fn ends(&self, number: SessionNumber) -> bool {
        self.events.iter().any(|event| match event.action {
            Action::Logout(each) => each == number && self.events.len() > 1,
            Action::Change(own, ..) => own != number,
            Action::Reset(..) | Action::Disable => true,
            Action::Register | Action::Login(..) | Action::Refresh(..) | Action::Me(_) | Action::Enable => false,
        })
    }
}
