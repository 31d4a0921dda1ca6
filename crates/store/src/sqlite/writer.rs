//! The one writer: a thread that owns the writing connection and makes many callers' changes durable in one transaction.
//!
//! Whatever queued while the last transaction went to disk is the next one; there is no timer. Each caller has a
//! savepoint, so that one caller's failed guard or refused statement leaves the others alone, and nobody is answered
//! before the commit (ST-05).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use myna_core::change::Conflict;
use tokio::sync::{mpsc, oneshot};

use super::connection::Db;
use super::held::{Held, touch};
use crate::commit::{self, Guard, IS_ACTIVE, Step};
use crate::engine::Answer;
use crate::error::{CommitError, StoreError};
use crate::faults::{Mutation, is_mutated};
use crate::work::{CommitCounts, Done, Work};
use crate::{ids, sweep};

/// The most callers in one transaction.
const BATCH_MAX: usize = 256;
/// Callers that wait in the queue; more wait in front of it.
const QUEUE_MAX: usize = 1024;
/// How late a writer commits that answers first.
const LATE: Duration = Duration::from_millis(20);

struct Job {
    work: Work,
    answer: oneshot::Sender<Answer>,
}

#[derive(Default)]
struct Counters {
    callers: AtomicU64,
    commits: AtomicU64,
}

/// The handle of the writer thread. Dropping it waits until everything queued is durable.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<Held>>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(crate) fn start(held: Held) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let counters = Arc::new(Counters::default());
        let thread = thread::Builder::new().name("myna-writer".to_owned()).spawn({
            let counters = Arc::clone(&counters);
            move || write(held, jobs, &counters)
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), counters })
    }

    /// Queues `work` and waits until it is durable, or refused.
    pub(crate) async fn run(&self, work: Work) -> Answer {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::Stopped)?;
        queue.send(Job { work, answer }).await.map_err(|_| StoreError::Stopped)?;
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    /// Waits until everything queued is durable, and gives the connection back; `None` when there is none any more.
    pub(crate) fn end(&mut self) -> Option<Held> {
        drop(self.queue.take());
        let ended = self.thread.take()?.join();
        ended.inspect_err(|_| tracing::error!("the store's writer had panicked")).ok()
    }

    pub(crate) async fn stopped(&self) {
        if let Some(queue) = &self.queue {
            queue.closed().await;
        }
    }

    pub(crate) fn counts(&self) -> CommitCounts {
        CommitCounts {
            callers: self.counters.callers.load(Ordering::Relaxed),
            commits: self.counters.commits.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Not by whoever lifts the mark: what the WAL holds stays in it.
        drop(self.end());
    }
}

fn write(mut held: Held, mut jobs: mpsc::Receiver<Job>, counters: &Counters) -> Held {
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        if is_mutated(Mutation::Durability) {
            answer_first(&mut held, batch);
        } else {
            run(&mut held, batch, counters);
        }
    }
    held
}

/// What a writer without its guard does: everybody is answered, and only then is it made durable.
fn answer_first(held: &mut Held, batch: Vec<Job>) {
    let Ok(db) = held.db() else { return };
    let begun = db.begin();
    for job in batch {
        let answer = match &begun {
            Ok(()) => one(db, &job.work),
            Err(error) => Err(error.clone().into()),
        };
        let _ = job.answer.send(answer);
    }
    thread::sleep(LATE);
    if let Err(error) = db.commit() {
        tracing::error!(%error, "a transaction was not committed");
        db.rollback();
    }
}

/// Runs a batch and answers everybody.
fn run(held: &mut Held, batch: Vec<Job>, counters: &Counters) {
    let works: Vec<&Work> = batch.iter().map(|job| &job.work).collect();
    let answers = match attempt(held, &works, counters) {
        Some(answers) => answers,
        // The engine undid everybody's changes because of one caller's: nobody else may suffer for it.
        None => works.iter().map(|work| alone(held, work, counters)).collect(),
    };
    for (job, answer) in batch.into_iter().zip(answers) {
        // A caller that went away is nobody's loss: its changes were asked for and are durable.
        let _ = job.answer.send(answer);
    }
}

fn alone(held: &mut Held, work: &Work, counters: &Counters) -> Answer {
    attempt(held, &[work], counters)
        .and_then(|answers| answers.into_iter().next())
        .unwrap_or(Err(CommitError::Store(StoreError::Stopped)))
}

