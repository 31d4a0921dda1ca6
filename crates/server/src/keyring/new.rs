//! Keys that are made: by the first start, by dialects that are new, by an operator.

use std::sync::Arc;

use myna_core::time::Timestamp;
use myna_tokens::{Algorithm, KeyError, SigningKey};
use zeroize::Zeroizing;

use super::place::{Mark, Place};
use super::{KeyringError, Need, Stock};

/// How often others may have taken a key's place before it is given up.
const TRIES: usize = 5;

/// A key that is to be kept.
pub(crate) struct NewKey {
    /// Whose key.
    pub(crate) need: Need,
    /// The key.
    pub(crate) key: Arc<SigningKey>,
    /// When it was made or imported.
    pub(crate) created_at: Timestamp,
    /// Not to sign before.
    pub(crate) active_from: Timestamp,
}

impl NewKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyringError`] when the library cannot.
    pub(crate) fn generate(need: &Need, now: Timestamp, active_from: Timestamp) -> Result<Self, KeyringError> {
        let failed = |source| KeyringError::Key { place: format!("a new key for {}", need.dialect), source };
        let key = Arc::new(generate(need.algorithm).map_err(failed)?);
        Ok(Self { need: need.clone(), key, created_at: now, active_from })
    }

    pub(super) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let failed = |source| KeyringError::Key { place: format!("the new key {}", self.key.kid()), source };
        let stored = self.key.to_stored(self.created_at.0).map_err(failed)?;
        stored.signing_from(self.active_from.0).to_json().map_err(failed)
    }
}

/// Reads what `place` keeps, after what is missing was made.
pub(super) async fn complete(place: &Place, needs: &[Need], now: Timestamp) -> Result<(Stock, Mark), KeyringError> {
    let mut made: Vec<NewKey> = Vec::new();
    for _ in 0..TRIES {
        let (stock, mark) = place.load_marked().await?;
        let missing: Vec<&Need> =
            needs.iter().filter(|need| stock.keys.iter().all(|kept| kept.need != **need)).collect();
        if stock.root.is_some() && missing.is_empty() {
            return Ok((stock, mark));
        }
        for need in &missing {
            if made.iter().all(|new| new.need != **need) {
                made.push(NewKey::generate(need, now, now)?);
            }
        }
        let new: Vec<&NewKey> = made.iter().filter(|new| missing.contains(&&new.need)).collect();
        match place.supply(&stock, &new).await {
            Ok(()) => {
                for NewKey { need, key, .. } in new {
                    tracing::info!(
                        dialect = need.dialect,
                        purpose = need.purpose.name(),
                        kid = key.kid(),
                        "made a key"
                    );
                }
            }
            // Another node was faster: its keys count.
            Err(KeyringError::Changed | KeyringError::Known { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Err(KeyringError::Changed)
}

/// RSA keys of 2048 bits: what the clients of RS256 APIs expect, and three times cheaper to sign with than 3072.
fn generate(algorithm: Algorithm) -> Result<SigningKey, KeyError> {
    match algorithm {
        Algorithm::Rs256 => SigningKey::generate_rsa(myna_tokens::RsaBits::Bits2048),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Es256 | Algorithm::EdDsa => {
            SigningKey::generate(algorithm)
        }
    }
}
