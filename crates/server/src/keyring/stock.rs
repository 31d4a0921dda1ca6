//! What is kept: the root key and every signing key, wherever they are. It reads no file and no database.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use myna_core::key::SealedKey;
use myna_core::time::Timestamp;
use myna_tokens::{KeyRing, SigningKey, StoredKey, VerifyingKey};
use zeroize::Zeroizing;

use super::{KeyringError, Need, NewKey, Use};

/// The root key: from it the keys of refresh tokens and reset links are derived.
pub(super) type Root = Zeroizing<[u8; 32]>;

/// Everything that one place keeps.
pub(crate) struct Stock {
    pub(super) root: Option<Root>,
    /// Every signing key, in no order that means anything.
    pub(crate) keys: Vec<KeptKey>,
}

/// A signing key and what is known of it.
pub(crate) struct KeptKey {
    /// Whose key.
    pub(crate) need: Need,
    /// Its name in token headers.
    pub(crate) kid: String,
    /// When it was made or imported.
    pub(crate) created_at: Timestamp,
    /// Not to sign before; until then it verifies and is shown to others (MN-03).
    pub(crate) active_from: Timestamp,
    pub(super) key: Arc<SigningKey>,
    pub(super) kept: Kept,
}

/// Where a key is kept.
pub(super) enum Kept {
    File(PathBuf),
    Row(SealedKey),
}

impl Kept {
    fn place(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Row(row) => format!("the key `{}` in the database", row.name),
        }
    }
}

/// What a key does at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It signs, since.
    Signs,
    /// It verifies what it has signed; another one signs since this time.
    Verifies(Timestamp),
    /// It verifies, and will sign.
    Waits,
}

impl State {
    /// The word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Signs => "signs",
            Self::Verifies(_) => "verifies",
            Self::Waits => "waits",
        }
    }
}

pub(super) type Rings = HashMap<Need, Arc<KeyRing>>;

impl KeptKey {
    /// Takes a key from its stored form.
    pub(super) fn open(dialect: &str, purpose: Use, json: &[u8], kept: Kept) -> Result<Self, KeyringError> {
        let failed = |source| KeyringError::Key { place: kept.place(), source };
        let stored = StoredKey::parse(json).map_err(failed)?;
        let key = SigningKey::from_stored(&stored).map_err(failed)?;
        Ok(Self {
            need: Need { dialect: dialect.to_owned(), purpose, algorithm: key.algorithm() },
            kid: stored.kid().to_owned(),
            created_at: Timestamp(stored.created_at()),
            active_from: Timestamp(stored.active_from()),
            key: Arc::new(key),
            kept,
        })
    }

    /// The same key, to be kept elsewhere.
    pub(super) fn copied(&self) -> NewKey {
        let Self { need, kid: _, created_at, active_from, key, kept: _ } = self;
        NewKey { need: need.clone(), key: Arc::clone(key), created_at: *created_at, active_from: *active_from }
    }

    /// In which order keys sign; the same on every node, also for two of the same moment.
    fn turn(&self) -> (Timestamp, Timestamp, &str) {
        (self.active_from, self.created_at, &self.kid)
    }
}

impl Stock {
    /// The keys of one need: first the one that signs at `now`, then those that signed before it, the latest first, then
    /// those that wait.
    pub(crate) fn of(&self, need: &Need, now: Timestamp) -> Vec<(&KeptKey, State)> {
        let mut keys: Vec<&KeptKey> = self.keys.iter().filter(|key| key.need == *need).collect();
        keys.sort_by(|one, other| one.turn().cmp(&other.turn()));
        // Of keys that all wait, as a clock that lags sees them, the first one signs: somebody has to.
        let active = keys.iter().filter(|key| key.active_from <= now).count().clamp(1, keys.len().max(1));
        let waits = keys.split_off(active.min(keys.len()));
        let mut signs_from = None;
        let mut ordered: Vec<_> = Vec::with_capacity(keys.len() + waits.len());
        for key in keys.into_iter().rev() {
            ordered.push((key, signs_from.map_or(State::Signs, State::Verifies)));
            signs_from = Some(key.active_from);
        }
        ordered.extend(waits.into_iter().map(|key| (key, State::Waits)));
        ordered
    }

    /// When a key that is made now is to sign: after `lead`, and in no case before a key that signs already.
    pub(crate) fn signs_from(&self, need: &Need, now: Timestamp, lead: Duration) -> Timestamp {
        let active = self.keys.iter().filter(|key| key.need == *need && key.active_from <= now + lead);
        let newest = active.map(|key| key.active_from + Duration::from_micros(1)).max();
        newest.map_or(now + lead, |newest| newest.max(now + lead))
    }

    /// Every need for which there are keys, in the order of their names.
    pub(crate) fn needs(&self) -> Vec<Need> {
        let mut needs: Vec<Need> = self.keys.iter().map(|key| key.need.clone()).collect();
        needs.sort_by(|one, other| {
            let order = |need: &Need| (need.dialect.clone(), need.purpose.name(), need.algorithm.name());
            order(one).cmp(&order(other))
        });
        needs.dedup();
        needs
    }

    /// The key rings of `needs` as they are at `now`.
    pub(super) fn rings(&self, needs: &[Need], now: Timestamp) -> Result<Rings, KeyringError> {
        let mut rings = Rings::new();
        for need in needs {
            let keys = self.of(need, now);
            let Some((signing, _)) = keys.first() else { continue };
            let others: Vec<VerifyingKey> = keys.iter().skip(1).map(|(kept, _)| kept.key.verifying().clone()).collect();
            let failed = |source| KeyringError::Key { place: format!("the keys of `{}`", need.dialect), source };
            let ring = KeyRing::new(Arc::clone(&signing.key), others).map_err(failed)?;
            rings.insert(need.clone(), Arc::new(ring));
        }
        Ok(rings)
    }

    /// When the next key begins to sign.
    pub(super) fn next_turn(&self, now: Timestamp) -> Option<Timestamp> {
        self.keys.iter().map(|key| key.active_from).filter(|from| *from > now).min()
    }
}
