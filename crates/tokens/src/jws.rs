//! Signing: the six algorithms, a signing key that is parsed once and typed for one algorithm, and the compact JWS it
//! writes (RFC 7515 §3.1). It never chooses header members and never lets a key sign with another algorithm.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, rand};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use zeroize::Zeroizing;

use crate::import::KeyError;
use crate::key::{Kid, PublicMaterial, VerifyingKey};
use crate::secret;

/// The longest token, in bytes, that is made or read (JT-11).
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The longest signature: RSA with a modulus of 8192 bits.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 1024;

/// A signature algorithm of RFC 7518 §3.1 and RFC 8037 §3.1. `none` has no representation (JT-01).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256, signature as 64 raw bytes.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, in the order of the enum.
    pub const ALL: [Self; 6] = [Self::Hs256, Self::Hs384, Self::Hs512, Self::Rs256, Self::Es256, Self::EdDsa];

    /// The name in a header's `alg` member; case matters (RFC 7515 §4.1.1).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The HMAC under it, if it is one of the three with a shared secret.
    pub(crate) fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::Hs256 => Some(hmac::HMAC_SHA256),
            Self::Hs384 => Some(hmac::HMAC_SHA384),
            Self::Hs512 => Some(hmac::HMAC_SHA512),
            Self::Rs256 | Self::Es256 | Self::EdDsa => None,
        }
    }
}

/// The name is none of the six; `none` never is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown signature algorithm; known are HS256, HS384, HS512, RS256, ES256 and EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name).ok_or(UnknownAlgorithm)
    }
}

/// The size of an RSA key to generate, in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaBits {
    /// 2048 bits: the least that is accepted, the fastest signatures.
    Bits2048,
    /// 3072 bits: the default (KY-06).
    #[default]
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The token would be longer than [`TOKEN_BYTES_MAX`], and so refused when it comes back.
    #[error("the token would be longer than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// The cryptographic library refused.
    #[error("the signature could not be made")]
    Failed,
}

/// The private half, one variant per kind of key. All of them wipe their memory when dropped.
pub(crate) enum PrivateMaterial {
    Secret { key: Box<hmac::Key>, bytes: Zeroizing<Vec<u8>> },
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that signs with exactly one algorithm, parsed once. It also verifies: see [`SigningKey::verifying`].
pub struct SigningKey {
    material: PrivateMaterial,
    verifying: VerifyingKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({} ***)", self.algorithm().name())
    }
}

