//! The target of that name under libFuzzer. What it does is in crates/fuzz.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| myna_fuzz::run("dialect_compile", bytes));
