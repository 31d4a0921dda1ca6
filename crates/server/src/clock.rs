//! The only place that reads the clock or draws randomness; everything else is given both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use myna_core::policy::Chance;
use myna_core::time::Timestamp;
use myna_tokens::crypto::{NoRandomness, random};

/// The present: the system's, or one that is set by hand (cases, tests).
#[derive(Clone, Default)]
pub(crate) struct Clock {
    /// Microseconds since 1970; `None` asks the system.
    by_hand: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that stands still until it is [moved](Self::advance).
    pub(crate) fn by_hand(start: Timestamp) -> Self {
        Self { by_hand: Some(Arc::new(AtomicI64::new(start.0))) }
    }

    /// The present.
    pub(crate) fn now(&self) -> Timestamp {
        match &self.by_hand {
            Some(micros) => Timestamp(micros.load(Ordering::SeqCst)),
            None => system_now(),
        }
    }

    /// Moves a clock that is set by hand; the system's goes its own way.
    pub(crate) fn advance(&self, span: Duration) {
        if let Some(micros) = &self.by_hand {
            let moved = Timestamp(micros.load(Ordering::SeqCst)) + span;
            micros.store(moved.0, Ordering::SeqCst);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn system_now() -> Timestamp {
    // A system clock before 1970 is broken; 1970 itself makes every token expired, which fails closed.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp(0) + since;
    #[cfg(feature = "faults")]
    let now = Timestamp(now.0.saturating_add(moved::offset()));
    now
}

/// A clock that the checker of the invariants moves.
#[cfg(feature = "faults")]
mod moved {
    use std::path::PathBuf;
    use std::sync::OnceLock;

    /// Microseconds: what the file named by `MYNA_FAULTS_CLOCK` holds just now.
    pub(super) fn offset() -> i64 {
        static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
        #[expect(clippy::disallowed_methods, reason = "no setting: it must not be there in a real server")]
        let file = FILE.get_or_init(|| std::env::var_os("MYNA_FAULTS_CLOCK").map(PathBuf::from));
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        text.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }
}

/// Between half of `span` and all of it.
pub(crate) fn jittered(span: Duration) -> Duration {
    // Without randomness everybody waits for as long as may be.
    let part = random::<1>().map_or(255, |[byte]| byte);
    span.mul_f64(0.5 + f64::from(part) / 510.0)
}

/// What one attempt at an operation may need.
pub(crate) fn chance() -> Result<Chance, NoRandomness> {
    Ok(Chance { handle: random()?, salt: random()?, mail: random()? })
}
