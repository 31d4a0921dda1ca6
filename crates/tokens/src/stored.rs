//! The one private form of a key for key files: a JSON object with `kid`, `alg`, `created_at` and either `pkcs8` or
//! `secret`. It never touches a file, shows nothing in debug output and wipes its memory when dropped.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::import::{KEY_TEXT_BYTES_MAX, KeyError};
use crate::jws::{Algorithm, PrivateMaterial, SigningKey};
use crate::key::Kid;

/// Room for the text of the largest key, so that writing never moves it and leaves a copy behind.
const STORED_BYTES: usize = 16 * 1024;

/// A signing key as it lies in a key file. Private: mode 0600, never in a log.
#[derive(Clone, Serialize, Deserialize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct StoredKey {
    kid: String,
    alg: String,
    /// Microseconds since 1970.
    created_at: i64,
    /// Microseconds since 1970; without it the key may sign since it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    active_from: Option<i64>,
    /// An asymmetric key: PKCS#8 version 1 in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pkcs8: Option<String>,
    /// A shared secret in base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("StoredKey(***)")
    }
}

impl StoredKey {
    /// Reads the JSON text of a key file. Whether the key in it is good, [`SigningKey::from_stored`] says.
    ///
    /// # Errors
    /// [`KeyError::BadStored`] when it is not such an object.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        if text.len() > KEY_TEXT_BYTES_MAX {
            return Err(KeyError::BadStored("it is too long"));
        }
        serde_json::from_slice(text).map_err(|_| KeyError::BadStored("it is not the JSON object of a key file"))
    }

    /// The JSON text for a key file.
    ///
    /// # Errors
    /// [`KeyError::Generation`] when it cannot be written.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut text = Zeroizing::new(Vec::with_capacity(STORED_BYTES));
        serde_json::to_writer(&mut *text, self).map_err(|_| KeyError::Generation)?;
        Ok(text)
    }

    /// The same key, not to sign before `active_from`, in microseconds since 1970.
    #[must_use]
    pub fn signing_from(mut self, active_from: i64) -> Self {
        self.active_from = (active_from != self.created_at).then_some(active_from);
        self
    }

    /// The key id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The name of the algorithm, as the file says it.
    #[must_use]
    pub fn alg(&self) -> &str {
        &self.alg
    }

    /// When the key was made or imported, in microseconds since 1970.
    #[must_use]
    pub fn created_at(&self) -> i64 {
        self.created_at
    }

    /// From when on the key signs, in microseconds since 1970; before it only verifies.
    #[must_use]
    pub fn active_from(&self) -> i64 {
        self.active_from.unwrap_or(self.created_at)
    }
}

impl SigningKey {
    /// The form for a key file; `created_at` in microseconds since 1970.
    ///
    /// # Errors
    /// [`KeyError::Generation`] when the library cannot write the key.
    pub fn to_stored(&self, created_at: i64) -> Result<StoredKey, KeyError> {
        let failed = |_| KeyError::Generation;
        let (pkcs8, secret) = match self.material() {
            PrivateMaterial::Secret { bytes, .. } => (None, Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))),
            PrivateMaterial::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                (Some(BASE64_STANDARD.encode(der.as_ref())), None)
            }
            PrivateMaterial::P256(pair) => {
                (Some(BASE64_STANDARD.encode(pair.to_pkcs8v1().map_err(failed)?.as_ref())), None)
            }
            PrivateMaterial::Ed25519(pair) => {
                (Some(BASE64_STANDARD.encode(pair.to_pkcs8v1().map_err(failed)?.as_ref())), None)
            }
        };
        let (kid, alg) = (self.kid().to_owned(), self.algorithm().name().to_owned());
        Ok(StoredKey { kid, alg, created_at, active_from: None, pkcs8, secret })
    }

    /// Takes a key back from its stored form, under the same rules as an import: a secret that is weak today is refused
    /// even if it once was taken.
    ///
    /// # Errors
    /// [`KeyError`] saying which rule is broken.
    pub fn from_stored(stored: &StoredKey) -> Result<Self, KeyError> {
        let algorithm: Algorithm = stored.alg.parse().map_err(|_| KeyError::AlgorithmMismatch)?;
        let kid = Kid::Given(stored.kid.clone());
        let key = match (&stored.pkcs8, &stored.secret) {
            (Some(pkcs8), None) => {
                let der = BASE64_STANDARD.decode(pkcs8).map(Zeroizing::new);
                Self::from_pkcs8(&der.map_err(|_| KeyError::BadStored("pkcs8 is not base64"))?, kid)?
            }
            (None, Some(secret)) => {
                let bytes = BASE64_URL_SAFE_NO_PAD.decode(secret).map(Zeroizing::new);
                let bytes = bytes.map_err(|_| KeyError::BadStored("secret is not base64url"))?;
                Self::from_secret_named(algorithm, &bytes, kid)?
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(KeyError::BadStored("it must have exactly one of pkcs8 and secret"));
            }
        };
        if key.algorithm() != algorithm {
            return Err(KeyError::AlgorithmMismatch);
        }
        Ok(key)
    }
}
