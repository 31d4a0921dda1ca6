//! How long one connection may keep us waiting, as a pure rule over what was seen on it. Closes nothing itself and
//! never touches a socket: [`super::socket`] and the running requests report here, [`super::connection`] asks.
//!
//! Why not only hyper's `header_read_timeout`: it starts when a keep-alive connection falls idle, so it would make the
//! idle limit as short as the header limit; it does not run for HTTP/2; and it does not run while the version of the
//! protocol is still being found out, where a silent socket would stay forever (TH-13).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::listener::Limits;

/// What has been seen on one connection.
#[derive(Debug, Clone)]
struct Seen {
    /// Requests whose head is complete and whose response is not yet made.
    in_flight: usize,
    /// Whether any request was ever complete: before the first one the header limit holds, not the idle limit.
    asked: bool,
    /// Since when nothing is in flight and nothing more could be written.
    quiet_since: Instant,
    /// When the first byte of what may be the next head arrived.
    heard: Option<Instant>,
    /// Bytes are waiting for a peer that does not read them.
    unread: bool,
    /// HTTP/2, where bytes outside a request are control frames and say nothing of a head to come.
    http2: bool,
    /// The last request had a body, which may not have been read to its end.
    had_body: bool,
    /// The connection's task, to be woken when the last request ends on another task.
    waker: Option<Waker>,
}

/// How far a connection has come in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Open to any number of requests.
    Open,
    /// The server stops: only a request already on its way is still waited for. Holds since when.
    Stopping(Instant),
    /// No further request is taken; what is in flight is answered. Holds since when.
    Closing(Instant),
}

/// How long after a stop a quiet connection may still deliver a request that was sent before it.
///
/// Without it, a connection accepted in the instant of the stop would be closed before its request is read.
pub(super) const ARRIVAL_GRACE: Duration = Duration::from_millis(200);

/// One connection's account of what it is waiting for. Shared by its socket, its task and its requests.
#[derive(Debug, Clone)]
pub(super) struct Patience(Arc<Mutex<Seen>>);

impl Patience {
    /// A connection ready for its first request at `now`. `http2` when TLS has already agreed on it.
    pub(super) fn new(now: Instant, http2: bool) -> Self {
        Self(Arc::new(Mutex::new(Seen {
            in_flight: 0,
            asked: false,
            quiet_since: now,
            heard: None,
            unread: false,
            http2,
            had_body: false,
            waker: None,
        })))
    }

    /// Bytes arrived.
    pub(super) fn heard(&self, now: Instant) {
        let mut seen = self.lock();
        if seen.in_flight == 0 && seen.heard.is_none() {
            seen.heard = Some(now);
        }
    }

    /// A write went through: the peer is reading. Only a write that had to wait counts as a sign of life, or HTTP/2 pings,
    /// which we answer, would keep a connection open that asks nothing.
    pub(super) fn wrote(&self, now: Instant) {
        let mut seen = self.lock();
        if std::mem::take(&mut seen.unread) && seen.asked {
            seen.quiet_since = now;
        }
    }

    /// A write must wait until the peer has read more.
    pub(super) fn write_waits(&self) {
        self.lock().unread = true;
    }

    /// TLS agreed on HTTP/2, or on HTTP/1.1; its handshake was no request, so the waiting starts at `now`.
    pub(super) fn handshaken(&self, now: Instant, http2: bool) {
        let mut seen = self.lock();
        seen.http2 = http2;
        seen.heard = None;
        seen.quiet_since = now;
    }

    /// A request's head is complete. It is in flight until the returned guard is dropped.
    pub(super) fn request(&self, http2: bool, has_body: bool) -> InFlight {
        let mut seen = self.lock();
        seen.in_flight += 1;
        seen.asked = true;
        seen.heard = None;
        seen.http2 = http2;
        seen.had_body = has_body;
        InFlight(self.clone())
    }

    /// Whether the peer may still be sending a body that nobody will read.
    pub(super) fn body_may_be_unread(&self) -> bool {
        self.lock().had_body
    }

    /// When the waiting ends if nothing more happens; `None` while a request is in flight, which has its own limit.
    /// Remembers `waker` for when this answer no longer holds.
    pub(super) fn deadline(&self, phase: Phase, limits: &Limits, waker: &Waker) -> Option<Instant> {
        let mut seen = self.lock();
        if !seen.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            seen.waker = Some(waker.clone());
        }
        seen.deadline(phase, limits)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Nothing panics while holding the lock; a poisoned account would still be a true one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn deadline(&self, phase: Phase, limits: &Limits) -> Option<Instant> {
        let head = self.heard.filter(|_| !self.http2).map(|at| at + limits.header_timeout);
        let open = match head {
            _ if self.unread => self.quiet_since + limits.idle_timeout,
            Some(at) => at,
            None if self.asked => self.quiet_since + limits.idle_timeout,
            None => self.quiet_since + limits.header_timeout,
        };
        match phase {
            Phase::Open if self.in_flight > 0 => None,
            Phase::Open => Some(open),
            // Both versions can say at once that no further request is taken and still answer what is in flight.
            Phase::Stopping(at) if self.in_flight > 0 || self.http2 => Some(at),
            // hyper would throw away an unwritten response or half a head if asked to close now.
            Phase::Stopping(_) if self.unread || head.is_some() => Some(open),
            Phase::Stopping(at) => Some(open.min(at + ARRIVAL_GRACE)),
            Phase::Closing(_) if self.in_flight > 0 => None,
            Phase::Closing(at) => Some(at.max(self.quiet_since) + limits.header_timeout),
        }
    }
}

