//! `myna store copy`: shows what the copy tells.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use myna_store::{self as store, CopyNote, CopyPhase, CopyReport, Place};

use crate::cli::{counted, say};

/// How many digits of a digest are shown.
const DIGITS: usize = 16;

/// Copy a store, from SQLite to PostgreSQL or back; every row is compared at the end
///
/// A store is written sqlite:FOLDER (a data folder) or postgres://USER:PASSWORD@HOST/NAME, or @FILE for a file that holds
/// such an address, which keeps its password out of the list of processes.
///
/// The target has to be empty; a data folder is made. The source may be in use: what changed meanwhile is found at the end,
/// and the same command run again copies the differences alone. It also goes on with a copy that was broken off. No server
/// starts on a target before it is complete, and from its first start on nothing is copied to it any more.
///
/// Keys in the folder `keys` are not copied: give the server of the target the same folder, and nobody is logged out. Keys that
/// are in the database go along, encrypted: there it needs the same `key_encryption_key`.
#[derive(Args)]
pub(in crate::cli) struct Copy {
    /// The store that is copied; nothing of it is altered
    #[arg(long, value_name = "STORE")]
    from: String,
    /// Where it is copied to
    #[arg(long, value_name = "STORE")]
    to: String,
    /// Look at both ends, and write nothing
    #[arg(long)]
    dry_run: bool,
}

impl Copy {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let (from, to) = (place(&self.from)?, place(&self.to)?);
        let (from_name, to_name) = (from.name(), to.name());
        let copy = store::Copy::new(from, to)?;
        if self.dry_run {
            let plan = copy.plan().await?;
            for (name, rows) in &plan.tables {
                say(format!("{name:<14} {rows:>12}"))?;
            }
            let verb = if plan.goes_on { "would go on copying" } else { "would copy" };
            let rows = rows(plan.tables.iter().map(|(_, rows)| rows).sum());
            say(format!("{verb} {rows} from {from_name} to {to_name}; nothing was written"))?;
            return Ok(());
        }
        let begun = Instant::now();
        let screen = Screen::new();
        let report = copy.run(&mut |note| screen.show(note)).await;
        screen.bar.finish_and_clear();
        tell(&report?, begun.elapsed().as_secs_f64(), &to_name)
    }
}

fn place(text: &str) -> anyhow::Result<Place> {
    let Some(path) = text.strip_prefix('@') else { return Ok(Place::parse(text)?) };
    let address = std::fs::read_to_string(Path::new(path)).with_context(|| format!("cannot read {path}"))?;
    Place::parse(address.trim()).with_context(|| format!("in {path}"))
}

fn tell(report: &CopyReport, seconds: f64, to: &str) -> anyhow::Result<()> {
    say(format!("{:<14} {:>12} {:>12}  {:<DIGITS$}  {:<DIGITS$}", "TABLE", "SOURCE", "TARGET", "SHA-256", "SHA-256"))?;
    for table in &report.tables {
        let short = |digest: &str| digest.chars().take(DIGITS).collect::<String>();
        let verdict = if table.differing == 0 { "" } else { "  differs" };
        say(format!(
            "{:<14} {:>12} {:>12}  {}  {}{verdict}",
            table.name,
            table.source_rows,
            table.target_rows,
            short(&table.source_digest),
            short(&table.target_digest)
        ))?;
    }
    let copied = format!("wrote {} and removed {} in {seconds:.1} s", rows(report.written), report.removed);
    if !report.is_equal() {
        for difference in &report.differences {
            say(difference)?;
        }
        bail!(
            "{copied}, and source and target are not the same: the source was altered meanwhile. Serve it with `read_only = true` \
             (or stop its server) and run the same command again; it copies the differences alone"
        );
    }
    say(format!(
        "{copied}; every row is the same at both ends. To serve {to}, give its server the same folder `keys`, \
         or the same `key_encryption_key`: nobody is logged out"
    ))?;
    Ok(())
}

fn rows(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "row")
}

/// A bar if standard error is a terminal.
struct Screen {
    bar: ProgressBar,
}

impl Screen {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        // A template that cannot be read leaves the bar as it is.
        if let Ok(style) = ProgressStyle::with_template("{msg:<22} {wide_bar} {percent:>3} % {eta:>5}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    fn show(&self, note: CopyNote) {
        match note {
            CopyNote::Begins(phase, total) => {
                self.bar.reset();
                self.bar.set_length(total);
                self.bar.set_message(match phase {
                    CopyPhase::Looking => "looking what is there",
                    CopyPhase::Copying => "copying",
                    CopyPhase::Comparing => "comparing every row",
                });
            }
            CopyNote::Rows(rows) => self.bar.inc(rows),
        }
    }
}
