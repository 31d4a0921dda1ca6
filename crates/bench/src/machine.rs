//! The machine that everything runs on: what it is, and whether it has anything else to do.

use std::time::Duration;

/// How long others are watched.
const WATCHED: Duration = Duration::from_secs(3);

/// What it is, for a reader of the results.
pub(crate) fn describe() -> String {
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let gib = memory.trim_end_matches(" kB").parse::<f64>().unwrap_or_default() / 1024.0 / 1024.0;
    format!("{} × {}, {gib:.0} GiB, shared", crate::rows::cores(), value(&read("/proc/cpuinfo"), "model name"))
}

/// How much of the processors others use right now: 0 to 1.
pub(crate) async fn busy() -> f64 {
    let before = ticks();
    tokio::time::sleep(WATCHED).await;
    let after = ticks();
    let (all, idle) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    if all == 0 { 0.0 } else { 1.0 - idle as f64 / all as f64 }
}

/// Ticks of all processors since they were started, and those of them with nothing to do (proc_stat(5): idle and iowait).
fn ticks() -> (u64, u64) {
    let text = read("/proc/stat");
    let total = text.lines().next().unwrap_or_default();
    let numbers: Vec<u64> =
        total.split_ascii_whitespace().skip(1).take(8).map_while(|part| part.parse().ok()).collect();
    (numbers.iter().sum(), numbers.iter().skip(3).take(2).sum())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
