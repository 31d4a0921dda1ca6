//! What a dialect costs, as tables: rendering the answer to a login and reading the request, beside serde on hand-written
//! structs and minijinja with the same bytes, in turns on one thread; then what 1,000 loaded dialects change.
//! `cargo run --release -p myna-dialect --example dialect_cost`. Each figure is the median of many rounds.

mod load;
mod rivals;
mod sample;
mod template;

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use http::Method;
use minijinja::value::Serde;
use myna_core::catalog::Operation;
use myna_dialect::diagnostic::{Source, render};
use myna_dialect::{Answer, Dialect, Echo, Language, Params, Request, compile};
use serde_json::Value;

use crate::rivals::RIVALS;
use crate::sample::{REQUEST_ID, Sample, Sent};

type Failure = Box<dyn std::error::Error>;

// Short ones: on a busy machine a long round measures whoever else got the processor.
const ROUNDS: usize = 1_000;
const CALLS: u32 = 100;
const RENDER_MAX: f64 = 2_000.0;
const READ_MAX: f64 = 3_000.0;

/// A dialect's name and its file.
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) text: String,
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut all = files()?;
    all.push(Written { name: "wide".to_owned(), text: include_str!("wide.toml").to_owned() });
    writeln!(out, "answer to a login (goal: at most 2.00 µs), with headers; rivals: the body alone\n")?;
    writeln!(
        out,
        "{:<14} {:>6} {:>8} {:>8} {:>7} {:>10} {:>7}  goal",
        "dialect", "bytes", "µs", "serde", "ratio", "minijinja", "ratio"
    )?;
    let measured: Vec<Measured> = all.iter().map(measure).collect::<Result<_, _>>()?;
    for each in &measured {
        let Measured { name, bytes, render: Times { ours, serde, minijinja }, .. } = each;
        writeln!(
            out,
            "{name:<14} {bytes:>6} {:>8} {:>8} {:>7} {:>10} {:>7}  {}",
            micros(Some(*ours)),
            micros(*serde),
            ratio(*ours, *serde),
            micros(*minijinja),
            ratio(*ours, *minijinja),
            goal(*ours <= RENDER_MAX)
        )?;
    }
    writeln!(out, "\nreading a login (goal: at most 3.00 µs), with headers and rules; rival: the body alone\n")?;
    writeln!(out, "{:<14} {:>6} {:>8} {:>8} {:>7}  goal", "dialect", "bytes", "µs", "serde", "ratio")?;
    for Measured { name, sent, read: Times { ours, serde, .. }, .. } in &measured {
        let (own, other) = (micros(Some(*ours)), micros(*serde));
        writeln!(
            out,
            "{name:<14} {sent:>6} {own:>8} {other:>8} {:>7}  {}",
            ratio(*ours, *serde),
            goal(*ours <= READ_MAX)
        )?;
    }
    all.pop();
    load::print(&all, &mut out)
}

/// Every dialect in the repository, the gallery last.
fn files() -> Result<Vec<Written>, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects");
    let mut all = Vec::new();
    for folder in [root.clone(), root.join("gallery")] {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths.iter().filter(|path| path.join("dialect.toml").is_file()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            all.push(Written { name, text: fs::read_to_string(path.join("dialect.toml"))? });
        }
    }
    Ok(all)
}

pub(crate) fn compiled(written: &Written) -> Result<Dialect, Failure> {
    let source = Source::new(written.name.as_str(), written.text.as_str());
    compile(&source, Some(&written.name)).map_err(|faults| render(&source, &faults, false).into())
}

struct Measured {
    name: String,
    bytes: usize,
    sent: usize,
    render: Times,
    read: Times,
}

/// Nanoseconds.
struct Times {
    ours: f64,
    serde: Option<f64>,
    minijinja: Option<f64>,
}

