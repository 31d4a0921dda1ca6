//! The HTTP edge as a client meets it: limits that fire, a stop that fails nothing. Every wait is for something to
//! happen; [`soon`] only turns a hang into a failure.

use std::io::{ErrorKind, Result as IoResult};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::body::{self, BodyError};
use super::listener::{Bound, Limits, Peer, serve};
use super::tls;
use crate::clock::Clock;

/// A limit that is meant to fire.
const SHORT: Duration = Duration::from_millis(40);

/// A limit that is not meant to fire.
const LONG: Duration = Duration::from_secs(3600);

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// Limits of which a test shortens the one it is about.
pub(super) fn limits() -> Limits {
    Limits {
        header_timeout: LONG,
        body_timeout: LONG,
        request_timeout: LONG,
        idle_timeout: LONG,
        tls_timeout: LONG,
        header_bytes: 16 * 1024,
        body_bytes: 64,
        max_connections: 16,
        shutdown_timeout: LONG,
    }
}

async fn soon<F: Future>(wait: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("nothing happened")
}

struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    done: JoinHandle<IoResult<usize>>,
}

impl Server {
    fn start<H, F>(limits: Limits, tls: Option<Arc<ServerConfig>>, answer: H) -> Self
    where
        H: Fn(Request<Incoming>, Peer) -> F + Send + Sync + 'static,
        F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
    {
        let bound = Bound::bind("127.0.0.1:0".parse().unwrap(), tls).unwrap();
        let addr = bound.local_addr();
        let (stop, stopped) = watch::channel(false);
        let done = tokio::spawn(serve(vec![bound], limits, Arc::new(answer), stopped));
        Self { addr, stop, done }
    }

    /// One that says hello and whether it was asked over TLS.
    fn hello(limits: Limits, tls: Option<Arc<ServerConfig>>) -> Self {
        Self::start(limits, tls, async |_request, peer: Peer| text(format!("hello tls={}", peer.tls)))
    }

    /// One whose requests wait for a permit in `gate`, and whose beginnings are told.
    fn gated(limits: Limits, gate: &Arc<Semaphore>) -> (Self, mpsc::UnboundedReceiver<()>) {
        let (begun, beginnings) = mpsc::unbounded_channel();
        let gate = Arc::clone(gate);
        let server = Self::start(limits, None, move |_request, _peer| {
            let (gate, begun) = (Arc::clone(&gate), begun.clone());
            async move {
                begun.send(()).unwrap();
                gate.acquire().await.unwrap().forget();
                text("hello")
            }
        });
        (server, beginnings)
    }

