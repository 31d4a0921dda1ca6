//! Prints what a hash costs on this machine, with memory kept and with fresh memory. It decides nothing; run it with
//! `cargo run --profile dist -p myna-passwords --example hash_cost`.

use std::io::{self, Write};
use std::time::Instant;

use myna_passwords::{Argon2Params, Backend, Hasher};

const ROUNDS: u32 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    for (memory_kib, passes) in [(19_456, 2), (47_104, 1)] {
        let params = Argon2Params::new(memory_kib, passes, 1)?;
        let kept_fast = kept(Backend::Fast, &params)?;
        writeln!(out, "{params}")?;
        for (name, millis) in [
            ("fast, memory kept", kept_fast),
            ("fast, fresh memory", fresh(Backend::Fast, &params)?),
            ("portable, memory kept", kept(Backend::Portable, &params)?),
            ("portable, fresh memory", fresh(Backend::Portable, &params)?),
        ] {
            writeln!(out, "  {name:<24}{millis:>8.2} ms{:>7.2} x", millis / kept_fast)?;
        }
    }
    Ok(())
}

/// Milliseconds a hash with one hasher for all.
fn kept(backend: Backend, params: &Argon2Params) -> Result<f64, Box<dyn std::error::Error>> {
    let mut hasher = Hasher::new(backend);
    hasher.hash(b"warm up", &[1; 16], params)?;
    median(|| Ok(hasher.hash(b"password", &[1; 16], params).map(drop)?))
}

/// Milliseconds a hash with a new hasher for each.
fn fresh(backend: Backend, params: &Argon2Params) -> Result<f64, Box<dyn std::error::Error>> {
    median(|| Ok(Hasher::new(backend).hash(b"password", &[1; 16], params).map(drop)?))
}

fn median(mut hash: impl FnMut() -> Result<(), Box<dyn std::error::Error>>) -> Result<f64, Box<dyn std::error::Error>> {
    let mut millis = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        hash()?;
        millis.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    millis.sort_by(f64::total_cmp);
    Ok(millis[millis.len() / 2])
}
