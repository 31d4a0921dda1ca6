//! End a session.

use super::*;
use crate::ops::logout::{Facts, decide};
use crate::ops::refresh::Proof;

fn other() -> Session {
    Session { id: id(0x12), ..session() }
}

fn genuine(session: Session) -> (Option<Session>, Proof) {
    (Some(session), Proof::Genuine)
}

// RF-14: only this session, and it is over from now on.
#[test]
fn a_token_of_a_live_session_ends_that_session() {
    let older = Session { generation: GENERATION + 9, ..session() };
    for (case, by_access, by_refresh) in [
        ("access token", Some(Some(session())), None),
        ("refresh token", None, Some(genuine(session()))),
        ("refresh token of any generation", None, Some(genuine(older))),
        ("both", Some(Some(session())), Some(genuine(session()))),
    ] {
        let decision = decide(&Around::new().ctx(), &Facts { by_access, by_refresh });
        let end = Change::EndSession { id: session().id, at: NOW, cause: EndCause::Logout };
        assert_decided(&decision, &Outcome::plain(Kind::SignedOut), &[end], case);
    }
}

// RF-10
#[test]
fn other_tokens_end_nothing() {
    let namesake = Session { id: SessionId { user: UserId(8), ..session().id }, ..session() };
    let forged = || (Some(session()), Proof::Forged);
    let live = || Some(Some(session()));
    let (access, refresh) = (Kind::InvalidToken, Kind::InvalidRefresh);
    for (case, by_access, by_refresh, kind) in [
        ("none", None, None, Kind::MissingToken),
        ("access token of no session", Some(None), None, access),
        ("the same, good refresh token", Some(None), Some(genuine(session())), access),
        ("forged", None, Some(forged()), refresh),
        ("forged, of no session", None, Some((None, Proof::Forged)), refresh),
        ("of a session forgotten", None, Some((None, Proof::Genuine)), refresh),
        ("good access token, forged", live(), Some(forged()), refresh),
        ("good access token, no session", live(), Some((None, Proof::Genuine)), refresh),
        ("two sessions", live(), Some(genuine(other())), refresh),
        ("two users", live(), Some(genuine(namesake)), refresh),
    ] {
        let decision = decide(&Around::new().ctx(), &Facts { by_access, by_refresh });
        assert_refused(&decision, kind, case);
    }
}

// RF-10, RF-14
#[test]
fn a_dead_or_foreign_session_is_refused() {
    for (case, dead) in unusable_sessions() {
        for (by_access, by_refresh, kind) in [
            (Some(Some(dead.clone())), None, Kind::InvalidToken),
            (Some(Some(dead.clone())), Some(genuine(session())), Kind::InvalidToken),
            (Some(Some(dead.clone())), Some(genuine(dead.clone())), Kind::InvalidToken),
            (None, Some(genuine(dead.clone())), Kind::InvalidRefresh),
            (Some(Some(session())), Some(genuine(dead.clone())), Kind::InvalidRefresh),
        ] {
            let decision = decide(&Around::new().ctx(), &Facts { by_access, by_refresh });
            assert_refused(&decision, kind, &case);
        }
    }
}
