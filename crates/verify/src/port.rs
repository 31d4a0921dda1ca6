//! Ports for servers that are stopped and started again: none of those that the system gives to connections that go out,
//! or a client may sit on one just then.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

/// Below what Linux gives out (`net.ipv4.ip_local_port_range`).
const PORTS: Range<u16> = 15_000..32_000;
const TRIES: usize = 1000;

/// A listener on a port that was free. Whoever holds several at a time has different ports.
///
/// # Errors
/// When none can be had.
pub(crate) fn held() -> io::Result<TcpListener> {
    let mut draws = (0..TRIES).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, fastrand::u16(PORTS))));
    draws.find_map(Result::ok).ok_or_else(|| io::ErrorKind::AddrInUse.into())
}
