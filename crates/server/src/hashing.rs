//! The bounded pool of hashing threads. Each thread keeps one `Hasher`, so its memory is mapped once; a place in the pool
//! belongs to the work, not to the connection that asked for it; what cannot be done in time is shed (PW-11).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use myna_passwords::{Backend, Hasher};
use tokio::sync::oneshot;

/// Too much to hash: the queue is full, or the work waited longer than its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be hashed")]
pub(crate) struct Overloaded;

/// How the pool is sized.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Threads, each with the memory of one hash; 0: one a core.
    pub(crate) threads: usize,
    /// Jobs that may wait.
    pub(crate) queue: usize,
    /// How long a job may wait.
    pub(crate) patience: Duration,
}

type Work = Box<dyn FnOnce(&mut Hasher) + Send>;

struct Job {
    work: Work,
    /// Whether the asker still waits.
    wanted: Box<dyn Fn() -> bool + Send>,
    queued_at: Instant,
}

struct Shared {
    jobs: Mutex<Queue>,
    wake: Condvar,
    size: Size,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    closed: bool,
}

/// The pool. Dropping it ends its threads after the work at hand.
pub(crate) struct Hashing {
    shared: Arc<Shared>,
}

impl Hashing {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(size: Size, backend: Backend) -> std::io::Result<Self> {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let threads = if size.threads == 0 { cores() } else { size.threads };
        let shared = Arc::new(Shared { jobs: Mutex::default(), wake: Condvar::new(), size });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || work_off(&shared, &mut Hasher::new(backend)))?;
        }
        Ok(Self { shared })
    }

    /// Runs `work` on a hashing thread.
    ///
    /// # Errors
    /// [`Overloaded`] when it cannot be done in time; nothing was hashed then.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (sender, receiver) = oneshot::channel();
        let sender = Arc::new(Mutex::new(Some(sender)));
        let watched = Arc::clone(&sender);
        let job = Job {
            work: Box::new(move |hasher| {
                let result = work(hasher);
                if let Some(sender) = lock(&sender).take() {
                    // An asker who hung up meanwhile misses nothing.
                    let _ = sender.send(result);
                }
            }),
            wanted: Box::new(move || lock(&watched).as_ref().is_some_and(|sender| !sender.is_closed())),
            queued_at: Instant::now(),
        };
        {
            let mut queue = lock(&self.shared.jobs);
            if queue.waiting.len() >= self.shared.size.queue.max(1) {
                return Err(Overloaded);
            }
            queue.waiting.push_back(job);
        }
        self.shared.wake.notify_one();
        receiver.await.map_err(|_| Overloaded)
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        lock(&self.shared.jobs).closed = true;
        self.shared.wake.notify_all();
    }
}

fn work_off(shared: &Shared, hasher: &mut Hasher) {
    while let Some(job) = next(shared) {
        // Dropped unworked, a job tells its asker that the pool is overloaded.
        if job.queued_at.elapsed() <= shared.size.patience && (job.wanted)() {
            let work = std::panic::AssertUnwindSafe(|| (job.work)(hasher));
            if std::panic::catch_unwind(work).is_err() {
                tracing::error!("a hashing job panicked");
            }
        }
    }
}

fn next(shared: &Shared) -> Option<Job> {
    let mut queue = lock(&shared.jobs);
    loop {
        if let Some(job) = queue.waiting.pop_front() {
            return Some(job);
        }
        if queue.closed {
            return None;
        }
        queue = shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// A poisoned lock guards a queue that is whole all the same: it is only ever pushed to and popped from.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn pool(queue: usize, patience: Duration) -> Hashing {
        Hashing::start(Size { threads: 1, queue, patience }, Backend::Portable).unwrap()
    }

    /// Occupies the only thread until the returned sender is used or dropped.
    async fn occupy(pool: &Arc<Hashing>) -> mpsc::Sender<()> {
        let (release, hold) = mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let pool = Arc::clone(pool);
        tokio::spawn(async move {
            pool.run(move |_| {
                started.send(()).unwrap();
                let _ = hold.recv();
            })
            .await
        });
        running.await.unwrap();
        release
    }

    #[tokio::test]
    async fn a_full_queue_sheds_at_once() {
        let pool = Arc::new(pool(1, Duration::from_secs(60)));
        let release = occupy(&pool).await;
        let waiting = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(|_| 7).await })
        };
        while lock(&pool.shared.jobs).waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|_| 8).await, Err(Overloaded));
        drop(release);
        assert_eq!(waiting.await.unwrap(), Ok(7));
    }

    #[tokio::test]
    async fn what_waited_too_long_is_shed_without_work() {
        let patience = Duration::from_secs(60);
        let pool = Arc::new(pool(8, patience));
        let release = occupy(&pool).await;
        let late = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(|_| panic!("must not run")).await })
        };
        while lock(&pool.shared.jobs).waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        if let Some(job) = lock(&pool.shared.jobs).waiting.front_mut() {
            job.queued_at = job.queued_at.checked_sub(2 * patience).unwrap();
        }
        drop(release);
        assert_eq!(late.await.unwrap().map(|(): ()| ()), Err(Overloaded));
    }

    // PW-11: the client hung up while its job waited.
    #[tokio::test]
    async fn work_that_nobody_waits_for_is_skipped() {
        let pool = Arc::new(pool(8, Duration::from_secs(60)));
        let release = occupy(&pool).await;
        let (ran, seen) = mpsc::channel();
        let gone = {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(move |_| ran.send(())).await })
        };
        while lock(&pool.shared.jobs).waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        gone.abort();
        let _ = gone.await;
        drop(release);
        pool.run(|_| ()).await.unwrap();
        assert!(seen.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_in_a_job_does_not_end_its_thread() {
        let pool = pool(8, Duration::from_secs(60));
        assert_eq!(pool.run(|_| panic!("a test's panic")).await.map(|(): ()| ()), Err(Overloaded));
        assert_eq!(pool.run(|_| 3).await, Ok(3));
    }
}
