//! Which shared secrets are good enough to sign with (JT-13): long enough for their hash, and neither published
//! somewhere nor guessable by shape. It never reports any part of the secret.

use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use zeroize::Zeroizing;

use crate::jws::Algorithm;

/// The longest secret, in bytes, that is accepted.
const SECRET_BYTES_MAX: usize = 4096;

/// A secret with fewer different bytes than this is not random: 32 random hex digits have fewer than eight with a
/// chance below 2⁻²⁴.
const DIFFERENT_BYTES_MIN: usize = 8;

/// Why a shared secret is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// Shorter than the hash's output (RFC 7518 §3.2).
    #[error("it has {bytes} bytes, this algorithm needs at least {needed}")]
    TooShort {
        /// The length given, in bytes.
        bytes: usize,
        /// The least length, in bytes.
        needed: usize,
    },
    /// Longer than any secret need be; more likely the wrong file.
    #[error("it has {bytes} bytes, more than the {SECRET_BYTES_MAX} allowed")]
    TooLong {
        /// The length given, in bytes.
        bytes: usize,
    },
    /// A PEM text: a public key used as a secret lets everybody sign (JT-02).
    #[error("it is a PEM file, not a shared secret")]
    Pem,
    /// Printed in documentation, tutorials or default configurations, or put together from such words.
    #[error("it is a well-known example or default")]
    Famous,
    /// One short text over and over.
    #[error("it repeats one short text")]
    Repeating,
    /// Hardly any different bytes, or a run like 0123456789.
    #[error("it is too regular to be random; make one with `openssl rand -base64 64`")]
    LowEntropy,
}

/// The least secret for `algorithm`, in bytes: its hash's output (RFC 7518 §3.2). Zero if it takes no secret.
pub(crate) fn bytes_needed(algorithm: Algorithm) -> usize {
    algorithm.hmac().map_or(0, |hmac| hmac.tag_len())
}

/// Refuses secrets somebody else may know.
pub(crate) fn check(algorithm: Algorithm, secret: &[u8]) -> Result<(), WeakSecret> {
    let (bytes, needed) = (secret.len(), bytes_needed(algorithm));
    if bytes < needed {
        return Err(WeakSecret::TooShort { bytes, needed });
    }
    if bytes > SECRET_BYTES_MAX {
        return Err(WeakSecret::TooLong { bytes });
    }
    if secret.windows(10).any(|window| window == b"-----BEGIN") {
        return Err(WeakSecret::Pem);
    }
    if is_famous(secret) || is_made_of_words(secret) {
        return Err(WeakSecret::Famous);
    }
    if is_repeating(secret) {
        return Err(WeakSecret::Repeating);
    }
    if is_regular(secret) {
        return Err(WeakSecret::LowEntropy);
    }
    Ok(())
}

/// Published secrets that are long enough to pass the length rule, as text or in base64.
const FAMOUS: [&str; 11] = [
    // jwt.io, by algorithm
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-384-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    // RFC 7515 appendix A.1
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    // RFC 7520 section 3.5
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    // Supabase's self-hosting sample
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "your-super-secret-jwt-token-with-at-least-32-characters-long",
    // Spring Boot tutorials
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
    "3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b",
    "413F4428472B4B6250655368566D5970337336763979244226452948404D6351",
    "afafasfafafasfasfasfafacasdasfasxASFACASDFACASDFASFASFDAFASFASDAADSCSDFADCVSGCFVADXCcadwavfsfarvf",
];

fn is_famous(secret: &[u8]) -> bool {
    let trimmed = secret.trim_ascii();
    FAMOUS.iter().any(|famous| {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(famous).or_else(|_| BASE64_STANDARD_NO_PAD.decode(famous));
        trimmed.eq_ignore_ascii_case(famous.as_bytes()) || decoded.is_ok_and(|bytes| bytes == secret)
    })
}

/// Words that example secrets are put together from, with `your-256-bit-secret` and `changeme` among the results.
const WORDS: [&str; 62] = [
    "a",
    "access",
    "admin",
    "api",
    "app",
    "at",
    "auth",
    "be",
    "bearer",
    "bit",
    "bits",
    "bytes",
    "change",
    "changed",
    "characters",
    "chars",
    "default",
    "dev",
    "development",
    "do",
    "example",
    "for",
    "hmac",
    "in",
    "is",
    "it",
    "jwt",
    "key",
    "keyboard",
    "cat",
    "least",
    "long",
    "me",
    "must",
    "my",
    "not",
    "of",
    "only",
    "password",
    "please",
    "production",
    "random",
    "refresh",
    "replace",
    "s",
    "secret",
    "secure",
    "should",
    "sign",
    "signing",
    "string",
    "super",
    "test",
    "that",
    "the",
    "this",
    "to",
    "token",
    "use",
    "very",
    "with",
    "your",
];

