//! Picks up keys that an operator imported while the server runs.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::{Jobs, pause};

const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn run(jobs: Arc<Jobs>, mut stop: watch::Receiver<bool>) {
    let keys = &jobs.app.keys;
    let mut seen = changed_at(keys.folder());
    while pause(EVERY, &mut stop).await {
        let now = changed_at(keys.folder());
        if now == seen {
            continue;
        }
        match keys.reload() {
            Ok(()) => tracing::info!("the key folder has changed: keys read again"),
            Err(error) => {
                tracing::error!(%error, "the key folder has changed and cannot be used; the keys stay as they were")
            }
        }
        seen = now;
    }
}

/// A file that comes or goes changes the folder's time.
fn changed_at(folder: &std::path::Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|metadata| metadata.modified()).ok()
}
