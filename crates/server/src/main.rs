//! The `myna` program: a login server that speaks the API your clients already speak.

mod app;
mod cases;
mod cli;
mod clock;
mod config;
mod dialects;
mod draft;
mod hashing;
mod http;
mod jobs;
mod keyring;
mod mail;
mod reload;
mod start;

fn main() -> std::process::ExitCode {
    cli::main()
}
