//! JSON Web Keys (RFC 7517): the public form of our keys, the key set, and reading public and private keys from such
//! texts. What is written here never holds a private number or a shared secret (KY-02).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use crate::import::{KEY_TEXT_BYTES_MAX, KeyError};
use crate::json;
use crate::jws::{Algorithm, SigningKey};
use crate::key::{Kid, PublicMaterial, VerifyingKey};

/// A public key as a JWK: `kty`, its numbers, `kid`, `alg` and `use` = `sig`. Serializes to that object.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    material: PublicMaterial,
}

impl Jwk {
    pub(crate) fn new(kid: String, material: PublicMaterial) -> Self {
        Self { kid, material }
    }

    /// The key id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// SHA-256 thumbprint in base64url (RFC 7638), whatever the key id is.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        self.material.thumbprint()
    }

    fn members(&self) -> Vec<(&'static str, String)> {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut members = match &self.material {
            PublicMaterial::Rsa { n, e } => vec![("kty", "RSA".to_owned()), ("n", text(n)), ("e", text(e))],
            PublicMaterial::P256 { x, y } => {
                vec![("kty", "EC".to_owned()), ("crv", "P-256".to_owned()), ("x", text(x)), ("y", text(y))]
            }
            PublicMaterial::Ed25519 { x } => {
                vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", text(x))]
            }
        };
        members.push(("kid", self.kid.clone()));
        members.push(("alg", self.material.algorithm().name().to_owned()));
        members.push(("use", "sig".to_owned()));
        members
    }
}

impl Serialize for Jwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.members();
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, value) in members {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

/// The key set (RFC 7517 §5) of `keys` as JSON text. Shared secrets have no public form and are left out (KY-02); a key
/// in several rings appears once.
#[must_use]
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a VerifyingKey>) -> String {
    let mut public: Vec<Jwk> = Vec::new();
    for jwk in keys.into_iter().filter_map(VerifyingKey::jwk) {
        if !public.contains(&jwk) {
            public.push(jwk);
        }
    }
    let keys: Vec<Value> = public
        .iter()
        .map(|jwk| jwk.members().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect())
        .map(Value::Object)
        .collect();
    json!({ "keys": keys }).to_string()
}

impl VerifyingKey {
    /// Reads a public JWK: RSA, EC on P-256 or OKP Ed25519.
    ///
    /// # Errors
    /// [`KeyError`]; a JWK with private members or of kind `oct` is refused, it has no business among public keys.
    pub fn from_public_jwk(text: &str) -> Result<Self, KeyError> {
        let members = Members::parse(text)?;
        if members.text("kty")? == "oct" || members.0.contains_key("d") {
            return Err(KeyError::BadJwk("a public key must not have private members"));
        }
        members.check_use("verify")?;
        let material = members.public()?;
        members.check_algorithm(material.algorithm())?;
        Self::from_public(material, members.kid()?)
    }
}

impl SigningKey {
    /// Reads a private JWK: `oct` (with `alg`), RSA with all its CRT members, EC on P-256 or OKP Ed25519 (RFC 7518 §6,
    /// RFC 8037 §2). Its own `kid` is kept, at most 128 visible ASCII characters.
    ///
    /// # Errors
    /// [`KeyError`] saying which rule the key breaks, never what is in it.
    pub fn from_jwk(text: &str) -> Result<Self, KeyError> {
        let members = Members::parse(text)?;
        members.check_use("sign")?;
        let kid = members.kid()?;
        if members.text("kty")? == "oct" {
            let algorithm = members.text("alg").map_err(|_| KeyError::BadJwk("an oct key needs its alg member"))?;
            let algorithm: Algorithm = algorithm.parse().map_err(|_| KeyError::AlgorithmMismatch)?;
            return Self::from_secret_named(algorithm, &members.bytes("k")?, kid);
        }
        let public = members.public()?;
        members.check_algorithm(public.algorithm())?;
        match public {
            PublicMaterial::Rsa { n, e } => Self::from_rsa(members.rsa_pair(n, e)?, kid),
            PublicMaterial::P256 { x, y } => {
                let point: Vec<u8> = [4].iter().chain(&x).chain(&y).copied().collect();
                let d = members.bytes_32("d")?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    d.as_slice(),
                    &point,
                );
                Self::from_p256(pair.map_err(|_| KeyError::BadJwk("its numbers do not belong together"))?, kid)
            }
            PublicMaterial::Ed25519 { x } => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(members.bytes_32("d")?.as_slice(), &x);
                Self::from_ed25519(pair.map_err(|_| KeyError::BadJwk("its numbers do not belong together"))?, kid)
            }
        }
    }
}

