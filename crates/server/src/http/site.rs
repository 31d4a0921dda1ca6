//! From plain HTTP to an operation and back: routes a request to its dialect, has the operation run, lets the dialect
//! write the answer. Knows no socket, so that cases run through the very same code without a network.

use std::future::poll_fn;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, USER_AGENT, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use myna_core::outcome::{Kind, Outcome};
use myna_core::policy::Caller;
use myna_dialect::{
    Answer, Cors, Decoded, Dialect, Echo, FieldErrors, Found, Language, Match, Refusal, Request, Response, Router,
    Tokens,
};

use super::docs::{self, Docs};
use crate::app::{Answered, App, Call, Fault};
use myna_store::StoreError;

/// The longest `User-Agent` that is kept with a session, in bytes.
const AGENT_BYTES_MAX: usize = 256;

/// A store that takes longer for a sign of life keeps everybody waiting.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// Paths that no dialect may take, whether they are served now or not: a setting must not make a dialect unlawful.
pub(crate) const RESERVED: [&str; 7] =
    ["/healthz", "/readyz", "/.well-known/jwks.json", docs::INDEX, docs::DOCUMENT, docs::PAGE, docs::PART];

/// The name of the header that carries a request's id, on every answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request, read completely.
pub(crate) struct Plain {
    /// The method.
    pub(crate) method: Method,
    /// The path as it came, without the query.
    pub(crate) path: String,
    /// The query as it came.
    pub(crate) query: Option<String>,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, or why there is none.
    pub(crate) body: Result<Vec<u8>, Kind>,
    /// The client, not its proxy.
    pub(crate) client: IpAddr,
    /// Names the request in the log and in the answer.
    pub(crate) id: String,
}

/// All dialects over one executor.
pub(crate) struct Site {
    /// The executor.
    pub(crate) app: Arc<App>,
    /// Every route of every dialect. A request looks at it once and keeps what it found.
    router: ArcSwap<Router>,
    /// An operation that takes longer is given up.
    patience: Duration,
    /// Origins whose pages may call the dialects (HD-04).
    origins: Vec<String>,
    /// The documentation; `None`: it is not served.
    docs: Option<Docs>,
}

impl Site {
    /// A site that serves the dialects of `router`.
    pub(crate) fn new(app: Arc<App>, router: Router, patience: Duration, origins: Vec<String>) -> Self {
        Self { app, router: ArcSwap::from_pointee(router), patience, origins, docs: None }
    }

    /// The same site with documentation of its dialects.
    pub(crate) fn documented(self, docs: Option<Docs>) -> Self {
        Self { docs, ..self }
    }

    /// Serves the dialects of `router` from the next request on; requests in flight keep theirs.
    pub(crate) fn replace(&self, router: Router) {
        self.router.store(Arc::new(router));
    }

    /// The path of a request as the log may hold it.
    pub(crate) fn shown_path(&self, path: &str) -> String {
        self.router.load().shown_path(path).to_owned()
    }

    /// What pages of other origins are told of the dialect that has this path.
    pub(crate) fn cors(&self, method: &Method, path: &str) -> Option<Cors> {
        match self.router.load().find(method, path) {
            Found::Endpoint(Match { dialect, .. }) | Found::WrongMethod { dialect, .. } => Some(dialect.cors()),
            Found::Nothing => None,
        }
    }

    /// Answers a request. Never fails: what goes wrong is an answer, too.
    pub(crate) async fn answer(&self, request: Plain) -> Response {
        let mut response = match self.own(&request).await {
            Some(response) => response,
            None => self.by_dialect(&request).await,
        };
        defaults(&mut response, &request.id);
        response
    }

