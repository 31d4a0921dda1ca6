//! What the bearer of an access token may do: be told who it is (`userinfo`) and exchange the token (`renew`).

use super::{Decision, used};
use crate::change::Change;
use crate::id::UserId;
use crate::outcome::{Kind, Outcome};
use crate::policy::Ctx;
use crate::session::{Bearer, Session};
use crate::user::{Known, User};

/// What is known about the bearer.
#[derive(Clone)]
pub struct Facts {
    /// The user, with the credential that a change of password is verified against.
    pub known: Known,
    /// The session for which the token stands.
    pub session: Session,
}

/// The facts, if the token still stands for somebody: the user is active, and the session lives, is of this dialect, and
/// is named by the token or knows it.
pub(super) fn accepted<'a>(ctx: &Ctx<'_>, bearer: &Bearer, facts: Option<&'a Facts>) -> Option<&'a Facts> {
    let facts = facts?;
    let (user, session) = (&facts.known.user, &facts.session);
    let lives = session.is_live(ctx.now) && session.dialect == ctx.terms.dialect;
    (means(bearer, user, session) && lives && user.is_active()).then_some(facts)
}

/// Whether the token stands for this session of `user`. Nothing is said of whether the session lives.
pub(super) fn means(bearer: &Bearer, user: &User, session: &Session) -> bool {
    may_mean(bearer, user, session) && bearer.digest().is_none_or(|token| session.access.contain(token))
}

/// Whether the token stands for this session of `user`, or may once have: a session forgets its older tokens.
pub(super) fn may_mean(bearer: &Bearer, user: &User, session: &Session) -> bool {
    session.id.user == user.id
        && match bearer {
            Bearer::Session(id) => session.id == *id,
            Bearer::User(id, _) => user.id == *id,
            Bearer::Named(identifier, _) => user.is_named(identifier),
        }
}

/// Whether what a request says about its bearer beside the token holds: an API may want the user's id in the path or in a
/// header, too. Of anybody else the bearer is told nothing, not even whether there is such a user.
pub fn is_as_claimed(facts: Option<&Facts>, user: Option<&str>) -> bool {
    match (facts, user) {
        (Some(facts), Some(claimed)) => UserId::parse(claimed) == Some(facts.known.user.id),
        (None, _) | (_, None) => true,
    }
}

/// Decides `userinfo`.
pub fn decide_userinfo(ctx: &Ctx<'_>, bearer: &Bearer, facts: Option<&Facts>) -> Decision {
    Decision::answer(match accepted(ctx, bearer, facts) {
        Some(facts) => Outcome::identified(facts.known.user.clone()),
        None => Outcome::plain(Kind::InvalidToken),
    })
}

/// Decides `renew`.
pub fn decide_renew(ctx: &Ctx<'_>, bearer: &Bearer, facts: Option<&Facts>) -> Decision {
    let Some(Facts { known, session }) = accepted(ctx, bearer, facts) else {
        return Decision::answer(Outcome::plain(Kind::InvalidToken));
    };
    let next = used(ctx, session);
    let change = Change::TouchSession { id: session.id, at: ctx.now, idle_expires_at: next.idle_expires_at };
    Decision { outcome: Outcome::signed_in(Kind::Renewed, known.user.clone(), next), changes: vec![change] }
}
