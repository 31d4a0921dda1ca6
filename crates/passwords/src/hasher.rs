//! The Argon2id computation, on either of two implementations, in memory that is kept from one hash to the next. It
//! decides nothing: no parsing, no policy, no randomness (the caller brings the salt).

use std::fmt;

use argon2_rust::params::{Memory, TagLen};
use thiserror::Error;
use zeroize::Zeroize;

use crate::format::argon2id::{Argon2id, TAG_BYTES};
use crate::hash::PasswordHash;
use crate::params::Argon2Params;
use crate::password::PASSWORD_BYTES_MAX;

/// The most memory kept between two hashes, in KiB (64 MiB). A stored hash may ask for four times as much (PW-08); that
/// is given back at once, or a few such rows would fix the memory of every worker at the cap (PW-11).
const KEPT_KIB_MAX: u32 = 64 * 1024;

/// Which implementation of Argon2 computes. Both give the same answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The `argon2-rust` crate: wider vector instructions, nearly twice as fast. Young, so checked at every start.
    Fast,
    /// The `argon2` crate of the RustCrypto project: the one to fall back on.
    Portable,
}

/// Why no hash was computed. A fault of ours, never "the password is wrong".
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HashError {
    /// The memory for the hash could not be had.
    #[error("no memory left for a password hash of {memory_kib} KiB")]
    OutOfMemory {
        /// What was asked for, in KiB.
        memory_kib: u32,
    },
    /// The password has more than [`PASSWORD_BYTES_MAX`] bytes: it did not come through `Password`.
    #[error("the password to be hashed is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// The implementation refused the input. Costs are bounded before, so this is a bug.
    #[error("the {backend} backend refused to hash: {reason}")]
    Refused {
        /// Which implementation.
        backend: Backend,
        /// Its words. They name no secret.
        reason: String,
    },
}

/// Computes password hashes. One per worker thread, living as long as the thread: it keeps its memory, because having
/// the kernel map and clear it anew can cost as much as the hash itself. The memory is wiped after every hash.
pub struct Hasher(Memories);

/// The memory, in the shape each implementation wants.
enum Memories {
    Fast(argon2_rust::Hasher),
    Portable(Vec<argon2::Block>),
}

impl Hasher {
    /// A hasher that holds no memory yet; the first hash takes what it needs.
    /// Choose by [`self_check`](crate::self_check).
    pub fn new(backend: Backend) -> Self {
        Self(match backend {
            Backend::Fast => Memories::Fast(fast(argon2_rust::Params::DEFAULT).hasher()),
            Backend::Portable => Memories::Portable(Vec::new()),
        })
    }

    /// Hashes a new password with Argon2id: 32 bytes of tag, to be stored by its
    /// [`stored_text`](PasswordHash::stored_text). `salt` must be fresh random bytes for every call (PW-01).
    ///
    /// # Errors
    /// [`HashError`]; nothing is known about the password then.
    pub fn hash(&mut self, password: &[u8], salt: &[u8; 16], params: &Argon2Params) -> Result<PasswordHash, HashError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(HashError::PasswordTooLong);
        }
        let mut tag = [0; TAG_BYTES];
        self.tag(password, salt, params, &mut tag)?;
        Ok(PasswordHash::of(Argon2id::new(*params, salt, &tag)))
    }

    /// Fills `tag` with the Argon2id v1.3 tag of `password`.
    pub(crate) fn tag(
        &mut self,
        password: &[u8],
        salt: &[u8],
        params: &Argon2Params,
        tag: &mut [u8],
    ) -> Result<(), HashError> {
        match &mut self.0 {
            Memories::Fast(hasher) => fast_tag(hasher, password, salt, params, tag),
            Memories::Portable(blocks) => portable_tag(blocks, password, salt, params, tag),
        }
    }

    /// KiB held for the next hash.
    #[cfg(test)]
    fn kept_kib(&self) -> usize {
        match &self.0 {
            Memories::Fast(hasher) => hasher.reserved_blocks(),
            Memories::Portable(blocks) => blocks.len(),
        }
    }
}

const fn fast(params: argon2_rust::Params) -> argon2_rust::Argon2 {
    argon2_rust::Argon2::new(argon2_rust::Algorithm::Argon2id, argon2_rust::Version::V0x13, params)
}

fn fast_tag(
    hasher: &mut argon2_rust::Hasher,
    password: &[u8],
    salt: &[u8],
    params: &Argon2Params,
    tag: &mut [u8],
) -> Result<(), HashError> {
    let explain = |error| match error == argon2_rust::Error::MemoryAllocationError {
        true => HashError::OutOfMemory { memory_kib: params.memory_kib() },
        false => refused(Backend::Fast, &error),
    };
    let wanted = argon2_rust::Params::builder()
        .memory(Memory::kib(params.memory_kib().into()))
        .passes(params.passes())
        .lanes(params.lanes())
        // The worker is the only thread of a hash, also if some other crate turns the parallel feature on.
        .threads(1)
        .tag_len(TagLen::bytes(tag.len() as u64))
        .build()
        .map_err(explain)?;
    if params.memory_kib() > KEPT_KIB_MAX {
        return fast(wanted).hash_into(password, salt, tag).map_err(explain);
    }
    hasher.set_argon2(fast(wanted));
    hasher.hash_into(password, salt, tag).map_err(explain)
}