    /// The answers that belong to no dialect.
    async fn own(&self, request: &Plain) -> Option<Response> {
        let documented = self.docs.as_ref().filter(|_| docs::is_own(&request.path));
        if documented.is_none() && !RESERVED.contains(&request.path.as_str()) {
            return None;
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let mut refused = json(StatusCode::METHOD_NOT_ALLOWED, r#"{"error":"method_not_allowed"}"#.to_owned());
            refused.headers.push((ALLOW, HeaderValue::from_static("GET, HEAD")));
            return Some(refused);
        }
        if let Some(docs) = documented {
            return docs.answer(request, &self.router.load());
        }
        Some(match request.path.as_str() {
            "/healthz" => json(StatusCode::OK, r#"{"status":"ok"}"#.to_owned()),
            "/readyz" => {
                let ready = tokio::time::timeout(READY_WITHIN, self.app.store.check_ready()).await;
                let why = match ready {
                    Ok(Ok(())) if self.app.store.is_kept_read_only() => {
                        return Some(json(StatusCode::OK, r#"{"status":"ready","read_only":true}"#.to_owned()));
                    }
                    Ok(Ok(())) => return Some(json(StatusCode::OK, r#"{"status":"ready"}"#.to_owned())),
                    Ok(Err(error)) => error.to_string(),
                    Err(_elapsed) => "the store takes too long".to_owned(),
                };
                tracing::warn!(why, "not ready");
                json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#.to_owned())
            }
            "/.well-known/jwks.json" => {
                let mut keys = json(StatusCode::OK, self.app.keys.jwks(self.app.clock.now()).await);
                let age = format!("public, max-age={}", self.app.keys.jwks_age_max().as_secs());
                keys.headers.extend(HeaderValue::from_str(&age).ok().map(|age| (CACHE_CONTROL, age)));
                keys
            }
            _ => return None,
        })
    }

    async fn by_dialect(&self, request: &Plain) -> Response {
        let found = self.router.load().find(&request.method, &request.path);
        match found {
            Found::Endpoint(found) => self.operate(found, request).await,
            Found::WrongMethod { dialect, allow } => {
                let outcome = Outcome::plain(Kind::MethodNotAllowed);
                tracing::info!(dialect = dialect.name(), outcome = outcome.kind.name(), "answered");
                let tokens = Tokens::default();
                let language = dialect.language(&request.headers);
                let answer = Answer { allow: Some(&allow), language, ..self.plain_answer(&outcome, &tokens, request) };
                dialect.encode(None, &answer)
            }
            Found::Nothing => {
                tracing::info!("no such path");
                json(
                    StatusCode::NOT_FOUND,
                    r#"{"error":"not_found","message":"No dialect serves this path."}"#.to_owned(),
                )
            }
        }
    }

    async fn operate(&self, found: Match, request: &Plain) -> Response {
        let plain = Request {
            method: &request.method,
            path: &request.path,
            query: request.query.as_deref(),
            headers: &request.headers,
            body: request.body.as_deref().unwrap_or_default(),
            params: &found.params,
            origins: &self.origins,
        };
        // A body that cannot be had tells nothing: the first endpoint at the route answers for all.
        let selected = if request.body.is_ok() { found.select(&plain) } else { Ok(found.endpoint) };
        let endpoint = *selected.as_ref().unwrap_or(&found.endpoint);
        let dialect = Arc::clone(&found.dialect);
        let endpoint_name = dialect.endpoint(endpoint).name();
        let language = dialect.language(&request.headers);
        let decoded = match request.body {
            Err(kind) => Err(kind.into()),
            Ok(_) => selected.and_then(|endpoint| dialect.decode(endpoint, &plain)),
        };
        let (answered, errors, echo) = match decoded {
            Err(Refusal { kind, mut errors, echo }) => {
                if kind == Kind::Invalid {
                    let inputs = dialect.decode_unchecked(endpoint, &plain);
                    let operation = dialect.endpoint(endpoint).operation();
                    let more = self.app.further_problems(operation, &inputs).await;
                    for more in dialect.problems(endpoint, &more, language) {
                        if errors.iter().all(|known| known.field != more.field) {
                            errors.push(more);
                        }
                    }
                }
                (Answered { outcome: Outcome::plain(kind), tokens: Tokens::default() }, errors, echo)
            }
            Ok(Decoded { inputs, echo }) => {
                let call = Call { dialect: Arc::clone(&dialect), endpoint, inputs, caller: caller(request) };
                let answered = self.run(&call).await;
                let errors = dialect.problems(endpoint, &answered.outcome.problems, language);
                (answered, errors, echo)
            }
        };
        let outcome = &answered.outcome;
        macro_rules! told {
            ($level:ident) => {
                tracing::$level!(
                    dialect = dialect.name(),
                    endpoint = endpoint_name,
                    outcome = outcome.kind.name(),
                    user.id = outcome.user.as_ref().map(|user| user.id.0),
                    "answered"
                )
            };
        }
        if is_look(outcome.kind) {
            told!(debug);
        } else {
            told!(info);
        }
        let plain = self.plain_answer(outcome, &answered.tokens, request);
        let response = dialect.encode(Some(endpoint), &Answer { errors: &errors, echo: &echo, language, ..plain });
        for (name, bytes) in response.oversized_cookies() {
            tracing::warn!(cookie.name = name, cookie.bytes = bytes, "browsers drop a cookie of more than 4096 bytes");
        }
        response
    }

    /// Runs the operation; a panic in it ends nothing else. A client that hangs up ends it, and gives its place in the
    /// hashing queue back; what the store has taken over by then happens whole or not at all.
    async fn run(&self, call: &Call) -> Answered {
        let failed = |outcome| Answered { outcome, tokens: Tokens::default() };
        // In a box, or every future around it would carry its size along.
        let work = Box::pin(self.app.run(call));
        match tokio::time::timeout(self.patience, caught(work)).await {
            Ok(Some(Ok(answered))) => answered,
            Ok(Some(Err(fault))) => {
                log_fault(&fault);
                failed(fault.outcome())
            }
            Ok(None) => {
                tracing::error!("the operation panicked");
                failed(Outcome::plain(Kind::Fault))
            }
            Err(_elapsed) => {
                // Whether it was done is not known to the client: as after a lost answer.
                tracing::error!("the operation took too long");
                failed(Outcome::overloaded(5))
            }
        }
    }

    fn plain_answer<'a>(&self, outcome: &'a Outcome, tokens: &'a Tokens, request: &'a Plain) -> Answer<'a> {
        const NONE: &[FieldErrors] = &[];
        Answer {
            outcome,
            tokens,
            errors: NONE,
            request_id: &request.id,
            echo: Echo::NONE,
            language: Language::default(),
            now: self.app.clock.now(),
            allow: None,
        }
    }

    /// Every dialect that is served.
    pub(crate) fn dialects(&self) -> Vec<Arc<Dialect>> {
        self.router.load().dialects().cloned().collect()
    }
}

/// What `work` comes to; `None` if it panics.
async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    // After a panic it is never looked at again, whatever state it was left in.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_panic) => Poll::Ready(None),
    })
    .await
}

/// Whether somebody only looked at something, and was allowed to. That happens at every step of every client, and is no
/// news to anybody: the log has it at the level `debug`.
const fn is_look(kind: Kind) -> bool {
    matches!(kind, Kind::Identified | Kind::SessionsListed | Kind::Answered)
}

/// Once for each fault, with every cause; the client sees none of it (LO-06).
fn log_fault(fault: &Fault) {
    // As it was asked for, and said at the start.
    if matches!(fault, Fault::Store(StoreError::KeptReadOnly)) {
        return tracing::debug!("refused: the store is kept read-only");
    }
    let causes = std::iter::successors(std::error::Error::source(fault), |error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    tracing::error!(error = %fault, causes = causes.join(": "), "fault");
}

fn caller(request: &Plain) -> Caller {
    let agent = request.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    Caller {
        address: Some(request.client.to_string()),
        agent: agent.map(|text| text.chars().take(AGENT_BYTES_MAX).collect()),
    }
}

fn json(status: StatusCode, body: String) -> Response {
    let content_type = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response { status, headers: vec![content_type], body: body.into_bytes() }
}

/// What every answer has unless its dialect says otherwise: no cache keeps a credential (HD-01), no browser guesses.
fn defaults(response: &mut Response, id: &str) {
    for (name, value) in [(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")] {
        if !response.headers.iter().any(|(present, _)| *present == name) {
            response.headers.push((name, HeaderValue::from_static(value)));
        }
    }
    if response.headers.iter().all(|(present, _)| *present != REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(id)
    {
        response.headers.push((REQUEST_ID, id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_nothing_but_its_own_work() {
        let late = |panics: bool| async move {
            tokio::task::yield_now().await;
            assert!(!panics, "as a test");
            7
        };
        assert_eq!(caught(late(true)).await, None);
        assert_eq!(caught(late(false)).await, Some(7));
    }
}
