//! Users with ready hashes into an empty database, as `myna user import` writes them; reading and proving a file is not in it.

use std::time::Instant;

use super::{Bench, note};
use crate::table::{Finding, Goal, figure};
use crate::world::{Cost, populate};

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let users = bench.very_many();
    // A folder of its own: the one that other rows share may be there already.
    let data = bench.room("import")?.join("data");
    note(&format!("import: making {users} users"));
    let begun = Instant::now();
    populate(&data, users, Cost::DEFAULT).await?;
    let rate = users as f64 / begun.elapsed().as_secs_f64();
    Ok(vec![figure(&format!("import of {users} users with ready hashes"), rate, " /s", Goal::AtLeast(50_000.0))])
}
