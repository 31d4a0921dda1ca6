//! Refresh while 64 clients log in without pause.

use super::{Bench, login, note, rate, refresh, settle};
use crate::load::{Pace, drive};
use crate::table::{Finding, Goal, figure, median, millis, ratio};
use crate::world::Cost;

const LOGINS: usize = 64;
const REFRESHERS: u64 = 32;
/// Refreshes a second, open loop.
const RATE: f64 = 200.0;

pub(super) async fn run(bench: &Bench) -> anyhow::Result<Vec<Finding>> {
    let server = bench.server("isolation", Cost::DEFAULT).await?;
    let mut refreshers = refresh::clients(&server, REFRESHERS).await?;
    let mut logins = login::clients(&server, LOGINS);
    let (mut alone, mut beside, mut ratios, mut rates) = (vec![], vec![], vec![], vec![]);
    for round in 1..=bench.rounds() {
        note(&format!("isolation: round {round}"));
        let (back, tally) = drive(refreshers, Pace::Open(RATE), bench.span()).await?;
        let first = tally.all_served()?.quantile(0.99);
        let busy = tokio::spawn(drive(logins, Pace::Closed, bench.span()));
        let (back, tally) = drive(back, Pace::Open(RATE), bench.span()).await?;
        refreshers = back;
        let second = tally.all_served()?.quantile(0.99);
        let (back, tally) = busy.await??;
        logins = back;
        rates.push(tally.sound()?.rate());
        ratios.push(second.as_secs_f64() / first.as_secs_f64());
        alone.push(first.as_secs_f64());
        beside.push(second.as_secs_f64());
        settle().await;
    }
    server.stop()?;
    let time = |seconds: f64| millis(std::time::Duration::from_secs_f64(seconds));
    let (alone, beside) = (median(alone), median(beside));
    let what = format!("refresh p99 while 64 clients log in ({})", rate(median(rates)));
    let against = format!("refresh p99 alone: {}", time(alone));
    Ok(vec![
        ratio(&what, time(beside), against, median(ratios), Goal::AtMost(3.0)),
        figure("the same", beside * 1000.0, " ms", Goal::AtMost(25.0)),
    ])
}
