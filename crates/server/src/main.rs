//! The `myna` program: a login server that speaks the API your clients already speak.

mod app;
mod cases;
mod cli;
mod clock;
mod config;
mod dialects;
mod draft;
#[cfg(feature = "faults")]
mod faults;
mod hashing;
mod http;
mod import;
mod jobs;
mod keyring;
mod mail;
mod reload;
mod start;

/// Measured against the system's: decision 0015.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(all(feature = "faults", not(debug_assertions)))]
compile_error!("the feature `faults` takes guards out for the checker of the invariants: never in a release build");

fn main() -> std::process::ExitCode {
    #[cfg(feature = "faults")]
    faults::begin();
    cli::main()
}
