//! Runs the cases of dialects: in this process without a network, over HTTP to a server started here, or against any
//! other server. Parsing and comparing are the dialect crate's.

mod difference;
mod here;
mod send;

use std::io;

use http::{HeaderMap, HeaderValue};
use myna_dialect::case::{self, Action, Captures, Case};
use myna_dialect::diagnostic::render;

use crate::dialects::Found;
use difference::list;
use here::Here;
use send::Remote;

/// What came of a run.
#[derive(Default)]
pub(crate) struct Summary {
    /// Cases that hold.
    pub(crate) passed: usize,
    /// Cases that do not.
    pub(crate) failed: usize,
    /// The names of those, and why.
    pub(crate) failures: Vec<(String, String)>,
}

/// How the requests of a run reach the dialect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    /// A function call.
    Direct,
    /// Over HTTP on the loopback interface.
    Http,
}

/// Where a run is told, line by line.
pub(crate) struct Report<'a> {
    /// Prints.
    pub(crate) say: &'a mut (dyn FnMut(&str) -> io::Result<()> + Send),
    /// Whether differences are drawn in colour.
    pub(crate) color: bool,
}

/// Runs every case whose name holds `only` against a Myna made for it: fresh data, a clock that is moved by hand.
///
/// # Errors
/// When a dialect does not compile or the Myna cannot be made; a case that does not hold is no error.
pub(crate) async fn run_here(
    found: &[Found],
    only: Option<&str>,
    road: Road,
    mut report: Report<'_>,
) -> anyhow::Result<Summary> {
    let mut summary = Summary::default();
    for dialect in found {
        let here = Here::new(dialect, road)?;
        for source in dialect.cases.iter().filter(|source| only.is_none_or(|text| source.name.contains(text))) {
            let result = match case::parse(source) {
                Err(faults) => Err(render(source, &faults, report.color)),
                Ok(case) => {
                    let mut bench = here.bench(&case).await?;
                    play(&case, &mut Server::Here(&mut bench), report.color).await
                }
            };
            summary.note(&source.name, result, &mut report)?;
        }
    }
    Ok(summary)
}

/// Runs the cases against the server at `url`, which must have their users. What needs a hand on that server (moving its
/// clock, reading its mail, disabling users) is left out, and named.
///
/// # Errors
/// When the server cannot be reached.
pub(crate) async fn run_against(
    url: &str,
    found: &[Found],
    only: Option<&str>,
    mut report: Report<'_>,
) -> anyhow::Result<Summary> {
    let remote = Remote::new(url)?;
    let mut summary = Summary::default();
    for source in found.iter().flat_map(|dialect| &dialect.cases) {
        if only.is_some_and(|text| !source.name.contains(text)) {
            continue;
        }
        let result = match case::parse(source) {
            Err(faults) => Err(render(source, &faults, report.color)),
            Ok(case) if case.steps.iter().any(|step| needs_a_hand(&step.action)) => {
                (report.say)(&format!("left out  {} (needs a hand on the server)", source.name))?;
                continue;
            }
            Ok(case) => play(&case, &mut Server::Remote(&remote), report.color).await,
        };
        summary.note(&source.name, result, &mut report)?;
    }
    Ok(summary)
}

const fn needs_a_hand(action: &Action) -> bool {
    match action {
        Action::Exchange(_) | Action::Jwt(_) => false,
        Action::Advance(_) | Action::ResetMail | Action::NoMail | Action::Disable(_) | Action::Enable(_) => true,
    }
}

impl Summary {
    fn note(&mut self, name: &str, result: Result<(), String>, report: &mut Report<'_>) -> io::Result<()> {
        match result {
            Ok(()) => {
                self.passed += 1;
                (report.say)(&format!("ok        {name}"))
            }
            Err(why) => {
                self.failed += 1;
                let told = (report.say)(&format!("FAILED    {name}\n{}", why.trim_end()));
                self.failures.push((name.to_owned(), why));
                told
            }
        }
    }
}

/// Who answers the requests of a case.
enum Server<'a> {
    Here(&'a mut here::Bench),
    Remote(&'a Remote),
}

/// Plays a case to its first step that does not hold.
async fn play(case: &Case, server: &mut Server<'_>, color: bool) -> Result<(), String> {
    let mut captures = Captures::default();
    for step in &case.steps {
        let at = |text: String| format!("    line {}: {text}", step.line);
        match (&step.action, &mut *server) {
            (Action::Exchange(exchange), server) => {
                let request = exchange.request.fill(&captures);
                let shown = format!("{} {}", request.method, request.target);
                let answer = match server {
                    Server::Here(bench) => bench.send(request).await,
                    Server::Remote(remote) => remote.send(request).await,
                };
                let answer = answer.map_err(|error| at(format!("{shown}: {error:#}")))?;
                let (status, headers, body) = (answer.status, &answer.headers, &answer.body);
                exchange
                    .response
                    .compare(status, headers, body, &mut captures)
                    .map_err(|mismatches| at(format!("{shown}{}", list(&mismatches, color))))?;
            }
            (Action::Jwt(jwt), _) => {
                jwt.compare(&mut captures).map_err(|mismatches| at(format!("jwt{}", list(&mismatches, color))))?;
            }
            (action, Server::Here(bench)) => bench.step(action, &mut captures).await.map_err(at)?,
            (_, Server::Remote(_)) => return Err(at("needs a hand on the server".to_owned())),
        }
    }
    Ok(())
}

/// An answer as it came.
struct Reply {
    status: http::StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// The headers of a case's request; what no header can hold is the case's fault.
fn header_map(headers: Vec<(http::HeaderName, Vec<u8>)>) -> anyhow::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name, HeaderValue::from_bytes(&value)?);
    }
    Ok(map)
}