/// One request in flight; ends when dropped, however that comes about.
#[derive(Debug)]
pub(super) struct InFlight(Patience);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut seen = self.0.lock();
        seen.in_flight = seen.in_flight.saturating_sub(1);
        if seen.in_flight == 0 {
            seen.quiet_since = Instant::now();
            // An HTTP/1.1 request runs inside its connection's own task, which asks again by itself.
            if seen.http2
                && let Some(waker) = seen.waker.take()
            {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(60);

    fn limits() -> Limits {
        Limits { header_timeout: HEADER, idle_timeout: IDLE, ..crate::http::tests::limits() }
    }

    /// TH-13: every state without a request in flight ends, and each by its own limit.
    #[test]
    fn every_wait_has_an_end() {
        let t0 = Instant::now();
        let at = |seconds: u64| t0 + Duration::from_secs(seconds);
        let fresh = Seen {
            in_flight: 0,
            asked: false,
            quiet_since: t0,
            heard: None,
            unread: false,
            http2: false,
            had_body: false,
            waker: None,
        };
        let idle = Seen { asked: true, ..fresh.clone() };
        let heard = Seen { heard: Some(at(30)), ..idle.clone() };
        let busy = Seen { in_flight: 1, ..idle.clone() };
        let unread = Seen { unread: true, quiet_since: at(5), ..idle.clone() };
        let pipelined = Seen { heard: Some(at(1)), ..unread.clone() };
        let frames = Seen { http2: true, ..heard.clone() };
        let (open, stopping, closing) = (Phase::Open, Phase::Stopping(at(31)), Phase::Closing(at(31)));
        let table = [
            ("silent from the start", &fresh, open, Some(t0 + HEADER)),
            ("idle after a request", &idle, open, Some(t0 + IDLE)),
            ("half a head", &heard, open, Some(at(30) + HEADER)),
            ("in flight", &busy, open, None),
            ("response not read", &unread, open, Some(at(5) + IDLE)),
            ("response not read, next head begun", &pipelined, open, Some(at(5) + IDLE)),
            ("http/2 frames outside a request", &frames, open, Some(t0 + IDLE)),
            ("stop: silent", &fresh, stopping, Some(t0 + HEADER)),
            ("stop: idle", &idle, stopping, Some(at(31) + ARRIVAL_GRACE)),
            ("stop: half a head", &heard, stopping, Some(at(30) + HEADER)),
            ("stop: in flight", &busy, stopping, Some(at(31))),
            ("stop: response not read", &unread, stopping, Some(at(5) + IDLE)),
            ("stop: http/2", &frames, stopping, Some(at(31))),
            ("closing: in flight", &busy, closing, None),
            ("closing: quiet", &idle, closing, Some(at(31) + HEADER)),
        ];
        for (name, seen, phase, want) in table {
            assert_eq!(seen.deadline(phase, &limits()), want, "{name}");
        }
    }

    /// A task that counts how often it is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// With HTTP/2 the last request ends on another task, and the connection's must hear of it to be timed at all.
    #[test]
    fn the_end_of_the_last_http2_request_wakes_the_connection() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let patience = Patience::new(Instant::now(), true);
        let (first, last) = (patience.request(true, false), patience.request(true, false));
        assert_eq!(patience.deadline(Phase::Open, &limits(), &waker), None);
        drop(first);
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        drop(last);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(patience.deadline(Phase::Open, &limits(), &waker).is_some());
    }

    /// TH-13: what we write unasked, such as answers to pings, does not count as the client's interest.
    #[test]
    fn only_a_write_that_waited_is_a_sign_of_life() {
        let t0 = Instant::now();
        let patience = Patience::new(t0, true);
        let idle_until = |patience: &Patience| patience.deadline(Phase::Open, &limits(), Waker::noop());
        drop(patience.request(true, false));
        patience.lock().quiet_since = t0;
        patience.wrote(t0 + HEADER);
        assert_eq!(idle_until(&patience), Some(t0 + IDLE));
        patience.write_waits();
        patience.wrote(t0 + HEADER);
        assert_eq!(idle_until(&patience), Some(t0 + HEADER + IDLE));
    }
}
