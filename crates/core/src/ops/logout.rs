//! End a session. After the answer no refresh of it succeeds, and its access tokens are refused here.

use super::Decision;
use super::refresh::Proof;
use crate::change::Change;
use crate::outcome::{Kind, Outcome};
use crate::policy::Ctx;
use crate::session::{EndCause, Session};

/// What is known about the session that a presented token names.
pub struct Facts {
    /// The session of the access token: `None` when no access token was presented.
    pub by_access: Option<Option<Session>>,
    /// The session of the refresh token and whether the token is ours: `None` when none was presented.
    pub by_refresh: Option<(Option<Session>, Proof)>,
}

/// Decides a logout. Where both tokens are presented, both must be of one session.
pub fn decide(ctx: &Ctx<'_>, facts: &Facts) -> Decision {
    let refused = |kind| Decision::answer(Outcome::plain(kind));
    let ours = |session: &&Session| session.is_live(ctx.now) && session.dialect == ctx.terms.dialect;
    let by_access = match &facts.by_access {
        None => None,
        Some(found) => match found.as_ref().filter(ours) {
            Some(session) => Some(session),
            None => return refused(Kind::InvalidToken),
        },
    };
    let by_refresh = match &facts.by_refresh {
        None => None,
        Some((Some(session), Proof::Genuine)) if ours(&session) => Some(session),
        Some(_) => return refused(Kind::InvalidRefresh),
    };
    let session = match (by_access, by_refresh) {
        (Some(one), Some(other)) if one.id != other.id => return refused(Kind::InvalidRefresh),
        (Some(session), _) | (None, Some(session)) => session,
        (None, None) => return refused(Kind::MissingToken),
    };
    Decision {
        outcome: Outcome::plain(Kind::SignedOut),
        changes: vec![Change::EndSession { id: session.id, at: ctx.now, cause: EndCause::Logout }],
    }
}
