//! Who is next: callers take turns, and each has a line of their own. A caller with ten thousand logins waits behind
//! nobody's one, and where there is no room left it is the longest line that gives way. Knows no thread and no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use myna_core::policy::Caller;

use super::Work;

/// Whom the work is for, as far as fairness can tell callers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Asker {
    /// Nobody on the network: ourselves, or an address that cannot be read.
    Unknown,
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 network of 64 bits: what one customer is given at least, and can choose freely in.
    V6(u64),
}

impl Asker {
    /// Whom a caller counts as.
    pub(crate) fn of(caller: &Caller) -> Self {
        match caller.address.as_deref().and_then(|address| address.parse::<IpAddr>().ok()) {
            None => Self::Unknown,
            Some(address) => match address.to_canonical() {
                IpAddr::V4(address) => Self::V4(address),
                IpAddr::V6(address) => Self::V6((address.to_bits() >> 64) as u64),
            },
        }
    }
}

/// Names a piece of work that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    asker: Asker,
    number: u64,
}

/// There is no room, also not by taking it from somebody whose line is longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// What waits. Every step costs the logarithm of what waits, however many callers there are.
pub(super) struct Queue {
    waiting_max: usize,
    waiting: usize,
    lines: HashMap<Asker, Line>,
    /// The callers who have a line, the next one first.
    turns: BTreeMap<u64, Asker>,
    /// The same callers, the longest line last.
    lengths: BTreeSet<(usize, Asker)>,
    /// Numbers for turns and places, each used once.
    next_number: u64,
}

struct Line {
    turn: u64,
    work: BTreeMap<u64, Work>,
}

impl Queue {
    /// An empty queue with room for so much.
    pub(super) fn new(waiting_max: usize) -> Self {
        Self {
            waiting_max: waiting_max.max(1),
            waiting: 0,
            lines: HashMap::new(),
            turns: BTreeMap::new(),
            lengths: BTreeSet::new(),
            next_number: 0,
        }
    }

    /// How much waits.
    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether there is room for one more of this caller.
    pub(super) fn has_room(&self, asker: Asker) -> bool {
        self.waiting < self.waiting_max || self.giving_way(asker).is_some()
    }

    /// Puts work at the end of its caller's line. Where the queue is full, the newest work of the longest line is returned
    /// undone, if that line stays no shorter than the caller's own.
    ///
    /// # Errors
    /// [`Full`]; the work is dropped.
    pub(super) fn push(&mut self, asker: Asker, work: Work) -> Result<(Place, Option<Work>), Full> {
        let displaced = if self.waiting < self.waiting_max {
            None
        } else {
            let longest = self.giving_way(asker).ok_or(Full)?;
            self.take(longest, BTreeMap::pop_last)
        };
        let number = self.number();
        let line = self.lines.entry(asker).or_insert_with(|| {
            self.turns.insert(number, asker);
            Line { turn: number, work: BTreeMap::new() }
        });
        self.lengths.remove(&(line.work.len(), asker));
        line.work.insert(number, work);
        self.lengths.insert((line.work.len(), asker));
        self.waiting += 1;
        Ok((Place { asker, number }, displaced))
    }

    /// The oldest work of the caller whose turn it is; the next turn is another's.
    pub(super) fn next(&mut self) -> Option<Work> {
        let (_, asker) = self.turns.pop_first()?;
        let work = self.take(asker, BTreeMap::pop_first);
        let turn = self.number();
        if let Some(line) = self.lines.get_mut(&asker) {
            line.turn = turn;
            self.turns.insert(turn, asker);
        }
        work
    }

    /// Takes back what still waits; `None` when its turn has come already.
    pub(super) fn withdraw(&mut self, place: Place) -> Option<Work> {
        self.take(place.asker, |line| line.remove_entry(&place.number))
    }

    /// Whose line is so much longer than this caller's that it would not become the shorter one by giving a place away.
    fn giving_way(&self, asker: Asker) -> Option<Asker> {
        let own = self.lines.get(&asker).map_or(0, |line| line.work.len());
        self.lengths.last().filter(|(longest, _)| *longest > own + 1).map(|(_, longest)| *longest)
    }

    fn take(
        &mut self,
        asker: Asker,
        pick: impl FnOnce(&mut BTreeMap<u64, Work>) -> Option<(u64, Work)>,
    ) -> Option<Work> {
        let line = self.lines.get_mut(&asker)?;
        let length = line.work.len();
        let (_, work) = pick(&mut line.work)?;
        self.waiting -= 1;
        self.lengths.remove(&(length, asker));
        if line.work.is_empty() {
            self.turns.remove(&line.turn);
            self.lines.remove(&asker);
        } else {
            self.lengths.insert((length - 1, asker));
        }
        Some(work)
    }

