//! What every life shares: the cluster, the clock, the end of the run.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crate::cluster::Cluster;
use crate::history::Moment;

/// What a run is made of.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) operations: AtomicU64,
    pub(crate) kills: AtomicU64,
    over: AtomicBool,
    began: Instant,
    offset: AtomicI64,
    jumps: AtomicU32,
}

impl World {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            operations: AtomicU64::new(0),
            kills: AtomicU64::new(0),
            over: AtomicBool::new(false),
            began: Instant::now(),
            offset: AtomicI64::new(0),
            jumps: AtomicU32::new(0),
        }
    }

    /// The present, as this machine and as the servers see it.
    #[expect(clippy::disallowed_methods, reason = "the servers' clock is this machine's, moved")]
    pub(crate) fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let clock = i64::try_from(since.as_micros()).unwrap_or(i64::MAX) + self.offset.load(Ordering::SeqCst);
        Moment { real: self.began.elapsed(), clock, jumps: self.jumps.load(Ordering::SeqCst) }
    }

    /// Moves the servers' clock to so many microseconds from this machine's. Whoever asks meanwhile sees at least the
    /// count of jumps change before the answer comes.
    pub(crate) fn jump(&self, offset: i64) -> std::io::Result<()> {
        self.jumps.fetch_add(1, Ordering::SeqCst);
        self.cluster.set_clock(offset)?;
        self.offset.store(offset, Ordering::SeqCst);
        self.jumps.fetch_add(1, Ordering::SeqCst);
        Ok(())
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
