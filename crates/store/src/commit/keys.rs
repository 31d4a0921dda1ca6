//! Statements about the server's own keys.

use myna_core::change::Conflict;
use myna_core::key::SealedKey;

use super::Step;

const INSERT: &str = "INSERT INTO sealed_key (name, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const REPLACE: &str = "UPDATE sealed_key SET sealed = $2 WHERE name = $1 AND sealed = $3";
const DELETE: &str = "DELETE FROM sealed_key WHERE name = $1 AND sealed = $2";

/// Of several nodes that make the same key at the same time one does; the others are told, and load it.
pub(super) fn insert(key: &SealedKey) -> Step<'_> {
    let SealedKey { name, sealed } = key;
    Step::guarded(INSERT, [name.into(), sealed.into()], Conflict::KeyNameTaken(name.clone()))
}

pub(super) fn replace<'a>(key: &'a SealedKey, while_sealed: &'a str) -> Step<'a> {
    let SealedKey { name, sealed } = key;
    Step::guarded(REPLACE, [name.into(), sealed.into(), while_sealed.into()], Conflict::KeyChanged(name.clone()))
}

pub(super) fn delete(key: &SealedKey) -> Step<'_> {
    let SealedKey { name, sealed } = key;
    Step::guarded(DELETE, [name.into(), sealed.into()], Conflict::KeyChanged(name.clone()))
}
