//! One thread, and work that ends when the test says so: nothing here waits for a time to pass.

use std::sync::mpsc;

use super::*;

const ME: Asker = Asker::Unknown;
const OTHER: Asker = Asker::V6(1);

fn pool(queue: usize, patience: Duration) -> Arc<Hashing> {
    Arc::new(Hashing::start(Size { threads: 1, queue, patience }, Backend::Portable).unwrap())
}

fn patient(queue: usize) -> Arc<Hashing> {
    pool(queue, Duration::from_secs(60))
}

/// Occupies the only thread, however impatient the pool is, until the returned sender is used or dropped.
async fn occupy(pool: &Hashing) -> mpsc::Sender<()> {
    let (release, hold) = mpsc::channel::<()>();
    let (started, running) = oneshot::channel();
    let work = move |_: &mut Hasher| {
        started.send(()).unwrap();
        let _ = hold.recv();
    };
    let waiting = pool.enter(ME, Box::new(work)).ok().unwrap();
    running.await.unwrap();
    drop(waiting);
    release
}

/// Asks for work and returns once it waits.
async fn wait_in_line<T: Send + 'static>(
    pool: &Arc<Hashing>,
    asker: Asker,
    work: impl FnOnce(&mut Hasher) -> T + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, Overloaded>> {
    let before = waiting(pool);
    let asked = Arc::clone(pool);
    let task = tokio::spawn(async move { asked.run(asker, work).await });
    while waiting(pool) == before {
        tokio::task::yield_now().await;
    }
    task
}

fn waiting(pool: &Hashing) -> usize {
    pool.shared.state().queue.waiting()
}

#[tokio::test]
async fn a_full_queue_sheds_at_once() {
    let pool = patient(1);
    let release = occupy(&pool).await;
    assert_eq!(pool.has_room(ME), Ok(()));
    let first = wait_in_line(&pool, ME, |_| 7).await;
    assert_eq!(pool.has_room(ME), Err(Overloaded { retry_after: 1 }));
    assert_eq!(pool.run(ME, |_| 8).await, Err(Overloaded { retry_after: 1 }));
    drop(release);
    assert_eq!(first.await.unwrap(), Ok(7));
}

// PW-11: one caller with more than there is room for does not keep another's one login out.
#[tokio::test]
async fn a_full_queue_gives_way_to_who_has_less() {
    let pool = patient(3);
    let release = occupy(&pool).await;
    let mut many = Vec::new();
    for number in 0..3 {
        many.push(wait_in_line(&pool, ME, move |_| number).await);
    }
    let asked = Arc::clone(&pool);
    let one = tokio::spawn(async move { asked.run(OTHER, |_| 9).await });
    assert!(many.pop().unwrap().await.unwrap().is_err(), "told at once, while the thread is still occupied");
    drop(release);
    assert_eq!(one.await.unwrap(), Ok(9));
    for (number, task) in many.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(number));
    }
}

#[tokio::test]
async fn what_waited_too_long_is_shed_without_work() {
    let pool = pool(8, Duration::ZERO);
    let release = occupy(&pool).await;
    let late = pool.run(ME, |_| panic!("must not run")).await.map(|(): ()| ());
    assert_eq!(late, Err(Overloaded { retry_after: 1 }));
    assert_eq!(waiting(&pool), 0);
    drop(release);
}

// The patience is for the waiting: what has begun is finished.
#[tokio::test]
async fn what_has_begun_does_not_leave() {
    let pool = patient(8);
    let (release, hold) = mpsc::channel::<()>();
    let (started, running) = oneshot::channel();
    let work = move |_: &mut Hasher| {
        started.send(()).unwrap();
        let _ = hold.recv();
    };
    let waiting = pool.enter(ME, Box::new(work)).ok().unwrap();
    running.await.unwrap();
    assert!(!waiting.leave());
    drop(release);
}

// PW-11: the client hung up while its work waited.
#[tokio::test]
async fn work_that_nobody_waits_for_is_not_done_and_keeps_no_place() {
    let pool = patient(2);
    let release = occupy(&pool).await;
    let (ran, seen) = mpsc::channel();
    let gone = wait_in_line(&pool, ME, move |_| ran.send(())).await;
    let stays = wait_in_line(&pool, ME, |_| 5).await;
    gone.abort();
    let _ = gone.await;
    assert_eq!((waiting(&pool), pool.has_room(ME)), (1, Ok(())));
    drop(release);
    assert_eq!(stays.await.unwrap(), Ok(5));
    assert!(seen.try_recv().is_err());
}

#[tokio::test]
async fn a_panic_in_a_job_does_not_end_its_thread() {
    let pool = patient(8);
    assert!(pool.run(ME, |_| panic!("a test's panic")).await.map(|(): ()| ()).is_err());
    assert_eq!(pool.run(ME, |_| 3).await, Ok(3));
}

#[test]
fn who_is_shed_is_told_when_the_queue_will_be_empty() {
    for (waiting, threads, usual_ms, seconds) in [
        (0, 1, 0, 1),
        (64, 2, 8, 1),
        (64, 2, 50, 2),
        (64, 2, 62, 2),
        (64, 2, 63, 3),
        (64, 1, 63, 5),
        (64, 1, 9_000, 60),
    ] {
        let mut queue = Queue::new(64);
        for _ in 0..waiting {
            assert!(queue.push(ME, Box::new(|_| ())).is_ok());
        }
        let state = State { queue, threads, usual: Duration::from_millis(usual_ms), closed: false };
        assert_eq!(state.overloaded().retry_after, seconds, "{waiting} × {usual_ms} ms on {threads}");
    }
}

#[test]
fn the_usual_time_follows_the_last_few() {
    let mut state = State { queue: Queue::new(1), threads: 1, usual: Duration::ZERO, closed: false };
    state.took(Duration::from_millis(80));
    assert_eq!(state.usual, Duration::from_millis(80));
    state.took(Duration::from_millis(160));
    assert_eq!(state.usual, Duration::from_millis(90));
}

// TH-15: of a hashing thread, and of it alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn hashing_threads_yield_to_everything_else() {
    let nice = || rustix::process::getpriority_process(None).unwrap();
    let ours = nice();
    assert_eq!(patient(1).run(ME, move |_| nice()).await, Ok(19));
    assert_eq!(alone(Backend::Portable, |_| nice()).unwrap(), 19);
    assert_eq!(nice(), ours);
    assert_ne!(ours, 19);
}