    const fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use myna_passwords::{Backend, Hasher};

    use super::*;

    const A: Asker = Asker::V6(0xa);
    const B: Asker = Asker::V6(0xb);
    const C: Asker = Asker::V6(0xc);

    /// A queue whose work says its name when it is done.
    struct Named {
        queue: Queue,
        said: (Sender<&'static str>, Receiver<&'static str>),
    }

    impl Named {
        fn new(waiting_max: usize) -> Self {
            Self { queue: Queue::new(waiting_max), said: channel() }
        }

        fn name_of(&self, work: Option<Work>) -> Option<&'static str> {
            work?(&mut Hasher::new(Backend::Portable));
            self.said.1.try_recv().ok()
        }

        /// Pushes; the name of what gave way for it.
        fn push(&mut self, asker: Asker, name: &'static str) -> Result<Option<&'static str>, Full> {
            let room = self.queue.has_room(asker);
            let sender = self.said.0.clone();
            let pushed = self.queue.push(asker, Box::new(move |_| sender.send(name).unwrap()));
            assert_eq!(pushed.is_ok(), room, "{name}");
            Ok(self.name_of(pushed?.1))
        }

        fn rest(&mut self) -> Vec<&'static str> {
            let mut order = Vec::new();
            while let Some(work) = self.queue.next() {
                order.extend(self.name_of(Some(work)));
            }
            self.is_empty();
            order
        }

        fn is_empty(&self) {
            let Queue { waiting_max: _, waiting, lines, turns, lengths, next_number: _ } = &self.queue;
            assert_eq!((*waiting, lines.len(), turns.len(), lengths.len()), (0, 0, 0, 0));
        }
    }

    // PW-11: whoever has one login waits for one of each of the others, not for all of them.
    #[test]
    fn callers_take_turns() {
        let mut named = Named::new(64);
        for (asker, name) in [(A, "a1"), (A, "a2"), (A, "a3"), (A, "a4"), (B, "b1"), (B, "b2"), (C, "c1")] {
            assert_eq!(named.push(asker, name), Ok(None));
        }
        assert_eq!(named.rest(), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
    }

    #[test]
    fn who_comes_again_waits_for_a_turn_again() {
        let mut named = Named::new(64);
        for (asker, name) in [(A, "a1"), (B, "b1"), (B, "b2")] {
            named.push(asker, name).unwrap();
        }
        let first = named.queue.next();
        assert_eq!(named.name_of(first), Some("a1"));
        named.push(A, "a2").unwrap();
        assert_eq!(named.rest(), ["b1", "a2", "b2"]);
    }

    // PW-11: bounded in all; alone a caller may have all of it, and gives it back as soon as others come.
    #[test]
    fn where_there_is_no_room_the_longest_line_gives_way() {
        let mut named = Named::new(4);
        for name in ["a1", "a2", "a3", "a4"] {
            assert_eq!(named.push(A, name), Ok(None));
        }
        assert_eq!(named.push(A, "a5"), Err(Full));
        assert_eq!(named.push(B, "b1"), Ok(Some("a4")));
        assert_eq!(named.push(C, "c1"), Ok(Some("a3")));
        assert_eq!(named.push(B, "b2"), Err(Full), "nobody has more than the two that it would have");
        assert_eq!(named.push(A, "a6"), Err(Full));
        assert_eq!(named.queue.waiting(), 4);
        assert_eq!(named.rest(), ["a1", "b1", "c1", "a2"]);
    }

    #[test]
    fn what_is_withdrawn_leaves_room_and_no_trace() {
        let mut named = Named::new(2);
        let sender = named.said.0.clone();
        let (place, _) = named.queue.push(B, Box::new(move |_| sender.send("gone").unwrap())).unwrap();
        named.push(A, "a1").unwrap();
        let gone = named.queue.withdraw(place);
        assert_eq!(named.name_of(gone), Some("gone"));
        assert!(named.queue.withdraw(place).is_none());
        named.push(A, "a2").unwrap();
        assert_eq!(named.rest(), ["a1", "a2"]);
    }

    #[test]
    fn a_caller_is_an_address_or_a_network_of_64_bits() {
        let of = |text: &str| Asker::of(&Caller { address: Some(text.to_owned()), agent: None });
        assert_eq!(of("192.0.2.1"), Asker::V4(Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("nonsense"), Asker::Unknown);
        assert_eq!(Asker::of(&Caller::default()), Asker::Unknown);
    }
}
