//! Deletes what nobody can ask for any more: sessions long ended, challenges long closed. In small steps, so that no
//! request waits behind it.

use std::sync::Arc;
use std::time::Duration;

use myna_store::Sweep;
use tokio::sync::watch;

use super::{Jobs, pause};

const EVERY: Duration = Duration::from_hours(1);
const BETWEEN_STEPS: Duration = Duration::from_millis(100);

pub(super) async fn run(jobs: Arc<Jobs>, mut stop: watch::Receiver<bool>) {
    loop {
        for kind in [Sweep::Sessions, Sweep::Challenges] {
            let mut after = None;
            loop {
                match jobs.app.store.sweep(kind, after, jobs.app.clock.now()).await {
                    Ok(Some(last)) => after = Some(last),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::warn!(%error, "cannot sweep; trying again later");
                        break;
                    }
                }
                if !pause(BETWEEN_STEPS, &mut stop).await {
                    return;
                }
            }
        }
        if !pause(EVERY, &mut stop).await {
            return;
        }
    }
}
