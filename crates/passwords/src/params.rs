//! What an Argon2id hash costs, within bounds. It never measures the machine and never hashes.

use std::fmt;

use thiserror::Error;

/// The most memory one hash may use, in KiB (256 MiB). Caps from security.md 4.1 "accept on verify" (PW-08).
const MEMORY_KIB_MAX: u32 = 256 * 1024;
/// The most passes over that memory.
const PASSES_MAX: u32 = 16;
/// The most lanes.
const LANES_MAX: u32 = 8;
/// RFC 9106 section 3.1: at least eight blocks of 1 KiB for each lane.
const MEMORY_KIB_PER_LANE_MIN: u32 = 8;

/// The cost of an Argon2id hash: memory, passes, lanes. A value of this type is always within the caps of PW-08.
///
/// The default is the lowest that OWASP's cheat sheet recommends: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// Why a cost is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// One of the three numbers is outside what is ever accepted.
    #[error("{name} is {value}; it must be between {min} and {max}")]
    OutOfRange {
        /// Which number: `memory_kib`, `passes` or `lanes`.
        name: &'static str,
        /// What it was.
        value: u32,
        /// The least that is accepted.
        min: u32,
        /// The most that is accepted.
        max: u32,
    },
    /// Valid Argon2id, but weaker than any new hash may be.
    #[error("memory_kib is {memory_kib}; with passes = {passes} it must be at least {floor_kib}")]
    BelowFloor {
        /// The memory asked for, in KiB.
        memory_kib: u32,
        /// The passes asked for.
        passes: u32,
        /// The least memory for that many passes, in KiB.
        floor_kib: u32,
    },
}

impl Argon2Params {
    /// A cost for new hashes.
    ///
    /// # Errors
    /// [`ParamsError::BelowFloor`] when it is weaker than the OWASP minimum for that number of passes (PW-01),
    /// [`ParamsError::OutOfRange`] when it is beyond 256 MiB, 16 passes or 8 lanes: what we write we must accept again.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        match Self::stored(memory_kib, passes, lanes) {
            Ok(params) if memory_kib >= floor_kib(passes) => Ok(params),
            Ok(_) => Err(ParamsError::BelowFloor { memory_kib, passes, floor_kib: floor_kib(passes) }),
            Err(error) => Err(error),
        }
    }

    /// A cost found in a stored hash: it may be weak, but not more than this server is willing to spend (PW-08).
    pub(crate) const fn stored(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        if lanes < 1 || lanes > LANES_MAX {
            return Err(ParamsError::OutOfRange { name: "lanes", value: lanes, min: 1, max: LANES_MAX });
        }
        if passes < 1 || passes > PASSES_MAX {
            return Err(ParamsError::OutOfRange { name: "passes", value: passes, min: 1, max: PASSES_MAX });
        }
        let min = MEMORY_KIB_PER_LANE_MIN * lanes;
        if memory_kib < min || memory_kib > MEMORY_KIB_MAX {
            return Err(ParamsError::OutOfRange { name: "memory_kib", value: memory_kib, min, max: MEMORY_KIB_MAX });
        }
        Ok(Self { memory_kib, passes, lanes })
    }

    /// Memory in KiB (`m` in the stored text).
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory (`t`).
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// Lanes (`p`). They are computed one after the other: the server's parallelism is its hash threads.
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Whether this cost is easier on a thief than `current`: less memory, or less work over it.
    ///
    /// 46 MiB in one pass is not weaker than 19 MiB in two. Lanes do not count: they change neither sum.
    pub(crate) const fn weaker_than(&self, current: &Self) -> bool {
        self.memory_kib < current.memory_kib || self.memory_kib * self.passes < current.memory_kib * current.passes
    }
}

/// The least memory for new hashes at so many passes: the five equivalent settings of OWASP's cheat sheet.
const fn floor_kib(passes: u32) -> u32 {
    match passes {
        0 | 1 => 47_104,
        2 => 19_456,
        3 => 12_288,
        4 => 9_216,
        _ => 7_168,
    }
}

impl Default for Argon2Params {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// As in a PHC string: `m=19456,t=2,p=1`.
impl fmt::Display for Argon2Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory_kib, passes, lanes } = self;
        write!(f, "m={memory_kib},t={passes},p={lanes}")
    }
}

impl fmt::Debug for Argon2Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Argon2Params({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_hashes_have_a_floor_and_a_cap() {
        // PW-01, PW-08
        let cases = [
            ((19_456, 2, 1), None),
            ((47_104, 1, 1), None),
            ((12_288, 3, 1), None),
            ((9_216, 4, 1), None),
            ((7_168, 5, 1), None),
            ((262_144, 16, 8), None),
            ((19_455, 2, 1), Some("memory_kib is 19455; with passes = 2 it must be at least 19456")),
            ((47_103, 1, 1), Some("memory_kib is 47103; with passes = 1 it must be at least 47104")),
            ((7_167, 16, 1), Some("memory_kib is 7167; with passes = 16 it must be at least 7168")),
            ((262_145, 2, 1), Some("memory_kib is 262145; it must be between 8 and 262144")),
            ((63, 2, 8), Some("memory_kib is 63; it must be between 64 and 262144")),
            ((19_456, 0, 1), Some("passes is 0; it must be between 1 and 16")),
            ((19_456, 17, 1), Some("passes is 17; it must be between 1 and 16")),
            ((19_456, 2, 0), Some("lanes is 0; it must be between 1 and 8")),
            ((19_456, 2, 9), Some("lanes is 9; it must be between 1 and 8")),
            ((u32::MAX, u32::MAX, u32::MAX), Some("lanes is 4294967295; it must be between 1 and 8")),
        ];
        for ((memory_kib, passes, lanes), refused) in cases {
            let message = Argon2Params::new(memory_kib, passes, lanes).err().map(|error| error.to_string());
            assert_eq!(message.as_deref(), refused, "m={memory_kib},t={passes},p={lanes}");
        }
    }

    #[test]
    fn the_default_is_one_that_new_accepts() {
        let Argon2Params { memory_kib, passes, lanes } = Argon2Params::default();
        assert_eq!(Argon2Params::new(memory_kib, passes, lanes), Ok(Argon2Params::default()));
    }

    #[test]
    fn weaker_is_less_memory_or_less_work() {
        let current = Argon2Params::default();
        let cases = [
            ((19_456, 2, 1), false),
            ((19_456, 2, 4), false),
            ((47_104, 1, 1), false),
            ((65_536, 3, 1), false),
            ((19_456, 1, 1), true),
            ((19_455, 16, 1), true),
            ((12_288, 3, 1), true),
            ((20_000, 1, 1), true),
        ];
        for ((memory_kib, passes, lanes), weaker) in cases {
            let stored = Argon2Params::stored(memory_kib, passes, lanes).unwrap();
            assert_eq!(stored.weaker_than(&current), weaker, "{stored}");
        }
    }
}
