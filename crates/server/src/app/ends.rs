//! What the log is told of sessions that ended, once that is durable: one line for each, with its cause. Of a token nothing
//! is told but its generation.

use myna_core::change::{Change, Reuse};
use myna_core::policy::Caller;
use myna_core::session::EndCause;
use myna_store::Ended;

/// What an alarm listens for: somebody holds a copy of a refresh token.
const REUSE: &str = "myna::reuse";

/// The reuse among changes: no operation notices more than one.
pub(super) fn reuse_among(changes: &[Change]) -> Option<Reuse> {
    changes.iter().find_map(|change| if let Change::EndReused(reuse) = change { Some(reuse.clone()) } else { None })
}

/// One line for each of `ended`; a reuse is told with what was presented and by whom.
pub(super) fn log(caller: &Caller, ended: &[Ended], reuse: Option<&Reuse>) {
    for Ended { id, dialect, cause } in ended {
        match reuse.filter(|reuse| *cause == EndCause::Reuse && reuse.id == *id) {
            Some(Reuse { presented, current, .. }) => tracing::warn!(
                target: REUSE,
                {
                    user.id = id.user.0,
                    session.id = %id.handle,
                    session.dialect = dialect,
                    generation.presented = presented,
                    generation.current = current,
                    client.address = caller.address,
                    client.agent = caller.agent,
                },
                "a refresh token was used again after it had been replaced: its session has ended"
            ),
            None => tracing::info!(
                user.id = id.user.0,
                session.id = %id.handle,
                session.dialect = dialect,
                cause = cause.name(),
                "a session has ended"
            ),
        }
    }
}
