//! The HTTP edge: sockets, TLS, limits and bodies, and the way from a request to its dialect and back. Nothing in here
//! decides about a login.

pub(crate) mod body;
mod connection;
pub(crate) mod docs;
pub(crate) mod listener;
mod patience;
pub(crate) mod site;
mod socket;
#[cfg(test)]
mod tests;
pub(crate) mod tls;
pub(crate) mod wire;
