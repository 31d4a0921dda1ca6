//! Known answers, computed at every start before a backend is trusted with passwords. It never logs: the caller warns.

use thiserror::Error;

use crate::compare::same_bytes;
use crate::hasher::{Backend, HashError, Hasher};
use crate::params::Argon2Params;

/// Neither backend gives the known answers on this machine: no password can be checked, do not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no Argon2 backend gives the known answers on this machine")]
pub struct SelfCheckFailed;

/// The most trusted combination first: the fast one if it proves itself, else the portable one.
const CANDIDATES: [Backend; 2] = [Backend::Fast, Backend::Portable];

/// One answer, computed by the reference implementation in C (libargon2, through argon2-cffi).
struct KnownAnswer {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    password: &'static [u8],
    salt: &'static [u8],
    tag: [u8; 32],
}

/// Which backend to use: [`Backend::Fast`] if its answers are right, [`Backend::Portable`] if only that one's are
/// (worth a warning: logins cost nearly twice as much). Takes a few hashes' time.
///
/// # Errors
/// [`SelfCheckFailed`] if neither is right.
pub fn self_check() -> Result<Backend, SelfCheckFailed> {
    first_sound(&mut |backend| {
        let mut hasher = Hasher::new(backend);
        // One hasher for all: memory used before must not change an answer.
        KNOWN_ANSWERS.iter().all(|known| answer(&mut hasher, known).is_ok_and(|tag| same_bytes(&tag, &known.tag)))
    })
}

fn first_sound(sound: &mut dyn FnMut(Backend) -> bool) -> Result<Backend, SelfCheckFailed> {
    CANDIDATES.into_iter().find(|backend| sound(*backend)).ok_or(SelfCheckFailed)
}

fn answer(hasher: &mut Hasher, known: &KnownAnswer) -> Result<[u8; 32], HashError> {
    let mut tag = [0; 32];
    let Ok(params) = Argon2Params::stored(known.memory_kib, known.passes, known.lanes) else {
        return Ok(tag);
    };
    hasher.tag(known.password, known.salt, &params, &mut tag)?;
    Ok(tag)
}

/// Large, small, several lanes, no password, more than one block of BLAKE2b: the paths vector code takes apart.
const KNOWN_ANSWERS: [KnownAnswer; 4] = [
    KnownAnswer {
        memory_kib: 19456,
        passes: 2,
        lanes: 1,
        password: b"password",
        salt: b"somesaltsomesalt",
        tag: [
            0x2b, 0x5d, 0xc4, 0x05, 0x48, 0x86, 0xec, 0x95, 0x7e, 0xf5, 0x9c, 0x73, 0xb6, 0x61, 0xc5, 0x4d, 0xd6, 0xfb,
            0x27, 0x45, 0x90, 0xb2, 0x78, 0xf6, 0x57, 0xc6, 0xd9, 0x6a, 0xac, 0x8f, 0xa6, 0xd1,
        ],
    },
    KnownAnswer {
        memory_kib: 64,
        passes: 3,
        lanes: 1,
        password: b"",
        salt: b"saltsalt",
        tag: [
            0x64, 0x11, 0xbd, 0x0e, 0x50, 0x83, 0xec, 0xa1, 0xd5, 0x50, 0x34, 0xf3, 0xae, 0x65, 0x55, 0xe6, 0x21, 0x21,
            0xd2, 0xf4, 0x12, 0x9b, 0x0c, 0xea, 0xfa, 0x0b, 0x96, 0xff, 0x3b, 0x53, 0x2d, 0xbe,
        ],
    },
    KnownAnswer {
        memory_kib: 256,
        passes: 2,
        lanes: 4,
        password: b"p\xc3\xa4\xc3\x9fwort \xe6\x9d\xb1\xe4\xba\xac",
        salt: b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
        tag: [
            0xed, 0x48, 0xad, 0xe2, 0xe8, 0xbd, 0x7c, 0x92, 0x2a, 0xd1, 0x8e, 0x6e, 0x38, 0x00, 0x68, 0x09, 0x3f, 0xfc,
            0x95, 0x2e, 0x31, 0x3e, 0x30, 0x32, 0x52, 0xb2, 0xe5, 0x11, 0xcb, 0x1b, 0x36, 0x46,
        ],
    },
    KnownAnswer {
        memory_kib: 128,
        passes: 1,
        lanes: 2,
        password: &[b'a'; 200],
        salt: &[b's'; 32],
        tag: [
            0x1e, 0xd7, 0xe7, 0xef, 0x1b, 0x1d, 0xd6, 0x5c, 0x71, 0xa1, 0xc8, 0xc5, 0x89, 0x8a, 0x61, 0x47, 0xef, 0x7d,
            0x28, 0x0b, 0x4c, 0x40, 0x71, 0xe9, 0x96, 0x5e, 0xc2, 0x5a, 0x6c, 0x19, 0x84, 0x39,
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_backends_give_the_known_answers() {
        for backend in CANDIDATES {
            let mut hasher = Hasher::new(backend);
            for (index, known) in KNOWN_ANSWERS.iter().enumerate() {
                assert_eq!(answer(&mut hasher, known).unwrap(), known.tag, "{backend}, answer {index}");
            }
        }
        assert_eq!(self_check(), Ok(Backend::Fast));
    }

    #[test]
    fn a_wrong_backend_is_passed_over() {
        let cases: [(&[Backend], _); 4] = [
            (&[Backend::Fast, Backend::Portable], Ok(Backend::Fast)),
            (&[Backend::Fast], Ok(Backend::Fast)),
            (&[Backend::Portable], Ok(Backend::Portable)),
            (&[], Err(SelfCheckFailed)),
        ];
        for (right, chosen) in cases {
            assert_eq!(first_sound(&mut |backend| right.contains(&backend)), chosen, "{right:?}");
        }
    }
}
