//! What `myna check` asks Patroni, where the database is kept alive by one: its version. Old ones lose what was
//! acknowledged. Whoever does not answer, at once and in the form that is known, is no Patroni.

use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Where Patroni's REST API listens unless told otherwise.
const PORT: u16 = 8008;
/// How long a host may take, all in all.
const PATIENCE: Duration = Duration::from_millis(1500);
/// A longer answer is no Patroni's.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The first version whose leader cannot be overwritten by one that was cut off (its pull request 2689).
const SAFE: Version = Version([3, 0, 4]);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Version([u32; 3]);

impl Version {
    /// Reads `4.1.5`; whatever stands after the third number is left alone.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| part.split_at(end).0);
            digits.parse().ok()
        });
        Some(Self([parts.next()??, parts.next()??, parts.next().flatten().unwrap_or(0)]))
    }
}

/// One text for each of `hosts` whose Patroni loses acknowledged changes.
pub(super) async fn warnings(hosts: Vec<String>) -> Vec<String> {
    let asked: Vec<_> = hosts
        .into_iter()
        .map(|host| tokio::spawn(async move { (tokio::time::timeout(PATIENCE, version(&host)).await, host) }))
        .collect();
    let mut warnings = Vec::new();
    for answer in asked {
        if let Ok((Ok(Some(version)), host)) = answer.await
            && version < SAFE
        {
            let [major, minor, patch] = version.0;
            warnings.push(format!(
                "Patroni {major}.{minor}.{patch} on {host} can lose acknowledged changes when a network that was cut \
                 is whole again; install 3.0.4 or later on every database machine"
            ));
        }
    }
    warnings
}

/// Which Patroni answers at `host`.
async fn version(host: &str) -> Option<Version> {
    let stream = TcpStream::connect((host, PORT)).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = "/patroni".parse().ok()?;
    let authority = if host.contains(':') { format!("[{host}]:{PORT}") } else { format!("{host}:{PORT}") };
    request.headers_mut().insert(HOST, HeaderValue::try_from(authority).ok()?);
    let body = sender.send_request(request).await.ok()?.into_body();
    let bytes = Limited::new(body, ANSWER_BYTES_MAX).collect().await.ok()?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Version::parse(answer.get("patroni")?.get("version")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        for (text, safe) in [
            ("2.1.7", false),
            ("3.0.2", false),
            ("3.0.3", false),
            ("3.0.4", true),
            ("3.0.10", true),
            ("3.1.0", true),
            ("4.1.5", true),
            ("4.0", true),
            ("3.0", false),
            ("4.0.0rc1", true),
            ("3.0.4-1.pgdg", true),
        ] {
            assert_eq!(Version::parse(text).unwrap() >= SAFE, safe, "{text}");
        }
        for text in ["", "4", "x.y.z", "-1.0.0", "4.x", "99999999999.0.0"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
