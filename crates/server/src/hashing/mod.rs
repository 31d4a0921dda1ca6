//! The bounded pool of hashing threads. Each thread keeps one `Hasher`, so its memory is mapped once; a place in the pool
//! belongs to the work, not to the connection that asked for it; callers take turns; what cannot be done in time is shed
//! (PW-11). The threads have the lowest priority: whatever else the server has to do goes before a hash (TH-15).

mod queue;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use myna_passwords::{Backend, Hasher};
use tokio::sync::oneshot;
use tokio::time::timeout;

pub(crate) use queue::Asker;
use queue::{Place, Queue};

/// What somebody who was shed is told to wait at most, in seconds, however costly a hash is.
const RETRY_SECONDS_MAX: u32 = 60;

/// Too much to hash: there was no room, or the work would have begun too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub(crate) struct Overloaded {
    /// In so many seconds what waits now will be done.
    pub(crate) retry_after: u32,
}

/// How the pool is sized.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Threads, each with the memory of one hash; 0: one a core.
    pub(crate) threads: usize,
    /// How much may wait.
    pub(crate) queue: usize,
    /// How long it may wait.
    pub(crate) patience: Duration,
}

type Work = Box<dyn FnOnce(&mut Hasher) + Send>;

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

struct State {
    queue: Queue,
    threads: u32,
    /// What a piece of work takes, as the last few did.
    usual: Duration,
    closed: bool,
}

/// The pool. Dropping it ends its threads after the work at hand.
pub(crate) struct Hashing {
    shared: Arc<Shared>,
    patience: Duration,
}

impl Hashing {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(size: Size, backend: Backend) -> std::io::Result<Self> {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = if size.threads == 0 { cores() } else { size.threads };
        let state = State {
            queue: Queue::new(size.queue),
            threads: u32::try_from(threads).unwrap_or(u32::MAX),
            usual: Duration::ZERO,
            closed: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new() });
        // From here on an error ends the threads that there are already.
        let pool = Self { shared, patience: size.patience };
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let work_off = move || {
                take_lowest_priority();
                work_off(&shared, backend);
            };
            thread::Builder::new().name(format!("hash-{number}")).spawn(work_off)?;
        }
        Ok(pool)
    }

    /// Runs `work` on a hashing thread when it is the asker's turn.
    ///
    /// # Errors
    /// [`Overloaded`] when it cannot begin in time; nothing was hashed then.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        asker: Asker,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (sender, mut receiver) = oneshot::channel();
        // Dropped unworked, the sender tells that somebody else was given the place.
        let work = Box::new(move |hasher: &mut Hasher| {
            let result = work(hasher);
            // An asker who hung up meanwhile misses nothing.
            let _ = sender.send(result);
        });
        let waiting = self.enter(asker, work)?;
        let done = match timeout(self.patience, &mut receiver).await {
            Ok(done) => done,
            Err(_elapsed) if waiting.leave() => return Err(self.overloaded()),
            // It has begun: what is left is one hash.
            Err(_elapsed) => receiver.await,
        };
        done.map_err(|_| self.overloaded())
    }

    /// Whether [`run`](Self::run) would find room now: worth asking before other work is done in vain.
    ///
    /// # Errors
    /// [`Overloaded`] when there is none.
    pub(crate) fn has_room(&self, asker: Asker) -> Result<(), Overloaded> {
        let state = self.shared.state();
        if state.queue.has_room(asker) { Ok(()) } else { Err(state.overloaded()) }
    }

    fn enter(&self, asker: Asker, work: Work) -> Result<Waiting<'_>, Overloaded> {
        let mut state = self.shared.state();
        let pushed = state.queue.push(asker, work).map_err(|_full| state.overloaded());
        drop(state);
        // What gave way tells its asker when it is dropped, which nobody has to wait for.
        let (place, _displaced) = pushed?;
        self.shared.wake.notify_one();
        Ok(Waiting { shared: &self.shared, place })
    }

    fn overloaded(&self) -> Overloaded {
        self.shared.state().overloaded()
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    /// A poisoned lock guards a queue that is whole all the same: no foreign code runs under it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next work; `None` when the pool is gone.
    fn next(&self) -> Option<Work> {
        let mut state = self.state();
        loop {
            if let Some(work) = state.queue.next() {
                return Some(work);
            }
            if state.closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn overloaded(&self) -> Overloaded {
        let waiting = u32::try_from(self.queue.waiting()).unwrap_or(u32::MAX);
        let drained = self.usual.saturating_mul(waiting) / self.threads.max(1);
        let seconds = u32::try_from(drained.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        Overloaded { retry_after: seconds.clamp(1, RETRY_SECONDS_MAX) }
    }

    fn took(&mut self, time: Duration) {
        self.usual = if self.usual.is_zero() { time } else { (self.usual * 7 + time) / 8 };
    }
}

/// Work that has been handed in. Dropped with its asker, who may have hung up, it frees its place at once.
struct Waiting<'a> {
    shared: &'a Shared,
    place: Place,
}

impl Waiting<'_> {
    /// Whether it had not begun yet; it never will then.
    fn leave(&self) -> bool {
        let withdrawn = self.shared.state().queue.withdraw(self.place);
        withdrawn.is_some()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

fn work_off(shared: &Shared, backend: Backend) {
    let mut hasher = Hasher::new(backend);
    while let Some(work) = shared.next() {
        let begun = Instant::now();
        let work = std::panic::AssertUnwindSafe(|| work(&mut hasher));
        if std::panic::catch_unwind(work).is_err() {
            tracing::error!("a hashing job panicked");
            // Whatever state it was left in.
            hasher = Hasher::new(backend);
        }
        shared.state().took(begun.elapsed());
    }
}

/// Does what little a command has to hash, on a thread as lowly as the server's: neither takes the cores from a server that
/// runs beside it.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn alone<T: Send>(backend: Backend, work: impl FnOnce(&mut Hasher) -> T + Send) -> std::io::Result<T> {
    let lowly = || {
        take_lowest_priority();
        work(&mut Hasher::new(backend))
    };
    thread::scope(|scope| {
        let worked = thread::Builder::new().name("hash".to_owned()).spawn_scoped(scope, lowly)?.join();
        worked.or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A hash takes milliseconds of nothing but computing, a refresh microseconds between two waits: as equals, the refresh
/// would wait for the hashes at each of its steps. Only on Linux has a thread a priority of its own.
fn take_lowest_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::warn!(%error, "hashing threads keep their priority: logins will slow everything else down");
    }
}
