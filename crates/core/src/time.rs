//! Points in time as integers. Nothing here reads a clock: the present comes in through `Ctx`.

use std::ops::Add;
use std::time::Duration;

/// A point in time: microseconds since 1970-01-01T00:00:00Z, as stored in the database.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The point `seconds` after 1970, saturating at the ends of what can be told.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole seconds since 1970, rounded down: what `exp` and `iat` hold (RFC 7519 §2, NumericDate).
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole milliseconds since 1970, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0).cast_unsigned())
    }

    /// How far away `other` is, in the past or in the future.
    pub const fn apart(self, other: Self) -> Duration {
        Duration::from_micros(self.0.abs_diff(other.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_round_down_also_before_1970() {
        assert_eq!(Timestamp(1_999_999).seconds(), 1);
        assert_eq!(Timestamp(-1).seconds(), -1);
        assert_eq!(Timestamp(-1).millis(), -1);
        assert_eq!((Timestamp(0) + Duration::from_secs(2)).seconds(), 2);
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(5).apart(Timestamp(9)), Timestamp(9).apart(Timestamp(5)));
        assert_eq!(Timestamp(i64::MIN).apart(Timestamp(i64::MAX)), Duration::from_micros(u64::MAX));
    }
}
