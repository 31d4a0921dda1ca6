//! Many clients at once, closed loop (each asks again as soon as it is answered) or open loop (requests are due at a fixed
//! rate, whether or not the earlier ones are answered).
//!
//! In the open loop a request's time counts from when it was due if its client was still waiting for the one before, so
//! that a slow answer is not hidden by the requests that it held up. If the client was free and its timer rang late, it
//! counts from when it was sent: that delay is the generator's, not the server's.

use std::time::{Duration, Instant};

use anyhow::bail;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::client::{Client, Done};

/// When the next request is sent.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// As soon as the one before is answered.
    Closed,
    /// So many a second, over all clients.
    Open(f64),
}

/// How long to load.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    /// What comes first and is not counted.
    pub(crate) warm: Duration,
    /// What is counted.
    pub(crate) counted: Duration,
}

impl Span {
    /// A span with a warm-up of a quarter of it.
    pub(crate) fn seconds(seconds: f64) -> Self {
        Self { warm: Duration::from_secs_f64(seconds / 4.0), counted: Duration::from_secs_f64(seconds) }
    }
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Tally {
    served: Vec<Duration>,
    shed: Vec<Duration>,
    failed: u64,
    failure: Option<String>,
    counted: Duration,
}

impl Tally {
    /// Answered requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.served.len() as f64 / self.counted.as_secs_f64()
    }

    /// Requests a second that were told to come back later.
    pub(crate) fn shed_rate(&self) -> f64 {
        self.shed.len() as f64 / self.counted.as_secs_f64()
    }

    /// The time that so great a part of the answered requests took at most.
    pub(crate) fn quantile(&mut self, part: f64) -> Duration {
        quantile(&mut self.served, part)
    }

    /// The same of those that were told to come back later.
    pub(crate) fn shed_quantile(&mut self, part: f64) -> Duration {
        quantile(&mut self.shed, part)
    }

    /// How many failed.
    pub(crate) const fn failed(&self) -> u64 {
        self.failed
    }

    /// An error when anything failed.
    pub(crate) fn sound(self) -> anyhow::Result<Self> {
        if let Some(failure) = &self.failure {
            bail!("{} requests failed; the first: {failure}", self.failed);
        }
        Ok(self)
    }

    /// An error when anything failed or was shed.
    pub(crate) fn all_served(self) -> anyhow::Result<Self> {
        let tally = self.sound()?;
        anyhow::ensure!(tally.shed.is_empty(), "{} requests were shed, where none should be", tally.shed.len());
        Ok(tally)
    }

    fn add(&mut self, result: anyhow::Result<Done>, took: Duration) {
        match result {
            Ok(Done::Served) => self.served.push(took),
            Ok(Done::Shed) => self.shed.push(took),
            Err(error) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }

    fn join(&mut self, other: Self) {
        self.served.extend(other.served);
        self.shed.extend(other.shed);
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
    }
}

fn quantile(times: &mut [Duration], part: f64) -> Duration {
    times.sort_unstable();
    let place = (times.len() as f64 * part).ceil() as usize;
    times.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// Lets `clients` ask for `span`, and gives them back with what came of it.
///
/// # Errors
/// When a client's task ended badly; a failed request is counted.
pub(crate) async fn drive(clients: Vec<Client>, pace: Pace, span: Span) -> anyhow::Result<(Vec<Client>, Tally)> {
    let start = Instant::now();
    let (from, to) = (start + span.warm, start + span.warm + span.counted);
    let count = clients.len();
    let mut tasks = JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        match pace {
            Pace::Closed => tasks.spawn(closed(client, from, to)),
            Pace::Open(rate) => {
                let every = Duration::from_secs_f64(count as f64 / rate);
                let first = start + every.mul_f64(number as f64 / count as f64);
                tasks.spawn(open(client, first, every, (from, to)))
            }
        };
    }
    let (mut clients, mut tally) = (Vec::new(), Tally { counted: span.counted, ..Tally::default() });
    while let Some(ended) = tasks.join_next().await {
        let (client, part) = ended?;
        clients.push(client);
        tally.join(part);
    }
    Ok((clients, tally))
}

async fn closed(mut client: Client, from: Instant, to: Instant) -> (Client, Tally) {
    let mut tally = Tally::default();
    loop {
        let begun = Instant::now();
        if begun >= to {
            return (client, tally);
        }
        let result = client.ask().await;
        let ended = Instant::now();
        if (from..to).contains(&ended) || result.is_err() {
            tally.add(result, ended - begun);
        }
    }
}

async fn open(mut client: Client, first: Instant, every: Duration, counted: (Instant, Instant)) -> (Client, Tally) {
    let mut tally = Tally::default();
    let mut due = first;
    while due < counted.1 {
        let begun = if Instant::now() < due {
            sleep_until(due.into()).await;
            Instant::now()
        } else {
            due
        };
        let result = client.ask().await;
        if (counted.0..counted.1).contains(&due) || result.is_err() {
            tally.add(result, begun.elapsed());
        }
        due += every;
    }
    (client, tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_times() {
        let millis = |numbers: &[u64]| numbers.iter().map(|number| Duration::from_millis(*number)).collect::<Vec<_>>();
        let mut hundred = millis(&(1..=100).rev().collect::<Vec<_>>());
        for (part, expected) in [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)] {
            assert_eq!(quantile(&mut hundred, part), Duration::from_millis(expected), "{part}");
        }
        assert_eq!(quantile(&mut [], 0.99), Duration::ZERO);
        assert_eq!(quantile(&mut millis(&[7]), 0.99), Duration::from_millis(7));
    }
}
