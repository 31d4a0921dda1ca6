//! The one writer: a thread that owns the writing connection and makes many callers' changes durable in one transaction.
//!
//! Whatever queued while the last transaction went to disk is the next one; there is no timer. Each caller has a
//! savepoint, so that one caller's failed guard or refused statement leaves the others alone, and nobody is answered
//! before the commit (ST-05).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};

use myna_core::change::Conflict;
use tokio::sync::{mpsc, oneshot};

use super::connection::Db;
use crate::commit::{self, Guard, IS_ACTIVE, Step};
use crate::engine::Answer;
use crate::error::{CommitError, StoreError};
use crate::work::{CommitCounts, Work};
use crate::{ids, sweep};

/// The most callers in one transaction.
const BATCH_MAX: usize = 256;
/// Callers that wait in the queue; more wait in front of it.
const QUEUE_MAX: usize = 1024;

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
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(crate) fn start(db: Db) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let counters = Arc::new(Counters::default());
        let thread = thread::Builder::new().name("myna-writer".to_owned()).spawn({
            let counters = Arc::clone(&counters);
            move || write(&db, jobs, &counters)
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
        drop(self.queue.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writer had panicked");
        }
    }
}

fn write(db: &Db, mut jobs: mpsc::Receiver<Job>, counters: &Counters) {
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        run(db, batch, counters);
    }
}

/// Runs a batch and answers everybody.
fn run(db: &Db, batch: Vec<Job>, counters: &Counters) {
    let works: Vec<&Work> = batch.iter().map(|job| &job.work).collect();
    let answers = match together(db, &works, counters) {
        Some(answers) => answers,
        // The engine undid everybody's changes because of one caller's: nobody else may suffer for it.
        None => works.iter().map(|work| alone(db, work, counters)).collect(),
    };
    for (job, answer) in batch.into_iter().zip(answers) {
        // A caller that went away is nobody's loss: its changes were asked for and are durable.
        let _ = job.answer.send(answer);
    }
}

fn alone(db: &Db, work: &Work, counters: &Counters) -> Answer {
    together(db, &[work], counters)
        .and_then(|answers| answers.into_iter().next())
        .unwrap_or(Err(CommitError::Store(StoreError::Stopped)))
}

/// One transaction for all of `works`. `None`: the engine has rolled all of it back because of one of several.
fn together(db: &Db, works: &[&Work], counters: &Counters) -> Option<Vec<Answer>> {
    if works.iter().all(|work| matches!(work, Work::Nothing)) {
        return Some(works.iter().map(|_| Ok(0)).collect());
    }
    let everybody = |error: &StoreError| Some(works.iter().map(|_| Err(error.clone().into())).collect());
    if let Err(error) = db.begin() {
        db.rollback();
        return everybody(&error);
    }
    let mut answers = Vec::with_capacity(works.len());
    for work in works {
        answers.push(one(db, work));
        if !db.in_transaction() {
            return (works.len() == 1).then_some(answers);
        }
    }
    let callers =
        works.iter().zip(&answers).filter(|(work, answer)| answer.is_ok() && !matches!(work, Work::Nothing)).count();
    if callers == 0 {
        db.rollback();
        return Some(answers);
    }
    if let Err(error) = db.commit() {
        tracing::error!(error = %error, callers, "a transaction was not committed");
        db.rollback();
        return everybody(&error);
    }
    counters.callers.fetch_add(callers as u64, Ordering::Relaxed);
    counters.commits.fetch_add(1, Ordering::Relaxed);
    Some(answers)
}

/// One caller's work under a savepoint. When even the savepoint cannot be kept or undone, the transaction is ended, so
/// that nothing half done is committed.
fn one(db: &Db, work: &Work) -> Answer {
    let undone = |error: StoreError| {
        db.rollback();
        CommitError::Store(error)
    };
    db.savepoint().map_err(undone)?;
    let answer = match work {
        Work::Changes(changes) => commit::steps(changes).map_err(CommitError::from).and_then(|steps| apply(db, steps)),
        Work::ReserveIds => reserve(db).map_err(CommitError::from),
        Work::Forget(dead) => apply(db, sweep::steps(dead)),
        Work::Nothing => Ok(0),
    };
    match answer {
        Ok(_) => db.release().map_err(undone)?,
        Err(_) if db.in_transaction() => db.undo().map_err(undone)?,
        Err(_) => {}
    }
    answer
}

fn reserve(db: &Db) -> Result<i64, StoreError> {
    let mut first = Err(StoreError::NoIdLeft);
    db.rows(ids::RESERVE, &ids::reserve_values(), |row| {
        first = row.integer(0).map(ids::first_of_block);
        Ok(())
    })?;
    first
}

/// Applies statements in order, up to the first whose guard does not hold. The caller undoes what was applied before it.
fn apply(db: &Db, steps: Vec<Step<'_>>) -> Answer {
    for Step { sql, values, guard } in steps {
        if db.execute(sql, &values)? > 0 {
            continue;
        }
        match guard {
            Guard::None => {}
            Guard::Row(conflict) => return Err(conflict.into()),
            Guard::ActiveUser(user, _) if !db.exists(IS_ACTIVE, &[user.into()])? => {
                return Err(Conflict::UserGone(user).into());
            }
            Guard::ActiveUser(_, conflict) => return Err(conflict.into()),
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
