//! The store from outside: what opening makes and refuses, the conformance suite on every engine, and a database that
//! fails in every way that it knows.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

mod answers;
mod conformance;
mod copy;
mod failover;
mod load;
mod opening;
mod postgres;
