//! Exchange a refresh token for its successor. The successor is derived (generation + 1 under the same MAC key), so an
//! honest retry gets the same one again and no token is ever stored.

use super::bearer::{may_mean, means};
use super::{Decision, used};
use crate::change::{Change, Reuse};
use crate::id::SessionId;
use crate::outcome::{Kind, Outcome};
use crate::policy::{Ctx, REPEATED_MAX, Rotation};
use crate::session::{Bearer, Session};
use crate::user::User;

/// What is asked.
pub struct Input {
    /// The session that the refresh token names.
    pub id: SessionId,
    /// The generation that it carries.
    pub generation: i64,
    /// The device that the client says it is.
    pub device: Option<String>,
    /// Whom the access token names, where the API wants one beside; it may have expired.
    pub beside: Option<Bearer>,
}

/// What is known about the session.
#[derive(Clone)]
pub struct Facts {
    /// Its user.
    pub user: User,
    /// The session.
    pub session: Session,
}

/// Whether the token's MAC is ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// We made this token.
    Genuine,
    /// We did not, or there is no such session.
    Forged,
}

/// Decides a refresh. Everything that a login checks is checked again (RF-16).
pub fn decide(ctx: &Ctx<'_>, input: &Input, facts: Option<&Facts>, proof: Proof) -> Decision {
    let refused = Decision::answer(Outcome::plain(Kind::InvalidRefresh));
    let (Some(Facts { user, session }), Proof::Genuine) = (facts, proof) else {
        return refused;
    };
    // RF-02, RF-03: of an older pair, a retry or a copy, the session may not know the access token any more.
    let old = input.generation < session.generation;
    let beside = |bearer: &Bearer| means(bearer, user, session) || (old && may_mean(bearer, user, session));
    let elsewhere = session.dialect != ctx.terms.dialect
        || session.device != input.device
        || !input.beside.as_ref().is_none_or(beside);
    if elsewhere || !session.is_live(ctx.now) || !user.is_active() {
        return refused;
    }
    if input.generation == session.generation {
        // An answer without a successor must leave the client the token that it has.
        let replaced = ctx.shown.refresh && ctx.terms.rotation != Rotation::Fixed;
        return if replaced { rotate(ctx, user, session) } else { touch(ctx, user, session) };
    }
    let predecessor = input.generation == session.generation - 1;
    // Both ways: a clock that was set back must not hold the window open until it has caught up.
    let age = ctx.now.apart(session.rotated_at);
    if predecessor && age < ctx.terms.rotation.window() {
        // RF-02: the answer got lost, or two tabs asked at once. The successor has not been used, or the generation
        // would have moved on.
        if age >= REPEATED_MAX {
            // The access token of the first answer may have expired by now.
            return touch(ctx, user, session);
        }
        return Decision::answer(Outcome::signed_in(Kind::Refreshed, user.clone(), session.clone()));
    }
    // RF-03: somebody else holds a copy. The family ends, the user's other sessions go on.
    let (presented, current) = (input.generation, session.generation);
    Decision { changes: vec![Change::EndReused(Reuse { id: session.id, at: ctx.now, presented, current })], ..refused }
}

/// The session goes on with the same refresh token: the dialect does not rotate, or a retry came late.
fn touch(ctx: &Ctx<'_>, user: &User, session: &Session) -> Decision {
    let next = used(ctx, session);
    let change = Change::TouchSession { id: session.id, at: ctx.now, idle_expires_at: next.idle_expires_at };
    Decision { outcome: Outcome::signed_in(Kind::Refreshed, user.clone(), next), changes: vec![change] }
}

fn rotate(ctx: &Ctx<'_>, user: &User, session: &Session) -> Decision {
    let next = Session { generation: session.generation + 1, rotated_at: ctx.now, ..used(ctx, session) };
    let change = Change::RotateSession {
        id: session.id,
        while_generation: session.generation,
        at: ctx.now,
        idle_expires_at: next.idle_expires_at,
    };
    Decision { outcome: Outcome::signed_in(Kind::Refreshed, user.clone(), next), changes: vec![change] }
}
