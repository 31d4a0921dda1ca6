//! End a session. After the answer no refresh of it succeeds, and its access tokens are refused here.

use super::Decision;
use super::bearer::{self, accepted, means};
use super::refresh::Proof;
use crate::change::Change;
use crate::outcome::{Kind, Outcome};
use crate::policy::Ctx;
use crate::session::{Bearer, EndCause, Session};

/// What is known about the sessions of the presented tokens.
pub struct Facts {
    /// Whom the access token names: `None` when none was presented.
    pub by_access: Option<(Bearer, Option<bearer::Facts>)>,
    /// The session of the refresh token and whether the token is ours: `None` when none was presented.
    pub by_refresh: Option<(Option<Session>, Proof)>,
}

/// Decides a logout. Where both tokens are presented, both must be of one session.
pub fn decide(ctx: &Ctx<'_>, facts: &Facts) -> Decision {
    let refused = |kind| Decision::answer(Outcome::plain(kind));
    let by_access = match &facts.by_access {
        None => None,
        Some((bearer, known)) => match accepted(ctx, bearer, known.as_ref()) {
            Some(known) => Some((bearer, known)),
            None => return refused(Kind::InvalidToken),
        },
    };
    let ours = |session: &Session| session.is_live(ctx.now) && session.dialect == ctx.terms.dialect;
    let by_refresh = match &facts.by_refresh {
        None => None,
        Some((Some(session), Proof::Genuine)) if ours(session) => Some(session),
        Some(_) => return refused(Kind::InvalidRefresh),
    };
    let session = match (by_access, by_refresh) {
        (Some((bearer, known)), Some(session)) if !means(bearer, &known.known.user, session) => {
            return refused(Kind::InvalidRefresh);
        }
        (_, Some(session)) => session,
        (Some((_, known)), None) => &known.session,
        (None, None) => return refused(Kind::MissingToken),
    };
    let (at, cause) = (ctx.now, EndCause::Logout);
    let mut changes = vec![Change::EndSession { id: session.id, at, cause }];
    if let Some(token) = by_access.and_then(|(bearer, _)| bearer.digest()) {
        // Sessions begun in one second may share a token: it has to be dead after the answer.
        let (user, dialect) = (session.id.user, session.dialect.clone());
        changes.push(Change::EndSessionsOfToken { user, dialect, token, at, cause });
    }
    Decision { outcome: Outcome::plain(Kind::SignedOut), changes }
}
