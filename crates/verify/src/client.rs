//! A client: one keep-alive connection, and what an answer means.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::history::Dialect;

/// A client waits so long; the server's own limit is ten seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// A connection to a node, opened anew when it has ended.
pub(crate) struct Client {
    port: u16,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// A request of the checker's dialect.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: &'static str,
    path: &'static str,
    bearer: Option<String>,
    body: Option<Value>,
    dialect: Dialect,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A success, with its body.
    Ok(Value),
    /// A lawful no.
    No,
    /// No answer, or one that the server is in trouble.
    Lost,
    /// It was never sent: nobody listens.
    Never,
}

impl Call {
    pub(crate) fn register(email: &str, password: &str) -> Self {
        Self::post("/register", json!({ "email": email, "password": password }))
    }

    pub(crate) fn login(email: &str, password: &str) -> Self {
        Self::post("/login", json!({ "email": email, "password": password }))
    }

    pub(crate) fn refresh(token: &str) -> Self {
        Self::post("/refresh", json!({ "refresh": token }))
    }

    pub(crate) fn forgot(email: &str) -> Self {
        Self::post("/forgot", json!({ "email": email }))
    }

    pub(crate) fn reset(token: &str, password: &str) -> Self {
        Self::post("/reset", json!({ "token": token, "password": password }))
    }

    pub(crate) fn change(access: &str, old: &str, new: &str) -> Self {
        let call = Self::post("/change", json!({ "password": old, "new_password": new }));
        Self { bearer: Some(access.to_owned()), ..call }
    }

    pub(crate) fn logout(access: &str) -> Self {
        Self { bearer: Some(access.to_owned()), ..Self::to("POST", "/logout") }
    }

    pub(crate) fn me(access: &str) -> Self {
        Self { bearer: Some(access.to_owned()), ..Self::to("GET", "/me") }
    }

    fn post(path: &'static str, body: Value) -> Self {
        Self { body: Some(body), ..Self::to("POST", path) }
    }

    fn to(method: &'static str, path: &'static str) -> Self {
        Self { method, path, bearer: None, body: None, dialect: Dialect::Named }
    }

    /// The same in another dialect.
    pub(crate) fn in_dialect(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// Which dialect it is in.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn request(&self) -> Option<http::Request<Full<Bytes>>> {
        let prefix = match self.dialect {
            Dialect::Named => "",
            Dialect::Nameless => "/nameless",
        };
        let uri = format!("{prefix}{}", self.path);
        let mut request = http::Request::builder().method(self.method).uri(uri).header("host", "verify");
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let body = match &self.body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Full::new(Bytes::from(body.to_string()))
            }
            None => Full::default(),
        };
        request.body(body).ok()
    }
}

impl Client {
    /// A client of the node at `port`; it connects when it is first used.
    pub(crate) fn new(port: u16) -> Self {
        Self { port, sender: None }
    }

    /// Connects, if it is not connected.
    pub(crate) async fn connect(&mut self) -> bool {
        if self.sender.as_ref().is_some_and(|sender| !sender.is_closed()) {
            return true;
        }
        self.sender = connected(self.port).await;
        self.sender.is_some()
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, call: &Call) -> Answer {
        if !self.connect().await {
            return Answer::Never;
        }
        let (Some(sender), Some(request)) = (self.sender.as_mut(), call.request()) else { return Answer::Never };
        let answered = tokio::time::timeout(PATIENCE, async {
            sender.ready().await.ok()?;
            let response = sender.send_request(request).await.ok()?;
            let status = response.status();
            let body = response.into_body().collect().await.ok()?.to_bytes();
            Some((status, body))
        });
        match answered.await.ok().flatten() {
            Some((status, body)) if status.is_success() => {
                serde_json::from_slice(&body).map_or_else(|_| Answer::Ok(Value::Null), Answer::Ok)
            }
            Some((status, _)) if status.is_client_error() => Answer::No,
            Some(_) => Answer::Lost,
            None => {
                self.sender = None;
                Answer::Lost
            }
        }
    }

    /// Sends a request and hangs up after `wait`, whatever the server does with it.
    pub(crate) async fn ask_and_leave(&mut self, call: &Call, wait: Duration) -> Answer {
        if !self.connect().await {
            return Answer::Never;
        }
        let (Some(mut sender), Some(request)) = (self.sender.take(), call.request()) else { return Answer::Never };
        let _ = tokio::time::timeout(wait, async {
            let _ = sender.send_request(request).await;
        })
        .await;
        Answer::Lost
    }
}

/// The status of an answer to GET.
pub(crate) async fn status(port: u16, path: &str) -> Option<u16> {
    let mut sender = connected(port).await?;
    let request = http::Request::builder().uri(path).header("host", "verify").body(Full::default()).ok()?;
    let response = tokio::time::timeout(Duration::from_secs(2), sender.send_request(request)).await.ok()?.ok()?;
    Some(response.status().as_u16())
}

async fn connected(port: u16) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    Some(sender)
}
