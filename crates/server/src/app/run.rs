//! The one road of every operation. A guard that does not hold at commit means that the facts were stale: the operation
//! is done again from the load, and nothing of the first attempt has happened.

use myna_core::change::Change;
use myna_core::ops::Decision;
use myna_core::outcome::Outcome;
use myna_core::policy::Ctx;
use myna_core::time::Timestamp;
use myna_store::{CommitError, Ended};

use super::mint::access_noted;
use super::{Answered, App, Call, Fault, ends};
use crate::clock::chance;
use crate::hashing::Overloaded;

/// Of `n` racers for one row each loses at most once per round that another wins, and a refresh that lost finds its
/// successor ready; more rounds than this mean that something is wrong.
const ATTEMPTS: u32 = 5;

impl App {
    /// Does what was asked. When this returns, everything that the answer says is durable.
    ///
    /// # Errors
    /// [`Fault`] when we are broken; a lawful "no" is an outcome.
    pub(crate) async fn run(&self, call: &Call) -> Result<Answered, Fault> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let now = self.clock.now();
            let Decision { outcome, mut changes } = self.decide(call, now).await?;
            let tokens = self.mint(call, &outcome)?;
            changes.extend(access_noted(&call.dialect, &outcome, &tokens));
            let reuse = ends::reuse_among(&changes);
            match self.commit(changes).await {
                Ok(ended) => {
                    ends::log(&call.caller, &ended, reuse.as_ref());
                    return Ok(Answered { outcome, tokens });
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Conflict(conflict)) if attempts == ATTEMPTS => {
                    return Err(Fault::Contended { attempts, conflict });
                }
                Err(CommitError::Conflict(conflict)) => tracing::debug!(?conflict, attempts, "deciding again"),
            }
        }
    }

    /// Applies changes and wakes who waits for their effects. Which sessions they have ended.
    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Result<Vec<Ended>, CommitError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        let mail = changes.iter().any(|change| matches!(change, Change::QueueMail(_)));
        let ended = self.store.commit(changes).await?;
        if mail {
            self.mail_queued.notify_one();
        }
        Ok(ended)
    }

    /// The context of one attempt, with fresh random bytes.
    pub(super) fn ctx<'a>(&'a self, call: &'a Call, now: Timestamp) -> Result<Ctx<'a>, Fault> {
        Ok(Ctx {
            now,
            chance: chance()?,
            policy: &self.policy,
            terms: call.dialect.terms(),
            shown: call.dialect.shown(call.endpoint),
            caller: &call.caller,
            fresh_user: None,
        })
    }
}

/// What a client is told when too many passwords wait.
pub(super) fn overloaded(Overloaded { retry_after }: Overloaded) -> Decision {
    Decision::answer(Outcome::overloaded(retry_after))
}
