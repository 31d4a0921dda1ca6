//! Where an input is found outside the body: a bearer token, another scheme of authorization, a header, a cookie, the path,
//! the query. Each is read by one strict grammar; what is there twice is nothing.

use std::borrow::Cow;

use http::HeaderName;
use http::header::COOKIE;

use crate::decode::{Got, Request};
use crate::form;
use crate::scheme::{self, Half};

/// What a bearer header gives that is not one: no token of ours is this, so it is refused like any wrong token (JT-17).
const UNREADABLE: &str = "!";

/// One place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// `Bearer TOKEN` in this header (RFC 6750 §2.1).
    Bearer(HeaderName),
    /// The whole header.
    Header(HeaderName),
    /// A cookie.
    Cookie(String),
    /// A parameter of the path.
    Path(String),
    /// A parameter of the query.
    Query(String),
    /// A half of `Basic`.
    Basic(Half),
    /// What follows this scheme, or a parameter of it.
    Scheme { word: String, param: Option<String>, header: HeaderName },
}

impl Source {
    /// The header that is read, where it is one that a page can write.
    pub(crate) fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Bearer(name) | Self::Header(name) | Self::Scheme { header: name, .. } => Some(name),
            Self::Cookie(_) | Self::Path(_) | Self::Query(_) | Self::Basic(_) => None,
        }
    }

    /// What is found there; `None` when the request is malformed.
    pub(crate) fn find<'a>(&self, request: &Request<'a>) -> Option<Got<'a>> {
        match self {
            Self::Bearer(name) => Some(bearer(name, request)),
            Self::Header(name) => {
                let mut values = request.headers.get_all(name).iter();
                let Some(value) = values.next() else {
                    return Some(Got::Absent);
                };
                let text = str::from_utf8(value.as_bytes()).ok()?;
                values.next().is_none().then(|| Got::text(text))
            }
            Self::Cookie(name) => Some(cookie(name, request)),
            Self::Path(name) => {
                let Some((_, value)) = request.params.iter().find(|(param, _)| param == name) else {
                    return Some(Got::Absent);
                };
                percent_encoding::percent_decode_str(value).decode_utf8().ok().map(Got::text)
            }
            Self::Query(name) => {
                let Some(query) = request.query else {
                    return Some(Got::Absent);
                };
                let found = form::parse(query)?.into_iter().find(|(key, _)| key == name);
                Some(found.map_or(Got::Absent, |(_, value)| Got::text(value)))
            }
            Self::Basic(half) => scheme::basic(*half, request),
            Self::Scheme { word, param, header } => scheme::scheme(word, param.as_deref(), header, request),
        }
    }
}

/// JT-17: exactly `Bearer`, one space, a token (RFC 6750 §2.1, `b64token`), one header. Another scheme is no bearer.
fn bearer<'a>(name: &HeaderName, request: &Request<'a>) -> Got<'a> {
    const UNREADABLE_TOKEN: Got<'static> = Got::Text(Cow::Borrowed(UNREADABLE));
    let mut values = request.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Got::Absent };
    if values.next().is_some() {
        return UNREADABLE_TOKEN;
    }
    let bytes = value.as_bytes();
    let (scheme, rest) = bytes.split_at(bytes.len().min(6));
    if !scheme.eq_ignore_ascii_case(b"Bearer") || matches!(rest.first(), Some(byte) if byte.is_ascii_alphanumeric()) {
        return Got::Absent;
    }
    let token = rest.strip_prefix(b" ").filter(|_| scheme == b"Bearer").and_then(|token| str::from_utf8(token).ok());
    let lawful = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    match token.filter(|token| !token.is_empty() && token.bytes().all(lawful)) {
        Some(token) => Got::Text(Cow::Borrowed(token)),
        None => UNREADABLE_TOKEN,
    }
}

/// RFC 6265 §5.4: which of two cookies of one name comes first is not to be relied on, so two are none.
fn cookie<'a>(name: &str, request: &Request<'a>) -> Got<'a> {
    let lines = request.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
            percent_encoding::percent_decode_str(value).decode_utf8().map_or(Got::Wrong, Got::text)
        }
        (None, _) | (_, Some(_)) => Got::Absent,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn find(source: &Source, headers: &[(&'static str, &'static str)], query: Option<&str>) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect(value));
        }
        let params = vec![("id".to_owned(), "a%20b".to_owned()), ("bad".to_owned(), "%ff".to_owned())];
        let request =
            Request { method: &Method::GET, path: "/", query, headers: &map, body: b"", params: &params, origins: &[] };
        match source.find(&request) {
            None => Some("malformed".to_owned()),
            Some(Got::Absent) => None,
            Some(Got::Text(text)) => Some(text.into_owned()),
            Some(Got::Raw(_) | Got::Wrong) => Some("wrong".to_owned()),
        }
    }

    // JT-17
    #[test]
    fn a_bearer_token_has_one_grammar() {
        let bearer = Source::Bearer(http::header::AUTHORIZATION);
        for (value, expected) in [
            ("Bearer a.b-c_d~e+f/g=", Some("a.b-c_d~e+f/g=")),
            ("Bearer  a", Some("!")),
            ("Bearer\ta", Some("!")),
            ("bearer a", Some("!")),
            ("BEARER a", Some("!")),
            ("Bearer", Some("!")),
            ("Bearer ", Some("!")),
            ("Bearer a, Bearer b", Some("!")),
            ("Bearer a b", Some("!")),
            ("Bearer \"a\"", Some("!")),
            ("Basic a", None),
            ("Bearers a", None),
            ("a.b.c", None),
        ] {
            assert_eq!(find(&bearer, &[("authorization", value)], None).as_deref(), expected, "{value}");
        }
        let twice = [("authorization", "Bearer a"), ("authorization", "Bearer a")];
        assert_eq!(find(&bearer, &twice, None).as_deref(), Some("!"));
    }

    #[test]
    fn what_is_there_twice_is_nothing() {
        let header = Source::Header(HeaderName::from_static("x-device"));
        let (cookie, query) = (Source::Cookie("s".to_owned()), Source::Query("q".to_owned()));
        for (source, headers, text, expected) in [
            (&header, vec![("x-device", "d")], None, Some("d")),
            (&header, vec![("x-device", "d"), ("x-device", "d")], None, Some("malformed")),
            (&header, vec![], None, None),
            (&cookie, vec![("cookie", "a=b; s=%2Bx=y; c=d")], None, Some("+x=y")),
            (&cookie, vec![("cookie", "s=\"x\"")], None, Some("x")),
            (&cookie, vec![("cookie", "s=x; s=y")], None, None),
            (&cookie, vec![("cookie", "S=x")], None, None),
            (&cookie, vec![("cookie", "s=%00")], None, Some("wrong")),
            (&query, vec![], Some("p=1&q=a+b%21"), Some("a b!")),
            (&query, vec![], Some("q=1&q=2"), Some("malformed")),
            (&query, vec![], Some("p=1"), None),
            (&Source::Path("id".to_owned()), vec![], None, Some("a b")),
            (&Source::Path("bad".to_owned()), vec![], None, Some("malformed")),
        ] {
            assert_eq!(find(source, &headers, text).as_deref(), expected, "{source:?} {headers:?} {text:?}");
        }
    }
}
