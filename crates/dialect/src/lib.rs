//! Wire APIs as data. A dialect is a TOML file; [`compile`] proves it, and what comes out turns requests into inputs of
//! operations ([`Dialect::decode`]) and outcomes into responses ([`Dialect::encode`]) without being able to fail for
//! reasons in the file. No I/O, no clock, no decisions about who may do what.
//!
//! Floors, a module imports only lower ones: `describe` · `compile` · `dialect decode encode` (one knot) · `route token check source`
//! · `filter template value messages` · `slot` · `insecure json write form media duration diagnostic`.

pub mod case;
mod check;
mod compile;
mod decode;
pub mod describe;
pub mod diagnostic;
mod dialect;
mod duration;
mod encode;
mod file;
mod filter;
mod form;
mod insecure;
mod json;
mod media;
mod messages;
mod route;
mod slot;
mod source;
mod template;
mod token;
mod tree;
mod value;
mod write;

pub use compile::compile;
pub use decode::{Refusal, Request};
pub use dialect::{Dialect, Endpoint};
pub use encode::{Answer, Minted, Response, Tokens, Wants};
pub use insecure::Insecure;
pub use messages::FieldErrors;
pub use route::{Found, Match, Overlap, Params, Router};
pub use token::{AccessProfile, Alphabet, JwtProfile, MintView, OpaqueProfile, RefreshProfile};
