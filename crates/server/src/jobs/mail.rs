//! Sends what is queued, and tries again later what could not be sent. A mail is put off before it is sent and leaves the
//! queue after it was handed over: a crash in between sends it twice, with the same token and `Message-ID`, and a queue
//! that cannot be written sends nothing.

use std::sync::Arc;
use std::time::Duration;

use myna_core::change::Change;
use myna_core::mail::{Letter, QueuedMail};
use myna_tokens::opaque::hex;
use tokio::sync::watch;

use super::Jobs;
use crate::mail::{Delivered, password_reset};

/// The queue is looked at this often even when nobody says that there is something in it.
const EVERY: Duration = Duration::from_secs(5);
const AT_ONCE: u32 = 32;
/// A mail that is being sent is not due again before.
const LEASE: Duration = Duration::from_mins(5);
/// A mail that could not be sent for so long is given up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn run(jobs: Arc<Jobs>, mut stop: watch::Receiver<bool>) {
    loop {
        // A mail that is torn apart by the stop stays in the queue.
        let sent = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            sent = jobs.send_due() => sent,
        };
        if sent == AT_ONCE {
            continue;
        }
        tokio::select! {
            () = jobs.app.mail_queued.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

impl Jobs {
    /// Sends what is due; returns how many mails it looked at.
    async fn send_due(&self) -> u32 {
        let due = match self.app.store.due_mail(self.app.clock.now(), AT_ONCE).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "cannot read the mail queue");
                return 0;
            }
        };
        let mut looked_at = 0;
        for mail in due {
            looked_at += 1;
            let lease = Change::DelayMail { id: mail.id, until: self.app.clock.now() + LEASE };
            if let Err(error) = self.app.store.commit(vec![lease]).await {
                tracing::error!(?error, "cannot write the mail queue; the mail waits");
                return 0;
            }
            let change = self.send(&mail).await;
            if let Err(error) = self.app.store.commit(vec![change]).await {
                tracing::error!(?error, "cannot write the mail queue");
                return 0;
            }
        }
        looked_at
    }

    /// Tries one mail; returns what becomes of it in the queue.
    async fn send(&self, mail: &QueuedMail) -> Change {
        let id = hex(&mail.id);
        let Letter::PasswordReset { challenge, to } = &mail.letter else {
            return Change::DropMail(mail.id);
        };
        let now = self.app.clock.now();
        let challenge = match self.app.store.load_challenge(*challenge).await {
            Ok(Some(facts)) if facts.challenge.is_open(now) => facts.challenge,
            // Used, replaced or too old by now: its link would only disappoint.
            Ok(_) => return Change::DropMail(mail.id),
            Err(error) => return self.later(mail, &id, &error),
        };
        let token = self.app.reset_token(&challenge);
        let lifetime = challenge.expires_at.since(now);
        let text = password_reset(self.link_base.as_deref(), &token, to, lifetime);
        match self.mailer.deliver(&id, to, &text).await {
            Ok(Delivered::Sent) => tracing::info!(mail = id, "mail sent"),
            Ok(Delivered::Written(path)) => tracing::info!(mail = id, file = %path.display(), "mail written"),
            Err(error) => return self.later(mail, &id, &error),
        }
        Change::DropMail(mail.id)
    }

    fn later(&self, mail: &QueuedMail, id: &str, error: &dyn std::error::Error) -> Change {
        let now = self.app.clock.now();
        if now.since(mail.created_at) > GIVEN_UP_AFTER {
            tracing::error!(mail = id, %error, "mail given up");
            return Change::DropMail(mail.id);
        }
        // 2, 4, 8 … seconds, at most a quarter of an hour. The lease counts as a failure, too.
        let tries = u32::try_from(mail.failures / 2 + 1).unwrap_or(10).min(10);
        let wait = Duration::from_secs(2_u64.pow(tries).min(900));
        tracing::warn!(mail = id, %error, again_in_s = wait.as_secs(), "mail not sent");
        Change::DelayMail { id: mail.id, until: now + wait }
    }
}
