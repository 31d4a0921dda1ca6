//! Taking in keys made elsewhere: PEM files and shared secrets, and why a key is refused. It never reads a file itself,
//! never guesses past a doubt, and its errors never hold any part of a key.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use crate::jws::{Algorithm, SigningKey};
use crate::key::Kid;
use crate::secret::{self, WeakSecret};

/// The longest text of a key, in bytes, that is read.
pub(crate) const KEY_TEXT_BYTES_MAX: usize = 64 * 1024;

/// The object identifier rsaEncryption (RFC 8017 appendix A.1) in DER, to tell why a PKCS#8 text is refused.
const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// Why a key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The shared secret may be known to others.
    #[error("the shared secret is refused: {0}")]
    WeakSecret(#[from] WeakSecret),
    /// The text has no well-formed PEM block.
    #[error("the text is not a well-formed PEM file")]
    BadPem,
    /// The PEM block is encrypted.
    #[error("the key is encrypted; remove its passphrase first (openssl pkey)")]
    Encrypted,
    /// The PEM file holds a public key or a certificate.
    #[error("the file holds no private key, only a public key or a certificate")]
    PublicOnly,
    /// The PEM file holds several private keys.
    #[error("the file holds several private keys; give one")]
    SeveralKeys,
    /// Neither RSA, nor EC on P-256, nor Ed25519, or its numbers are broken.
    #[error("the key is none of RSA, EC on P-256 and Ed25519, or is broken")]
    Unsupported,
    /// An RSA key that is broken, smaller than 2048 or larger than 8192 bits.
    #[error("the RSA key is broken, smaller than 2048 bits or larger than 8192")]
    Rsa,
    /// An RSA key with a public exponent under 65537, even, or over 32 bits.
    #[error("the RSA key's public exponent is refused; it should be 65537")]
    RsaExponent,
    /// The JWK breaks a rule.
    #[error("the JWK is refused: {0}")]
    BadJwk(&'static str),
    /// The key id is empty, too long or has other than visible ASCII characters.
    #[error("the key id must be 1 to 128 visible ASCII characters")]
    BadKid,
    /// The algorithm is unknown or not one for this kind of key.
    #[error("the algorithm does not fit the kind of key")]
    AlgorithmMismatch,
    /// The stored form breaks a rule.
    #[error("the stored key is refused: {0}")]
    BadStored(&'static str),
    /// Two different keys of a ring have one key id.
    #[error("two different keys have the same key id")]
    DuplicateKid,
    /// The generator or the encoder of the library failed.
    #[error("the key could not be made or written")]
    Generation,
}

impl SigningKey {
    /// Takes a shared secret for HS256, HS384 or HS512, byte for byte.
    ///
    /// # Errors
    /// [`KeyError::WeakSecret`] when it is short, published or regular (JT-13); [`KeyError::AlgorithmMismatch`] for the
    /// other algorithms.
    pub fn from_secret(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        Self::from_secret_named(algorithm, secret, Kid::Thumbprint)
    }

    pub(crate) fn from_secret_named(algorithm: Algorithm, bytes: &[u8], kid: Kid) -> Result<Self, KeyError> {
        if algorithm.hmac().is_none() {
            return Err(KeyError::AlgorithmMismatch);
        }
        secret::check(algorithm, bytes)?;
        Self::from_checked_secret(algorithm, bytes, kid)
    }

    /// Takes the one private key of a PEM text (RFC 7468): PKCS#8 `PRIVATE KEY`, PKCS#1 `RSA PRIVATE KEY` or SEC 1
    /// `EC PRIVATE KEY`. The kind of key sets the algorithm: RS256, ES256 or EdDSA.
    ///
    /// # Errors
    /// [`KeyError`] saying what the text holds instead.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        if text.len() > KEY_TEXT_BYTES_MAX {
            return Err(KeyError::BadPem);
        }
        let mut found = None;
        let mut public = false;
        for block in pem_blocks(text) {
            let PemBlock { label, body } = block?;
            match label {
                "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" if found.is_some() => {
                    return Err(KeyError::SeveralKeys);
                }
                "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => found = Some((label, body)),
                "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
                "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => public = true,
                // OpenSSL writes the curve's name in front of an EC key; the key names it again.
                "EC PARAMETERS" => {}
                _ => return Err(KeyError::Unsupported),
            }
        }
        let Some((label, body)) = found else {
            return Err(if public { KeyError::PublicOnly } else { KeyError::BadPem });
        };
        let der = decode_body(body)?;
        match label {
            "RSA PRIVATE KEY" => {
                Self::from_rsa(RsaKeyPair::from_der(&der).map_err(|_| KeyError::Rsa)?, Kid::Thumbprint)
            }
            "EC PRIVATE KEY" => {
                let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
                Self::from_p256(pair.map_err(|_| KeyError::Unsupported)?, Kid::Thumbprint)
            }
            _ => Self::from_pkcs8(&der, Kid::Thumbprint),
        }
    }

    /// Takes an unencrypted PKCS#8 document (RFC 5208, RFC 5958) of any kind of key we know.
    pub(crate) fn from_pkcs8(der: &[u8], kid: Kid) -> Result<Self, KeyError> {
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8(der) {
            return Self::from_ed25519(pair, kid);
        }
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
            return Self::from_p256(pair, kid);
        }
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return Self::from_rsa(pair, kid);
        }
        let rsa = der.windows(RSA_ENCRYPTION.len()).any(|window| window == RSA_ENCRYPTION);
        Err(if rsa { KeyError::Rsa } else { KeyError::Unsupported })
    }
}

/// One block between its BEGIN and END lines.
struct PemBlock<'a> {
    label: &'a str,
    body: &'a str,
}

/// The blocks of a PEM text; text between blocks is allowed (RFC 7468 §2).
fn pem_blocks(text: &str) -> impl Iterator<Item = Result<PemBlock<'_>, KeyError>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once("-----BEGIN ")?;
        // Nothing is looked for behind a broken block.
        rest = "";
        let parsed = after.split_once("-----").and_then(|(label, after)| {
            let (body, after) = after.split_once("-----END ")?;
            let after = after.strip_prefix(label)?.strip_prefix("-----")?;
            Some((PemBlock { label, body }, after))
        });
        let Some((block, after)) = parsed else {
            return Some(Err(KeyError::BadPem));
        };
        rest = after;
        Some(Ok(block))
    })
}

fn decode_body(body: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // RFC 1421 headers, as old OpenSSL writes them: the only ones seen mean encryption.
    if body.contains("Proc-Type:") || body.contains("DEK-Info:") {
        return Err(KeyError::Encrypted);
    }
    let mut dense = Zeroizing::new(Vec::with_capacity(body.len()));
    dense.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    BASE64_STANDARD.decode(dense.as_slice()).map(Zeroizing::new).map_err(|_| KeyError::BadPem)
}
