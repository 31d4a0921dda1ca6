//! The model: whether the answers that one user's clients got can be explained at all. An acknowledged request happened, at
//! one moment between its start and its answer; one whose answer was lost happened or did not; one that was cut off may
//! happen as long as the process lives that had it. If no order of all these explains every answer by the rules of
//! [`account`], an invariant is broken.
//!
//! It is a search for a linearization (Wing and Gong), as late as possible: requests are put in order only when an
//! answer has to be explained, and all accounts that are possible then are kept.

mod account;
mod shrink;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::history::{Action, Dialect, Event, Moment, Reply, SessionNumber, Step, Token};
use account::{Account, Presented, Said, Span};

pub use shrink::shortest;
pub use verdict::Violation;

/// More possible accounts than this are not kept; the life is then not judged any further.
const WORLDS_MAX: usize = 20_000;

/// Access tokens that do not name their session are known to it as long as they are among its newest so many.
const REMEMBERED: usize = 2;

/// What a history comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything can be explained.
    Explained,
    /// There are too many explanations to keep.
    Undecided,
    /// Nothing explains it.
    Broken(Violation),
}

/// Replays a user's history.
pub fn check(history: &[Step]) -> Verdict {
    let mut model = Model::default();
    for step in history {
        match model.step(step) {
            Verdict::Explained => {}
            verdict @ (Verdict::Undecided | Verdict::Broken(_)) => return verdict,
        }
    }
    Verdict::Explained
}

/// One of the accounts that are possible, and which of the requests under way have happened in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct World {
    account: Account,
    done: BTreeSet<usize>,
}

/// What a token is, as the answers tell.
#[derive(Clone, Copy)]
struct Known {
    session: SessionNumber,
    generation: usize,
    /// When it was given out.
    issued: Span,
    /// How many exchanges its session had been asked for by then, the one that gave it out among them.
    asked: usize,
}

/// The model of one user; it is given the steps in their order.
pub struct Model {
    worlds: Vec<World>,
    /// Requests under way, by a running number.
    open: BTreeMap<usize, Event>,
    begun: usize,
    steps: usize,
    tokens: HashMap<Token, Known>,
    /// The token of a generation, and when it was first presented.
    chains: HashMap<(SessionNumber, usize), Token>,
    asked: HashMap<Token, Moment>,
    /// How many exchanges were asked for, by session.
    exchanges: HashMap<SessionNumber, usize>,
    /// How far the clocks are apart at most, of the nodes that were seen.
    ahead: (i64, i64),
}

impl Default for Model {
    fn default() -> Self {
        Self {
            worlds: vec![World::default()],
            open: BTreeMap::new(),
            begun: 0,
            steps: 0,
            tokens: HashMap::new(),
            chains: HashMap::new(),
            asked: HashMap::new(),
            exchanges: HashMap::new(),
            ahead: (0, 0),
        }
    }
}

/// Why the model stops.
enum Stop {
    TooMany,
    Broken(&'static str, String),
}

impl Model {
    /// Takes the next step.
    pub fn step(&mut self, step: &[Event]) -> Verdict {
        let at = self.steps;
        self.steps += 1;
        match self.replay(step) {
            Ok(()) => Verdict::Explained,
            Err(Stop::TooMany) => Verdict::Undecided,
            Err(Stop::Broken(invariant, what)) => Verdict::Broken(Violation { invariant, what, step: at }),
        }
    }

    fn replay(&mut self, step: &[Event]) -> Result<(), Stop> {
        let Some(start) = step.iter().map(|event| event.start).min_by_key(|start| start.real) else { return Ok(()) };
        // What was cut off died with its process.
        self.close(start, |_, open| start.deaths[open.node] > open.end.deaths[open.node])?;
        self.learn(step)?;
        // Equal times: the start first, which allows more.
        let mut points: Vec<_> = step.iter().flat_map(|e| [(e.start, 0, e), (e.end, 1, e)]).collect();
        points.sort_by_key(|(moment, kind, _)| (moment.real, *kind));
        let mut numbers = HashMap::new();
        for (moment, kind, event) in points {
            if !matters(event) {
                continue;
            }
            if kind == 0 {
                self.open.insert(self.begun, event.clone());
                numbers.insert(std::ptr::from_ref(event), self.begun);
                self.begun += 1;
                continue;
            }
            let Some(number) = numbers.get(&std::ptr::from_ref(event)).copied() else { continue };
            match event.reply {
                Reply::Done | Reply::Granted(_) | Reply::Refused => self.explain(number, moment)?,
                Reply::Lost => self.close(moment, |each, _| each == number)?,
                Reply::Open => {}
            }
        }
        Ok(())
    }

