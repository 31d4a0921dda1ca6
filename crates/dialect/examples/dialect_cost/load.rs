//! What many loaded dialects change: the memory of each, and the time that a route takes.

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use http::Method;
use myna_dialect::{Dialect, Endpoint, Router};

use crate::{Failure, Written, compiled, goal, median, nanoseconds};

const FEW: usize = 5;
const MANY: usize = 1_000;
const ROUNDS: usize = 2_000;
const MEMORY_MAX: f64 = 64.0;
const CHANGE_MAX: f64 = 1.10;
/// `/proc/self/statm` counts these.
const PAGE_KIB: f64 = 4.0;

/// Measures and prints.
pub(crate) fn print(all: &[Written], out: &mut impl Write) -> Result<(), Failure> {
    let before = resident()?;
    let few = Loaded::new(all, FEW)?;
    let start = Instant::now();
    let many = Loaded::new(all, MANY)?;
    let loading = start.elapsed().as_secs_f64();
    let after = resident()?;
    writeln!(out, "\nloaded dialects, copies of the {} in the repository at paths of their own\n", all.len())?;
    if let (Some(before), Some(after)) = (before, after) {
        let each = (after - before) * PAGE_KIB / (FEW + MANY) as f64;
        writeln!(
            out,
            "resident memory for each dialect  {each:>9.1} KiB   goal (64 KiB) {}",
            goal(each <= MEMORY_MAX)
        )?;
    }
    writeln!(out, "compiling and routing {MANY}        {loading:>9.2} s")?;
    let routes = few.routes();
    let spread = many.routes();
    let (mut with_few, mut with_many, mut anywhere) = (Vec::new(), Vec::new(), Vec::new());
    let (mut one, mut other, mut all) = (routes.iter().cycle(), routes.iter().cycle(), spread.iter().cycle());
    for _ in 0..ROUNDS {
        with_few.push(few.walk(&mut one));
        with_many.push(many.walk(&mut other));
        anywhere.push(many.walk(&mut all));
    }
    let few_time = median(with_few).unwrap_or_default();
    let many_time = median(with_many).unwrap_or_default();
    let change = many_time / few_time;
    writeln!(out, "routing, {FEW} dialects               {few_time:>9.1} ns")?;
    writeln!(
        out,
        "the same requests, {MANY} dialects  {many_time:>9.1} ns    ratio {change:.2}, goal (1.10) {}",
        goal(change <= CHANGE_MAX)
    )?;
    let anywhere = median(anywhere).unwrap_or_default();
    writeln!(out, "requests to all {MANY} in turn      {anywhere:>9.1} ns    each finds cold memory")?;
    Ok(())
}

struct Loaded {
    router: Router,
}

impl Loaded {
    fn new(all: &[Written], count: usize) -> Result<Self, Failure> {
        let copies = (0..count).map(|number| Ok(Arc::new(compiled(&copy(all, number).ok_or("no dialect")?)?)));
        let dialects = copies.collect::<Result<Vec<Arc<Dialect>>, Failure>>()?;
        let router = Router::new(dialects, &["/healthz"]).map_err(|overlaps| format!("{:?}", overlaps.first()))?;
        Ok(Self { router })
    }

    /// Method and path of every endpoint of every dialect, in an order in which neighbours are far from each other.
    fn routes(&self) -> Vec<(Method, String)> {
        let endpoints = self.router.dialects().flat_map(|dialect| dialect.endpoints());
        let mut routes: Vec<_> = endpoints
            .flat_map(Endpoint::routes)
            .map(|(method, path)| (method.clone(), path.replace(['{', '}'], "")))
            .collect();
        let mut state = 1_u64;
        routes.sort_by_cached_key(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        });
        routes
    }

    fn walk<'r>(&self, routes: &mut impl Iterator<Item = &'r (Method, String)>) -> f64 {
        nanoseconds(|| routes.next().map(|(method, path)| self.router.find(black_box(method), black_box(path))))
    }
}

/// A dialect under a name and at paths of its own; the first are at the paths of the few, too.
fn copy(all: &[Written], number: usize) -> Option<Written> {
    let Written { name, text } = all.get(number % all.len())?;
    let (new_name, folder) = (format!("d{number}"), format!(" /d{number}/"));
    let line = |line: &str| match line.split('=').next().unwrap_or_default().trim() {
        "dialect" => line.replace(&format!("\"{name}\""), &format!("\"{new_name}\"")),
        "route" => line.replace(" /", &folder),
        _ => line.to_owned(),
    };
    Some(Written { text: text.lines().map(line).collect::<Vec<_>>().join("\n"), name: new_name })
}

/// Resident pages; `None` where the system does not tell.
fn resident() -> Result<Option<f64>, Failure> {
    let Ok(text) = fs::read_to_string("/proc/self/statm") else { return Ok(None) };
    Ok(text.split(' ').nth(1).map(str::parse).transpose()?)
}
