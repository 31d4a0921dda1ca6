//! What our figures are held against: the bare hash, an empty axum handler, a bare group-commit writer. Each is made as
//! fast as its author could, or the comparison would be worth nothing.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use myna_passwords::{Argon2Params, Backend, Hasher};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::load::Span;
use crate::server::free_address;
use crate::world;

/// Hashes a second of `threads` threads that do nothing else, each with its memory kept.
///
/// # Errors
/// When hashing fails.
pub(crate) fn bare_hashes(threads: usize, params: &Argon2Params, span: Duration) -> anyhow::Result<f64> {
    let work = move |params: Argon2Params| {
        let mut hasher = Hasher::new(Backend::Fast);
        hasher.hash(b"warm up", &[1; 16], &params)?;
        let (begun, mut count) = (Instant::now(), 0_u32);
        while begun.elapsed() < span {
            hasher.hash(b"password", &[1; 16], &params)?;
            count += 1;
        }
        anyhow::Ok(f64::from(count) / begun.elapsed().as_secs_f64())
    };
    let running: Vec<_> = (0..threads)
        .map(|_| {
            thread::spawn({
                let params = *params;
                move || work(params)
            })
        })
        .collect();
    running.into_iter().map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a hashing thread panicked"))?).sum()
}

/// Serves an empty answer to everything, for the process's life.
///
/// # Errors
/// When it cannot listen.
pub(crate) async fn serve_empty(address: SocketAddr) -> anyhow::Result<()> {
    let router = axum::Router::new().route("/", axum::routing::get(|| async {}));
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |stream| {
            let _unsupported = stream.set_nodelay(true);
        }),
        router,
    )
    .await?)
}

/// A session row that is rotated.
struct Rotation {
    user: i64,
    handle: Vec<u8>,
    generation: i64,
    done: oneshot::Sender<bool>,
}

/// What our own store does for a rotation, and no more: see `crates/store/src/commit/sessions.rs`.
const ROTATE: &str = "UPDATE session SET generation = generation + 1, rotated_at = ?4, used_at = ?4, \
    idle_expires_at = ?5 \
    WHERE user_id = ?1 AND handle = ?2 AND generation = ?3 \
    AND ended_at IS NULL AND idle_expires_at > ?4 AND expires_at > ?4";
const BATCH_MAX: usize = 256;

/// Durable rotations a second that one writer thread makes for as many callers as there are live sessions in `folder`: a
/// savepoint each, one commit for all that wait. No HTTP, no reading, no tokens.
///
/// # Errors
/// When the database cannot be written.
pub(crate) async fn group_commits(folder: &Path, callers: usize, span: Span) -> anyhow::Result<f64> {
    let db = Connection::open(folder.join("myna.db"))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000",
    )?;
    let sessions = sessions(&db, callers)?;
    let (queue, jobs) = mpsc::channel(1024);
    let writer = thread::spawn(move || write(&db, jobs));
    let counted = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let (from, to) = (start + span.warm, start + span.warm + span.counted);
    let mut tasks = JoinSet::new();
    for (user, handle, mut generation) in sessions {
        let (queue, counted) = (queue.clone(), Arc::clone(&counted));
        tasks.spawn(async move {
            while Instant::now() < to {
                let (done, answered) = oneshot::channel();
                queue.send(Rotation { user, handle: handle.clone(), generation, done }).await?;
                anyhow::ensure!(answered.await?, "a session was not rotated");
                generation += 1;
                if (from..to).contains(&Instant::now()) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
            anyhow::Ok(())
        });
    }
    drop(queue);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    Ok(counted.load(Ordering::Relaxed) as f64 / span.counted.as_secs_f64())
}

fn sessions(db: &Connection, count: usize) -> anyhow::Result<Vec<(i64, Vec<u8>, i64)>> {
    let mut query =
        db.prepare("SELECT user_id, handle, generation FROM session WHERE ended_at IS NULL GROUP BY user_id LIMIT ?1")?;
    let rows = query.query_map([i64::try_from(count)?], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let sessions = rows.collect::<Result<Vec<_>, _>>()?;
    anyhow::ensure!(sessions.len() == count, "{} live sessions, wanted {count}", sessions.len());
    Ok(sessions)
}

fn write(db: &Connection, mut jobs: mpsc::Receiver<Rotation>) -> anyhow::Result<()> {
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        let now = world::now()?;
        let later = now + 30 * 24 * 3600 * 1_000_000;
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut rows = Vec::with_capacity(batch.len());
        for Rotation { user, handle, generation, .. } in &batch {
            db.prepare_cached("SAVEPOINT caller")?.execute([])?;
            rows.push(db.prepare_cached(ROTATE)?.execute((user, handle, generation, now, later))?);
            db.prepare_cached("RELEASE caller")?.execute([])?;
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        for (job, rows) in batch.into_iter().zip(rows) {
            let _ = job.done.send(rows == 1);
        }
    }
    Ok(())
}

/// The empty axum handler in a process of its own, as our server is. Dropping it ends it.
pub(crate) struct Empty {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Empty {
    /// Starts it and waits until it accepts.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let address = free_address()?;
        let child = Command::new(std::env::current_exe()?)
            .arg("--empty")
            .arg(address.to_string())
            .stdin(Stdio::null())
            .spawn()?;
        let empty = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(10), "the empty rival did not start");
            thread::sleep(Duration::from_millis(2));
        }
        Ok(empty)
    }
}

impl Drop for Empty {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _gone = self.child.wait();
    }
}
