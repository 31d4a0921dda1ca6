//! The listening sockets and the accept loop: how many connections there may be at once, and how the server stops
//! without failing a request. Never looks into a connection; that is [`super::connection`].

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::connection::{Shared, stopped};

/// How many connections the kernel holds for us before we accept them.
const BACKLOG: i32 = 1024;

/// The first and the longest pause after the system could not give us a connection.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// The limits of everything a client can make the server wait for or hold.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// From the first byte of a request's head to its last; also from the connection to its first request.
    pub(crate) header_timeout: Duration,
    /// For the whole of a request's body; for whoever calls [`super::body::read`].
    pub(crate) body_timeout: Duration,
    /// From the complete head to the response, the body included. Then 503.
    pub(crate) request_timeout: Duration,
    /// Between requests on an open connection, and for a client that does not read its response.
    pub(crate) idle_timeout: Duration,
    /// For the whole TLS handshake.
    pub(crate) tls_timeout: Duration,
    /// The longest request head in bytes, at least 8192 in HTTP/1.1. Then 431.
    pub(crate) header_bytes: usize,
    /// The longest request body in bytes; for whoever calls [`super::body::read`].
    pub(crate) body_bytes: usize,
    /// How many connections are open at once. Further ones wait unaccepted in the kernel's backlog: the client sees a
    /// slow server, not an error, and the time limits above free places.
    pub(crate) max_connections: usize,
    /// How long a stop waits for requests in flight before their connections are cut.
    pub(crate) shutdown_timeout: Duration,
}

/// Who sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The other end of the TCP connection; a proxy's, if there is one.
    pub(crate) addr: SocketAddr,
    /// Whether the connection is TLS up to this server.
    pub(crate) tls: bool,
}

/// A bound and listening socket that nobody is served from yet.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: StdListener,
    addr: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
}

impl Bound {
    /// Listens on `addr`, with TLS if a configuration for it is given. Port 0 takes a free port.
    ///
    /// # Errors
    ///
    /// Those of the system; [`io::ErrorKind::AddrInUse`] and [`io::ErrorKind::PermissionDenied`] deserve a sentence of
    /// their own for the operator.
    pub(crate) fn bind(addr: SocketAddr, tls: Option<Arc<rustls::ServerConfig>>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        // So that a restart need not wait for the old connections' TIME_WAIT. On Windows it would mean something else:
        // that two programs may share the port.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        let listener = StdListener::from(socket);
        let addr = listener.local_addr()?;
        Ok(Self { listener, addr, tls })
    }

    /// The address listened on, with the port the system chose if 0 was asked for.
    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

/// One listening socket that is being served.
struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
}

/// A connection as it came from the system.
struct Arrival {
    stream: TcpStream,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// Serves all of `bound` within `limits` until `stop` holds true or its sender is gone. Returns how many connections had
/// to be cut because they were not done within `limits.shutdown_timeout`: 0 is a clean stop.
///
/// Each request goes to `answer`, which may be dropped half way: when the client leaves, or after
/// `limits.request_timeout` (then the client gets 503). What must not be torn apart is spawned by `answer`. A panic in it
/// ends its connection (HTTP/2: its stream) and nothing else.
///
/// On stop the listening sockets close at once, after what the kernel had already accepted for us is taken over.
/// Requests in flight are finished, idle connections closed.
///
/// # Errors
///
/// When a socket cannot be registered with the runtime; nothing was served then.
pub(crate) async fn serve<H, F>(
    bound: Vec<Bound>,
    limits: Limits,
    answer: Arc<H>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<usize>
where
    H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    let doors = bound.into_iter().map(Door::open).collect::<io::Result<Vec<_>>>()?;
    let places = Arc::new(Semaphore::new(limits.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let shutdown_timeout = limits.shutdown_timeout;
    let shared = Arc::new(Shared::new(answer, limits, stop.clone()));
    let mut open = JoinSet::new();
    let begin = |arrival: Arrival, place: OwnedSemaphorePermit, open: &mut JoinSet<()>| {
        let conversation = Arc::clone(&shared).converse(arrival.stream, arrival.addr, arrival.tls);
        open.spawn(async move {
            conversation.await;
            drop(place);
        });
    };

    loop {
        let (arrival, place) = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            next = next(&doors, &places) => next,
        };
        begin(arrival, place, &mut open);
        while let Some(ended) = open.try_join_next() {
            note_panic(ended);
        }
    }
    for arrival in doors.into_iter().flat_map(Door::close) {
        // Over the cap there is no place to serve it from, and nobody to wait for one.
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            begin(arrival, place, &mut open);
        }
    }
    let finish = async {
        while let Some(ended) = open.join_next().await {
            note_panic(ended);
        }
    };
    let _in_time = timeout(shutdown_timeout, finish).await;
    // Dropping the set cuts what is left. It is not awaited: a request stuck in computation would hold up the stop.
    Ok(open.len())
}

/// The next connection and its place. The place comes first: without one nothing is accepted.
async fn next(doors: &[Door], places: &Arc<Semaphore>) -> (Arrival, OwnedSemaphorePermit) {
    let mut pause = ACCEPT_PAUSE.0;
    loop {
        let Ok(place) = Arc::clone(places).acquire_owned().await else {
            // The semaphore is never closed; if it were, there would be no place any more.
            return std::future::pending().await;
        };
        match accept(doors).await {
            Ok(arrival) => return (arrival, place),
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                // Out of file descriptors or memory. Asking again at once would spin, and nothing gets freed by it.
                tracing::warn!(%error, pause.ms = pause.as_millis(), "cannot accept connections");
                sleep(pause).await;
                pause = (pause * 2).min(ACCEPT_PAUSE.1);
            }
        }
    }
}

/// The next connection on any of `doors`.
async fn accept(doors: &[Door]) -> io::Result<Arrival> {
    poll_fn(|cx| {
        for door in doors {
            if let Poll::Ready(accepted) = door.listener.poll_accept(cx) {
                return Poll::Ready(accepted.map(|(stream, addr)| Arrival { stream, addr, tls: door.tls.clone() }));
            }
        }
        Poll::Pending
    })
    .await
}

/// Whether the error is about the one connection that was to be accepted, and the next may be fine (accept(2)).
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// A panic ends one connection. The panic hook has told what happened; this tells what became of it.
fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a connection ended by a panic");
    }
}

impl Door {
    fn open(bound: Bound) -> io::Result<Self> {
        let Bound { listener, addr: _, tls } = bound;
        Ok(Self { listener: TcpListener::from_std(listener)?, tls: tls.map(TlsAcceptor::from) })
    }

    /// Closes the listening socket and returns the connections the kernel had accepted for us: dropped, each of them
    /// would be reset with its request already sent.
    fn close(self) -> Vec<Arrival> {
        let Self { listener, tls } = self;
        let Ok(listener) = listener.into_std() else {
            return Vec::new();
        };
        std::iter::from_fn(|| listener.accept().ok())
            .filter_map(|(stream, addr)| {
                stream.set_nonblocking(true).ok()?;
                Some(Arrival { stream: TcpStream::from_std(stream).ok()?, addr, tls: tls.clone() })
            })
            .collect()
    }
}