/// One attempt at a transaction for all of `works`. `None`: each has to be tried alone.
fn attempt(held: &mut Held, works: &[&Work], counters: &Counters) -> Option<Vec<Answer>> {
    // A sign of life costs nothing, unless the last try to write failed: then only another try can tell.
    if !held.is_failing() && works.iter().all(|work| matches!(work, Work::Nothing)) {
        return Some(works.iter().map(|_| Ok(Done::default())).collect());
    }
    let ended = match held.db() {
        Ok(db) => together(db, works),
        Err(error) => Ended::Failed(error),
    };
    match ended {
        Ended::Done { answers, durable } => {
            if durable > 0 {
                held.worked();
                counters.callers.fetch_add(durable, Ordering::Relaxed);
                counters.commits.fetch_add(1, Ordering::Relaxed);
            }
            for answer in &answers {
                if let Err(CommitError::Store(error)) = answer {
                    held.failed(error);
                }
            }
            Some(answers)
        }
        Ended::Failed(error) => {
            held.failed(&error);
            Some(works.iter().map(|_| Err(error.clone().into())).collect())
        }
        Ended::Undone(error) => {
            held.failed(&error);
            None
        }
    }
}

/// How a transaction for several callers ended.
enum Ended {
    /// Each has an answer; so many of them changed something, and that is durable.
    Done { answers: Vec<Answer>, durable: u64 },
    /// Nothing of anybody's is done.
    Failed(StoreError),
    /// The engine has rolled all of it back because of one of several.
    Undone(StoreError),
}

fn together(db: &Db, works: &[&Work]) -> Ended {
    if let Err(error) = db.begin() {
        db.rollback();
        return Ended::Failed(error);
    }
    let mut answers = Vec::with_capacity(works.len());
    for work in works {
        let answer = one(db, work);
        if !db.in_transaction() {
            let error = match answer {
                Err(CommitError::Store(error)) => error,
                Err(CommitError::Conflict(_)) | Ok(_) => StoreError::Unexpected("the transaction is gone".to_owned()),
            };
            return if works.len() == 1 { Ended::Failed(error) } else { Ended::Undone(error) };
        }
        answers.push(answer);
    }
    let durable = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
    if durable == 0 {
        db.rollback();
        return Ended::Done { answers, durable };
    }
    if let Err(error) = db.commit() {
        db.rollback();
        return Ended::Failed(error);
    }
    Ended::Done { answers, durable }
}

/// One caller's work under a savepoint. When even the savepoint cannot be kept or undone, the transaction is ended, so
/// that nothing half done is committed.
pub(super) fn one(db: &Db, work: &Work) -> Answer {
    let undone = |error: StoreError| {
        db.rollback();
        CommitError::Store(error)
    };
    db.savepoint().map_err(undone)?;
    let answer = match work {
        Work::Changes(changes) => commit::steps(changes).map_err(CommitError::from).and_then(|steps| apply(db, steps)),
        Work::ReserveIds(count) => reserve(db, *count).map_err(CommitError::from),
        Work::Forget(dead) => apply(db, sweep::steps(dead)),
        Work::Nothing => touch(db).map(|()| Done::default()).map_err(CommitError::from),
    };
    match answer {
        Ok(_) => db.release().map_err(undone)?,
        Err(_) if db.in_transaction() => db.undo().map_err(undone)?,
        Err(_) => {}
    }
    answer
}

fn reserve(db: &Db, count: i64) -> Result<Done, StoreError> {
    let mut done = Done::default();
    db.rows(ids::RESERVE, &ids::reserve_values(count), |row| {
        done.first_id = Some(row.integer(0)? - count);
        Ok(())
    })?;
    if done.first_id.is_none() { Err(StoreError::NoIdLeft) } else { Ok(done) }
}

/// Applies statements in order, up to the first whose guard does not hold. The caller undoes what was applied before it.
fn apply(db: &Db, steps: Vec<Step<'_>>) -> Answer {
    let mut done = Done::default();
    for Step { sql, values, guard, ends } in steps {
        if matches!(guard, Guard::Lock) {
            // The transaction holds the whole database.
            continue;
        }
        let before = done.ended.len();
        let altered = match ends {
            None => db.execute(sql, &values)?,
            Some((user, cause)) => {
                db.rows(sql, &values, |row| commit::ended(row, user, cause).map(|ended| done.ended.push(ended)))?;
                done.ended.len() - before
            }
        };
        if altered > 0 {
            continue;
        }
        match guard {
            Guard::None | Guard::Lock => {}
            Guard::Row(conflict) => return Err(conflict.into()),
            Guard::ActiveUser(user, _) if !db.exists(IS_ACTIVE, &[user.into()])? => {
                return Err(Conflict::UserGone(user).into());
            }
            Guard::ActiveUser(_, conflict) => return Err(conflict.into()),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests;
