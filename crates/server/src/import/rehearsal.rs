//! An import that writes nothing: what would be in the way is looked up, and what earlier lines would have taken is
//! remembered.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use myna_core::change::Conflict;
use myna_core::identifier::Canonical;
use myna_store::{OnConflict, Store, StoreError};

use super::Entry;

/// What would be there.
pub(super) struct Rehearsal {
    store: Store,
    ids: HashSet<i64>,
    /// 128 bits of each name: of a million users the names themselves would take hundreds of megabytes.
    names: HashSet<(u64, u64)>,
    hashers: (RandomState, RandomState),
}

impl Rehearsal {
    pub(super) fn new(store: Store) -> Self {
        let hashers = (RandomState::new(), RandomState::new());
        Self { store, ids: HashSet::new(), names: HashSet::new(), hashers }
    }

    /// What [`myna_store::Bulk::commit`] would answer.
    pub(super) async fn try_all(
        &mut self,
        entries: &[Entry],
        on_conflict: OnConflict,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let mut answers = Vec::with_capacity(entries.len());
        for entry in entries {
            let conflict = self.conflict(entry).await?;
            let stops = conflict.is_some() && on_conflict == OnConflict::Stop;
            answers.push(conflict.map_or(Ok(()), Err));
            if stops {
                break;
            }
        }
        Ok(answers)
    }

    async fn conflict(&mut self, entry: &Entry) -> Result<Option<Conflict>, StoreError> {
        if let Some(id) = entry.id
            && (self.ids.contains(&id.0) || self.store.load_is_id_used(id).await?)
        {
            return Ok(Some(Conflict::UserIdUsed(id)));
        }
        let names = entry.user.identifiers();
        let taken = self.store.load_taken(&names).await?;
        for (name, is_taken) in names.iter().zip(taken) {
            if is_taken || self.names.contains(&self.digest(name)) {
                return Ok(Some(Conflict::IdentifierTaken(name.clone())));
            }
        }
        self.ids.extend(entry.id.map(|id| id.0));
        let digests: Vec<_> = names.iter().map(|name| self.digest(name)).collect();
        self.names.extend(digests);
        Ok(None)
    }

    fn digest(&self, name: &Canonical) -> (u64, u64) {
        (self.hashers.0.hash_one(name.as_str()), self.hashers.1.hash_one(name.as_str()))
    }
}