impl SigningKey {
    /// Makes a new key from the operating system's generator. A shared secret gets as many bytes as the hash puts
    /// out (RFC 7518 §3.2), an RSA key 3072 bits; finding its primes takes some hundred milliseconds, the others none.
    ///
    /// # Errors
    /// [`KeyError::Generation`] when the generator fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                let mut bytes = Zeroizing::new(vec![0; secret::bytes_needed(algorithm)]);
                rand::fill(&mut bytes).map_err(|_| KeyError::Generation)?;
                Self::from_secret(algorithm, &bytes)
            }
            Algorithm::Rs256 => Self::generate_rsa(RsaBits::default()),
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| KeyError::Generation)?;
                Self::from_p256(pair, Kid::Thumbprint)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generation)?;
                Self::from_ed25519(pair, Kid::Thumbprint)
            }
        }
    }

    /// Makes a new RS256 key. 4096 bits may take several seconds.
    ///
    /// # Errors
    /// [`KeyError::Generation`] when the generator fails.
    pub fn generate_rsa(bits: RsaBits) -> Result<Self, KeyError> {
        let size = match bits {
            RsaBits::Bits2048 => rsa::KeySize::Rsa2048,
            RsaBits::Bits3072 => rsa::KeySize::Rsa3072,
            RsaBits::Bits4096 => rsa::KeySize::Rsa4096,
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Generation)?;
        Self::from_rsa(pair, Kid::Thumbprint)
    }

    /// The algorithm this key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm()
    }

    /// The key id: given at import, else the thumbprint (RFC 7638), else a digest of the secret.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.verifying.kid()
    }

    /// The half that verifies what this key signs. For HMAC it holds the same secret.
    #[must_use]
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Writes a compact JWS over the JSON texts `header_json` and `claims_json`, which go in byte for byte. The header
    /// must name this key's algorithm, or nobody will accept the token; whoever writes the header answers for that.
    ///
    /// # Errors
    /// [`SignError::TooLong`] past [`TOKEN_BYTES_MAX`]; [`SignError::Failed`] when the library refuses.
    pub fn sign(&self, header_json: &[u8], claims_json: &[u8]) -> Result<String, SignError> {
        let bytes = encoded_len(header_json.len())
            .saturating_add(encoded_len(claims_json.len()))
            .saturating_add(encoded_len(self.verifying.signature_bytes()))
            .saturating_add(2);
        if bytes > TOKEN_BYTES_MAX {
            return Err(SignError::TooLong);
        }
        let mut token = String::with_capacity(bytes);
        BASE64_URL_SAFE_NO_PAD.encode_string(header_json, &mut token);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(claims_json, &mut token);
        let mut signature = [0; SIGNATURE_BYTES_MAX];
        let signature = self.write_signature(token.as_bytes(), &mut signature)?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn write_signature<'a>(
        &self,
        message: &[u8],
        out: &'a mut [u8; SIGNATURE_BYTES_MAX],
    ) -> Result<&'a [u8], SignError> {
        let out = out.get_mut(..self.verifying.signature_bytes()).ok_or(SignError::Failed)?;
        let failed = |_| SignError::Failed;
        match &self.material {
            PrivateMaterial::Secret { key, .. } => copy(hmac::sign(key, message).as_ref(), out)?,
            PrivateMaterial::Rsa(pair) => {
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, out).map_err(failed)?;
            }
            PrivateMaterial::P256(pair) => {
                copy(pair.sign(&SystemRandom::new(), message).map_err(failed)?.as_ref(), out)?;
            }
            PrivateMaterial::Ed25519(pair) => copy(pair.try_sign(message).map_err(failed)?.as_ref(), out)?,
        }
        Ok(out)
    }

    pub(crate) fn material(&self) -> &PrivateMaterial {
        &self.material
    }

    /// Only for secrets that passed [`secret::check`], and the RFC's example secret in tests.
    pub(crate) fn from_checked_secret(algorithm: Algorithm, bytes: &[u8], kid: Kid) -> Result<Self, KeyError> {
        let hmac_algorithm = algorithm.hmac().ok_or(KeyError::AlgorithmMismatch)?;
        let key = Box::new(hmac::Key::new(hmac_algorithm, bytes));
        let verifying = VerifyingKey::from_secret(algorithm, key.clone(), bytes, kid)?;
        Ok(Self { material: PrivateMaterial::Secret { key, bytes: Zeroizing::new(bytes.to_vec()) }, verifying })
    }

    pub(crate) fn from_rsa(pair: RsaKeyPair, kid: Kid) -> Result<Self, KeyError> {
        let public = PublicMaterial::from_rsa_der(pair.public_key().as_ref()).ok_or(KeyError::Rsa)?;
        Ok(Self { verifying: VerifyingKey::from_public(public, kid)?, material: PrivateMaterial::Rsa(pair) })
    }

    pub(crate) fn from_p256(pair: EcdsaKeyPair, kid: Kid) -> Result<Self, KeyError> {
        let public = PublicMaterial::from_p256_point(pair.public_key().as_ref()).ok_or(KeyError::Unsupported)?;
        Ok(Self { verifying: VerifyingKey::from_public(public, kid)?, material: PrivateMaterial::P256(pair) })
    }

    pub(crate) fn from_ed25519(pair: Ed25519KeyPair, kid: Kid) -> Result<Self, KeyError> {
        let public = PublicMaterial::from_ed25519_bytes(pair.public_key().as_ref()).ok_or(KeyError::Unsupported)?;
        Ok(Self { verifying: VerifyingKey::from_public(public, kid)?, material: PrivateMaterial::Ed25519(pair) })
    }
}

/// Length of `bytes` bytes in base64url without padding.
fn encoded_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

/// Copies a signature whose length must be exactly the algorithm's.
fn copy(from: &[u8], to: &mut [u8]) -> Result<(), SignError> {
    if from.len() != to.len() {
        return Err(SignError::Failed);
    }
    to.copy_from_slice(from);
    Ok(())
}
