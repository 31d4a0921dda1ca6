//! The program behind `cargo xtask verify`.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use myna_verify::{Cluster, Options, Report, built, run};

const HELP: &str = "\
Usage: cargo xtask verify [options]

  --minutes N     how long (default 2; fractions are fine)
  --seed S        what is drawn (default: from the clock, printed)
  --clients N     users at the same time (default 24)
  --nodes N       so many nodes over a PostgreSQL of the run's own (Debian: postgresql), 1 to 4
  --no-kills      nodes and their store are left alone
  --no-jumps      the clock goes its way
  --mutation M    take a guard out and see it found: rotation, logout or durability

Drives a server with races, lost answers, `kill -9` and a clock that jumps, and checks every answer against a model of the
invariants in docs/INVARIANTS.md. Prints what was done, and the shortest history that breaks an invariant, if there is one: then
the exit status is 1.
";

struct Asked {
    options: Options,
    mutation: Option<String>,
    nodes: Option<usize>,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout();
    let Some(Asked { options, mutation, nodes }) = parse(&arguments) else {
        out.write_all(HELP.as_bytes())?;
        let asked = matches!(arguments.as_slice(), [only] if only == "--help" || only == "-h");
        return Ok(if asked { ExitCode::SUCCESS } else { ExitCode::from(2) });
    };
    writeln!(out, "seed {}, {} clients, {:?}", options.seed, options.clients, options.duration)?;
    let (server, mutation) = (built()?, mutation.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let cluster = match nodes {
            Some(nodes) => Cluster::over_postgres(&server, mutation, nodes).await?,
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
        "{} operations, {} kills, {violations} violations ({} users)",
        report.operations, report.kills, report.users
    )
}

fn parse(arguments: &[String]) -> Option<Asked> {
    let mut options = Options {
        duration: Duration::from_secs(120),
        seed: fastrand::u64(..1_000_000),
        clients: 24,
        kills: true,
        jumps: true,
    };
    let (mut mutation, mut nodes) = (None, None);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--no-kills" => options.kills = false,
            "--no-jumps" => options.jumps = false,
            "--minutes" => {
                let minutes: f64 = rest.next()?.parse().ok()?;
                options.duration = Duration::try_from_secs_f64(minutes * 60.0).ok()?;
            }
            "--seed" => options.seed = rest.next()?.parse().ok()?,
            "--clients" => options.clients = rest.next()?.parse().ok().filter(|clients| *clients > 0)?,
            "--nodes" => nodes = Some(rest.next()?.parse().ok()?),
            "--mutation" => mutation = Some(rest.next()?.clone()),
            _ => return None,
        }
    }
    Some(Asked { options, mutation, nodes })
}
