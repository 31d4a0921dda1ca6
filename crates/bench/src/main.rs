//! `cargo xtask bench`: the server's figures beside a rival's or a limit's, measured in the same run. It is no part of the
//! program; it drives the built server from outside.

mod client;
mod load;
mod machine;
mod meter;
mod results;
mod rivals;
mod rows;
mod server;
mod table;
mod world;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

use crate::rows::{Bench, ROWS};

/// From here on what others do on this machine is told before a run: latencies suffer first.
const BUSY: f64 = 0.03;

/// Measures the server beside rivals and limits, and prints one table
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Options {
    /// Fewer and shorter rounds, fewer users
    #[arg(long)]
    quick: bool,
    /// Only these rows
    #[arg(long, value_name = "NAME")]
    row: Vec<String>,
    /// Print the rows there are
    #[arg(long)]
    list: bool,
    /// Be the empty rival at this address
    #[arg(long, value_name = "ADDR", hide = true)]
    empty: Option<SocketAddr>,
    /// Be what is counted under valgrind: so many logins of so many users
    #[arg(long, num_args = 3, value_names = ["DATA", "USERS", "LOGINS"], hide = true)]
    log_in: Option<Vec<String>>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if let Some(address) = options.empty {
        rivals::serve_empty(address).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some([data, users, logins]) = options.log_in.as_deref() {
        rows::instructions::log_in(data.as_ref(), users.parse()?, logins.parse()?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.list {
        for (name, about) in ROWS {
            writeln!(std::io::stdout(), "{name:<14}{about}")?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let known = |name: &str| ROWS.iter().any(|(row, _)| *row == name);
    if let Some(unknown) = options.row.iter().find(|name| !known(name)) {
        anyhow::bail!("no row `{unknown}`; --list prints them");
    }
    let chosen = |name: &str| options.row.is_empty() || options.row.iter().any(|row| row == name);
    let bench = Bench::new(options.quick)?;
    let busy = machine::busy().await;
    if busy >= BUSY {
        let share = busy * 100.0;
        writeln!(std::io::stderr(), "warning: other programs keep {share:.0} % of this machine busy; wait for them")?;
    }
    let mut findings = Vec::new();
    let mut broken = false;
    for (name, about) in ROWS.into_iter().filter(|(name, _)| chosen(name)) {
        match bench.row(name).await {
            Ok(found) => findings.extend(found),
            Err(error) => {
                broken = true;
                writeln!(std::io::stderr(), "\nrow `{name}` ({about}) could not be measured: {error:#}")?;
            }
        }
    }
    rows::note("done");
    let table = table::markdown(&findings);
    write!(std::io::stdout(), "\n{table}")?;
    if options.row.is_empty() && !options.quick && !broken {
        results::keep(&table, busy)?;
    }
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