fn measure(written: &Written) -> Result<Measured, Failure> {
    let dialect = compiled(written)?;
    let description = dialect.describe();
    let logs_in = |operation: Operation| operation == Operation::Login;
    let endpoint = description.endpoints.iter().find(|endpoint| logs_in(endpoint.operation)).ok_or("no login")?;
    let at = dialect.endpoints().iter().position(|each| each.name() == endpoint.name).ok_or("no login")?;
    let (sample, other) = (Sample::new(0), Sample::new(1));
    let (body, different) =
        (dialect.encode(Some(at), &answer(&sample)).body, dialect.encode(Some(at), &answer(&other)).body);
    let rival = RIVALS.iter().find(|rival| rival.name == written.name);
    let mut environment = minijinja::Environment::new();
    if let Some(rival) = rival {
        let by_hand = (rival.body)(&sample).ok_or("no tokens")?;
        same(&written.name, "serde", &body, &serde_json::to_vec(&by_hand)?)?;
        let parsed: (Value, Value) = (serde_json::from_slice(&body)?, serde_json::from_slice(&different)?);
        environment.add_template_owned("login.json", template::of(&parsed.0, &parsed.1))?;
        let jinja = environment.get_template("login.json")?.render(Serde(&by_hand))?;
        same(&written.name, "minijinja", &body, jinja.as_bytes())?;
    }
    let jinja = environment.get_template("login.json").ok();

    let sent = Sent::to(endpoint).ok_or("a login that cannot be sent")?;
    let (params, path) = (Params::new(), endpoint.paths.first().cloned().unwrap_or_default());
    let request = Request {
        method: &Method::POST,
        path: &path,
        query: sent.query.as_deref(),
        headers: &sent.headers,
        body: &sent.body,
        params: &params,
        origins: &[],
    };
    if let Err(refusal) = dialect.decode(at, &request) {
        return Err(format!("{}: its own login is refused: {refusal:?}", written.name).into());
    }
    if rival.is_some_and(|rival| !(rival.read)(&sent.body)) {
        return Err(format!("{}: the rival cannot read the login", written.name).into());
    }

    let (mut ours, mut serde, mut minijinja) = (Vec::new(), Vec::new(), Vec::new());
    let (mut read, mut read_by_serde) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(nanoseconds(|| dialect.encode(Some(at), black_box(&answer(&sample)))));
        read.push(nanoseconds(|| dialect.decode(at, black_box(&request))));
        if let Some(rival) = rival {
            serde.push(nanoseconds(|| (rival.body)(black_box(&sample)).map(|body| serde_json::to_vec(&body))));
            read_by_serde.push(nanoseconds(|| (rival.read)(black_box(&sent.body))));
            if let Some(jinja) = &jinja {
                minijinja.push(nanoseconds(|| (rival.body)(black_box(&sample)).map(|body| jinja.render(Serde(&body)))));
            }
        }
    }
    Ok(Measured {
        name: written.name.clone(),
        bytes: body.len(),
        sent: sent.body.len(),
        render: Times { ours: median(ours).unwrap_or(f64::MAX), serde: median(serde), minijinja: median(minijinja) },
        read: Times { ours: median(read).unwrap_or(f64::MAX), serde: median(read_by_serde), minijinja: None },
    })
}

fn answer(sample: &Sample) -> Answer<'_> {
    let Sample { outcome, tokens, now, .. } = sample;
    Answer {
        outcome,
        tokens,
        errors: &[],
        request_id: REQUEST_ID,
        echo: Echo::NONE,
        language: Language::default(),
        now: *now,
        allow: None,
    }
}

fn same(dialect: &str, rival: &str, ours: &[u8], theirs: &[u8]) -> Result<(), Failure> {
    if ours == theirs {
        return Ok(());
    }
    let (ours, theirs) = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
    Err(format!("{dialect}: not the bytes of {rival}:\n{ours}\n{theirs}").into())
}

pub(crate) fn nanoseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        drop(black_box(call()));
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// The middle one; `None` of none.
pub(crate) fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

fn micros(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or_else(|| "–".to_owned(), |time| format!("{:.2}", time / 1000.0))
}

fn ratio(ours: f64, theirs: Option<f64>) -> String {
    theirs.map_or_else(|| "–".to_owned(), |theirs| format!("{:.2}", ours / theirs))
}

pub(crate) const fn goal(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}