    /// What the answers of a step tell about tokens, whatever the order. At most one distinct successor, for ever (I2).
    fn learn(&mut self, step: &[Event]) -> Result<(), Stop> {
        for event in step {
            self.ahead = (self.ahead.0.min(event.ahead), self.ahead.1.max(event.ahead));
            if let Action::Refresh(_, token) = event.action {
                self.asked.entry(token).or_insert(event.start);
            }
        }
        // A token may have been replaced in the very step that gave it out.
        let mut answered: Vec<_> = step.iter().collect();
        answered.sort_by_key(|event| event.end.real);
        for event in answered {
            let Reply::Granted(token) = event.reply else { continue };
            let (session, generation, start) = match &event.action {
                Action::Login(_, session) => (*session, 0, event.start),
                Action::Refresh(session, old) => {
                    let Some(known) = self.tokens.get(old) else { continue };
                    let start = self.asked.get(old).copied().unwrap_or(event.start);
                    (*session, known.generation + 1, start)
                }
                Action::Register(_) | Action::Me(..) | Action::Logout(..) | Action::Change(..) => continue,
                Action::Forgot(_) | Action::Reset(..) | Action::Disable | Action::Enable => continue,
            };
            let other = *self.chains.entry((session, generation)).or_insert(token);
            if other != token {
                let what = format!("generation {generation} of session {session} is {other} and {token}");
                return Err(Stop::Broken("I2", what));
            }
            let issued = Span::between(start, event.end).by_clocks(self.ahead);
            let own = usize::from(matches!(event.action, Action::Refresh(..)));
            let asked = self.exchanges.get(&session).copied().unwrap_or_default() + own;
            let known = *self.tokens.entry(token).or_insert(Known { session, generation, issued, asked });
            if (known.session, known.generation) != (session, generation) {
                return Err(Stop::Broken("I2", format!("{token} was given out for two different ones")));
            }
        }
        // Only now: of what a step gave out, any of its other exchanges may be newer.
        for event in step {
            if let Action::Refresh(session, _) = event.action {
                *self.exchanges.entry(session).or_default() += 1;
            }
        }
        Ok(())
    }

    /// The answer has come: only those worlds are left in which the request has happened.
    fn explain(&mut self, number: usize, now: Moment) -> Result<(), Stop> {
        let (reached, _) = self.search(now, |world| world.done.contains(&number))?;
        if reached.is_empty() {
            let (invariant, what) = self.broken(number, now);
            return Err(Stop::Broken(invariant, what));
        }
        self.forget(reached, &[number]);
        Ok(())
    }

    /// What nobody heard of can happen no longer from here on: if it did, then by now.
    fn close(&mut self, now: Moment, which: impl Fn(usize, &Event) -> bool) -> Result<(), Stop> {
        let closed = self.open.iter().filter(|(number, open)| open.reply.is_unknown() && which(**number, open));
        let closed: Vec<usize> = closed.map(|(number, _)| *number).collect();
        if closed.is_empty() {
            return Ok(());
        }
        let (_, all) = self.search(now, |_| false)?;
        self.forget(all, &closed);
        Ok(())
    }

    fn forget(&mut self, worlds: impl IntoIterator<Item = World>, closed: &[usize]) {
        let mut left = HashSet::new();
        for mut world in worlds {
            for number in closed {
                world.done.remove(number);
            }
            left.insert(world);
        }
        self.worlds = left.into_iter().collect();
        for number in closed {
            self.open.remove(number);
        }
    }

