//! Logins at saturation.

use super::{Bench, USERS, cores, note, rate, settle};
use crate::client::{Client, Wish};
use crate::load::{Pace, drive};
use crate::rivals;
use crate::server::{self, Make, Server, Setup};
use crate::table::{Finding, Goal, median, ratio};
use crate::world::{Cost, populate};

/// Enough that the hashing threads never wait, too few for the queue to overflow.
const CLIENTS: usize = 16;

/// Clients that log users in.
pub(super) fn clients(server: &Server, count: usize) -> Vec<Client> {
    let wish = Wish::Login { users: USERS.unsigned_abs() };
    (0..count).map(|_| Client::new(server.address, wish.clone())).collect()
}

/// Against cores ÷ the time of a bare hash.
pub(super) async fn saturation(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let server = bench.server("login", Cost::DEFAULT).await?;
    let params = Cost::DEFAULT.params()?;
    let mut clients = clients(&server, CLIENTS);
    let (mut ours, mut single, mut all, mut ratios, mut ratios_all) = (vec![], vec![], vec![], vec![], vec![]);
    let mut latencies = Vec::new();
    for round in 1..=bench.rounds() {
        note(&format!("login: round {round}"));
        let one = rivals::bare_hashes(1, &params, bench.span().counted / 2)?;
        let every = rivals::bare_hashes(cores(), &params, bench.span().counted / 2)?;
        let (back, tally) = drive(clients, Pace::Closed, bench.span()).await?;
        clients = back;
        let mut tally = tally.all_served()?;
        ratios.push(tally.rate() / (one * cores() as f64));
        ratios_all.push(tally.rate() / every);
        ours.push(tally.rate());
        single.push(one * cores() as f64);
        all.push(every);
        latencies.push([tally.quantile(0.5), tally.quantile(0.99)].map(|time| time.as_secs_f64() * 1000.0));
        settle().await;
    }
    server.stop()?;
    let middle = |which: usize| median(latencies.iter().map(|pair| pair[which]).collect());
    let figure = format!("{} (p50 {:.0} ms, p99 {:.0} ms)", rate(median(ours.clone())), middle(0), middle(1));
    let one = format!("{} × one core's bare hashes: {}", cores(), rate(median(single)));
    let every = format!("bare hashes on all cores at once: {}", rate(median(all)));
    Ok(vec![
        ratio("logins/s, 16 clients", figure.clone(), one, median(ratios), Goal::AtLeast(0.95)),
        ratio("the same", figure, every, median(ratios_all), Goal::AtLeast(0.95)),
    ])
}

/// Against the same server hashing as many others do.
pub(super) async fn fresh_memory(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    note("fresh: building the rival");
    let rival = server::build(Make::FreshMemory)?;
    let mut findings = Vec::new();
    for (cost, goal) in [(Cost::DEFAULT, 1.6), (Cost::ONE_PASS, 3.0)] {
        let name = format!("m={} MiB t={}", cost.memory_mib, cost.passes);
        let own = bench.server(&format!("fresh-{}-own", cost.memory_mib), cost).await?;
        let room = bench.room(&format!("fresh-{}-rival", cost.memory_mib))?;
        let data = room.join("data");
        populate(&data, USERS, cost).await?;
        let other = Setup { binary: &rival, folder: &room, data: &data, cost, settings: "" }.start()?;
        let (mut ours, mut theirs) = (clients(&own, CLIENTS), clients(&other, CLIENTS));
        let mut rounds = Vec::new();
        for round in 1..=bench.rounds() {
            note(&format!("fresh: {name}, round {round}"));
            let (back, mine) = drive(ours, Pace::Closed, bench.span()).await?;
            ours = back;
            let (back, other) = drive(theirs, Pace::Closed, bench.span()).await?;
            theirs = back;
            rounds.push((mine.all_served()?.rate(), other.all_served()?.rate()));
        }
        own.stop()?;
        other.stop()?;
        let middle = |pick: fn(&(f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
        findings.push(ratio(
            &format!("logins/s, {name}"),
            rate(middle(|round| round.0)),
            format!("RustCrypto, fresh memory: {}", rate(middle(|round| round.1))),
            middle(|round| round.0 / round.1),
            Goal::AtLeast(goal),
        ));
    }
    Ok(findings)
}
