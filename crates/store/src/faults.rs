//! Guards that can be taken out one at a time, so that the checker of the invariants can prove that it would notice
//! (`cargo xtask verify`). Only with the feature `faults`; without it every question here is answered "no" by the compiler.

/// A guard that is missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Mutation {
    /// A rotation does not ask whether the generation is still the one that was presented.
    Rotation = 1,
    /// Nobody takes notice of a session's end by a logout.
    Logout = 2,
    /// An answer is given before the commit is durable.
    Durability = 3,
}

impl Mutation {
    /// Reads the name as it is written in `MYNA_FAULTS_MUTATION`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "rotation" => Some(Self::Rotation),
            "logout" => Some(Self::Logout),
            "durability" => Some(Self::Durability),
            _ => None,
        }
    }
}

#[cfg(feature = "faults")]
mod chosen {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Mutation;

    static CHOSEN: AtomicU8 = AtomicU8::new(0);

    /// Takes a guard out, for the rest of the process.
    pub fn mutate(mutation: Mutation) {
        CHOSEN.store(mutation as u8, Ordering::SeqCst);
    }

    pub(crate) fn is_mutated(mutation: Mutation) -> bool {
        CHOSEN.load(Ordering::SeqCst) == mutation as u8
    }
}

#[cfg(feature = "faults")]
pub use chosen::mutate;

#[cfg(feature = "faults")]
pub(crate) use chosen::is_mutated;

#[cfg(not(feature = "faults"))]
pub(crate) const fn is_mutated(_: Mutation) -> bool {
    false
}