    /// Lets requests happen, in every order, until `is_goal`: the worlds where it is reached, and all that were seen.
    fn search(&self, now: Moment, is_goal: impl Fn(&World) -> bool) -> Result<(Vec<World>, HashSet<World>), Stop> {
        let (mut reached, mut seen) = (Vec::new(), HashSet::new());
        let mut waiting: Vec<World> = self.worlds.iter().map(|world| self.absorb(world.clone(), now)).collect();
        while let Some(world) = waiting.pop() {
            if !seen.insert(world.clone()) {
                continue;
            }
            if seen.len() > WORLDS_MAX {
                return Err(Stop::TooMany);
            }
            if is_goal(&world) {
                reached.push(world);
                continue;
            }
            for (number, span) in self.candidates(&world, now) {
                waiting.extend(self.happened(&world, number, span).into_iter().map(|next| self.absorb(next, now)));
            }
        }
        Ok((reached, seen))
    }

    /// What may happen next. Of requests that are alike in question and answer, the one that has to be first stands for
    /// all; it may have been any of them, so the time is everybody's.
    fn candidates(&self, world: &World, now: Moment) -> Vec<(usize, Span)> {
        let mut alike: HashMap<(&Action, Reply), (usize, Span)> = HashMap::new();
        for (number, event) in self.open.iter().filter(|(number, _)| !world.done.contains(number)) {
            let end = if event.reply.is_unknown() || event.end.real > now.real { now } else { event.end };
            let span = Span::of(event, end);
            let known = alike.entry((&event.action, event.reply)).or_insert((*number, span));
            if self.open.get(&known.0).is_some_and(|first| event.end.real < first.end.real) {
                known.0 = *number;
            }
            known.1 = known.1.or(span);
        }
        alike.into_values().collect()
    }

    /// The worlds after a request has happened, as its answer says.
    fn happened(&self, world: &World, number: usize, span: Span) -> Vec<World> {
        let Some(event) = self.open.get(&number) else { return Vec::new() };
        let ways = world.account.ways(&event.action, self.presented(event), span);
        let ways = ways.into_iter().filter(|(said, _)| match event.reply {
            Reply::Done | Reply::Granted(_) => *said == Said::Yes,
            Reply::Refused => *said == Said::No,
            Reply::Lost | Reply::Open => true,
        });
        let done = || world.done.iter().copied().chain([number]).collect();
        ways.map(|(_, account)| World { account, done: done() }).collect()
    }

    /// What has happened without altering anything can just as well have happened now: that leaves fewer orders to try.
    fn absorb(&self, mut world: World, now: Moment) -> World {
        for (number, event) in &self.open {
            if world.done.contains(number) || event.reply.is_unknown() || may_end_later(&world.account, event) {
                continue;
            }
            let end = if event.end.real > now.real { now } else { event.end };
            let after = self.happened(&world, *number, Span::of(event, end));
            if after.iter().any(|next| next.account == world.account) {
                world.done.insert(*number);
            }
        }
        world
    }

    fn presented(&self, event: &Event) -> Option<Presented> {
        let token = match &event.action {
            Action::Refresh(_, token) | Action::Me(_, token) | Action::Logout(_, token) => token,
            Action::Change(_, token, ..) => token,
            Action::Register(_) | Action::Login(..) | Action::Forgot(_) | Action::Reset(..) => return None,
            Action::Disable | Action::Enable => return None,
        };
        let Known { session, generation, issued, asked } = *self.tokens.get(token)?;
        let since = self.exchanges.get(&session).map_or(0, |exchanges| exchanges.saturating_sub(asked));
        let is_forgettable = event.dialect == Dialect::Nameless && since >= REMEMBERED;
        Some(Presented { generation, issued, is_forgettable })
    }
}

/// Whether the account can be another one by this: a session that nobody has a token of is none.
fn matters(event: &Event) -> bool {
    !(event.reply.is_unknown() && matches!(event.action, Action::Login(..) | Action::Me(..)))
}

/// A refused refresh can still be the one that ends the session.
fn may_end_later(account: &Account, event: &Event) -> bool {
    match (&event.action, event.reply) {
        (Action::Refresh(number, _), Reply::Refused) => {
            account.sessions.get(number).is_some_and(|session| session.end.is_none())
        }
        _ => false,
    }
}
