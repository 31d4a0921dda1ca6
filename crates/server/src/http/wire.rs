//! Between the listener and the site: reads the body within its limits, finds out who the client is behind trusted
//! proxies, adds CORS where it is configured, logs one line for each request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    CONNECTION, HOST, HeaderMap, ORIGIN, VARY,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use myna_core::outcome::Kind;
use myna_dialect::Cors;
use tracing::Instrument as _;

use super::body::{self, BodyError};
use super::listener::{Limits, Peer};
use super::site::{Plain, Site};
use crate::config::Network;
use myna_tokens::opaque::hex;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The site as the listener sees it.
pub(crate) struct Wire {
    /// Who answers.
    pub(crate) site: Arc<Site>,
    /// Limits of a body.
    pub(crate) limits: Limits,
    /// Proxies whose `X-Forwarded-For` is believed (TH-06).
    pub(crate) trusted: Vec<Network>,
    /// Origins whose pages may call the dialects; empty: CORS is off (HD-02).
    pub(crate) origins: Vec<String>,
}

impl Wire {
    /// Answers one request.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let id = request_id();
        let client = client(&self.trusted, peer.addr.ip(), request.headers());
        let span = tracing::info_span!(
            "request",
            id = id,
            method = %request.method(),
            path = self.site.shown_path(request.uri().path()),
            client = %client,
            tls = peer.tls
        );
        async {
            let origin = self.allowed_origin(request.headers());
            let cors = origin.as_ref().and_then(|_| self.site.cors(request.method(), request.uri().path()));
            let mut response = match origin.as_ref().filter(|_| is_preflight(&request)) {
                Some(_) => preflight(&request, cors.as_ref()),
                None => self.site_answer(request, client, id).await,
            };
            if !self.origins.is_empty() {
                response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
            }
            if let Some(origin) = origin {
                let headers = response.headers_mut();
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                // The origin is one that the operator named, never a reflected one (HD-02).
                if cors.as_ref().is_some_and(|cors| cors.cookies) {
                    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
                }
                headers.extend(cors.and_then(|cors| Some((ACCESS_CONTROL_EXPOSE_HEADERS, listed(&cors.writes)?))));
            }
            let elapsed = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::debug!(status = response.status().as_u16(), elapsed_us = elapsed, "done");
            response
        }
        .instrument(span)
        .await
    }

    async fn site_answer(&self, request: Request<Incoming>, client: IpAddr, id: String) -> Response<Full<Bytes>> {
        let (head, incoming) = request.into_parts();
        let body = match body::read(incoming, self.limits.body_bytes, self.limits.body_timeout).await {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(BodyError::TooLarge) => Err(Kind::TooLarge),
            Err(BodyError::TimedOut) => Err(Kind::Timeout),
            Err(BodyError::Broken) => Err(Kind::Malformed),
        };
        // What is left of the body is not read, so the connection cannot serve another request (RFC 9112 §9.6).
        let ends = body.is_err() && head.version <= Version::HTTP_11;
        let mut headers = head.headers;
        // HTTP/2 names the host in `:authority` (RFC 9113 §8.3.1); whoever compares an origin with it finds it in one place.
        if let Some(authority) = head.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
            headers.insert(HOST, authority);
        }
        let plain = Plain {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers,
            body,
            client,
            id,
        };
        let answer = self.site.answer(plain).await;
        let mut response = Response::new(Full::new(Bytes::from(answer.body)));
        *response.status_mut() = answer.status;
        for (name, value) in answer.headers {
            response.headers_mut().append(name, value);
        }
        if ends {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// The origin of the request, when it is one of those configured, letter by letter.
    fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }
}

fn is_preflight(request: &Request<Incoming>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(request: &Request<Incoming>, cors: Option<&Cors>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    if let Some(method) = request.headers().get(ACCESS_CONTROL_REQUEST_METHOD) {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    }
    headers.extend(cors.and_then(|cors| Some((ACCESS_CONTROL_ALLOW_HEADERS, listed(&cors.reads)?))));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// The names as one header's value; `None` for none.
fn listed(names: &[HeaderName]) -> Option<HeaderValue> {
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).ok().filter(|value| !value.is_empty())
}

/// The right-most address that is no trusted proxy; from anybody else the header is worth nothing.
fn client(trusted: &[Network], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut client = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        // What cannot be read was not written by a proxy of ours: the last one that was believed is the client.
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// 64 bits, enough to find a line in a log. No secret, so the quick generator will do.
fn request_id() -> String {
    hex(&fastrand::u64(..).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    // TH-06
    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let trusted = [Network::parse("10.0.0.0/8").unwrap(), Network::parse("127.0.0.1").unwrap()];
        for (peer, header, expected) in [
            ("192.0.2.9", &["203.0.113.1"][..], "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["198.51.100.7, 203.0.113.1, 10.2.3.4"], "203.0.113.1"),
            ("10.0.0.1", &["198.51.100.7", "203.0.113.1, 127.0.0.1"], "203.0.113.1"),
            ("10.0.0.1", &["nonsense, 10.2.3.4"], "10.2.3.4"),
            ("10.0.0.1", &["203.0.113.1, nonsense"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in header {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
            }
            let found = client(&trusted, peer.parse().unwrap(), &headers);
            assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} {header:?}");
        }
    }
}
