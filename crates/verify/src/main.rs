//! The program behind `cargo xtask verify`.

use std::io::{IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use myna_verify::{Cluster, Options, Report, Standby, built, run};

/// Drives a server with races, lost answers, `kill -9` and a clock that jumps
///
/// Checks every answer against a model of the invariants in docs/INVARIANTS.md. Prints what was done, and the shortest
/// history that breaks an invariant, if there is one: then the exit status is 1.
#[derive(Parser)]
#[command(name = "cargo xtask verify", max_term_width = 100)]
struct Asked {
    /// How long; fractions are fine
    #[arg(long, value_name = "N", default_value = "2", value_parser = minutes)]
    minutes: Duration,
    /// What is drawn [default: anything; it is printed]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Users at the same time
    #[arg(long, value_name = "N", default_value = "24")]
    clients: NonZeroUsize,
    /// So many nodes, 1 to 4, over a PostgreSQL of the run's own (Debian: postgresql)
    #[arg(long, value_name = "N")]
    nodes: Option<usize>,
    /// Give the PostgreSQL a synchronous standby that takes its place again and again
    #[arg(long, requires = "nodes")]
    failover: bool,
    /// Leave the nodes and their store alone
    #[arg(long)]
    no_kills: bool,
    /// Let the clock go its way, the same on every node
    #[arg(long)]
    no_jumps: bool,
    /// Take a guard out and see it found
    #[arg(long, value_parser = ["rotation", "logout", "durability"])]
    mutation: Option<String>,
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number of minutes".to_owned())?;
    Duration::try_from_secs_f64(minutes * 60.0).map_err(|error| error.to_string())
}

fn main() -> anyhow::Result<ExitCode> {
    let Asked { minutes, seed, clients, nodes, failover, no_kills, no_jumps, mutation } = Asked::parse();
    let options = Options {
        duration: minutes,
        seed: seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
        clients: clients.get(),
        kills: !no_kills,
        jumps: !no_jumps,
    };
    let mut out = std::io::stdout();
    writeln!(out, "seed {}, {} clients, {:?}", options.seed, options.clients, options.duration)?;
    let (server, mutation) = (built()?, mutation.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let cluster = match nodes {
            Some(nodes) => {
                let standby = if failover { Standby::Synchronous } else { Standby::None };
                Cluster::over_postgres(&server, mutation, nodes, standby).await?
            }
            None => Cluster::embedded(&server, mutation)?,
        };
        run(cluster, &options, progress).await
    })?;
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K");
    }
    show(&mut out, &report)?;
    Ok(if report.found.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn progress(line: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{line}");
    }
}

fn show(out: &mut impl std::io::Write, report: &Report) -> std::io::Result<()> {
    let violations = u32::from(report.found.is_some());
    if let Some(found) = &report.found {
        writeln!(out, "{} is broken for {}: {}", found.violation.invariant, found.email, found.violation.what)?;
        for step in &found.history {
            for (place, event) in step.iter().enumerate() {
                let mark = if step.len() == 1 {
                    ' '
                } else if place == 0 {
                    '┌'
                } else {
                    '│'
                };
                writeln!(out, "  {mark} {event}")?;
            }
        }
    }
    if report.undecided > 0 {
        writeln!(out, "{} users have too many explanations to be judged to the end", report.undecided)?;
    }
    writeln!(
        out,
        "{} operations, {} kills, {} failovers, {} lost answers, {violations} violations ({} users)",
        report.operations, report.kills, report.failovers, report.lost, report.users
    )
}
