//! Keys that are kept where others may read: encrypted with a key-encryption key and bound to their names (AES-256-GCM,
//! NIST SP 800-38D, with random nonces; a key-encryption key seals a few dozen texts in its life). It never stores anything.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use zeroize::Zeroizing;

use crate::crypto::derive;
use crate::opaque::hex;

/// In front of everything that is sealed, so that another form can be told from this one some day.
const FORM: &str = "1";
const ID_BYTES: usize = 8;

/// Seals and opens. It shows nothing of itself but its [id](Self::id).
pub struct SealingKey {
    key: RandomizedNonceKey,
    id: String,
}

/// What was to be sealed or opened cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another key has sealed it.
    #[error("it is encrypted with the key-encryption key {sealed_with}")]
    OtherKey {
        /// That key's id.
        sealed_with: String,
    },
    /// It was sealed with this key and altered since, or under another name.
    #[error("it is damaged: it was altered, or belongs to another name")]
    Damaged,
    /// It is nothing that was ever sealed.
    #[error("it is damaged: it is no encrypted key")]
    Malformed,
    /// The library failed.
    #[error("it cannot be encrypted")]
    Library,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SealingKey({})", self.id)
    }
}

impl SealingKey {
    /// From a key-encryption key. What encrypts and what names it are derived, each with a label of its own (KY-05).
    ///
    /// # Errors
    /// [`SealError::Library`].
    pub fn from_bytes(key: &[u8; 32]) -> Result<Self, SealError> {
        let seals = derive(key, "key encryption");
        let names = derive(key, "key encryption: id");
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*seals).map_err(|_| SealError::Library)?;
        Ok(Self { key, id: hex(names.get(..ID_BYTES).unwrap_or_default()) })
    }

    /// Names the key and tells nothing of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts `plain`, to be opened under the same `name` only.
    ///
    /// # Errors
    /// [`SealError::Library`].
    pub fn seal(&self, name: &str, plain: &[u8]) -> Result<String, SealError> {
        let mut bytes = Zeroizing::new(plain.to_vec());
        let (nonce, tag) = self
            .key
            .seal_in_place_separate_tag(Aad::from(name.as_bytes()), &mut bytes)
            .map_err(|_| SealError::Library)?;
        let whole = [nonce.as_ref().as_slice(), &bytes, tag.as_ref()].concat();
        Ok(format!("{FORM}.{}.{}", self.id, BASE64_URL_SAFE_NO_PAD.encode(whole)))
    }

    /// What was sealed under `name`.
    ///
    /// # Errors
    /// [`SealError`], which says whether it is the key or the text that is wrong.
    pub fn open(&self, name: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (id, text) = parts(sealed)?;
        if id != self.id {
            return Err(SealError::OtherKey { sealed_with: id.to_owned() });
        }
        let mut bytes = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError::Malformed)?);
        let Some((nonce, rest)) = bytes.split_at_mut_checked(NONCE_LEN) else {
            return Err(SealError::Malformed);
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Malformed)?;
        let plain = self.key.open_in_place(nonce, Aad::from(name.as_bytes()), rest).map_err(|_| SealError::Damaged)?;
        Ok(Zeroizing::new(plain.to_vec()))
    }
}

/// The [id](SealingKey::id) of the key that has sealed it.
///
/// # Errors
/// [`SealError::Malformed`].
pub fn sealed_with(sealed: &str) -> Result<&str, SealError> {
    parts(sealed).map(|(id, _)| id)
}

fn parts(sealed: &str) -> Result<(&str, &str), SealError> {
    let rest = sealed.strip_prefix(FORM).and_then(|rest| rest.strip_prefix('.'));
    let (id, text) = rest.and_then(|rest| rest.split_once('.')).ok_or(SealError::Malformed)?;
    let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { Ok((id, text)) } else { Err(SealError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; 32]).unwrap()
    }

    // Sealed by another implementation (Python's `cryptography`), nonce 000102…0b.
    #[test]
    fn known_answer() {
        let sealed = "1.4ae9ca432f148918.AAECAwQFBgcICQoLHaPgkzkJPwplrMkASVJYCGpgPBulYIdp4517zEs";
        assert_eq!(key(7).open("spring.access.1", sealed).unwrap().as_slice(), b"a key of ours");
        assert_eq!(sealed_with(sealed).unwrap(), key(7).id());
    }

    #[test]
    fn what_is_sealed_is_opened_under_its_name_alone() {
        let sealed = key(1).seal("root", b"secret").unwrap();
        assert_eq!(key(1).open("root", &sealed).unwrap().as_slice(), b"secret");
        assert_ne!(sealed, key(1).seal("root", b"secret").unwrap(), "a nonce of its own each time");
        assert_eq!(key(1).open("spring.access.1", &sealed), Err(SealError::Damaged));
        let sealed_with = key(1).id().to_owned();
        assert_eq!(key(2).open("root", &sealed), Err(SealError::OtherKey { sealed_with }));
        assert!(!format!("{:?}", key(1)).contains("01010101"));
    }

    #[test]
    fn what_is_altered_is_refused() {
        let (key, sealed) = (key(1), key(1).seal("root", b"secret").unwrap());
        let start = sealed.rfind('.').unwrap() + 1;
        for at in start..sealed.len() {
            let other = if sealed.as_bytes()[at] == b'A' { "B" } else { "A" };
            let altered = format!("{}{other}{}", &sealed[..at], &sealed[at + 1..]);
            assert!(matches!(key.open("root", &altered), Err(SealError::Damaged | SealError::Malformed)), "{altered}");
        }
        let id = key.id();
        for text in [
            "",
            "root",
            "1..",
            "2.x.y",
            &format!("2.{id}.AAAA"),
            &format!("1.{id}.AAAA"),
            &format!("1.{id}.!"),
            "1.zz.AA",
        ] {
            assert_eq!(key.open("root", text), Err(SealError::Malformed), "{text}");
        }
        for cut in 1..8 {
            assert!(key.open("root", &sealed[..sealed.len() - cut]).is_err(), "cut off");
        }
    }
}
