//! `bench/RESULTS.md`: the table of the last whole run, with machine, date and commit.

use std::process::Command;

use anyhow::Context as _;
use time::OffsetDateTime;

use crate::machine;
use crate::server::root;

/// Writes the table of a whole run.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn keep(table: &str, busy: f64) -> anyhow::Result<()> {
    let text = format!(
        "# Results\n\nThe last whole run of `cargo xtask bench`, written by it. Absolute figures are the machine's, which also runs the load; the \
         ratios are what counts.\n\n- machine: {}, {:.1} % busy with other things before the run\n- date: {}\n- commit: {}\n\n{table}",
        machine::describe(),
        busy * 100.0,
        OffsetDateTime::now_utc().date(),
        commit()
    );
    let path = root().join("bench/RESULTS.md");
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let name = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let altered = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    if altered { format!("{name}, with changes") } else { name }
}
