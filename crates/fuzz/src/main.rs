//! The runner: `cargo xtask fuzz --seconds N --seed S --target T`. It prints how many inputs were tried, and keeps the
//! smallest that shows a fault in a file.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use myna_fuzz::mutate::{Mutator, smallest};
use myna_fuzz::{Target, all};

const HELP: &str = "\
Usage: cargo xtask fuzz [options]

  --seconds N   for each target (default 10)
  --seed S      where to begin (default 1): the same seed makes the same inputs
  --target T    one of the targets alone
  --input FILE  this one input instead, for the target that `--target` names
  --list        print the targets

An input that shows a fault is made as small as it can be and kept in target/fuzz/TARGET-SEED; exit status 1.
";
const TRIES: usize = 20_000;

struct Options {
    seconds: u64,
    seed: u64,
    target: Option<String>,
    input: Option<PathBuf>,
}

fn main() -> std::io::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        for target in all() {
            writeln!(out, "{}", target.name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let Some(options) = parse(&arguments) else {
        out.write_all(HELP.as_bytes())?;
        let asked = matches!(arguments.as_slice(), [only] if only == "--help" || only == "-h");
        return Ok(if asked { ExitCode::SUCCESS } else { ExitCode::from(2) });
    };
    let chosen = |target: &Target| options.target.as_deref().is_none_or(|name| name == target.name);
    let mut failed = false;
    for target in all().iter().filter(|target| chosen(target)) {
        if let Some(path) = &options.input {
            (target.run)(&std::fs::read(path)?);
            writeln!(out, "{}: no fault shown", target.name)?;
        } else {
            failed |= fuzz(target, &options, &mut out)?;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn parse(arguments: &[String]) -> Option<Options> {
    let mut options = Options { seconds: 10, seed: 1, target: None, input: None };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--seconds" => options.seconds = value.parse().ok()?,
            "--seed" => options.seed = value.parse().ok()?,
            "--target" => options.target = Some(value.clone()),
            "--input" => options.input = Some(PathBuf::from(value)),
            _ => return None,
        }
    }
    let known = options.target.as_ref().is_none_or(|name| all().iter().any(|target| target.name == name));
    (known && (options.input.is_none() || options.target.is_some())).then_some(options)
}

/// Whether a fault was found.
fn fuzz(target: &Target, options: &Options, out: &mut impl Write) -> std::io::Result<bool> {
    let (seeds, start) = ((target.seeds)(), Instant::now());
    let mut mutator = Mutator::new(options.seed, &seeds, target.words);
    let (mut executions, mut slowest) = (0_u64, Duration::ZERO);
    while start.elapsed() < Duration::from_secs(options.seconds) {
        let input = mutator.next_input();
        executions += 1;
        let began = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            let path = keep(target, options.seed, input)?;
            writeln!(out, "{}: a fault after {executions} inputs; the smallest: {}", target.name, path.display())?;
            return Ok(true);
        }
        slowest = slowest.max(began.elapsed());
    }
    let milliseconds = slowest.as_secs_f64() * 1e3;
    writeln!(out, "{}: {executions} inputs, no fault; the slowest took {milliseconds:.1} ms", target.name)?;
    Ok(false)
}

/// Makes it small and writes it to a file.
fn keep(target: &Target, seed: u64, input: Vec<u8>) -> std::io::Result<PathBuf> {
    std::panic::set_hook(Box::new(|_| {}));
    let fails = |input: &[u8]| catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err();
    let small = smallest(input, TRIES, fails);
    drop(std::panic::take_hook());
    let folder = PathBuf::from("target/fuzz");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}-{seed}", target.name));
    std::fs::write(&path, small)?;
    Ok(path)
}
