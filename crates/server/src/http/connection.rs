//! One accepted connection, from the TLS handshake to its end: HTTP/1.1 or HTTP/2 by hyper, ended by its own limits or
//! by the stop. Never decides which connections are taken; that is [`super::listener`].

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::listener::{Limits, Peer};
use super::patience::{Patience, Phase};
use super::socket::Socket;
use super::tls::ALPN_HTTP2;

/// How many requests one HTTP/2 connection may have open at once.
const STREAMS_MAX: u32 = 100;

/// How many header fields a request may have.
const HEADERS_MAX: usize = 64;

/// The smallest read buffer hyper accepts, in bytes.
const HEADER_BYTES_MIN: usize = 8 * 1024;

type Protocol = auto::Builder<TokioExecutor>;

/// What all connections of a server share.
pub(super) struct Shared<H> {
    answer: Arc<H>,
    limits: Limits,
    protocol: Protocol,
    stop: watch::Receiver<bool>,
}

/// Why a wait on a connection is over.
enum Turn {
    /// The connection itself has ended, well or badly.
    Ended,
    /// The phase's time is over.
    Due,
}

/// Returns when the server is told to stop, or when nobody is left who could tell it.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: then too nothing should be begun any more.
    let _gone = stop.wait_for(|stop| *stop).await;
}

impl<H, F> Shared<H>
where
    H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    pub(super) fn new(answer: Arc<H>, limits: Limits, stop: watch::Receiver<bool>) -> Self {
        let protocol = protocol(&limits);
        Self { answer, limits, protocol, stop }
    }

    /// Talks to one client until the connection ends.
    pub(super) async fn converse(self: Arc<Self>, stream: TcpStream, addr: SocketAddr, tls: Option<TlsAcceptor>) {
        // Responses are written whole; waiting to fill a packet would only delay them.
        let _unsupported = stream.set_nodelay(true);
        let patience = Patience::new(Instant::now(), false);
        let socket = Socket::new(stream, patience.clone());
        let Some(acceptor) = tls else {
            return self.exchange(socket, Peer { addr, tls: false }, patience).await;
        };
        match timeout(self.limits.tls_timeout, acceptor.accept(socket)).await {
            Ok(Ok(stream)) => {
                let http2 = stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2);
                patience.handshaken(Instant::now(), http2);
                self.exchange(stream, Peer { addr, tls: true }, patience).await;
            }
            Ok(Err(error)) => tracing::debug!(peer.addr = %addr, %error, "TLS handshake failed"),
            Err(_elapsed) => tracing::debug!(peer.addr = %addr, "TLS handshake took too long"),
        }
    }

    /// Requests and responses over `io`, in the three phases of a connection's life.
    async fn exchange<S>(&self, io: S, peer: Peer, patience: Patience)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let respond = service_fn(|request: Request<Incoming>| {
            let http2 = request.version() == Version::HTTP_2;
            let in_flight = patience.request(http2, !request.body().is_end_stream());
            let answer = timeout(self.limits.request_timeout, (self.answer)(request, peer));
            async move {
                let response = answer.await.unwrap_or_else(|_elapsed| too_slow(http2));
                drop(in_flight);
                Ok::<_, Infallible>(response)
            }
        });
        let mut conn = pin!(self.protocol.serve_connection(TokioIo::new(io), respond));
        let mut stop = self.stop.clone();
        let turn = tokio::select! {
            biased;
            () = stopped(&mut stop) => {
                self.wait(conn.as_mut(), &patience, Phase::Stopping(Instant::now())).await
            }
            turn = self.wait(conn.as_mut(), &patience, Phase::Open) => turn,
        };
        if matches!(turn, Turn::Due) {
            conn.as_mut().graceful_shutdown();
            self.wait(conn, &patience, Phase::Closing(Instant::now())).await;
        }
    }

    /// Drives `conn` until it ends or the patience of this phase does.
    async fn wait<C, E>(&self, mut conn: Pin<&mut C>, patience: &Patience, phase: Phase) -> Turn
    where
        C: Future<Output = Result<(), E>>,
        E: std::fmt::Display,
    {
        let mut alarm = pin!(sleep_until(Instant::now()));
        poll_fn(|cx| {
            if let Poll::Ready(end) = conn.as_mut().poll(cx) {
                if let Err(error) = end {
                    tracing::debug!(%error, "connection ended badly");
                }
                return Poll::Ready(Turn::Ended);
            }
            // Asked anew each time, for the conversation has just moved on.
            let Some(deadline) = patience.deadline(phase, &self.limits, cx.waker()) else {
                return Poll::Pending;
            };
            if alarm.deadline() != deadline {
                alarm.as_mut().reset(deadline);
            }
            alarm.as_mut().poll(cx).map(|()| Turn::Due)
        })
        .await
    }
}

/// hyper's two protocols with our limits.
fn protocol(limits: &Limits) -> Protocol {
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        // The second lock on the door: `Patience` is stricter in every case, see there.
        .header_read_timeout(limits.idle_timeout + limits.header_timeout)
        .max_headers(HEADERS_MAX)
        .max_buf_size(limits.header_bytes.max(HEADER_BYTES_MIN));
    // No keep-alive pings: a quiet connection is closed by the idle limit, one in flight by the request limit.
    protocol
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    protocol
}

/// The response to a request that was not answered in time: 503, for the client did nothing wrong (RFC 9110 §15.6.4).
fn too_slow(http2: bool) -> Response<Full<Bytes>> {
    tracing::warn!("a request took too long and was given up");
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    if !http2 {
        response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    }
    response
}