    async fn client(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    async fn sent(&self, bytes: &[u8]) -> TcpStream {
        let mut client = self.client().await;
        client.write_all(bytes).await.unwrap();
        client
    }

    /// How many connections were cut after a stop.
    async fn stopped(self) -> usize {
        self.stop.send_replace(true);
        soon(self.done).await.unwrap().unwrap()
    }
}

fn text(words: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::new(Full::new(words.into()))
}

/// Everything until the server closes, which must happen. A reset is an end like any other.
async fn until_closed(client: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let _reset = soon(client.read_to_end(&mut all)).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// What arrives up to and including `words`.
async fn until(client: &mut (impl AsyncRead + Unpin), words: &str) -> String {
    let mut all = Vec::new();
    loop {
        let read = soon(client.read_buf(&mut all)).await.unwrap();
        let so_far = String::from_utf8_lossy(&all).into_owned();
        if so_far.contains(words) {
            return so_far;
        }
        assert!(read > 0, "closed before {words:?}: {so_far:?}");
    }
}

/// HTTP/2 spoken byte by byte (RFC 9113 §4.1), for a client that can be as rude as it wants.
mod frame {
    use super::{AsyncRead, AsyncReadExt, soon};

    pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const GOAWAY: u8 = 7;

    pub(super) fn make(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    }

    /// A GET on `stream` for a path of our choice, as HPACK literals (RFC 7541 §6.2.2) and static entries.
    pub(super) fn get(stream: u8, path: &str) -> Vec<u8> {
        let length = u8::try_from(path.len()).unwrap();
        let head = [&[0x82, 0x86, 0x01, 1, b'x', 0x04, length], path.as_bytes()].concat();
        make(HEADERS, 0x5, stream, &head)
    }

    pub(super) fn opening() -> Vec<u8> {
        [PREFACE, &make(SETTINGS, 0, 0, &[])].concat()
    }

    /// The next frame's kind, stream and payload; `None` when the connection has ended.
    pub(super) async fn next(client: &mut (impl AsyncRead + Unpin)) -> Option<(u8, u8, Vec<u8>)> {
        let mut head = [0; 9];
        soon(client.read_exact(&mut head)).await.ok()?;
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        soon(client.read_exact(&mut payload)).await.ok()?;
        Some((head[3], head[8], payload))
    }

    /// Frames up to the first of `kind` on `stream`, whose payload is returned.
    pub(super) async fn until(client: &mut (impl AsyncRead + Unpin), kind: u8, stream: u8) -> Vec<u8> {
        loop {
            let found = next(client).await.expect("the connection ended before the frame");
            if (found.0, found.1) == (kind, stream) {
                return found.2;
            }
        }
    }
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let first = Bound::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
    assert_eq!(Bound::bind(first.local_addr(), None).unwrap_err().kind(), ErrorKind::AddrInUse);
}

/// TH-13: whatever a client sends of a head, and in either protocol, it cannot stop in the middle and stay.
#[tokio::test]
async fn a_head_that_does_not_come_closes_the_connection() {
    let server = Server::hello(Limits { header_timeout: SHORT, ..limits() }, None);
    let half_after_whole = [GET, b"GET / HTTP/1.1\r\n"].concat();
    let table: [(&str, &[u8], &str); 6] = [
        ("silence", b"", ""),
        ("a letter", b"G", ""),
        ("half a head", b"GET / HTTP/1.1\r\nhost:", ""),
        ("half a preface", &frame::PREFACE[..9], ""),
        ("a preface alone", frame::PREFACE, ""),
        ("half a head after a whole one", &half_after_whole, "hello"),
    ];
    for (name, bytes, want) in table {
        let mut client = server.sent(bytes).await;
        if !want.is_empty() {
            until(&mut client, want).await;
            client.write_all(b"more").await.unwrap();
        }
        let rest = until_closed(&mut client).await;
        assert!(!rest.starts_with("HTTP/1.1 200"), "{name}: {rest}");
    }
}

/// TH-13
#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = Server::hello(Limits { idle_timeout: SHORT, ..limits() }, None);
    let mut client = server.sent(GET).await;
    assert!(until_closed(&mut client).await.ends_with("hello tls=false"));
}

/// TH-13: with HTTP/2 also a client that answers nothing any more, not even the farewell.
#[tokio::test]
async fn an_idle_http2_connection_is_closed() {
    let server = Server::hello(Limits { idle_timeout: SHORT, header_timeout: SHORT, ..limits() }, None);
    let mut client = server.sent(&[frame::opening(), frame::get(1, "/")].concat()).await;
    assert_eq!(frame::until(&mut client, frame::DATA, 1).await, b"hello tls=false");
    frame::until(&mut client, frame::GOAWAY, 0).await;
    while frame::next(&mut client).await.is_some() {}
}

/// TH-13: a client that asks much and reads nothing.
#[tokio::test]
async fn an_unread_response_closes_the_connection() {
    let server = Server::start(
        Limits { idle_timeout: SHORT, header_timeout: SHORT, max_connections: 1, ..limits() },
        None,
        async |_request, _peer| text(vec![b'x'; 64 * 1024 * 1024]),
    );
    let deaf = server.sent(GET).await;
    // Its place is the only one.
    let mut next = server.sent(GET).await;
    until(&mut next, "HTTP/1.1 200").await;
    drop(deaf);
}

/// TH-13
#[tokio::test]
async fn a_stalled_tls_handshake_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (config, _path) = development(&folder);
    let server = Server::hello(Limits { tls_timeout: SHORT, ..limits() }, Some(config));
    for bytes in [&b""[..], &[0x16, 3, 1]] {
        assert_eq!(until_closed(&mut server.sent(bytes).await).await, "");
    }
}

