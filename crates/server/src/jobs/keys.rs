//! Takes up keys that an operator or another node makes while the server runs, and lets each sign when its time has come.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Jobs, pause};
use crate::clock::jittered;

pub(super) async fn run(jobs: Arc<Jobs>, mut stop: watch::Receiver<bool>) {
    let (keys, clock) = (&jobs.app.keys, &jobs.app.clock);
    let mut said = String::new();
    // The nodes of one database need not all ask at the same moment.
    while pause(jittered(keys.next_look(clock.now())), &mut stop).await {
        match keys.look(clock.now()).await {
            Ok(changed) => {
                if changed {
                    tracing::debug!("the keys have changed");
                }
                said.clear();
            }
            // Tried again each time, since what mends a file does not change its folder; said once.
            Err(error) => {
                let text = error.to_string();
                if text != said {
                    let place = keys.shown_place();
                    tracing::error!(error = text, place, "the keys cannot be read again; they stay as they were");
                    said = text;
                }
            }
        }
    }
}
