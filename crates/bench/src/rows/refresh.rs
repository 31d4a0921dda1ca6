//! Durable rotations.

use super::{Bench, note, rate, settle};
use crate::client::{Client, Wish, sign_in};
use crate::load::{Pace, drive};
use crate::rivals::group_commits;
use crate::server::Server;
use crate::table::{Finding, Goal, figure, median, ratio};
use crate::world::{Cost, copy};

const CLIENTS: usize = 64;

/// Clients that refresh, each a session of a user of its own.
pub(super) async fn clients(server: &Server, count: u64) -> anyhow::Result<Vec<Client>> {
    let granted = sign_in(server.address, count).await?;
    let client = |token| Client::new(server.address, Wish::Refresh { token });
    Ok(granted.into_iter().map(|granted| client(granted.refresh)).collect())
}

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    // Signed in by one server, then copied for the rival while nobody has it open.
    let room = bench.room("refresh")?;
    let data = room.join("data");
    let server = bench.server("refresh", Cost::DEFAULT).await?;
    let tokens = sign_in(server.address, CLIENTS as u64).await?;
    server.stop()?;
    let bare = room.join("bare");
    copy(&data, &bare)?;
    let server = bench.serve(&room, &data, Cost::DEFAULT)?;
    let client = |token| Client::new(server.address, Wish::Refresh { token });
    let mut clients: Vec<Client> = tokens.into_iter().map(|granted| client(granted.refresh)).collect();
    let (mut ours, mut theirs, mut ratios, mut times) = (vec![], vec![], vec![], vec![]);
    for round in 1..=bench.rounds() {
        note(&format!("refresh: round {round}"));
        let (back, tally) = drive(clients, Pace::Closed, bench.span()).await?;
        clients = back;
        let mut tally = tally.all_served()?;
        settle().await;
        let limit = group_commits(&bare, CLIENTS, bench.span()).await?;
        settle().await;
        ratios.push(tally.rate() / limit);
        ours.push(tally.rate());
        theirs.push(limit);
        times.push(tally.quantile(0.99).as_secs_f64() * 1000.0);
    }
    server.stop()?;
    let rates = median(ours);
    let shown = format!("{} (p99 {:.1} ms)", rate(rates), median(times));
    let against = format!("bare group-commit writer, the same rows: {}", rate(median(theirs)));
    Ok(vec![
        ratio("refreshes/s, durable, 64 clients", shown, against, median(ratios), Goal::AtLeast(0.6)),
        figure("the same", rates, " /s", Goal::AtLeast(8000.0)),
    ])
}
