//! Verifications: is this access token good, and does its session live? Against a handler that does nothing.

use super::{Bench, note, rate, settle};
use crate::client::{Client, Wish, sign_in};
use crate::load::{Pace, drive};
use crate::rivals::Empty;
use crate::table::{Finding, Goal, median, ratio};
use crate::world::Cost;

const CLIENTS: usize = 64;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let server = bench.server("verify", Cost::DEFAULT).await?;
    let rival = Empty::start()?;
    let tokens = sign_in(server.address, CLIENTS as u64).await?;
    let client = |token| Client::new(server.address, Wish::Verify { token });
    let mut ours: Vec<Client> = tokens.into_iter().map(|granted| client(granted.access)).collect();
    let mut theirs: Vec<Client> = (0..CLIENTS).map(|_| Client::new(rival.address, Wish::Nothing)).collect();
    let mut rounds = Vec::new();
    for round in 1..=bench.rounds() {
        note(&format!("verify: round {round}"));
        let (back, mine) = drive(ours, Pace::Closed, bench.span()).await?;
        ours = back;
        let (back, empty) = drive(theirs, Pace::Closed, bench.span()).await?;
        theirs = back;
        rounds.push((mine.all_served()?.rate(), empty.all_served()?.rate()));
        settle().await;
    }
    server.stop()?;
    let middle = |pick: fn(&(f64, f64)) -> f64| median(rounds.iter().map(pick).collect());
    Ok(vec![ratio(
        "verifications/s, 64 clients",
        rate(middle(|round| round.0)),
        format!("an empty axum handler: {}", rate(middle(|round| round.1))),
        middle(|round| round.0 / round.1),
        Goal::AtLeast(0.8),
    )])
}
