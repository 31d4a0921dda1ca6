//! One client: a keep-alive connection and what it asks for again and again. Every answer is read to its end and judged by
//! status and body; an answer that is neither what was asked for nor a lawful "come back later" is a failure.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpSocket;

use crate::world::{PASSWORD, email};

/// Nobody waits longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client asks for.
#[derive(Clone)]
pub(crate) enum Wish {
    /// A login of a user drawn from so many.
    Login {
        /// How many users there are.
        users: u64,
    },
    /// The successor of this refresh token; each answer brings the next.
    Refresh {
        /// The newest.
        token: String,
    },
    /// Whether this access token holds.
    Verify {
        /// The token.
        token: String,
    },
    /// An empty answer.
    Nothing,
}

/// How a request ended lawfully.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Done {
    /// It was answered.
    Served,
    /// 503 with `Retry-After`, in the dialect's words.
    Shed,
}

/// One client.
pub(crate) struct Client {
    server: SocketAddr,
    /// Each client has an address of its own, as in life: the server is fair between addresses.
    from: Ipv4Addr,
    line: Option<SendRequest<Full<Bytes>>>,
    wish: Wish,
}

/// The tokens that a login or a refresh brings.
#[derive(Deserialize)]
pub(crate) struct Granted {
    /// The access token.
    pub(crate) access: String,
    /// The refresh token.
    pub(crate) refresh: String,
}

impl Client {
    /// A client that is not connected yet.
    pub(crate) fn new(server: SocketAddr, wish: Wish) -> Self {
        static NUMBER: AtomicU16 = AtomicU16::new(0);
        let [high, low] = NUMBER.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // All of 127.0.0.0/8 is this machine.
        Self { server, from: Ipv4Addr::new(127, 1, high, low), line: None, wish }
    }

    /// Asks once.
    ///
    /// # Errors
    /// What was not as it should be. The next request takes a new connection.
    pub(crate) async fn ask(&mut self) -> anyhow::Result<Done> {
        let request = self.request()?;
        let exchange = async {
            let response = self.connected().await?.send_request(request).await?;
            let (head, body) = response.into_parts();
            anyhow::Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
        };
        let response = match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                self.line = None;
                return Err(error);
            }
            Err(_elapsed) => {
                self.line = None;
                bail!("no answer within {PATIENCE:?}");
            }
        };
        self.judge(&response)
    }

    async fn connected(&mut self) -> anyhow::Result<&mut SendRequest<Full<Bytes>>> {
        if self.line.as_ref().is_none_or(SendRequest::is_closed) {
            let socket = TcpSocket::new_v4()?;
            socket.bind((self.from, 0).into())?;
            let stream = socket.connect(self.server).await.context("cannot connect")?;
            stream.set_nodelay(true)?;
            let (line, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            self.line = Some(line);
        }
        let line = self.line.as_mut().context("no connection")?;
        line.ready().await?;
        Ok(line)
    }

    fn request(&self) -> anyhow::Result<Request<Full<Bytes>>> {
        let json = |path: &str, body: String| {
            Request::builder()
                .method(Method::POST)
                .uri(path)
                .header(CONTENT_TYPE, "application/json")
                .header(HOST, "localhost")
                .body(Full::new(Bytes::from(body)))
        };
        Ok(match &self.wish {
            Wish::Login { users } => login(fastrand::u64(1..=*users))?,
            Wish::Refresh { token } => json("/bench/refresh", format!(r#"{{"refresh": "{token}"}}"#))?,
            Wish::Verify { token } => Request::builder()
                .uri("/bench/verify")
                .header(HOST, "localhost")
                .header(AUTHORIZATION, format!("Bearer {token}"))
                .body(Full::default())?,
            Wish::Nothing => Request::builder().uri("/").header(HOST, "localhost").body(Full::default())?,
        })
    }

    fn judge(&mut self, response: &Response<Bytes>) -> anyhow::Result<Done> {
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            ensure!(response.headers().contains_key(RETRY_AFTER), "503 without Retry-After");
            ensure!(response.body().starts_with(b"{\"error\":"), "503 that is not in the dialect's shape");
            return Ok(Done::Shed);
        }
        ensure!(response.status() == StatusCode::OK, "status {}: {}", response.status(), text(response.body()));
        match &mut self.wish {
            Wish::Login { .. } => {
                granted(response)?;
            }
            Wish::Refresh { token } => {
                let next = granted(response)?.refresh;
                ensure!(next != *token, "the refresh token was not replaced");
                *token = next;
            }
            Wish::Verify { .. } => {
                ensure!(response.body().starts_with(b"{\"user\":"), "not a user: {}", text(response.body()));
            }
            Wish::Nothing => ensure!(response.body().is_empty(), "not empty: {}", text(response.body())),
        }
        Ok(Done::Served)
    }
}

fn text(body: &Bytes) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}

fn login(user: u64) -> Result<Request<Full<Bytes>>, http::Error> {
    let body = format!(r#"{{"name": "{}", "password": "{PASSWORD}"}}"#, email(user));
    Request::builder()
        .method(Method::POST)
        .uri("/bench/login")
        .header(CONTENT_TYPE, "application/json")
        .header(HOST, "localhost")
        .body(Full::new(Bytes::from(body)))
}

fn granted(response: &Response<Bytes>) -> anyhow::Result<Granted> {
    serde_json::from_slice(response.body()).with_context(|| format!("not tokens: {}", text(response.body())))
}

/// Logs users `1..=count` in, one after the other.
///
/// # Errors
/// When one of them is not let in.
pub(crate) async fn sign_in(server: SocketAddr, count: u64) -> anyhow::Result<Vec<Granted>> {
    let mut client = Client::new(server, Wish::Nothing);
    let mut all = Vec::new();
    for user in 1..=count {
        let response = client.connected().await?.send_request(login(user)?).await?;
        let (head, body) = response.into_parts();
        let response = Response::from_parts(head, body.collect().await?.to_bytes());
        ensure!(response.status() == StatusCode::OK, "login: {}: {}", response.status(), text(response.body()));
        all.push(granted(&response)?);
    }
    Ok(all)
}
