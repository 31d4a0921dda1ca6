//! Whether a browser sent a request for a page of another site (HD-04): cookies come along unasked, so what they prove is
//! not that their owner asked. Browsers tell, in headers that no page can write; whoever sends none of them is no browser,
//! and holds no cookie that it was not given.

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};

use crate::decode::Request;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Which requests of an endpoint are refused when another site caused them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum CrossSite {
    /// None: nothing depends on a cookie, or the dialect says out loud that it does not care.
    #[default]
    Served,
    /// Those whose credential came in a cookie.
    RefusedByCookie,
    /// All: the answer sets a cookie.
    Refused,
}

/// Whether another site caused the request, as far as the browser tells.
pub(crate) fn is_cross_site(request: &Request<'_>) -> bool {
    let headers = request.headers;
    let (Some(origin), Some(site)) = (only(headers, &ORIGIN), only(headers, &SEC_FETCH_SITE)) else {
        return true;
    };
    if origin.is_some_and(|origin| request.origins.iter().any(|allowed| allowed == origin)) {
        return false;
    }
    match (site, origin) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, None) => false,
        (None, Some(origin)) => {
            let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let host = only(headers, &HOST).flatten();
            !authority.zip(host).is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
        }
    }
}

/// The header's one value; `None`: it is there twice or is no text. The inner `None`: it is not there.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Some(None) };
    let text = value.to_str().ok().filter(|_| values.next().is_none())?;
    Some(Some(text))
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Method};

    use super::*;

    // HD-04
    #[test]
    fn browsers_tell_who_asks() {
        let origins = ["https://app.example".to_owned()];
        for (headers, cross) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://login.example:8443")], true),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], true),
            (&[("origin", "https://login.example:8443")], false),
            (&[("origin", "http://LOGIN.example:8443")], false),
            (&[("origin", "https://login.example")], true),
            (&[("origin", "https://evil.example")], true),
            (&[("origin", "https://login.example:8443.evil.example")], true),
            (&[("origin", "ftp://login.example:8443")], true),
            (&[("origin", "login.example:8443")], true),
            (&[("origin", "null")], true),
            (&[("origin", "https://login.example:8443"), ("origin", "https://evil.example")], true),
            (&[("origin", "https://app.example")], false),
            (&[("origin", "https://app.example"), ("sec-fetch-site", "cross-site")], false),
            (&[("origin", "https://APP.example"), ("sec-fetch-site", "cross-site")], true),
        ] {
            let mut map = HeaderMap::new();
            map.insert(HOST, HeaderValue::from_static("login.example:8443"));
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            let params = Vec::new();
            let request = Request {
                method: &Method::POST,
                path: "/",
                query: None,
                headers: &map,
                body: b"",
                params: &params,
                origins: &origins,
            };
            assert_eq!(is_cross_site(&request), cross, "{headers:?}");
        }
    }
}
