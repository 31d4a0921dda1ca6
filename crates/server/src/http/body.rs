//! Reading a request body within a byte limit and a time limit. Knows nothing of what the bytes mean, and never holds
//! more than the limit and one network read.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

/// Why a request body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// Longer than the limit, announced or sent: 413 Content Too Large (RFC 9110 §15.5.14).
    #[error("the request body is longer than the limit")]
    TooLarge,
    /// Not complete when its time was over: 408 Request Timeout (RFC 9110 §15.5.9).
    #[error("the request body did not arrive in time")]
    TimedOut,
    /// The connection ended or the framing was wrong before the body was complete.
    #[error("the request body ended early")]
    Broken,
}

/// Reads the whole of `body`, at most `limit` bytes, within `deadline` counted from now.
///
/// An announced length over the limit is refused before anything is read, so a client that asked with
/// `Expect: 100-continue` never sends the body (RFC 9110 §10.1.1). Trailers are dropped.
///
/// # Errors
///
/// See [`BodyError`]. After an error the rest of the body is left unread, and an HTTP/1.1 connection is closed once the
/// response is written.
pub(crate) async fn read(body: Incoming, limit: usize, deadline: Duration) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(BodyError::TooLarge);
    }
    timeout(deadline, gather(body, limit)).await.unwrap_or(Err(BodyError::TimedOut))
}

/// The bytes of `body`, given up as soon as there are more than `limit`: a chunked body announces no length.
async fn gather(mut body: Incoming, limit: usize) -> Result<Bytes, BodyError> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_cause| BodyError::Broken)?.into_data() else {
            continue;
        };
        if first.len() + joined.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        // A login body nearly always arrives in one piece, which is then handed over without a copy.
        if first.is_empty() && joined.is_empty() {
            first = data;
            continue;
        }
        joined.extend_from_slice(&std::mem::take(&mut first));
        joined.extend_from_slice(&data);
    }
    if joined.is_empty() { Ok(first) } else { Ok(joined.freeze()) }
}