/// The members of a JWK; the strings, which may be private, are wiped when dropped.
struct Members(Map<String, Value>);

impl Drop for Members {
    fn drop(&mut self) {
        for (_, value) in self.0.iter_mut() {
            if let Value::String(text) = value {
                text.zeroize();
            }
        }
    }
}

impl Members {
    fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > KEY_TEXT_BYTES_MAX {
            return Err(KeyError::BadJwk("it is too long"));
        }
        json::parse_object(text.as_bytes())
            .map(Self)
            .ok_or(KeyError::BadJwk("it is not a JSON object with each member once"))
    }

    fn text(&self, name: &str) -> Result<&str, KeyError> {
        self.0.get(name).and_then(Value::as_str).ok_or(KeyError::BadJwk("a member is missing or not a string"))
    }

    fn bytes(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(self.text(name)?);
        decoded.map(Zeroizing::new).map_err(|_| KeyError::BadJwk("a member is not canonical base64url"))
    }

    fn bytes_32(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let bytes = self.bytes(name)?;
        let bytes = bytes.as_slice().try_into();
        bytes.map(Zeroizing::new).map_err(|_| KeyError::BadJwk("a member has not 32 bytes"))
    }

    fn kid(&self) -> Result<Kid, KeyError> {
        match self.0.get("kid") {
            None => Ok(Kid::Thumbprint),
            Some(Value::String(kid)) => Ok(Kid::Given(kid.clone())),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(KeyError::BadKid)
            }
        }
    }

    /// RFC 7517 §4.2 and §4.3: a key meant for encryption must not sign.
    fn check_use(&self, operation: &str) -> Result<(), KeyError> {
        let use_fits = self.0.get("use").is_none_or(|value| value == "sig");
        let operation_fits = self.0.get("key_ops").is_none_or(|value| {
            value.as_array().is_some_and(|operations| operations.iter().any(|item| item == operation))
        });
        if use_fits && operation_fits { Ok(()) } else { Err(KeyError::BadJwk("it is not meant for signatures")) }
    }

    fn check_algorithm(&self, expected: Algorithm) -> Result<(), KeyError> {
        let fits = self.0.get("alg").is_none_or(|value| value == expected.name());
        if fits { Ok(()) } else { Err(KeyError::AlgorithmMismatch) }
    }

    fn public(&self) -> Result<PublicMaterial, KeyError> {
        let curve = || self.text("crv");
        match self.text("kty")? {
            "RSA" => Ok(PublicMaterial::Rsa { n: self.bytes("n")?.to_vec(), e: self.bytes("e")?.to_vec() }),
            "EC" if curve()? == "P-256" => {
                Ok(PublicMaterial::P256 { x: *self.bytes_32("x")?, y: *self.bytes_32("y")? })
            }
            "OKP" if curve()? == "Ed25519" => Ok(PublicMaterial::Ed25519 { x: *self.bytes_32("x")? }),
            _ => Err(KeyError::Unsupported),
        }
    }

    fn rsa_pair(&self, n: Vec<u8>, e: Vec<u8>) -> Result<RsaKeyPair, KeyError> {
        if self.0.contains_key("oth") {
            return Err(KeyError::BadJwk("an RSA key must have two primes"));
        }
        let components = aws_lc_rs::rsa::KeyPairComponents {
            public_key: RsaPublicKeyComponents { n: Zeroizing::new(n), e: Zeroizing::new(e) },
            d: self.bytes("d")?,
            p: self.bytes("p")?,
            q: self.bytes("q")?,
            dP: self.bytes("dp")?,
            dQ: self.bytes("dq")?,
            qInv: self.bytes("qi")?,
        };
        RsaKeyPair::from_components(&components).map_err(|_| KeyError::Rsa)
    }
}
