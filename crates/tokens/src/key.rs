//! Verifying keys: the public numbers (or the shared secret) of one key, typed for one algorithm, with its key id.
//! It never holds a private number of an asymmetric key and never tries a second algorithm on a key.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    RsaPublicKeyComponents,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use zeroize::Zeroizing;

use crate::crypto;
use crate::import::KeyError;
use crate::jwk::Jwk;
use crate::jws::Algorithm;

/// The longest key id, in bytes, that is given out or looked up (JT-05).
pub(crate) const KID_BYTES_MAX: usize = 128;

/// The smallest and largest RSA modulus, in bits (KY-06).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The smallest public exponent: with 3, forgeries against sloppy padding checks become arithmetic (JT-12).
const RSA_EXPONENT_MIN: u64 = 65_537;

static RSA: RsaParameters = RSA_PKCS1_2048_8192_SHA256;

/// Where a key's id comes from.
pub(crate) enum Kid {
    /// RFC 7638, or a digest for secrets.
    Thumbprint,
    /// Given with the key; checked before use.
    Given(String),
}

/// The public numbers of an asymmetric key, in the form a JWK shows them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum PublicMaterial {
    /// Big-endian, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    P256 {
        x: [u8; 32],
        y: [u8; 32],
    },
    Ed25519 {
        x: [u8; 32],
    },
}

impl PublicMaterial {
    /// Reads an `RSAPublicKey` (RFC 8017 appendix A.1.1).
    pub(crate) fn from_rsa_der(der: &[u8]) -> Option<Self> {
        let (body, rest) = der_element(0x30, der)?;
        let (n, more) = der_element(0x02, body)?;
        let (e, end) = der_element(0x02, more)?;
        if !rest.is_empty() || !end.is_empty() {
            return None;
        }
        let unsigned = |bytes: &[u8]| bytes.strip_prefix(&[0]).unwrap_or(bytes).to_vec();
        Some(Self::Rsa { n: unsigned(n), e: unsigned(e) })
    }

    /// Reads an uncompressed point (SEC 1 §2.3.3).
    pub(crate) fn from_p256_point(point: &[u8]) -> Option<Self> {
        let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
        Some(Self::P256 { x: x.try_into().ok()?, y: y.try_into().ok()? })
    }

    /// Reads the 32 bytes of an Ed25519 public key (RFC 8032 §5.1.5).
    pub(crate) fn from_ed25519_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self::Ed25519 { x: bytes.try_into().ok()? })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Rsa { .. } => Algorithm::Rs256,
            Self::P256 { .. } => Algorithm::Es256,
            Self::Ed25519 { .. } => Algorithm::EdDsa,
        }
    }

    /// The thumbprint of RFC 7638 §3: SHA-256 over the required members in lexical order.
    pub(crate) fn thumbprint(&self) -> String {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let canonical = match self {
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n)),
            Self::P256 { x, y } => format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(x), text(y)),
            Self::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x)),
        };
        text(&crypto::digest(canonical.as_bytes()))
    }

    fn parse(&self) -> Result<ParsedPublicKey, KeyError> {
        match self {
            Self::Rsa { n, e } => {
                check_rsa(n, e)?;
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA).map_err(|_| KeyError::Rsa)
            }
            Self::P256 { x, y } => {
                let point: Vec<u8> = [4].iter().chain(x).chain(y).copied().collect();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| KeyError::Unsupported)
            }
            Self::Ed25519 { x } => ParsedPublicKey::new(&ED25519, x).map_err(|_| KeyError::Unsupported),
        }
    }
}

fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyError> {
    let (Some(first), Some(last)) = (n.first(), n.last()) else {
        return Err(KeyError::Rsa);
    };
    let bits = n.len().saturating_mul(8).saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(8));
    if *first == 0 || last % 2 == 0 || !RSA_BITS.contains(&bits) {
        return Err(KeyError::Rsa);
    }
    let fits = e.len() <= 4 && e.first() != Some(&0);
    let exponent = e.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    if !fits || exponent < RSA_EXPONENT_MIN || exponent % 2 == 0 {
        return Err(KeyError::RsaExponent);
    }
    Ok(())
}

