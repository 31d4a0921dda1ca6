//! What users may do about all their sessions from one of them, whatever the dialect of the others: see them, end one, end
//! the others, end all. Of anybody else's session nothing is told, not even whether there is one (RF-11).

use super::Decision;
use super::bearer::{Facts, accepted};
use super::input::Inputs;
use crate::change::Change;
use crate::id::Handle;
use crate::outcome::{Kind, Listed, Outcome};
use crate::policy::Ctx;
use crate::problem::{Field, Problem, ProblemKind};
use crate::session::{Bearer, EndCause, Session};

/// Which session is to end. Where both are given, both have to fit.
pub struct Input {
    /// The handle, as it was sent.
    pub session: Option<String>,
    /// The device.
    pub device: Option<String>,
}

impl Input {
    /// Takes what names the session; `wanted` is the field that is told to be missing where nothing does.
    ///
    /// # Errors
    /// Every field that fails.
    pub fn parse(inputs: &Inputs, wanted: Field) -> Result<Self, Vec<Problem>> {
        let mut problems = inputs.problems();
        let (session, device) = (inputs.text(Field::SessionId), inputs.text(Field::Device));
        if session.is_none() && device.is_none() {
            problems.push(Problem { field: wanted, kind: ProblemKind::Required });
        }
        if problems.is_empty() { Ok(Self { session, device }) } else { Err(problems) }
    }

    fn means(&self, session: &Session) -> bool {
        let named = |text: &String| Handle::from_hex(text) == Some(session.id.handle);
        self.session.as_ref().is_none_or(named)
            && self.device.as_ref().is_none_or(|device| session.device.as_ref() == Some(device))
    }
}

/// Decides `list_sessions`; `sessions` are the user's.
pub fn decide_list(ctx: &Ctx<'_>, bearer: &Bearer, facts: Option<&Facts>, sessions: Vec<Session>) -> Decision {
    let Some(Facts { known, session: own }) = accepted(ctx, bearer, facts) else {
        return Decision::answer(Outcome::plain(Kind::InvalidToken));
    };
    let live = sessions.into_iter().filter(|session| session.is_live(ctx.now));
    let listed = live.map(|session| Listed { is_current: session.id == own.id, session });
    Decision::answer(Outcome::sessions_listed(known.user.clone(), listed.collect()))
}

/// Decides `end_session`; `sessions` are the user's. A device may have one in each dialect: all of them end.
pub fn decide_end(
    ctx: &Ctx<'_>,
    input: &Input,
    bearer: &Bearer,
    facts: Option<&Facts>,
    sessions: &[Session],
) -> Decision {
    let Some(Facts { session: own, .. }) = accepted(ctx, bearer, facts) else {
        return Decision::answer(Outcome::plain(Kind::InvalidToken));
    };
    let meant = sessions
        .iter()
        .filter(|session| session.id.user == own.id.user && session.is_live(ctx.now) && input.means(session));
    let ends = meant.map(|session| Change::EndSession { id: session.id, at: ctx.now, cause: EndCause::Logout });
    let mut changes = vec![Change::KeepSession { id: own.id, at: ctx.now }];
    changes.extend(ends);
    if changes.len() == 1 {
        return Decision::answer(Outcome::plain(Kind::UnknownSession));
    }
    Decision { outcome: Outcome::plain(Kind::SessionEnded), changes }
}

/// Decides `end_other_sessions`.
pub fn decide_end_others(ctx: &Ctx<'_>, bearer: &Bearer, facts: Option<&Facts>) -> Decision {
    let Some(Facts { session: own, .. }) = accepted(ctx, bearer, facts) else {
        return Decision::answer(Outcome::plain(Kind::InvalidToken));
    };
    let (id, at, cause) = (own.id, ctx.now, EndCause::Logout);
    let changes =
        vec![Change::KeepSession { id, at }, Change::EndSessions { user: id.user, except: Some(id.handle), at, cause }];
    Decision { outcome: Outcome::plain(Kind::SessionsEnded), changes }
}

/// Decides `logout_everywhere`.
pub fn decide_logout_everywhere(ctx: &Ctx<'_>, bearer: &Bearer, facts: Option<&Facts>) -> Decision {
    let Some(Facts { session: own, .. }) = accepted(ctx, bearer, facts) else {
        return Decision::answer(Outcome::plain(Kind::InvalidToken));
    };
    let (id, at, cause) = (own.id, ctx.now, EndCause::Logout);
    // The own one by itself, for its guard.
    let changes =
        vec![Change::EndSession { id, at, cause }, Change::EndSessions { user: id.user, except: None, at, cause }];
    Decision { outcome: Outcome::plain(Kind::SignedOut), changes }
}
