//! How to see whether a list of changes was applied when nobody said so: a row that only these changes can have made.

use myna_core::change::{Change, Reuse};
use myna_core::key::SealedKey;
use myna_core::session::EndCause;

use crate::engine::Value;

const ROTATED: &str =
    "SELECT 1 FROM session WHERE user_id = $1 AND handle = $2 AND generation = $3 AND rotated_at = $4";
const TOUCHED: &str = "SELECT 1 FROM session WHERE user_id = $1 AND handle = $2 AND used_at = $3";
const BEGUN: &str = "SELECT 1 FROM session WHERE user_id = $1 AND handle = $2";
const ENDED: &str = "SELECT 1 FROM session WHERE user_id = $1 AND handle = $2 AND ended_at = $3 AND end_cause = $4";
const HASHED: &str = "SELECT 1 FROM password WHERE user_id = $1 AND hash = $2";
const MADE: &str = "SELECT 1 FROM user_account WHERE id = $1 AND created_at = $2";
const ALTERED: &str = "SELECT 1 FROM user_account WHERE id = $1 AND updated_at = $2";
const ASKED: &str = "SELECT 1 FROM challenge WHERE user_id = $1 AND handle = $2";
const ANSWERED: &str = "SELECT 1 FROM challenge WHERE user_id = $1 AND handle = $2 AND used_at = $3";
const QUEUED: &str = "SELECT 1 FROM mail WHERE id = $1";
const SEALED: &str = "SELECT 1 FROM sealed_key WHERE name = $1 AND sealed = $2";
const DELAYED: &str = "SELECT 1 FROM mail WHERE id = $1 AND due_at = $2";
// None of these comes back: whoever has taken it away, it is as was asked.
const DELETED: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM user_account WHERE id = $1)";
const REMOVED: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM sealed_key WHERE name = $1)";
const DROPPED: &str = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM mail WHERE id = $1)";

/// A query and its values.
pub(crate) type Witness<'a> = (&'static str, Vec<Value<'a>>);

/// Queries that have a row, each of them, exactly when `changes` were applied; none where no row can tell. Random handles
/// and salts, and times in microseconds, make the row nobody else's: one is enough. Of users whose id and time an import
/// has named some may have been there before, so that all are asked for.
pub(crate) fn witnesses(changes: &[Change]) -> Vec<Witness<'_>> {
    let users = changes.iter().filter(|change| matches!(change, Change::InsertUser(_)));
    let users: Vec<Witness<'_>> = users.filter_map(witness).collect();
    if users.is_empty() { changes.iter().find_map(witness).into_iter().collect() } else { users }
}

fn witness(change: &Change) -> Option<Witness<'_>> {
    Some(match change {
        Change::RotateSession { id, while_generation, at, .. } => {
            let next = while_generation.saturating_add(1);
            (ROTATED, vec![id.user.into(), (&id.handle).into(), next.into(), (*at).into()])
        }
        Change::TouchSession { id, at, .. } => (TOUCHED, vec![id.user.into(), (&id.handle).into(), (*at).into()]),
        Change::InsertSession(session) => (BEGUN, vec![session.id.user.into(), (&session.id.handle).into()]),
        Change::EndSession { id, at, cause } => {
            (ENDED, vec![id.user.into(), (&id.handle).into(), (*at).into(), cause.name().into()])
        }
        Change::EndReused(Reuse { id, at, .. }) => {
            let cause = EndCause::Reuse.name();
            (ENDED, vec![id.user.into(), (&id.handle).into(), (*at).into(), cause.into()])
        }
        Change::SetPassword { user, hash, .. } => (HASHED, vec![(*user).into(), hash.expose().into()]),
        Change::InsertUser(user) => (MADE, vec![user.id.into(), user.created_at.into()]),
        Change::UpdateUser(user) => (ALTERED, vec![user.id.into(), user.updated_at.into()]),
        Change::InsertChallenge(challenge) => (ASKED, vec![challenge.id.user.into(), (&challenge.id.handle).into()]),
        Change::UseChallenge { id, at } => (ANSWERED, vec![id.user.into(), (&id.handle).into(), (*at).into()]),
        Change::QueueMail(mail) => (QUEUED, vec![(&mail.id).into()]),
        // Encrypted with a random nonce: nobody else has written the same.
        Change::InsertKey(key) | Change::ReplaceKey { key, .. } => {
            let SealedKey { name, sealed } = key;
            (SEALED, vec![name.into(), sealed.into()])
        }
        Change::DelayMail { id, until } => (DELAYED, vec![id.into(), (*until).into()]),
        Change::DeleteUser(user) => (DELETED, vec![(*user).into()]),
        Change::DeleteKey(key) => (REMOVED, vec![(&key.name).into()]),
        Change::DropMail(id) => (DROPPED, vec![id.into()]),
        Change::KeepPassword { .. }
        | Change::KeepUser { .. }
        | Change::KeepSession { .. }
        | Change::ClearMustChange(_)
        | Change::NoteAccess { .. }
        | Change::EndSessions { .. }
        | Change::EndSessionsOfToken { .. }
        | Change::EndDeviceSession { .. }
        | Change::EndOldestSessions { .. }
        | Change::VoidChallenges { .. }
        | Change::PutRole(_) => return None,
    })
}
