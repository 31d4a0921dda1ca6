//! Chores of the workspace: `cargo xtask tidy` holds the project to its own rules. It reads files and writes none.

mod dialects;
mod files;
mod floors;
mod rules;
mod source;
mod tree;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::rules::Rules;
use crate::tree::{Tree, output};

const HELP: &str = "\
Usage: cargo xtask <command>

Commands:
  tidy    Check floors, sizes, names, forbidden text, keys, decision records and dialect cases.
          Each finding is one line, `path:line: what, and what to do`; any finding is exit status 1.
  fuzz    Hostile input for dialects, passwords and tokens, by seed, on stable: `cargo xtask fuzz --help`.
  verify  Races, lost answers, killed servers and clocks that jump, checked against a model: `cargo xtask verify --help`.
  bench   The server's figures beside a rival's or a limit's from the same run: `cargo xtask bench --help`.
  help    Print this.

The rules are data: xtask/floors.toml. The reasons are in docs/ARCHITECTURE.md and docs/STYLE.md.
To run everything that a change must pass: ./ci/test
";

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy(),
        ["fuzz", options @ ..] => runner("myna-fuzz", &["--release"], options),
        ["bench", options @ ..] => runner("myna-bench", &["--profile", "dist"], options),
        // What it computes is optimized in every profile (Cargo.toml).
        ["verify", options @ ..] => runner("myna-verify", &[], options),
        ["help" | "--help" | "-h"] | [_, "--help" | "-h"] => {
            std::io::stdout().write_all(HELP.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        other => {
            writeln!(std::io::stderr(), "no such command: `{}`\n\n{HELP}", other.join(" "))?;
            Ok(ExitCode::from(2))
        }
    }
}

/// A runner is a crate of its own, because xtask knows none of ours.
fn runner(package: &str, profile: &[&str], options: &[&str]) -> anyhow::Result<ExitCode> {
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(["run", "--quiet", "--package", package]).args(profile).arg("--").args(options).current_dir(root());
    let status = cargo.status().context("cannot run cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

fn tidy() -> anyhow::Result<ExitCode> {
    let root = root();
    let text = std::fs::read_to_string(root.join("xtask/floors.toml")).context("cannot read xtask/floors.toml")?;
    let rules: Rules = toml::from_str(&text).context("xtask/floors.toml")?;
    let tree = Tree::read(&root)?;

    let (counts, mut findings) = files::sizes(&rules, &tree);
    findings.extend(files::decisions(&tree));
    let metadata = output(&root, "cargo metadata --no-deps --format-version 1 --offline")?;
    findings.extend(floors::crates(&rules, &serde_json::from_slice(&metadata)?, &tree));
    findings.extend(floors::modules(&rules, &tree));
    findings.extend(words::names(&rules, &tree));
    findings.extend(words::text(&rules, &tree));
    findings.extend(dialects::cases(&tree));
    findings.sort();
    findings.dedup();

    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    let (target, above) = (rules.file_lines_target, counts.above_target);
    let (files, lines, found) = (counts.files, counts.lines, findings.len());
    writeln!(
        out,
        "tidy: {files} Rust files, {lines} lines without tests, {above} above the target of {target}; findings: {found}"
    )?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
