//! Users with ready hashes into an empty database, as `myna user import` writes them; reading and proving a file is not in it.

use std::time::Instant;

use super::Bench;
use crate::table::{Finding, Goal, figure};

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let begun = Instant::now();
    let (_, users) = bench.many_users().await?;
    let rate = users as f64 / begun.elapsed().as_secs_f64();
    Ok(vec![figure(&format!("import of {users} users with ready hashes"), rate, " /s", Goal::AtLeast(50_000.0))])
}
