//! Memory, start and size.

use std::time::Duration;

use super::{Bench, cores, login, note};
use crate::load::{Pace, drive};
use crate::table::{Finding, Goal, figure, median};
use crate::world::Cost;

const STARTS: usize = 9;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let room = bench.room("footprint")?;
    let (data, users) = bench.many_users().await?;
    let (mut starts, mut idle) = (Vec::new(), Vec::new());
    // The first makes the keys.
    bench.serve(&room, &data, Cost::DEFAULT)?.stop()?;
    for round in 1..=STARTS {
        note(&format!("footprint: start {round}"));
        let server = bench.serve(&room, &data, Cost::DEFAULT)?;
        starts.push(server.start.as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle.push(server.memory_mib("VmRSS")?);
        server.stop()?;
    }
    note("footprint: memory under load");
    let server = bench.serve(&room, &data, Cost::DEFAULT)?;
    drive(login::clients(&server, 64), Pace::Closed, bench.span()).await?.1.sound()?;
    let pool = cores() as f64 * f64::from(Cost::DEFAULT.memory_mib);
    let beyond = server.memory_mib("VmHWM")? - pool;
    server.stop()?;
    let size = std::fs::metadata(&bench.binary)?.len() as f64 / 1e6;
    Ok(vec![
        figure(&format!("start with {users} users, to the first answer"), median(starts), " ms", Goal::AtMost(100.0)),
        figure("memory, idle", median(idle), " MiB", Goal::AtMost(20.0)),
        figure("most memory while 64 clients log in, beyond the hashing", beyond, " MiB", Goal::AtMost(40.0)),
        figure("binary, stripped", size, " MB", Goal::AtMost(20.0)),
    ])
}
