//! The documentation of the dialects: an OpenAPI document of each, and a page in which they can be read and tried. All
//! that the page needs is in the program; it asks no other host.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
};
use http::{HeaderName, HeaderValue, StatusCode};
use myna_dialect::{Dialect, Response, Router, openapi};
use myna_tokens::crypto::digest;
use myna_tokens::opaque::hex;
use serde_json::json;

use super::site::Plain;
use crate::dialects;

/// Where the list of documents is.
pub(super) const INDEX: &str = "/openapi.json";
/// Where each document is, `NAME.json`.
pub(super) const DOCUMENT: &str = "/openapi/{file}";
/// Where the page is.
pub(super) const PAGE: &str = "/docs";
/// Where its parts are.
pub(super) const PART: &str = "/docs/{file}";

/// Documents that are kept; what is asked for next takes the place of the oldest.
const KEPT_MAX: usize = 16;

/// Nothing but this server's own parts, and nobody may frame the page. The UI sets styles of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
struct Part {
    name: &'static str,
    content_type: &'static str,
    /// Whether `bytes` are compressed with gzip.
    gzip: bool,
    bytes: &'static [u8],
}

const fn part(name: &'static str, content_type: &'static str, gzip: bool, bytes: &'static [u8]) -> Part {
    Part { name, content_type, gzip, bytes }
}

const HTML: &str = "text/html;charset=utf-8";
const CSS: &str = "text/css;charset=utf-8";
const SCRIPT: &str = "text/javascript;charset=utf-8";
const TEXT: &str = "text/plain;charset=utf-8";

/// The page is the part without a name.
const PARTS: [Part; 7] = [
    part("", HTML, false, include_bytes!("../../assets/docs/index.html")),
    part("page.js", SCRIPT, false, include_bytes!("../../assets/docs/page.js")),
    part("page.css", CSS, false, include_bytes!("../../assets/docs/page.css")),
    part("swagger-ui-bundle.js", SCRIPT, true, include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz")),
    part("swagger-ui.css", CSS, true, include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz")),
    part("LICENSE", TEXT, false, include_bytes!("../../assets/swagger-ui/LICENSE")),
    part(
        "swagger-ui-bundle.js.LICENSE.txt",
        TEXT,
        false,
        include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.LICENSE.txt"),
    ),
];

/// Serves the documentation.
pub(crate) struct Docs {
    /// The operator's own dialects, whose cases are read when their document is asked for.
    folder: Option<PathBuf>,
    kept: Mutex<Vec<Kept>>,
}

/// A document that was made. A dialect that was reloaded is another one.
struct Kept {
    dialect: Weak<Dialect>,
    document: Arc<[u8]>,
}

/// Whether the path belongs to the documentation.
pub(super) fn is_own(path: &str) -> bool {
    let one = |rest: &str| !rest.is_empty() && !rest.contains('/');
    path == INDEX
        || path == PAGE
        || path.strip_prefix("/openapi/").is_some_and(one)
        || path.strip_prefix("/docs/").is_some_and(one)
}

impl Docs {
    /// Documentation of the dialects; `folder` holds the operator's own.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, kept: Mutex::default() }
    }

    /// The answer to a GET or HEAD; `None`: there is no such thing.
    pub(super) fn answer(&self, request: &Plain, router: &Router) -> Option<Response> {
        let path = request.path.as_str();
        if path == INDEX {
            return Some(fresh(request, "application/json", index(router).as_bytes()));
        }
        if let Some(file) = path.strip_prefix("/openapi/") {
            let name = file.strip_suffix(".json")?;
            let dialect = router.dialects().find(|dialect| dialect.name() == name)?;
            return Some(fresh(request, "application/json", &self.document(dialect)));
        }
        let name = path.strip_prefix(PAGE)?.trim_start_matches('/');
        let Part { content_type, gzip, bytes, .. } = PARTS.iter().find(|part| part.name == name)?;
        let mut response = fresh(request, content_type, bytes);
        let mut add = |name: HeaderName, value| response.headers.push((name, HeaderValue::from_static(value)));
        if *gzip {
            add(CONTENT_ENCODING, "gzip");
        }
        add(CONTENT_SECURITY_POLICY, POLICY);
        add(REFERRER_POLICY, "no-referrer");
        Some(response)
    }

    fn document(&self, dialect: &Arc<Dialect>) -> Arc<[u8]> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.dialect.strong_count() > 0);
        if let Some(found) = kept.iter().find(|kept| kept.dialect.as_ptr() == Arc::as_ptr(dialect)) {
            return Arc::clone(&found.document);
        }
        // Cases that cannot be read any more are examples that are missing, no more.
        let document = match dialects::of_name(dialect.name(), self.folder.as_deref()) {
            Some(found) => found.openapi(dialect),
            None => openapi::document(&dialect.describe(), &[]),
        };
        let document: Arc<[u8]> = document.to_string().into_bytes().into();
        if kept.len() >= KEPT_MAX {
            kept.remove(0);
        }
        kept.push(Kept { dialect: Arc::downgrade(dialect), document: Arc::clone(&document) });
        document
    }
}

fn index(router: &Router) -> String {
    let entry = |dialect: &Arc<Dialect>| {
        let url = format!("/openapi/{}.json", dialect.name());
        json!({ "name": dialect.name(), "title": dialect.title(), "url": url })
    };
    json!({ "dialects": router.dialects().map(entry).collect::<Vec<_>>() }).to_string()
}

/// The bytes, or 304 for who has them: kept by caches, and asked for again each time, as a new program or a reload may
/// change them (RFC 9110 §13.1.2).
fn fresh(request: &Plain, content_type: &'static str, bytes: &[u8]) -> Response {
    let tag = format!("\"{}\"", hex(&digest(bytes)[..16]));
    let known = request.headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let known = known.flat_map(|value| value.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag);
    let mut response = Response { status: StatusCode::OK, headers: Vec::new(), body: Vec::new() };
    response.headers.push((CACHE_CONTROL, HeaderValue::from_static("no-cache")));
    response.headers.extend(HeaderValue::from_str(&tag).map(|tag| (ETAG, tag)));
    if known {
        response.status = StatusCode::NOT_MODIFIED;
    } else {
        response.headers.push((CONTENT_TYPE, HeaderValue::from_static(content_type)));
        response.body = bytes.to_vec();
    }
    response
}