/// Whether the letters, digits and punctuation left out, are nothing but the words above.
fn is_made_of_words(secret: &[u8]) -> bool {
    let letters: Zeroizing<Vec<u8>> =
        Zeroizing::new(secret.iter().filter(|byte| byte.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect());
    // A random secret has letters too, but seldom so many.
    if letters.len().saturating_mul(2) < secret.len() {
        return false;
    }
    let mut reached = vec![false; letters.len().saturating_add(1)];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for at in 0..letters.len() {
        let Some(rest) = letters.get(at..).filter(|_| reached.get(at) == Some(&true)) else {
            continue;
        };
        for word in WORDS.iter().filter(|word| rest.starts_with(word.as_bytes())) {
            if let Some(end) = reached.get_mut(at.saturating_add(word.len())) {
                *end = true;
            }
        }
    }
    reached.last() == Some(&true)
}

/// Whether it is one unit over and over, the last perhaps cut, the unit at most half of it.
fn is_repeating(secret: &[u8]) -> bool {
    (1..=secret.len() / 2).any(|period| secret.iter().skip(period).eq(secret.iter().take(secret.len() - period)))
}

/// Whether few bytes differ, or three steps of four go one up, one down or nowhere.
fn is_regular(secret: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let different = seen.iter().filter(|slot| **slot).count();
    let steps = secret.iter().zip(secret.iter().skip(1)).filter(|(a, b)| a.abs_diff(**b) <= 1).count();
    different < DIFFERENT_BYTES_MIN || steps.saturating_mul(4) >= secret.len().saturating_mul(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEAK: &[(Algorithm, &str, WeakSecret)] = &[
        (Algorithm::Hs256, "", WeakSecret::TooShort { bytes: 0, needed: 32 }),
        (Algorithm::Hs256, "secret", WeakSecret::TooShort { bytes: 6, needed: 32 }),
        (Algorithm::Hs256, "your-256-bit-secret", WeakSecret::TooShort { bytes: 19, needed: 32 }),
        (Algorithm::Hs256, "q7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3u", WeakSecret::TooShort { bytes: 31, needed: 32 }),
        (
            Algorithm::Hs384,
            "q7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3ue6TiZoQ0yBWxCkMv",
            WeakSecret::TooShort { bytes: 47, needed: 48 },
        ),
        (Algorithm::Hs512, "q7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3ue", WeakSecret::TooShort { bytes: 32, needed: 64 }),
        (Algorithm::Hs256, "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI", WeakSecret::Pem),
        (Algorithm::Hs256, " -----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI", WeakSecret::Pem),
        (Algorithm::Hs256, "a-string-secret-at-least-256-bits-long", WeakSecret::Famous),
        (Algorithm::Hs256, "A-String-Secret-At-Least-256-Bits-Long\n", WeakSecret::Famous),
        (Algorithm::Hs256, "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970", WeakSecret::Famous),
        (Algorithm::Hs256, "this_is_a_very_long_secret_key_for_jwt_1234567890", WeakSecret::Famous),
        (Algorithm::Hs256, "MySuperSecretKeyThatShouldBeChanged2024!", WeakSecret::Famous),
        (Algorithm::Hs256, "changemechangemechangemechangeme", WeakSecret::Famous),
        (Algorithm::Hs256, "secretsecretsecretsecretsecretse", WeakSecret::Repeating),
        (Algorithm::Hs256, "Zx81-qZx81-qZx81-qZx81-qZx81-qZx81-qZx", WeakSecret::Repeating),
        (Algorithm::Hs256, "00000000000000000000000000000000", WeakSecret::Repeating),
        (Algorithm::Hs256, "aababbabaababbabbbaabababbabaaab", WeakSecret::LowEntropy),
        (Algorithm::Hs256, "abcdefghijklmnopqrstuvwxyz012345", WeakSecret::LowEntropy),
    ];

    // JT-13
    #[test]
    fn weak_secrets_are_refused() {
        for (algorithm, secret, reason) in WEAK {
            assert_eq!(check(*algorithm, secret.as_bytes()), Err(*reason), "{secret}");
        }
        assert_eq!(check(Algorithm::Hs256, &[7; 6000]), Err(WeakSecret::TooLong { bytes: 6000 }));
    }

    // JT-13: the RFC's example is as famous in its decoded form.
    #[test]
    fn decoded_examples_are_refused() {
        let rfc = BASE64_URL_SAFE_NO_PAD.decode(FAMOUS[3]).unwrap();
        assert_eq!(rfc.len(), 64);
        assert_eq!(check(Algorithm::Hs512, &rfc), Err(WeakSecret::Famous));
    }

    #[test]
    fn random_secrets_pass() {
        for secret in ["9f86d081884c7d659a2feaa0c55ad015", "q7VtR2mXz9LwK4bNc8YhJ5gFs1DpA3ue"] {
            assert_eq!(check(Algorithm::Hs256, secret.as_bytes()), Ok(()), "{secret}");
        }
        for _ in 0..1000 {
            assert_eq!(check(Algorithm::Hs256, &crate::crypto::random::<32>().unwrap()), Ok(()));
            assert_eq!(check(Algorithm::Hs512, &crate::crypto::random::<64>().unwrap()), Ok(()));
        }
    }
}
