//! The checker of the invariants. Many clients live through everything that can happen to an account, with races on
//! purpose, while servers are killed, answers are lost and clocks jump. Every answer goes into a history of its user,
//! and a small [model] says whether the history can be explained. It knows the server by its wire only.
//!
//! `cargo xtask verify --minutes N --seed S`.

mod client;
mod cluster;
mod database;
pub mod history;
mod life;
pub mod model;
mod port;
pub mod postgres;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::sleep;

pub use cluster::{Cluster, built};
pub use database::Standby;

use database::Database;
use history::Step;
use life::{Life, Lived};
use model::{Verdict, Violation};
use world::World;

const SECOND: i64 = 1_000_000;
/// How far the nodes' clocks are apart at most: what a retry of a refresh may be late is more.
const APART_MAX: i64 = 4 * SECOND;

/// How a run is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long it goes on if nothing is found.
    pub duration: Duration,
    /// What is drawn; the same seed draws the same lives and the same faults.
    pub seed: u64,
    /// Users at the same time.
    pub clients: usize,
    /// Whether nodes are killed.
    pub kills: bool,
    /// Whether the clock jumps, and differs from node to node.
    pub jumps: bool,
}

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// Requests and commands that were sent.
    pub operations: u64,
    /// Nodes that were killed.
    pub kills: u64,
    /// Times that a standby took its primary's place.
    pub failovers: u64,
    /// Answers of the database that were lost on their way.
    pub lost: u64,
    /// Users whose history was checked.
    pub users: u64,
    /// Those among them whose history had too many explanations to be judged to its end.
    pub undecided: u64,
    /// The first history that cannot be explained.
    pub found: Option<Found>,
}

/// A history that breaks an invariant.
#[derive(Debug)]
pub struct Found {
    /// Whose.
    pub email: String,
    /// What is wrong.
    pub violation: Violation,
    /// The shortest part of it that shows the same.
    pub history: Vec<Step>,
}

/// Drives `cluster` and checks what it answers. `tell` is given a line from time to time.
///
/// # Errors
/// When a node does not come back by itself (I11), or the faults cannot be made.
pub async fn run(mut cluster: Cluster, options: &Options, tell: impl Fn(&str)) -> anyhow::Result<Report> {
    let nodes = cluster.ports().len();
    let mut rng = Rng::with_seed(options.seed);
    if options.jumps && nodes > 1 {
        cluster.part_clocks(APART_MAX / 2, &mut rng)?;
    }
    for node in 0..nodes {
        cluster.start(node).await?;
    }
    let world = Arc::new(World::new(cluster));
    let mut faults = trouble(&world, options, &mut rng);
    let mut lives = JoinSet::new();
    let (mut users, mut undecided, mut found) = (0, 0, None);
    let next = |rng: &mut Rng, number: u64| Life::new(&world, format!("user-{number}@example.com"), rng.u64(..)).live();
    for number in 0..options.clients as u64 {
        lives.spawn(next(&mut rng, number));
    }
    let mut begun = options.clients as u64;
    let deadline = Instant::now() + options.duration;
    let mut told = Instant::now();
    while !lives.is_empty() {
        if Instant::now() >= deadline || faults.is_empty() && (options.kills || options.jumps) {
            world.end();
        }
        if told.elapsed() > Duration::from_secs(1) {
            told = Instant::now();
            tell(&line(&world, users));
        }
        let Ok(Some(lived)) = tokio::time::timeout(Duration::from_millis(200), lives.join_next()).await else {
            if let Some(failed) = faults.try_join_next() {
                world.end();
                failed??;
            }
            continue;
        };
        let Lived { email, verdict, history } = lived?;
        users += 1;
        match verdict {
            Verdict::Explained => {}
            Verdict::Undecided => undecided += 1,
            Verdict::Broken(violation) if found.is_none() => {
                world.end();
                let history = model::shortest(&history, &violation);
                found = Some(Found { email, violation, history });
            }
            Verdict::Broken(_) => {}
        }
        if !world.is_over() {
            lives.spawn(next(&mut rng, begun));
            begun += 1;
        }
    }
    world.end();
    while let Some(ended) = faults.join_next().await {
        ended??;
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (operations, kills, failovers) = (count(&world.operations), count(&world.kills), count(&world.failovers));
    let lost = world.cluster.database().map_or(0, Database::lost);
    Ok(Report { operations, kills, failovers, lost, users, undecided, found })
}

/// Begins to make the faults.
fn trouble(world: &Arc<World>, options: &Options, rng: &mut Rng) -> JoinSet<anyhow::Result<()>> {
    let mut faults = JoinSet::new();
    if options.kills {
        for node in 0..world.cluster.ports().len() {
            faults.spawn(trouble_node(Arc::clone(world), node, rng.fork()));
        }
        if let Some(database) = world.cluster.database() {
            database.lose_answers();
            faults.spawn(trouble_database(Arc::clone(world), rng.fork()));
        }
    }
    if options.jumps {
        faults.spawn(jump_clock(Arc::clone(world), rng.fork()));
    }
    faults
}

fn line(world: &World, users: u64) -> String {
    format!(
        "{:>4} s  {} operations, {} kills, {users} users done",
        world.elapsed().as_secs(),
        world.operations.load(Ordering::Relaxed),
        world.kills.load(Ordering::Relaxed)
    )
}

/// `kill -9` at random moments; the node has to come back by itself. Now and then it is only stopped for a while.
async fn trouble_node(world: Arc<World>, node: usize, mut rng: Rng) -> anyhow::Result<()> {
    // As often, all nodes together, as one alone: else none is ever up.
    let nodes = u32::try_from(world.cluster.ports().len())?;
    while !world.is_over() {
        sleep(Duration::from_millis(rng.u64(300..2500)) * nodes).await;
        if rng.u32(..6) == 0 {
            world.cluster.pause(node, Duration::from_millis(rng.u64(50..3000))).await?;
            continue;
        }
        world.cluster.kill(node).await?;
        world.died(node);
        world.cluster.start(node).await?;
    }
    Ok(())
}

/// Connections to the database are cut, it crashes, and where it has a standby, that one stalls or takes its place.
async fn trouble_database(world: Arc<World>, mut rng: Rng) -> anyhow::Result<()> {
    let Some(database) = world.cluster.database() else { return Ok(()) };
    while !world.is_over() {
        sleep(Duration::from_millis(rng.u64(500..4000))).await;
        match rng.u32(..8) {
            0 => database.crash().await?,
            1 | 2 if database.has_standby() => {
                database.fail_over().await?;
                world.failovers.fetch_add(1, Ordering::Relaxed);
            }
            3 if database.has_standby() => database.stall(Duration::from_millis(rng.u64(200..3000))).await?,
            4 => database.cut_all(),
            // While it recovers from a crash it says so.
            _ => drop(database.end_some().await),
        }
    }
    Ok(())
}

/// Mostly minutes and hours, back and forth; now and then so far that every session has expired.
async fn jump_clock(world: Arc<World>, mut rng: Rng) -> anyhow::Result<()> {
    while !world.is_over() {
        sleep(Duration::from_millis(rng.u64(4000..9000))).await;
        let offset = match rng.u32(..8) {
            0 => 40 * 24 * 3600 * SECOND,
            1 | 2 => 0,
            _ => rng.i64(-7200..7200) * SECOND,
        };
        world.jump(offset)?;
    }
    Ok(())
}
