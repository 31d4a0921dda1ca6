//! Four times the logins that can be hashed, open loop.

use super::{Bench, login, note, rate, settle};
use crate::load::{Pace, drive};
use crate::table::{Finding, Goal, figure, median, ratio};
use crate::world::Cost;

/// So many that those who wait for an answer do not hold up the arrivals.
const CLIENTS: usize = 1024;
const TIMES: f64 = 4.0;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let server = bench.server("overload", Cost::DEFAULT).await?;
    let mut steady = login::clients(&server, 16);
    let mut many = login::clients(&server, CLIENTS);
    let (mut normal, mut good, mut shed, mut ratios, mut slowest, mut failed) =
        (vec![], vec![], vec![], vec![], vec![], 0);
    for round in 1..=bench.rounds() {
        note(&format!("overload: round {round}"));
        let (back, tally) = drive(steady, Pace::Closed, bench.span()).await?;
        steady = back;
        let saturated = tally.all_served()?.rate();
        let (back, mut tally) = drive(many, Pace::Open(saturated * TIMES), bench.span()).await?;
        many = back;
        failed += tally.failed();
        ratios.push(tally.rate() / saturated);
        normal.push(saturated);
        good.push(tally.rate());
        shed.push(tally.shed_rate());
        slowest.push(tally.shed_quantile(1.0).as_secs_f64());
        settle().await;
    }
    server.stop()?;
    let ours = format!("{} ({} shed, {failed} failed)", rate(median(good)), rate(median(shed)));
    let slowest = slowest.into_iter().fold(0.0, f64::max);
    let mut findings = vec![
        ratio(
            "goodput at 4 × saturation",
            ours,
            format!("at saturation: {}", rate(median(normal))),
            median(ratios),
            Goal::AtLeast(0.95),
        ),
        figure("slowest refusal then, 503 + Retry-After", slowest, " s", Goal::AtMost(2.0)),
    ];
    if let Some(first) = findings.first_mut().filter(|_| failed > 0) {
        first.met = false;
    }
    Ok(findings)
}
