//! The database of several nodes: one PostgreSQL, or a primary and its standby, each behind a network that loses answers,
//! and what can be done to them. Of several faults one is made at a time: what one server has lost the other one has.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::time::sleep;

use crate::postgres::{Feed, Postgres, Proxy, address};

/// What all nodes share.
const NAME: &str = "myna";
/// What a process had sent before it was killed is done by then, also where it has to wait for a standby.
const DRAINED_MAX: Duration = Duration::from_secs(60);
/// What a commit did not wait for stays in memory for long, so that a crash shows that nobody waited.
const SETTINGS: &str = "wal_writer_delay = '10s'";
/// Of so many commits the answer to one is lost.
const LOST: u32 = 40;

/// The servers.
pub(crate) struct Database {
    servers: Vec<Postgres>,
    proxies: Vec<Proxy>,
    primary: AtomicUsize,
}

/// Whether another server takes the place of one that dies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standby {
    /// There is only one.
    None,
    /// One that has all that was acknowledged.
    Synchronous,
}

impl Database {
    /// Starts what is needed and makes an empty database that `roles` may use.
    pub(crate) async fn start(roles: &[String], standby: Standby) -> anyhow::Result<Self> {
        let mut servers = vec![Postgres::start(SETTINGS).await?];
        for role in roles {
            servers[0].role(role).await?;
        }
        servers[0].database(NAME).await?;
        if standby == Standby::Synchronous {
            servers.push(servers[0].standby(Feed::Synchronous).await?);
        }
        let mut proxies = Vec::new();
        for server in &servers {
            proxies.push(Proxy::start(server.port()).await?);
        }
        Ok(Self { servers, proxies, primary: AtomicUsize::new(0) })
    }

    /// Where a node finds it that signs in as `role`.
    pub(crate) fn address(&self, role: &str) -> String {
        let ports: Vec<u16> = self.proxies.iter().map(Proxy::port).collect();
        address(&ports, role, NAME)
    }

    /// From now on answers are lost.
    pub(crate) fn lose_answers(&self) {
        for proxy in &self.proxies {
            proxy.lose_each(LOST);
        }
    }

    /// Answers that were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.proxies.iter().map(Proxy::lost).sum()
    }

    /// Waits until nothing is done any more of what a role had asked for.
    pub(crate) async fn is_drained(&self, role: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAINED_MAX;
        // By the next look another may be the primary; while none answers, nobody can tell.
        while !self.primary()?.has_nobody(role).await.is_ok_and(|nobody| nobody) {
            ensure!(Instant::now() < deadline, "the connections of {role} are still there after {DRAINED_MAX:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Whether there is one to take the primary's place.
    pub(crate) fn has_standby(&self) -> bool {
        self.servers.len() > 1
    }

    /// Ends some connections at the server.
    pub(crate) async fn end_some(&self) -> anyhow::Result<()> {
        self.primary()?.cut().await
    }

    /// Cuts all connections in the middle.
    pub(crate) fn cut_all(&self) {
        self.proxies.iter().for_each(Proxy::cut);
    }

    /// The primary ends without a word to anybody and starts again.
    pub(crate) async fn crash(&self) -> anyhow::Result<()> {
        self.primary()?.crash().await
    }

    /// The standby does nothing for a while, and with it whoever waits for it.
    pub(crate) async fn stall(&self, span: Duration) -> anyhow::Result<()> {
        let standby = self.standby()?;
        standby.freeze().await?;
        sleep(span).await;
        standby.thaw().await
    }

    /// The primary dies, its standby takes its place, and gets a standby of its own: where the primary was.
    pub(crate) async fn fail_over(&self) -> anyhow::Result<()> {
        let (died, heir) = (self.primary()?, self.standby()?);
        died.kill().await?;
        heir.promote().await?;
        self.primary.store(1 - self.primary.load(Ordering::SeqCst), Ordering::SeqCst);
        died.follow(heir, Feed::Synchronous).await
    }

    fn primary(&self) -> anyhow::Result<&Postgres> {
        self.servers.get(self.primary.load(Ordering::SeqCst)).context("there is no primary")
    }

    fn standby(&self) -> anyhow::Result<&Postgres> {
        let other = self.servers.iter().enumerate().find(|(at, _)| *at != self.primary.load(Ordering::SeqCst));
        Ok(other.context("there is no standby")?.1)
    }
}
