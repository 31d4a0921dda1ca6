//! Prints what one signature and one verification cost, in microseconds on one core, per algorithm, keys parsed once.
//! Run it with `--release`.
#![expect(clippy::print_stdout, reason = "an example that prints a table")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use myna_tokens::{Algorithm, Expiry, KeyRing, Rules, SigningKey};

const ROUNDS: u32 = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let claims = format!(r#"{{"sub":"7","exp":2000000000,"roles":["{}"]}}"#, "x".repeat(400));
    let rules = Rules { leeway_seconds: 0, expiry: Expiry::Enforce };
    println!("{:<8}{:>12}{:>12}", "alg", "sign µs", "verify µs");
    for algorithm in Algorithm::ALL {
        let key = Arc::new(SigningKey::generate(algorithm)?);
        let header = format!(r#"{{"typ":"JWT","alg":"{}","kid":"{}"}}"#, algorithm.name(), key.kid());
        let ring = KeyRing::new(key, Vec::new())?;
        let token = ring.signing().sign(header.as_bytes(), claims.as_bytes())?;
        let start = Instant::now();
        for _ in 0..ROUNDS {
            black_box(ring.signing().sign(black_box(header.as_bytes()), black_box(claims.as_bytes()))?);
        }
        let sign = start.elapsed() / ROUNDS;
        let start = Instant::now();
        for _ in 0..ROUNDS {
            black_box(ring.verify(black_box(&token), 1_800_000_000, &rules)?);
        }
        let verify = start.elapsed() / ROUNDS;
        println!("{:<8}{:>12.2}{:>12.2}", algorithm.name(), micros(sign), micros(verify));
    }
    Ok(())
}

fn micros(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
