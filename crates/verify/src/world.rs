//! What every life shares: the cluster, the clock, the end of the run.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::cluster::Cluster;
use crate::history::{Action, Dialect, Event, Moment, NODES_MAX, Reply};

/// What a run is made of.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) operations: AtomicU64,
    pub(crate) kills: AtomicU64,
    pub(crate) failovers: AtomicU64,
    over: AtomicBool,
    began: Instant,
    offset: AtomicI64,
    jumps: AtomicU32,
    deaths: [AtomicU32; NODES_MAX],
}

impl World {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            operations: AtomicU64::new(0),
            kills: AtomicU64::new(0),
            failovers: AtomicU64::new(0),
            over: AtomicBool::new(false),
            began: Instant::now(),
            offset: AtomicI64::new(0),
            jumps: AtomicU32::new(0),
            deaths: Default::default(),
        }
    }

    /// The present, as this machine and as the servers see it.
    #[expect(clippy::disallowed_methods, reason = "the servers' clock is this machine's, moved")]
    pub(crate) fn now(&self) -> Moment {
        let before = self.jumps.load(Ordering::SeqCst);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let clock = i64::try_from(since.as_micros()).unwrap_or(i64::MAX) + self.offset.load(Ordering::SeqCst);
        let after = self.jumps.load(Ordering::SeqCst);
        // An odd count says that the clock cannot be told.
        let jumps = if before == after { after } else { after | 1 };
        let deaths = std::array::from_fn(|node| self.deaths[node].load(Ordering::SeqCst));
        Moment { real: self.began.elapsed(), clock, jumps, deaths }
    }

    /// What was asked of a node at `start` and is answered now.
    pub(crate) fn event(&self, start: Moment, node: usize, dialect: Dialect, action: Action, reply: Reply) -> Event {
        Event { start, end: self.now(), node, ahead: self.cluster.ahead(node), dialect, action, reply }
    }

    /// Moves the servers' clock to so many microseconds from this machine's. The count of jumps is odd meanwhile.
    pub(crate) fn jump(&self, offset: i64) -> std::io::Result<()> {
        self.jumps.fetch_add(1, Ordering::SeqCst);
        self.cluster.set_clock(offset)?;
        self.offset.store(offset, Ordering::SeqCst);
        self.jumps.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Says that a process of the node is gone, with whatever it had not done yet.
    pub(crate) fn died(&self, node: usize) {
        self.kills.fetch_add(1, Ordering::SeqCst);
        if let Some(deaths) = self.deaths.get(node) {
            deaths.fetch_add(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn count(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}
