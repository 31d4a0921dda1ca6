//! The pool: open connections to the one server that is the primary. A server that was replaced, and does not know it
//! yet, still answers reads with what is no longer true; it is told by its timeline and refused.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool as Deadpool, PoolError, RecycleError, RecycleResult, Timeouts};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::address::{Address, CONNECT_TIMEOUT, shown_host};
use super::connection::{Link, Standing, is_lost, told};
use super::tls::Tls;
use super::{PATIENCE, PAUSE};
use crate::error::{OpenError, StoreError};

/// How long a caller waits for a connection that others have.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a server that is good is kept waiting for what the others say. One that is off the network says nothing, and
/// would cost every new connection [`CONNECT_TIMEOUT`].
const OTHERS_MAX: Duration = Duration::from_millis(500);
/// How long a change that nobody waits for counts, if the server never says that it is done.
const LEFT_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often several hosts are asked whether another of them has become the primary.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// A connection in use.
pub(super) type Lease = Object<Connector>;

/// A connection for a change. It counts as taken as long as the server has something to do on it: while a standby is gone
/// changes wait without limit, and must not take every connection that there is (I9).
pub(super) struct Turn {
    _permit: OwnedSemaphorePermit,
}

/// Connections, made when they are needed.
pub(super) struct Pool {
    connections: Deadpool<Connector>,
    turns: Arc<Semaphore>,
    hosts: Arc<Hosts>,
}

/// Gives a connection up on which a question is still under way. Nothing is cancelled: the socket is closed, and the server
/// may do what it likes.
pub(super) fn abandon(lease: Lease) {
    drop(Object::take(lease));
}

/// What makes connections.
pub(super) struct Connector(Arc<Hosts>);

/// The servers that may be the primary.
struct Hosts {
    address: Address,
    tls: Option<Tls>,
    /// The highest timeline that any of them has shown: a lower one is the past.
    timeline: AtomicU32,
}

impl Pool {
    /// A pool without connections.
    ///
    /// # Errors
    /// [`OpenError::Address`] when TLS is wanted and nobody is trusted.
    pub(super) fn new(address: Address) -> Result<Self, OpenError> {
        let tls = address.tls.as_ref().map(Tls::new).transpose()?;
        let size = address.connections;
        let hosts = Arc::new(Hosts { address, tls, timeline: AtomicU32::new(0) });
        let timeouts = Timeouts { wait: Some(WAIT_MAX), create: Some(CONNECT_TIMEOUT * 2), recycle: None };
        let connections = Deadpool::builder(Connector(Arc::clone(&hosts)))
            .max_size(size)
            .timeouts(timeouts)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| OpenError::Address { problem: error.to_string() })?;
        // Whatever becomes of the changes, some are left to ask on.
        let turns = Arc::new(Semaphore::new((size * 3 / 4).max(1)));
        Ok(Self { connections, turns, hosts })
    }

    /// A connection to the primary, for a change.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] when there is none in time, or too many changes wait for their answer.
    pub(super) async fn lease_turn(&self) -> Result<(Lease, Turn), StoreError> {
        let turn = timeout(WAIT_MAX, Arc::clone(&self.turns).acquire_owned()).await;
        let waits = |_| StoreError::Unreachable("it does not answer the changes that were sent before".to_owned());
        let permit = turn.map_err(waits)?.map_err(|_| StoreError::Stopped)?;
        Ok((self.lease().await?, Turn { _permit: permit }))
    }

    /// Gives a connection up on which a change is still under way. It is never asked again, nothing is cancelled, and its
    /// turn is over when the server is done with it, or is not the primary any more.
    pub(super) fn leave(&self, lease: Lease, turn: Turn) {
        let (link, hosts) = (Object::take(lease), Arc::downgrade(&self.hosts));
        tokio::spawn(async move {
            let give_up = Instant::now() + LEFT_MAX;
            // The server answers in order.
            let mut done = pin!(link.client().batch_execute(""));
            while timeout(LOOK_EVERY, &mut done).await.is_err() {
                let is_current = hosts.upgrade().is_some_and(|hosts| hosts.is_current(link.standing));
                if !is_current || Instant::now() > give_up {
                    break;
                }
            }
            drop(turn);
        });
    }

    /// A connection to the primary.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] when there is none in time.
    pub(super) async fn lease(&self) -> Result<Lease, StoreError> {
        self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => StoreError::Unreachable(format!(
                "no connection to {} became free within {WAIT_MAX:?}",
                self.hosts.address.shown()
            )),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => StoreError::Stopped,
        })
    }

    /// One connection of the caller's own. Where the servers are in the middle of a restart or a failover it is tried for a
    /// while, so that a node can start then (I11); where something is wrong, that is said at once.
    pub(super) async fn open_one(&self) -> Result<Link, OpenError> {
        let (address, give_up) = (&self.hosts.address, Instant::now() + PATIENCE);
        loop {
            match self.hosts.connect(OTHERS_MAX).await {
                Ok(link) => return Ok(link),
                Err(refused) if refused.may_pass(address) && Instant::now() + PAUSE < give_up => sleep(PAUSE).await,
                Err(refused) => return Err(refused.explained(address)),
            }
        }
    }

    /// Where the database is.
    pub(super) fn address(&self) -> &Address {
        &self.hosts.address
    }

    /// Asks every host from time to time who they are, so that a primary which was replaced is noticed although its
    /// connections still work. Ends with the runtime.
    pub(super) fn watch(&self) {
        if self.hosts.address.hosts.len() < 2 {
            return;
        }
        let hosts = Arc::downgrade(&self.hosts);
        tokio::spawn(async move {
            loop {
                sleep(PROBE_EVERY).await;
                let Some(hosts) = hosts.upgrade() else { return };
                // What was found out is kept by the hosts themselves. Here a slow one is waited for: it may be the primary.
                let _ = hosts.connect(CONNECT_TIMEOUT).await;
            }
        });
    }
}

