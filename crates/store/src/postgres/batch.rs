//! Rotations that arrive together are one statement: what a database charges for is the transaction, not the row.
//!
//! There is no timer. While a connection is busy with one batch, the next one gathers, as in SQLite's writer.

use std::sync::Arc;

use myna_core::change::{Change, Conflict};
use myna_core::id::{Handle, SessionId, UserId};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;

use super::connection::{Form, Link, is_lost};
use super::{Postgres, QUERY_MAX, Shared};
use crate::engine::Answer;
use crate::error::{CommitError, StoreError};
use crate::faults::{Mutation, is_mutated};
use crate::work::Done;

/// Connections that work on batches at once.
const WORKERS: usize = 4;
/// The most rotations in one statement.
const BATCH_MAX: usize = 64;
/// Rotations that wait in the queue; more wait in front of it.
const QUEUE_MAX: usize = 1024;

/// What [`crate::commit`] says for one rotation, for many. In the order of the key, so that two batches never wait for
/// each other.
const ROTATE: &str = "UPDATE session SET generation = session.generation + 1, rotated_at = t.at, used_at = t.at, \
    idle_expires_at = t.idle_expires_at \
    FROM (SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[]) \
    AS u (user_id, handle, generation, at, idle_expires_at) ORDER BY user_id, handle) t \
    WHERE session.user_id = t.user_id AND session.handle = t.handle AND session.generation = t.generation \
    AND session.ended_at IS NULL AND session.idle_expires_at > t.at AND session.expires_at > t.at \
    RETURNING session.user_id, session.handle";

/// One rotation, by itself.
#[derive(Clone, Copy)]
pub(super) struct Rotation {
    id: SessionId,
    while_generation: i64,
    at: i64,
    idle_expires_at: i64,
}

impl Rotation {
    /// The rotation that `changes` are, if they are nothing else.
    pub(super) fn of(changes: &[Change]) -> Option<Self> {
        if is_mutated(Mutation::Rotation) || is_mutated(Mutation::Logout) {
            return None;
        }
        match changes {
            [Change::RotateSession { id, while_generation, at, idle_expires_at }] => Some(Self {
                id: *id,
                while_generation: *while_generation,
                at: at.0,
                idle_expires_at: idle_expires_at.0,
            }),
            _ => None,
        }
    }

    /// The primary key, for its order.
    const fn key(&self) -> (i64, [u8; 16]) {
        (self.id.user.0, self.id.handle.0)
    }
}

/// One rotation that waits.
struct Job {
    rotation: Rotation,
    answer: oneshot::Sender<Verdict>,
}

/// What became of a rotation in a batch.
enum Verdict {
    Applied,
    /// Its guard did not hold.
    Conflict,
    /// It has to be sent by itself; `unsure`: it may have been applied.
    Alone {
        unsure: bool,
    },
}

/// The queue of rotations.
pub(super) struct Batches(mpsc::Sender<Job>);

impl Batches {
    /// Starts the workers. They end when the queue is dropped.
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..WORKERS {
            let (shared, jobs) = (Arc::clone(shared), Arc::clone(&jobs));
            tokio::spawn(async move {
                loop {
                    let mut batch = Vec::new();
                    // One worker at a time gathers; what arrives meanwhile is the next one's.
                    if jobs.lock().await.recv_many(&mut batch, BATCH_MAX).await == 0 {
                        return;
                    }
                    shared.rotate_together(batch).await;
                }
            });
        }
        Self(queue)
    }
}

impl Postgres {
    /// Rotates one session: `changes` are `rotation` and nothing else. The work goes on when the caller stops waiting.
    pub(super) async fn rotate(&self, rotation: Rotation, changes: Vec<Change>) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.batches.0.send(Job { rotation, answer }).await.map_err(|_| StoreError::Stopped)?;
        match answered.await.map_err(|_| StoreError::Stopped)? {
            Verdict::Applied => Ok(Done::default()),
            Verdict::Conflict => Err(CommitError::Conflict(Conflict::SessionChanged(rotation.id))),
            Verdict::Alone { unsure } => self.commit(changes, unsure).await,
        }
    }
}

impl Shared {
    async fn rotate_together(&self, mut batch: Vec<Job>) {
        batch.sort_by_key(|job| job.rotation.key());
        // Of several rotations of one session one is sent here: two in one statement would be one.
        let (mut rest, mut one_each): (Vec<Job>, Vec<Job>) = (Vec::new(), Vec::with_capacity(batch.len()));
        for job in batch {
            let again = one_each.last().is_some_and(|last| last.rotation.id == job.rotation.id);
            if again { rest.push(job) } else { one_each.push(job) }
        }
        if one_each.len() < 2 {
            rest.append(&mut one_each);
        }
        for Job { answer, .. } in rest {
            let _ = answer.send(Verdict::Alone { unsure: false });
        }
        if !one_each.is_empty() {
            self.send(one_each).await;
        }
    }

    async fn send(&self, batch: Vec<Job>) {
        let (applied, unsure) = match self.pool.lease_turn().await {
            Err(_) => (None, false),
            Ok((lease, turn)) => {
                let (applied, unsure) = match timeout(QUERY_MAX, together(&lease, &batch)).await {
                    Ok(Ok(_)) if lease.is_doubtful() => (None, true),
                    Ok(Ok(applied)) => (Some(applied), false),
                    Ok(Err(error)) => {
                        tracing::debug!(error = super::connection::told(&error), "a batch of rotations failed");
                        (None, is_lost(&error))
                    }
                    Err(_) => (None, true),
                };
                if unsure {
                    self.pool.leave(lease, turn);
                }
                (applied, unsure)
            }
        };
        if let Some(applied) = &applied {
            self.count(applied.len() as u64);
        }
        for Job { rotation, answer } in batch {
            let verdict = match &applied {
                Some(applied) if applied.contains(&rotation.id) => Verdict::Applied,
                Some(_) => Verdict::Conflict,
                None => Verdict::Alone { unsure },
            };
            // Whoever hung up misses nothing.
            let _ = answer.send(verdict);
        }
    }
}

/// Sends the batch; gives back which sessions were rotated.
async fn together(link: &Link, batch: &[Job]) -> Result<Vec<SessionId>, tokio_postgres::Error> {
    let statement = link.prepared(ROTATE, Form::Plain).await?;
    let all = || batch.iter().map(|job| &job.rotation);
    let users: Vec<i64> = all().map(|rotation| rotation.id.user.0).collect();
    let handles: Vec<&[u8]> = all().map(|rotation| rotation.id.handle.0.as_slice()).collect();
    let generations: Vec<i64> = all().map(|rotation| rotation.while_generation).collect();
    let times: Vec<i64> = all().map(|rotation| rotation.at).collect();
    let idle: Vec<i64> = all().map(|rotation| rotation.idle_expires_at).collect();
    let rows = link.client().query(&statement, &[&users, &handles, &generations, &times, &idle]).await?;
    let mut applied = Vec::with_capacity(rows.len());
    for row in rows {
        let handle: &[u8] = row.try_get(1)?;
        let handle = Handle(handle.try_into().unwrap_or_default());
        applied.push(SessionId { user: UserId(row.try_get(0)?), handle });
    }
    Ok(applied)
}
