//! `myna session end`: what lived when the command began is over when it says so.

use std::time::Duration;

use anyhow::bail;
use clap::{ArgGroup, Args};
use myna_core::change::{Change, Conflict};
use myna_core::id::SessionId;
use myna_core::session::{EndCause, Session};
use myna_core::time::Timestamp;
use myna_store::{CommitError, Sessions, Store};

use super::{Walk, find, open};
use crate::cli::user::confirmed;
use crate::cli::{Settings, counted, say};
use crate::clock::Clock;

/// Between two pages of ends a server that has the same database open writes what waits.
const BREATH: Duration = Duration::from_millis(10);

/// End sessions: no refresh succeeds any more, and Myna's own endpoints refuse the access tokens at once
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "user", "everyone"]))]
pub(in crate::cli) struct End {
    /// The sessions' ids, or beginnings of them that no other session has
    #[arg(value_name = "ID", conflicts_with_all = ["device", "dialect"])]
    ids: Vec<String>,
    /// Those of this user: id, e-mail or username
    #[arg(long)]
    user: Option<String>,
    /// Those of everybody
    #[arg(long)]
    everyone: bool,
    /// Of these, only those on this device
    #[arg(long)]
    device: Option<String>,
    /// Of these, only those of this dialect
    #[arg(long, value_name = "NAME")]
    dialect: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    settings: Settings,
}

impl End {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let store = open(&self.settings).await?;
        if !self.ids.is_empty() {
            return self.end_named(&store).await;
        }
        if self.everyone && !self.yes && !confirmed("End the sessions of every user? [y/N] ")? {
            bail!("no session was ended");
        }
        let now = Clock::default().now();
        let mut walk = Walk::over(&store, Sessions::LiveAt(now), self.user.as_deref()).await?;
        let mut count = 0;
        loop {
            let page = walk.next(&store).await?;
            if page.is_empty() {
                return Ok(say(format!("ended {}", counted(count, "session")))?);
            }
            let meant = page.iter().filter(|session| self.means(session)).map(|session| session.id).collect();
            count += end(&store, meant, now).await?;
            tokio::time::sleep(BREATH).await;
        }
    }

    fn means(&self, session: &Session) -> bool {
        self.device.as_ref().is_none_or(|device| Some(device) == session.device.as_ref())
            && self.dialect.as_ref().is_none_or(|dialect| *dialect == session.dialect)
    }

    /// Ends the sessions that are named, all of them or, when one cannot be found, none.
    async fn end_named(&self, store: &Store) -> anyhow::Result<()> {
        let mut meant: Vec<SessionId> = Vec::new();
        for id in &self.ids {
            let session = find(store, id).await?;
            match session.ended {
                Some((_, cause)) => say(format!("{} had ended before ({})", session.id.handle, cause.name()))?,
                None if meant.contains(&session.id) => {}
                None => meant.push(session.id),
            }
        }
        let count = end(store, meant, Clock::default().now()).await?;
        Ok(say(format!("ended {}", counted(count, "session")))?)
    }
}

/// Ends the sessions, in one transaction, and says how many it were: one that somebody else ends meanwhile is left out.
async fn end(store: &Store, mut sessions: Vec<SessionId>, at: Timestamp) -> anyhow::Result<usize> {
    loop {
        let changes = sessions.iter().map(|id| Change::EndSession { id: *id, at, cause: EndCause::Operator });
        match store.commit(changes.collect()).await {
            Ok(_) => return Ok(sessions.len()),
            Err(CommitError::Conflict(Conflict::SessionChanged(gone))) => sessions.retain(|id| *id != gone),
            Err(error) => return Err(error.into()),
        }
    }
}
