//! `Authorization` beyond bearer tokens: `Basic` (RFC 7617), and any scheme with a token or with parameters (RFC 9110
//! §11.4). Strict: one header, one grammar; what claims the scheme and breaks the grammar is malformed.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderName;
use http::header::AUTHORIZATION;

use crate::decode::{Got, Request};

/// A half of what `Basic` carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Half {
    /// What stands before the first colon.
    User,
    /// What stands after it.
    Password,
}

/// `None`: malformed.
pub(crate) fn basic<'a>(half: Half, request: &Request<'a>) -> Option<Got<'a>> {
    let Some(coded) = credentials(&AUTHORIZATION, "Basic", request)? else { return Some(Got::Absent) };
    let text = String::from_utf8(BASE64_STANDARD.decode(coded).ok()?).ok()?;
    // RFC 7617 §2: neither half holds control characters.
    let (user, password) = text.split_once(':').filter(|_| !text.contains(char::is_control))?;
    let half = match half {
        Half::User => user,
        Half::Password => password,
    };
    Some(Got::text(half.to_owned()))
}

/// What follows the scheme, or one parameter of it. `None`: malformed.
pub(crate) fn scheme<'a>(
    word: &str,
    param: Option<&str>,
    header: &HeaderName,
    request: &Request<'a>,
) -> Option<Got<'a>> {
    let Some(rest) = credentials(header, word, request)? else { return Some(Got::Absent) };
    let Some(param) = param else {
        let lawful = |byte: u8| byte.is_ascii_graphic() && byte != b',' && byte != b'"';
        return (!rest.is_empty() && rest.bytes().all(lawful)).then(|| Got::text(rest));
    };
    let mut found = None;
    let mut rest = rest;
    while !rest.is_empty() {
        let (name, value, after) = parameter(rest)?;
        if name.eq_ignore_ascii_case(param) && found.replace(value).is_some() {
            return None;
        }
        rest = after;
    }
    Some(found.map_or(Got::Absent, Got::text))
}

/// What follows the scheme's word; the inner `None`: another scheme, or no such header.
fn credentials<'a>(header: &HeaderName, word: &str, request: &Request<'a>) -> Option<Option<&'a str>> {
    let mut values = request.headers.get_all(header).iter();
    let Some(value) = values.next() else { return Some(None) };
    let text = str::from_utf8(value.as_bytes()).ok()?;
    // RFC 9110 §11.1: the scheme's letters may have any size.
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if !first.eq_ignore_ascii_case(word) {
        return Some(None);
    }
    values.next().is_none().then(|| Some(rest.trim_matches(' ')))
}

/// `name = token` or `name = "quoted"`, and what follows the comma behind it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    let (name, rest) = (name.trim_end(), rest.trim_start());
    let (value, rest) = match rest.strip_prefix('"') {
        Some(rest) => quoted(rest)?,
        None => {
            let (value, rest) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            let value = value.trim_end();
            // Tokens of clients hold what base64 holds; a blank or a quote would hide where they end.
            let lawful = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
            (Some(value).filter(|value| !value.is_empty() && value.bytes().all(lawful))?.to_owned(), rest)
        }
    };
    let rest = rest.trim_start();
    let rest = if rest.is_empty() {
        rest
    } else {
        Some(rest.strip_prefix(',')?.trim_start()).filter(|rest| !rest.is_empty())?
    };
    // A parameter's name is a token, as a header's is.
    HeaderName::from_bytes(name.as_bytes()).is_ok().then_some((name, value, rest))
}

/// The text up to the closing quote, escapes taken back (RFC 9110 §5.6.4), and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn told(headers: &[(&'static str, &str)], find: impl Fn(&Request<'_>) -> Option<Got<'static>>) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect(value));
        }
        let params = Vec::new();
        let request = Request {
            method: &Method::GET,
            path: "/",
            query: None,
            headers: &map,
            body: b"",
            params: &params,
            origins: &[],
        };
        match find(&request) {
            None => "malformed".to_owned(),
            Some(Got::Text(text)) => text.into_owned(),
            Some(other) => format!("{other:?}"),
        }
    }

    fn owned(got: Option<Got<'_>>) -> Option<Got<'static>> {
        got.map(|got| match got {
            Got::Text(text) => Got::text(text.into_owned()),
            Got::Absent => Got::Absent,
            Got::Raw(_) | Got::Wrong => Got::Wrong,
        })
    }

    // RFC 7617 §2 and §2.1 have the first two.
    #[test]
    fn basic_is_read_strictly() {
        for (value, user, password) in [
            ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"),
            ("basic dGVzdDoxMjPCow==", "test", "123£"),
            ("Basic YTpiOmM=", "a", "b:c"),
            ("Basic Og==", "", ""),
            ("Bearer abc", "Absent", "Absent"),
            ("Basic", "malformed", "malformed"),
            ("Basic YTpi YTpi", "malformed", "malformed"),
            ("Basic YTpiOmM", "malformed", "malformed"),
            ("Basic YTpiOmN=", "malformed", "malformed"),
            ("Basic YWI=", "malformed", "malformed"),
            ("Basic Yf86Yg==", "malformed", "malformed"),
            ("Basic YQo6Yg==", "malformed", "malformed"),
        ] {
            for (half, expected) in [(Half::User, user), (Half::Password, password)] {
                let found = told(&[("authorization", value)], |request| owned(basic(half, request)));
                assert_eq!(found, expected, "{value} {half:?}");
            }
        }
        let twice = [("authorization", "Basic YTpi"), ("authorization", "Basic YTpi")];
        assert_eq!(told(&twice, |request| owned(basic(Half::User, request))), "malformed");
        assert_eq!(told(&[], |request| owned(basic(Half::User, request))), "Absent");
    }

    #[test]
    fn a_scheme_has_a_token_or_parameters() {
        let many = r#"MediaBrowser Client="a, \"b\"", Device = x ,Token="t=1", Empty="""#;
        for (value, param, expected) in [
            ("Token abc.d=", None, "abc.d="),
            ("token abc", None, "abc"),
            ("Token", None, "malformed"),
            ("Token a b", None, "malformed"),
            ("Token a, Token b", None, "malformed"),
            ("Tokens a", None, "Absent"),
            (many, None, "Absent"),
            (many, Some("client"), "a, \"b\""),
            (many, Some("Device"), "x"),
            (many, Some("Token"), "t=1"),
            (many, Some("Empty"), ""),
            (many, Some("Other"), "Absent"),
            ("MediaBrowser Token=\"a\", token=\"b\"", Some("Token"), "malformed"),
            ("MediaBrowser Token=\"a", Some("Token"), "malformed"),
            ("MediaBrowser Token=\"a\" x", Some("Token"), "malformed"),
            ("MediaBrowser Token=\"a\",", Some("Token"), "malformed"),
            ("MediaBrowser Token", Some("Token"), "malformed"),
            ("MediaBrowser Token=", Some("Token"), "malformed"),
            ("MediaBrowser =a", Some("Token"), "malformed"),
            ("MediaBrowser", Some("Token"), "Absent"),
        ] {
            let word = if param.is_some() { "MediaBrowser" } else { "Token" };
            let header = HeaderName::from_static("x-auth");
            let found = told(&[("x-auth", value)], |request| owned(scheme(word, param, &header, request)));
            assert_eq!(found, expected, "{value} {param:?}");
        }
    }
}
