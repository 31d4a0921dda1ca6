//! `myna user example`: users that nobody is, for trying an import and for measuring with many users.

use std::io::{BufWriter, Write as _, stdout};

use clap::Args;
use serde_json::json;

/// A prime: multiplied by it, numbers below a count that it does not divide come in another order, each once. Where users
/// are listed by id, their e-mails are in no order either.
const STRIDE: u64 = 1_000_000_007;

/// Write users to try an import with, as many as are asked for
#[derive(Args)]
pub(in crate::cli) struct Example {
    /// How many; their e-mails are user-1@example.com to user-COUNT@example.com, in no order
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    count: u64,
    /// The hash that each has; without it they have no password
    #[arg(long, value_name = "HASH")]
    password_hash: Option<String>,
}

impl Example {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut out = BufWriter::new(stdout().lock());
        for id in 1..=self.count {
            let number = id * STRIDE % self.count + 1;
            let user = json!({
                "id": id,
                "email": format!("user-{number}@example.com"),
                "first_name": "Example",
                "last_name": format!("Number {number}"),
                "created_at": "2026-01-01T00:00:00Z",
                "password_hash": self.password_hash,
            });
            writeln!(out, "{user}")?;
        }
        Ok(out.flush()?)
    }
}
