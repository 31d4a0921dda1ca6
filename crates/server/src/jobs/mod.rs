//! What goes on beside the requests: sending queued mail, picking up imported keys, deleting what is long over.

mod keys;
mod mail;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::mail::Mailer;

/// What the jobs need beside the executor.
pub(crate) struct Jobs {
    /// The executor.
    pub(crate) app: Arc<App>,
    /// The way out for mail.
    pub(crate) mailer: Mailer,
    /// Where reset links lead.
    pub(crate) link_base: Option<String>,
}

/// Starts every job; each ends soon after `stop` holds true.
pub(crate) fn start(jobs: Jobs, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let jobs = Arc::new(jobs);
    let mut running = JoinSet::new();
    running.spawn(keys::run(Arc::clone(&jobs), stop.clone()));
    // A mail is put off before it is sent: where nothing can be written, nothing is sent or swept.
    if !jobs.app.store.is_kept_read_only() {
        running.spawn(mail::run(Arc::clone(&jobs), stop.clone()));
        running.spawn(sweep::run(jobs, stop.clone()));
    }
    running
}

/// Waits for `span`; `false` when it is time to stop.
async fn pause(span: Duration, stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(span) => true,
        _ = stop.wait_for(|stop| *stop) => false,
    }
}