impl Manager for Connector {
    type Type = Link;
    type Error = StoreError;

    async fn create(&self) -> Result<Link, StoreError> {
        self.0.connect(OTHERS_MAX).await.map_err(|refused| refused.failure())
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<StoreError> {
        let usable = !link.is_closed() && !link.is_doubtful() && self.0.is_current(link.standing);
        if usable { Ok(()) } else { Err(RecycleError::message("the connection is of no use any more")) }
    }
}

impl Hosts {
    /// Connects to the host that is the primary: the one that takes writes on the highest timeline. Once there is one that
    /// may be it, the others have so long to say more.
    async fn connect(self: &Arc<Self>, others: Duration) -> Result<Link, Refused> {
        let mut asked = JoinSet::new();
        for at in 0..self.address.hosts.len() {
            let hosts = Arc::clone(self);
            asked.spawn(async move {
                let Some(config) = hosts.address.hosts.get(at) else { return (at, None) };
                let opened = timeout(CONNECT_TIMEOUT, Link::open(config, hosts.tls.as_ref())).await;
                (
                    at,
                    Some(
                        opened
                            .map_err(|_| Refused::Silent(at))
                            .and_then(|link| link.map_err(|e| Refused::Server(at, e))),
                    ),
                )
            });
        }
        let (mut best, mut refused): (Option<Link>, Option<Refused>) = (None, None);
        let mut until = Instant::now() + CONNECT_TIMEOUT * 2;
        while let Ok(Some(done)) = timeout_at(until, asked.join_next()).await {
            let Ok((at, Some(opened))) = done else { continue };
            match opened {
                Ok(link) if link.standing.read_only => refused = refused.or(Some(Refused::ReadOnly(at))),
                Ok(link) => {
                    let newer = best.as_ref().is_none_or(|known| link.standing.timeline > known.standing.timeline);
                    if newer {
                        if self.is_current(link.standing) {
                            until = until.min(Instant::now() + others);
                        }
                        best = Some(link);
                    }
                }
                // Why a host refuses says more than that another is a standby.
                Err(error) => refused = Some(error),
            }
        }
        let Some(link) = best else {
            return Err(refused.unwrap_or(Refused::Silent(0)));
        };
        if let Some(timeline) = link.standing.timeline {
            let known = self.timeline.fetch_max(timeline, Ordering::SeqCst);
            if timeline < known {
                return Err(Refused::Past { timeline, known });
            }
            if known != 0 && timeline > known {
                tracing::warn!(timeline, before = known, "the database has a new primary");
            }
        }
        Ok(link)
    }

    fn is_current(&self, standing: Standing) -> bool {
        standing.timeline.is_none_or(|timeline| timeline >= self.timeline.load(Ordering::SeqCst))
    }
}

/// Whether a connection that was there has ended in the middle.
fn is_torn(error: &tokio_postgres::Error) -> bool {
    let system = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let torn = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe, io::ErrorKind::UnexpectedEof];
    system.is_some_and(|error| torn.contains(&error.kind()))
}

/// Why there is no connection. A host is named by its place.
enum Refused {
    Server(usize, tokio_postgres::Error),
    Silent(usize),
    ReadOnly(usize),
    Past { timeline: u32, known: u32 },
}

impl Refused {
    fn failure(&self) -> StoreError {
        match self {
            Self::Server(_, error) => StoreError::Unreachable(told(error)),
            Self::Silent(_) => StoreError::Unreachable("no host answers".to_owned()),
            Self::ReadOnly(_) => StoreError::Unreachable("no host takes writes".to_owned()),
            Self::Past { timeline, known } => {
                StoreError::Unreachable(format!("the server is on timeline {timeline}, and {known} has been seen"))
            }
        }
    }

    /// Whether there is, or may be, a server that is about to be the primary.
    fn may_pass(&self, address: &Address) -> bool {
        let has_others = address.hosts.len() > 1;
        match self {
            Self::Server(_, error) => match error.code() {
                Some(_) => is_lost(error),
                // It was there, and has gone in the middle; or nobody is there, and others are named.
                None => has_others || error.is_closed() || is_torn(error),
            },
            Self::Silent(_) | Self::ReadOnly(_) | Self::Past { .. } => has_others,
        }
    }

    fn explained(&self, address: &Address) -> OpenError {
        let host = |at: &usize| address.hosts.get(*at).map(shown_host).unwrap_or_default();
        let (user, database) = (address.user().to_owned(), address.database().to_owned());
        match self {
            Self::Server(at, error) => {
                let (host, says) = (host(at), told(error));
                match error.code().map(tokio_postgres::error::SqlState::code) {
                    Some("28P01" | "28000") => OpenError::LoginRefused { host, user, says },
                    Some("3D000") => OpenError::NoSuchDatabase { host, database, user },
                    _ => OpenError::Unreachable { host, says },
                }
            }
            Self::Silent(at) => OpenError::Unreachable {
                host: host(at),
                says: format!("it does not answer within {CONNECT_TIMEOUT:?}"),
            },
            Self::ReadOnly(at) => OpenError::Unreachable {
                host: host(at),
                says: "it takes no writes (a standby?): name the primary too, or every host".to_owned(),
            },
            Self::Past { .. } => OpenError::Unreachable { host: address.shown(), says: self.failure().to_string() },
        }
    }
}
