//! Hostile input for everything that reads what comes from outside. A [`Target`] is a plain function from bytes that panics
//! when it finds something; the runner of this crate calls it with seeds and mutations on stable, `fuzz/` at the root of the
//! repository under libFuzzer. Nothing here is part of the program.

mod compile;
mod entropy;
pub mod exchange;
pub mod files;
pub mod mutate;
mod request;
mod sample;
mod target;

pub use target::{Target, all, run};
