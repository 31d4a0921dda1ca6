//! The four small primitives other parts need: a derived key, a digest, random bytes and a comparison in constant
//! time. It never keeps what it is given and offers no choice of algorithm.

use aws_lc_rs::{constant_time, digest as lc_digest, hmac, rand};
use zeroize::Zeroizing;

/// The operating system's random generator gave nothing; the server must not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// Derives a key of 32 bytes for one use from a 256-bit `key`: HKDF-Expand with SHA-256 (RFC 5869 §2.3), one block,
/// `label` as info. One label per use, so that the leak of one derived key forges nothing else (KY-05).
#[must_use]
pub fn derive(key: &[u8; 32], label: &str) -> Zeroizing<[u8; 32]> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    context.update(label.as_bytes());
    context.update(&[1]);
    Zeroizing::new(first_32(context.sign().as_ref()))
}

/// SHA-256 of `bytes`.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    first_32(lc_digest::digest(&lc_digest::SHA256, bytes).as_ref())
}

/// `N` bytes from the operating system's generator, never from a clock or a seed (KY-07).
///
/// # Errors
/// [`NoRandomness`] when the generator fails.
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// Whether `a` and `b` are equal, in a time that depends on their lengths only.
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// SHA-256 outputs are 32 bytes; a shorter slice would leave zeros, which the known answers below would show.
pub(crate) fn first_32(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = *from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn digest_known_answer() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest(b"abc").to_vec(), hex(expected));
    }

    // KY-05: RFC 5869 appendix A.3 (info empty): its first 32 bytes are T(1).
    #[test]
    fn derive_is_hkdf_expand() {
        let prk = hex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
        let expected = hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
        let prk: [u8; 32] = prk.try_into().unwrap();
        assert_eq!(derive(&prk, "").to_vec(), expected);
        assert_ne!(derive(&prk, "a"), derive(&prk, "b"));
    }

    #[test]
    fn equality() {
        for (a, b, same) in
            [(&b"ab"[..], &b"ab"[..], true), (b"ab", b"ac", false), (b"ab", b"a", false), (b"", b"", true)]
        {
            assert_eq!(equal(a, b), same);
        }
    }

    // KY-07
    #[test]
    fn random_differs() {
        let drawn: std::collections::HashSet<[u8; 16]> = (0..10_000).map(|_| random().unwrap()).collect();
        assert_eq!(drawn.len(), 10_000);
    }
}
