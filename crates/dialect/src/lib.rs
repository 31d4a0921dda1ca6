//! Wire APIs as data. A dialect is a TOML file; [`compile`] proves it, and what comes out turns requests into inputs of
//! operations ([`Dialect::decode`]) and outcomes into responses ([`Dialect::encode`]) without being able to fail for
//! reasons in the file. No I/O, no clock, no decisions about who may do what.
//!
//! Floors, a module imports only lower ones: `openapi` · `describe case` · `compile` · `dialect cors decode body echo encode` (one
//! knot) · `route token check source scheme origin` · `filter template value messages` · `words` · `slot` ·
//! `insecure json write multipart form media duration diagnostic`.

mod body;
pub mod case;
mod check;
mod compile;
mod cors;
mod decode;
pub mod describe;
pub mod diagnostic;
mod dialect;
mod duration;
mod echo;
mod encode;
mod file;
mod filter;
mod form;
mod insecure;
mod json;
mod media;
mod messages;
mod multipart;
pub mod openapi;
mod origin;
mod route;
mod schema;
mod scheme;
mod slot;
mod source;
mod template;
mod token;
mod tree;
mod value;
mod when;
mod words;
mod write;

pub use compile::compile;
pub use cors::Cors;
pub use decode::{Decoded, Refusal, Request};
pub use dialect::{Dialect, Endpoint};
pub use echo::{Echo, EchoValue};
pub use encode::{Answer, Minted, Response, Tokens, Wants};
pub use insecure::Insecure;
pub use messages::FieldErrors;
pub use route::{Found, Match, Overlap, Params, Router};
pub use schema::schema;
pub use token::{AccessJwt, AccessProfile, Alphabet, JwtProfile, MintView, OpaqueProfile, RefreshProfile};
pub use words::Language;