#[tokio::test]
async fn a_head_over_the_limit_is_431() {
    let server = Server::hello(limits(), None);
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "y".repeat(17 * 1024));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(64));
    for bytes in [long, many] {
        let mut client = server.sent(bytes.as_bytes()).await;
        assert!(until(&mut client, "\r\n\r\n").await.starts_with("HTTP/1.1 431"));
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503() {
    let gate = Arc::new(Semaphore::new(0));
    let (server, _beginnings) = Server::gated(Limits { request_timeout: SHORT, ..limits() }, &gate);
    assert!(until_closed(&mut server.sent(GET).await).await.starts_with("HTTP/1.1 503"));
}

/// A server that reads bodies, and what became of them.
fn reader(body_timeout: Duration) -> (Server, mpsc::UnboundedReceiver<Result<Bytes, BodyError>>) {
    let (found, finds) = mpsc::unbounded_channel();
    let Limits { body_bytes, .. } = limits();
    let server = Server::start(limits(), None, move |request: Request<Incoming>, _peer| {
        let found = found.clone();
        async move {
            let read = body::read(request.into_body(), body_bytes, body_timeout).await;
            let words = format!("{:?}", read.as_ref().err());
            found.send(read).unwrap();
            text(words)
        }
    });
    (server, finds)
}

#[tokio::test]
async fn a_body_is_read_up_to_the_limit() {
    let (server, mut finds) = reader(LONG);
    let whole = "w".repeat(64);
    let table = [
        ("no body", "\r\n".to_owned(), ""),
        ("announced", format!("content-length: 64\r\n\r\n{whole}"), &*whole),
        (
            "chunked",
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n".to_owned(),
            "abcdef",
        ),
    ];
    for (name, rest, want) in table {
        let _client = server.sent(format!("POST / HTTP/1.1\r\nhost: x\r\n{rest}").as_bytes()).await;
        assert_eq!(soon(finds.recv()).await.unwrap(), Ok(Bytes::copy_from_slice(want.as_bytes())), "{name}");
    }
}

/// TH-12: one byte too many is too many, wherever the pieces end.
#[tokio::test]
async fn a_chunked_body_just_over_the_limit_is_refused() {
    let (server, mut finds) = reader(LONG);
    let whole = "w".repeat(65);
    for chunks in [format!("41\r\n{whole}\r\n"), format!("40\r\n{}\r\n1\r\nw\r\n", &whole[1..])] {
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n");
        let _client = server.sent(request.as_bytes()).await;
        assert_eq!(soon(finds.recv()).await.unwrap(), Err(BodyError::TooLarge), "{chunks}");
    }
}

/// TH-13
#[tokio::test]
async fn a_slow_body_is_given_up() {
    let (server, mut finds) = reader(SHORT);
    let mut client = server.sent(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc").await;
    assert_eq!(soon(finds.recv()).await.unwrap(), Err(BodyError::TimedOut));
    assert!(until(&mut client, "TimedOut").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_body_that_ends_early_is_broken() {
    let (server, mut finds) = reader(LONG);
    for head in [
        "content-length: 9\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\n9\r\nabc",
        "transfer-encoding: chunked\r\n\r\nz",
    ] {
        let mut client = server.sent(format!("POST / HTTP/1.1\r\nhost: x\r\n{head}").as_bytes()).await;
        client.shutdown().await.unwrap();
        assert_eq!(soon(finds.recv()).await.unwrap(), Err(BodyError::Broken), "{head}");
    }
}

/// TH-12: refused by its announcement; the client is never told to go on and send it.
#[tokio::test]
async fn a_huge_announced_body_is_refused_unread() {
    let (server, mut finds) = reader(LONG);
    for length in ["65", "10000000000"] {
        let head = format!("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n");
        let mut client = server.sent(head.as_bytes()).await;
        assert_eq!(soon(finds.recv()).await.unwrap(), Err(BodyError::TooLarge));
        assert!(until(&mut client, "TooLarge").await.starts_with("HTTP/1.1 200"), "{length}");
    }
}

/// TH-12: a chunked body without end, and the response reaches the client although it goes on sending.
#[tokio::test]
async fn an_endless_chunked_body_is_cut_at_the_limit() {
    let (server, mut finds) = reader(LONG);
    let mut client = server.sent(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = [&b"1000\r\n"[..], &[b'x'; 0x1000], b"\r\n"].concat();
    for _ in 0..128 {
        soon(client.write_all(&chunk)).await.unwrap();
    }
    assert_eq!(soon(finds.recv()).await.unwrap(), Err(BodyError::TooLarge));
    until(&mut client, "TooLarge").await;
}

fn development(folder: &tempfile::TempDir) -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let (config, path) = tls::development_certificate(folder.path(), Clock::default().now()).unwrap();
    (config, CertificateDer::from_pem_file(path).unwrap())
}

async fn tls_client(
    server: &Server,
    root: &CertificateDer<'static>,
    alpn: &[u8],
) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let client = soon(connector.connect(name, server.client().await)).await.unwrap();
    assert_eq!(client.get_ref().1.alpn_protocol(), Some(alpn));
    client
}

#[tokio::test]
async fn both_protocols_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (config, root) = development(&folder);
    let server = Server::hello(limits(), Some(config));

    let mut http1 = tls_client(&server, &root, b"http/1.1").await;
    http1.write_all(GET).await.unwrap();
    until(&mut http1, "hello tls=true").await;

    let mut http2 = tls_client(&server, &root, b"h2").await;
    http2.write_all(&[frame::opening(), frame::get(1, "/")].concat()).await.unwrap();
    assert_eq!(frame::until(&mut http2, frame::HEADERS, 1).await[0], 0x88, ":status 200 (RFC 7541 appendix A)");
    assert_eq!(frame::until(&mut http2, frame::DATA, 1).await, b"hello tls=true");
    // Without its answer to our farewell ping the connection would stay for `header_timeout`.
    drop(http2);
    assert_eq!(server.stopped().await, 0, "idle connections are closed, not cut");
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_the_stop() {
    let gate = Arc::new(Semaphore::new(0));
    let (server, mut beginnings) = Server::gated(limits(), &gate);
    let mut http1 = server.sent(GET).await;
    let mut http2 = server.sent(&[frame::opening(), frame::get(1, "/")].concat()).await;
    for _ in 0..2 {
        soon(beginnings.recv()).await.unwrap();
    }
    server.stop.send_replace(true);
    frame::until(&mut http2, frame::GOAWAY, 0).await;
    assert!(!server.done.is_finished());
    gate.add_permits(2);
    let response = until_closed(&mut http1).await;
    assert!(response.contains("connection: close") && response.ends_with("hello"), "{response}");
    assert_eq!(frame::until(&mut http2, frame::DATA, 1).await, b"hello");
    drop(http2);
    let addr = server.addr;
    assert_eq!(server.stopped().await, 0);
    assert!(TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

/// The stop falls between the client's sending and our accepting: on this one thread the server has not run yet.
#[tokio::test]
async fn a_request_sent_before_the_stop_is_answered() {
    let server = Server::hello(limits(), None);
    let mut silent = server.client().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let client = std::net::TcpStream::connect(server.addr).unwrap();
        std::io::Write::write_all(&mut &client, GET).unwrap();
        client.set_nonblocking(true).unwrap();
        clients.push(TcpStream::from_std(client).unwrap());
    }
    server.stop.send_replace(true);
    for client in &mut clients {
        assert!(until_closed(client).await.ends_with("hello tls=false"));
    }
    assert_eq!(until_closed(&mut silent).await, "");
    assert_eq!(server.stopped().await, 0);
}

/// A connection that was accepted before the stop, whose first request is still on its way.
#[tokio::test]
async fn a_request_that_arrives_with_the_stop_is_answered() {
    let server = Server::hello(limits(), None);
    let mut client = server.client().await;
    // Connections are accepted in order: this one is answered after the first was taken.
    until(&mut server.sent(GET).await, "hello").await;
    server.stop.send_replace(true);
    while TcpStream::connect(server.addr).await.is_ok() {}
    client.write_all(GET).await.unwrap();
    assert!(until_closed(&mut client).await.ends_with("hello tls=false"));
    assert_eq!(server.stopped().await, 0);
}

#[tokio::test]
async fn half_a_head_at_the_stop_may_be_completed() {
    let server = Server::hello(limits(), None);
    let mut client = server.sent(GET).await;
    until(&mut client, "hello").await;
    client.write_all(&GET[..9]).await.unwrap();
    // Once another request is answered, the half has been read too.
    until(&mut server.sent(GET).await, "hello").await;
    server.stop.send_replace(true);
    let mut idle_elsewhere = server.client().await;
    assert_eq!(until_closed(&mut idle_elsewhere).await, "");
    client.write_all(&GET[9..]).await.unwrap();
    assert!(until_closed(&mut client).await.ends_with("hello tls=false"));
    assert_eq!(server.stopped().await, 0);
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_and_counted() {
    let gate = Arc::new(Semaphore::new(0));
    let (server, mut beginnings) = Server::gated(Limits { shutdown_timeout: SHORT, ..limits() }, &gate);
    let mut client = server.sent(GET).await;
    soon(beginnings.recv()).await.unwrap();
    assert_eq!(server.stopped().await, 1);
    assert_eq!(until_closed(&mut client).await, "");
}

#[tokio::test]
async fn a_server_that_nobody_can_stop_any_more_stops() {
    let Server { stop, done, .. } = Server::hello(limits(), None);
    drop(stop);
    assert_eq!(soon(done).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn over_the_cap_a_connection_waits_its_turn() {
    let gate = Arc::new(Semaphore::new(0));
    let (server, mut beginnings) = Server::gated(Limits { max_connections: 1, ..limits() }, &gate);
    let mut first = server.sent(GET).await;
    soon(beginnings.recv()).await.unwrap();
    let mut second = server.sent(GET).await;
    // Other conversations on the same thread show that the second had every chance.
    let other = Server::hello(limits(), None);
    for _ in 0..20 {
        until(&mut other.sent(GET).await, "hello").await;
    }
    assert!(beginnings.try_recv().is_err(), "not accepted while the place is taken");
    gate.add_permits(2);
    until(&mut first, "hello").await;
    drop(first);
    until(&mut second, "hello").await;
}

#[tokio::test]
async fn a_panic_ends_one_connection_only() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = Server::start(limits(), None, move |request: Request<Incoming>, _peer| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            assert_ne!(request.uri().path(), "/panic", "as the test wants it");
            text("hello")
        }
    });
    assert_eq!(until_closed(&mut server.sent(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n").await).await, "");
    let frames = [frame::opening(), frame::get(1, "/panic"), frame::get(3, "/")].concat();
    let mut http2 = server.sent(&frames).await;
    assert_eq!(frame::until(&mut http2, frame::DATA, 3).await, b"hello", "not even the connection's other streams");
    until(&mut server.sent(GET).await, "hello").await;
    drop(http2);
    assert_eq!(asked.load(Ordering::Relaxed), 4);
    assert_eq!(server.stopped().await, 0, "what has panicked is no longer in flight");
}