/// Splits the DER element with `tag` off `input`: its content and what follows. Lengths up to 65,535 bytes.
pub(crate) fn der_element(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = input.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(byte, rest)| (usize::from(*byte), rest))?,
        0x82 => rest.split_first_chunk().map(|(bytes, rest)| (usize::from(u16::from_be_bytes(*bytes)), rest))?,
        _ => return None,
    };
    if *first != tag {
        return None;
    }
    rest.split_at_checked(length)
}

/// What a verifying key checks with.
#[derive(Clone)]
enum Check {
    Secret(Box<hmac::Key>),
    Public { parsed: ParsedPublicKey, material: PublicMaterial },
}

/// A key that verifies signatures of exactly one algorithm, parsed once.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Box<str>,
    algorithm: Algorithm,
    check: Check,
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifyingKey({} ***)", self.algorithm.name())
    }
}

impl VerifyingKey {
    /// The algorithm this key verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key id tokens name it by.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public form for a JWKS. `None` for a shared secret, which has none (KY-02).
    #[must_use]
    pub fn jwk(&self) -> Option<Jwk> {
        match &self.check {
            Check::Secret(_) => None,
            Check::Public { material, .. } => Some(Jwk::new(self.kid.to_string(), material.clone())),
        }
    }

    /// Whether `signature` is this key's over `message`. HMAC compares in constant time; ES256 takes 64 raw bytes only
    /// and refuses zero numbers (JT-12).
    pub(crate) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.check {
            Check::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Check::Public { parsed, .. } => {
                signature.len() == self.signature_bytes() && parsed.verify_sig(message, signature).is_ok()
            }
        }
    }

    /// The length of every signature of this key, in bytes.
    pub(crate) fn signature_bytes(&self) -> usize {
        match &self.check {
            Check::Secret(key) => key.algorithm().tag_len(),
            Check::Public { material: PublicMaterial::Rsa { n, .. }, .. } => n.len(),
            Check::Public { material: PublicMaterial::P256 { .. } | PublicMaterial::Ed25519 { .. }, .. } => 64,
        }
    }

    /// Whether both are the same key under the same id; a shared secret is told apart by what it signs.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_check = match (&self.check, &other.check) {
            (Check::Secret(key), Check::Secret(_)) => {
                let probe = b"myna: the same secret?";
                other.holds(probe, hmac::sign(key, probe).as_ref())
            }
            (Check::Public { material, .. }, Check::Public { material: theirs, .. }) => material == theirs,
            (Check::Secret(_), Check::Public { .. }) | (Check::Public { .. }, Check::Secret(_)) => false,
        };
        same_check && self.kid == other.kid && self.algorithm == other.algorithm
    }

    pub(crate) fn from_public(material: PublicMaterial, kid: Kid) -> Result<Self, KeyError> {
        let parsed = material.parse()?;
        let kid = match kid {
            Kid::Thumbprint => material.thumbprint(),
            Kid::Given(kid) => checked_kid(kid)?,
        };
        Ok(Self { kid: kid.into(), algorithm: material.algorithm(), check: Check::Public { parsed, material } })
    }

    pub(crate) fn from_secret(
        algorithm: Algorithm,
        key: Box<hmac::Key>,
        bytes: &[u8],
        kid: Kid,
    ) -> Result<Self, KeyError> {
        let kid = match kid {
            Kid::Thumbprint => secret_kid(bytes),
            Kid::Given(kid) => checked_kid(kid)?,
        };
        Ok(Self { kid: kid.into(), algorithm, check: Check::Secret(key) })
    }
}

fn checked_kid(kid: String) -> Result<String, KeyError> {
    let printable = kid.bytes().all(|byte| byte.is_ascii_graphic());
    if kid.is_empty() || kid.len() > KID_BYTES_MAX || !printable {
        return Err(KeyError::BadKid);
    }
    Ok(kid)
}

/// 128 bits of a labelled digest: names the secret without being useful anywhere else.
fn secret_kid(bytes: &[u8]) -> String {
    let label = b"myna key id of a shared secret\0";
    let mut labelled = Zeroizing::new(Vec::with_capacity(label.len().saturating_add(bytes.len())));
    labelled.extend_from_slice(label);
    labelled.extend_from_slice(bytes);
    let [digest @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = crypto::digest(&labelled);
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}
