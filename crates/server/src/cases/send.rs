//! Sends a case's request over HTTP/1.1, a connection for each.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use myna_dialect::case::CaseRequest;
use tokio::net::TcpStream;

use super::{Reply, header_map};

/// A server that is spoken to over HTTP.
pub(super) struct Remote {
    host: String,
    port: u16,
}

impl Remote {
    /// The server at `url`: `http://host:port`.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is not a URL"))?;
        if uri.scheme_str() != Some("http") {
            bail!("`{url}`: only http:// is spoken here; put a plain listener or a proxy before an HTTPS server");
        }
        let host = uri.host().with_context(|| format!("`{url}` names no host"))?.to_owned();
        Ok(Self { port: uri.port_u16().unwrap_or(80), host })
    }

    /// Sends the request and reads the whole answer.
    pub(super) async fn send(&self, request: CaseRequest) -> anyhow::Result<Reply> {
        let host = self.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((host, self.port))
            .await
            .with_context(|| format!("cannot reach {}:{}", self.host, self.port))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut message = Request::new(Full::new(Bytes::from(request.body)));
        *message.method_mut() = request.method;
        *message.uri_mut() = request.target.parse()?;
        *message.headers_mut() = header_map(request.headers)?;
        let authority = HeaderValue::try_from(format!("{}:{}", self.host, self.port))?;
        message.headers_mut().insert(HOST, authority);
        message.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let (head, body) = sender.send_request(message).await?.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        Ok(Reply { status: head.status, headers: head.headers, body })
    }
}
