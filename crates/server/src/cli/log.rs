//! Where log lines go: standard error, for people or for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::{Log, LogFormat};

/// Starts logging for the rest of the process.
pub(super) fn start(log: &Log) {
    let layer = match log.format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        LogFormat::Text => {
            let color = std::io::stderr().is_terminal();
            fmt::layer().with_ansi(color).with_target(false).with_writer(std::io::stderr).boxed()
        }
    };
    // A second start (in tests) leaves the first in place.
    let _ = tracing_subscriber::registry().with(layer.with_filter(log.levels.clone())).try_init();
}
