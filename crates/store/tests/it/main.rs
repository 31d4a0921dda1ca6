//! The store from outside: what opening makes and refuses, and the conformance suite on every engine.

mod conformance;
mod opening;
mod postgres;
