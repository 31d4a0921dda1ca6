//! The program from outside: cases of every dialect in process and over HTTP, and the commands that need no server.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod cases;
mod commands;
mod drafts;

use std::process::{Command, Output};

/// Runs `myna` in an empty folder, with nothing of this machine's configuration.
fn myna(folder: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_myna"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
