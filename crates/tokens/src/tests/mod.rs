//! Tests across the modules: the published vectors, the hostile tokens, the life of keys. Here: the keys and rings they
//! share, made anew in every run, so that no private key of ours lies in the repository (KY-09).

mod hostile;
mod keys;
mod vectors;

use std::sync::{Arc, OnceLock};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};

use crate::{Algorithm, Expiry, KeyRing, RsaBits, Rules, SigningKey, VerifyingKey};

/// The second all tests happen in.
const NOW: i64 = 1_800_000_000;

const STRICT: Rules = Rules { leeway_seconds: 0, expiry: Expiry::Enforce };

/// One key per algorithm, made once per run: RSA takes its time.
fn key(algorithm: Algorithm) -> Arc<SigningKey> {
    static KEYS: OnceLock<Vec<Arc<SigningKey>>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| Algorithm::ALL.into_iter().map(fresh).map(Arc::new).collect());
    Arc::clone(keys.iter().find(|key| key.algorithm() == algorithm).unwrap())
}

fn fresh(algorithm: Algorithm) -> SigningKey {
    match algorithm {
        Algorithm::Rs256 => SigningKey::generate_rsa(RsaBits::Bits2048).unwrap(),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Es256 | Algorithm::EdDsa => {
            SigningKey::generate(algorithm).unwrap()
        }
    }
}

/// A ring with one key.
fn ring(algorithm: Algorithm) -> KeyRing {
    KeyRing::new(key(algorithm), Vec::new()).unwrap()
}

/// A ring that signs with EdDSA and verifies with a key of every algorithm.
fn full_ring() -> KeyRing {
    let others: Vec<VerifyingKey> = Algorithm::ALL.into_iter().map(|a| key(a).verifying().clone()).collect();
    KeyRing::new(key(Algorithm::EdDsa), others).unwrap()
}

/// A header with the key's own algorithm and id.
fn header(key: &SigningKey) -> String {
    format!(r#"{{"alg":"{}","kid":"{}","typ":"JWT"}}"#, key.algorithm().name(), key.kid())
}

/// Claims that are good for one more minute.
fn good_claims() -> String {
    format!(r#"{{"sub":"7","iat":{NOW},"exp":{}}}"#, NOW + 60)
}

fn token(key: &SigningKey, header: &str, claims: &str) -> String {
    key.sign(header.as_bytes(), claims.as_bytes()).unwrap()
}

fn good_token(algorithm: Algorithm) -> String {
    let key = key(algorithm);
    token(&key, &header(&key), &good_claims())
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn unb64(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}
