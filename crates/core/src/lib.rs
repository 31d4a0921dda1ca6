//! The vocabulary and the decisions of Myna: **load, decide, commit, render**.
//!
//! Every request, from whatever dialect or command, is one [`Operation`](catalog::Operation). An operation's rules are
//! one pure function `decide(ctx, input, facts, …) -> Decision` in [`ops`]: what was asked ([input](ops::input)), what is
//! known (facts), what follows ([`Outcome`](outcome::Outcome)) and what is to be altered ([`Change`](change::Change)).
//! This crate does no I/O, reads no clock and draws no randomness: time and chance come in through [`Ctx`](policy::Ctx).
//!
//! Floors, a module imports only lower ones: `catalog` · `ops` · `policy change outcome problem` · the nouns.

pub mod catalog;
pub mod change;
pub mod id;
pub mod identifier;
pub mod key;
pub mod mail;
pub mod ops;
pub mod outcome;
pub mod policy;
pub mod problem;
pub mod secret;
pub mod session;
pub mod time;
pub mod user;