fn portable_tag(
    blocks: &mut Vec<argon2::Block>,
    password: &[u8],
    salt: &[u8],
    params: &Argon2Params,
    tag: &mut [u8],
) -> Result<(), HashError> {
    let wanted = argon2::Params::new(params.memory_kib(), params.passes(), params.lanes(), Some(tag.len()))
        .map_err(|error| refused(Backend::Portable, &error))?;
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, wanted);
    let needed = argon2.params().block_count();
    if needed > blocks.len() {
        blocks
            .try_reserve_exact(needed - blocks.len())
            .map_err(|_| HashError::OutOfMemory { memory_kib: params.memory_kib() })?;
        blocks.resize(needed, argon2::Block::new());
    }
    let hashed = argon2.hash_password_into_with_memory(password, salt, tag, &mut blocks[..needed]);
    blocks[..needed].iter_mut().for_each(Zeroize::zeroize);
    if params.memory_kib() > KEPT_KIB_MAX || cfg!(feature = "fresh-memory") {
        *blocks = Vec::new();
    }
    hashed.map_err(|error| refused(Backend::Portable, &error))
}

fn refused(backend: Backend, reason: &dyn fmt::Display) -> HashError {
    HashError::Refused { backend, reason: reason.to_string() }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "fast",
            Self::Portable => "portable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKENDS: [Backend; 2] = [Backend::Fast, Backend::Portable];

    fn small(memory_kib: u32) -> Argon2Params {
        Argon2Params::stored(memory_kib, 1, 1).unwrap()
    }

    /// Reproducible bytes that look random (xorshift), so that a difference can be looked at again.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self, below: u32) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 16) as u32 % below
        }

        fn bytes(&mut self, len: u32) -> Vec<u8> {
            (0..len).map(|_| self.next(256) as u8).collect()
        }
    }

    #[test]
    fn both_backends_agree() {
        let (mut fast, mut portable) = (Hasher::new(Backend::Fast), Hasher::new(Backend::Portable));
        let mut noise = Noise(0x006d_796e_6120_6269);
        for round in 0..40 {
            let lanes = 1 + noise.next(8);
            let params = Argon2Params::stored(64 + noise.next(449), 1 + noise.next(4), lanes).unwrap();
            let password_len = [0, 1, 127, 128, 129, PASSWORD_BYTES_MAX as u32, noise.next(300)][round % 7];
            let (salt_len, tag_len) = (8 + noise.next(57), 16 + noise.next(49));
            let (password, salt) = (noise.bytes(password_len), noise.bytes(salt_len));
            let (mut left, mut right) = (vec![0; tag_len as usize], vec![0; tag_len as usize]);
            fast.tag(&password, &salt, &params, &mut left).unwrap();
            portable.tag(&password, &salt, &params, &mut right).unwrap();
            assert_eq!(left, right, "round {round}: {params}, {password_len} bytes, salt {salt_len}, tag {tag_len}");
            assert_ne!(left, vec![0; tag_len as usize]);
        }
    }

    #[test]
    fn memory_is_kept_and_reuse_changes_no_answer() {
        for backend in BACKENDS {
            let mut used = Hasher::new(backend);
            assert_eq!(used.kept_kib(), 0, "{backend}");
            // Larger, smaller, larger again: the smaller one works on the first blocks of the larger one's memory.
            for memory_kib in [256, 64, 256, 128] {
                let (mut again, mut fresh) = ([0; 32], [0; 32]);
                used.tag(b"password", b"somesalt", &small(memory_kib), &mut again).unwrap();
                Hasher::new(backend).tag(b"password", b"somesalt", &small(memory_kib), &mut fresh).unwrap();
                assert_eq!(again, fresh, "{backend} {memory_kib}");
                assert_eq!(used.kept_kib(), 256, "{backend}");
            }
        }
    }

    #[test]
    fn a_costly_stored_hash_does_not_grow_a_worker_for_good() {
        // PW-11
        for backend in BACKENDS {
            let mut hasher = Hasher::new(backend);
            hasher.tag(b"password", b"somesalt", &small(KEPT_KIB_MAX + 1), &mut [0; 32]).unwrap();
            assert_eq!(hasher.kept_kib(), 0, "{backend}");
        }
    }

    #[test]
    fn portable_memory_is_wiped() {
        let mut blocks = Vec::new();
        portable_tag(&mut blocks, b"password", b"somesalt", &small(64), &mut [0; 32]).unwrap();
        assert_eq!(blocks.len(), 64);
        assert!(blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }

    #[test]
    fn a_password_beyond_the_limit_is_not_hashed() {
        // PW-05
        for (len, refused) in [(PASSWORD_BYTES_MAX, false), (PASSWORD_BYTES_MAX + 1, true)] {
            let hashed = Hasher::new(Backend::Fast).hash(&vec![b'a'; len], &[7; 16], &small(64));
            assert_eq!(hashed.err(), refused.then_some(HashError::PasswordTooLong), "{len} bytes");
        }
    }
}
