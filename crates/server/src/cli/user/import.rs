//! `myna user import`: shows what the import tells.

use std::fs::File;
use std::io::{BufRead, BufReader, Write as _, stderr, stdin};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use myna_store::{OnConflict, OpenError, Opening, Store};

use crate::cli::{Settings, counted, say};
use crate::clock::Clock;
use crate::import::{self, Note, Report};
use crate::start::open_store;

/// How much of the source is read at once.
const BUFFER_BYTES: usize = 1 << 18;
/// How many of the lines that are skipped are shown: after an import that was broken off, nearly all are.
const SKIPPED_SHOWN_MAX: u64 = 20;

/// Take users over from elsewhere, with the hashes of their passwords; works while the server runs
///
/// FILE holds one JSON object a line, with the members that `myna user list --json --with-password-hash` writes. Only
/// `email` or `username` is needed. An id that is given is kept. A role is a name, or an object with `name`, `id` and
/// `permissions`. A line that is wrong is reported and left out; the others are imported.
#[derive(Args)]
pub(in crate::cli) struct Import {
    /// JSON Lines; `-` reads standard input
    file: PathBuf,
    /// What to do at a line whose id or name is taken: fail imports the lines before it and stops
    #[arg(long, value_enum, default_value_t = Policy::Fail)]
    on_conflict: Policy,
    /// Read and check everything, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Policy {
    Fail,
    Skip,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load(&[])?;
        let (source, bytes) = self.source()?;
        let empty = tempfile::tempdir()?;
        let store = match open_store(&config, if self.dry_run { Opening::MustExist } else { Opening::Create }).await {
            // A first import would make the database; a rehearsal of it makes one elsewhere, and nothing here.
            Err(error) if self.dry_run && is_missing(&error) => Store::open(empty.path(), Opening::Create)?,
            opened => opened?,
        };
        let on_conflict = match self.on_conflict {
            Policy::Fail => OnConflict::Stop,
            Policy::Skip => OnConflict::Skip,
        };
        let import = import::Import { on_conflict, is_rehearsal: self.dry_run, now: Clock::default().now() };
        let mut screen = Screen::new(bytes, on_conflict);
        let report = import.run(&store, source, &mut |note| screen.show(&note)).await;
        screen.bar.finish_and_clear();
        self.tell(&report?, screen.begun.elapsed())
    }

    /// What is read, and how long it is if that can be known.
    fn source(&self) -> anyhow::Result<(Box<dyn BufRead + Send>, Option<u64>)> {
        if self.file.as_os_str() == "-" {
            return Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, stdin())), None));
        }
        let cannot = || format!("cannot read {}", self.file.display());
        let file = File::open(&self.file).with_context(cannot)?;
        let found = file.metadata().with_context(cannot)?;
        let bytes = found.is_file().then_some(found.len());
        Ok((Box::new(BufReader::with_capacity(BUFFER_BYTES, file)), bytes))
    }

    fn tell(&self, report: &Report, took: Duration) -> anyhow::Result<()> {
        let &Report { imported, met, wrong, stopped_at } = report;
        let mut text = if self.dry_run {
            format!("would import {}", users(imported))
        } else {
            let rate = imported as f64 / took.as_secs_f64().max(0.001);
            format!("imported {} in {:.1} s ({rate:.0}/s)", users(imported), took.as_secs_f64())
        };
        if met > 0 && stopped_at.is_none() {
            text += &format!("; skipped {}", users(met));
        }
        say(text)?;
        if let Some(line) = stopped_at {
            let until =
                if self.dry_run { "nothing was written" } else { "the lines before it are imported, none after it" };
            bail!(
                "stopped at line {line}: {until}; --on-conflict skip leaves such lines out, also when an import is run again"
            );
        }
        match wrong {
            0 => Ok(()),
            1 => bail!("1 line is wrong; to import it, mend it and run again with --on-conflict skip"),
            lines => bail!("{lines} lines are wrong; to import them, mend them and run again with --on-conflict skip"),
        }
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OpenError::NoDatabase(_)))
}

fn users(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "user")
}

/// What is shown meanwhile: a bar if standard error is a terminal, and what is wrong in any case.
struct Screen {
    bar: ProgressBar,
    begun: Instant,
    skips: bool,
    met: u64,
}

impl Screen {
    fn new(bytes: Option<u64>, on_conflict: OnConflict) -> Self {
        let (bar, template) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), "{wide_bar} {percent:>3} % {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        // A template that cannot be read leaves the bar as it is.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, begun: Instant::now(), skips: on_conflict == OnConflict::Skip, met: 0 }
    }

    fn show(&mut self, note: &Note<'_>) {
        match *note {
            Note::Wrong { line, what } => self.line(&format!("line {line}: {what}")),
            Note::Met { line, what } if self.skips => {
                self.met += 1;
                if self.met <= SKIPPED_SHOWN_MAX {
                    self.line(&format!("line {line}: skipped: {what}"));
                } else if self.met == SKIPPED_SHOWN_MAX + 1 {
                    self.line("more lines are skipped; only their number is told");
                }
            }
            Note::Met { line, what } => self.line(&format!("line {line}: {what}")),
            Note::Progress { bytes, users } => {
                let rate = users as f64 / self.begun.elapsed().as_secs_f64().max(0.001);
                self.bar.set_position(bytes);
                self.bar.set_message(format!("{users} users, {rate:.0}/s"));
            }
        }
    }

    fn line(&self, text: &str) {
        // Nobody listens any more: the exit status says it all the same.
        let _ = self.bar.suspend(|| writeln!(stderr().lock(), "{text}"));
    }
}
