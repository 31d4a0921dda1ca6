//! Picks up keys that an operator imported while the server runs.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::{Jobs, pause};

const EVERY: Duration = Duration::from_secs(2);

pub(super) async fn run(jobs: Arc<Jobs>, mut stop: watch::Receiver<bool>) {
    let keys = &jobs.app.keys;
    // The keys were read before this job began: the first look always reads them again.
    let mut seen = None;
    let mut said = String::new();
    while pause(EVERY, &mut stop).await {
        let now = changed_at(keys.folder());
        if now == seen {
            continue;
        }
        match keys.reload() {
            Ok(()) => {
                tracing::debug!("keys read again");
                seen = now;
                said.clear();
            }
            // Tried again each time, since what mends a file does not change its folder; said once.
            Err(error) => {
                let text = error.to_string();
                if text != said {
                    tracing::error!(error = text, "the key folder cannot be used; the keys stay as they were");
                    said = text;
                }
            }
        }
    }
}

/// A file that comes or goes changes the folder's time.
fn changed_at(folder: &std::path::Path) -> Option<SystemTime> {
    fs::metadata(folder).and_then(|metadata| metadata.modified()).ok()
}
