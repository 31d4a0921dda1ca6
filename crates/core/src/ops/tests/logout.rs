//! End a session.

use super::*;
use crate::ops::bearer;
use crate::ops::logout::{Facts, decide};
use crate::ops::refresh::Proof;

fn other() -> Session {
    Session { id: id(0x12), ..session() }
}

fn genuine(session: Session) -> (Option<Session>, Proof) {
    (Some(session), Proof::Genuine)
}

/// What an access token of `session` that names it brings.
fn bearing(session: Session) -> (Bearer, Option<bearer::Facts>) {
    borne_by(Bearer::Session(session.id), session)
}

fn borne_by(bearer: Bearer, session: Session) -> (Bearer, Option<bearer::Facts>) {
    (bearer, Some(bearer::Facts { known: known(user()), session }))
}

const fn end(id: SessionId) -> Change {
    Change::EndSession { id, at: NOW, cause: EndCause::Logout }
}

// RF-14: only this session, and it is over from now on.
#[test]
fn a_token_of_a_live_session_ends_that_session() {
    let older = Session { generation: GENERATION + 9, ..session() };
    for (case, by_access, by_refresh) in [
        ("access token", Some(bearing(session())), None),
        ("refresh token", None, Some(genuine(session()))),
        ("refresh token of any generation", None, Some(genuine(older))),
        ("both", Some(bearing(session())), Some(genuine(session()))),
    ] {
        let decision = decide(&Around::new().ctx(), &Facts { by_access, by_refresh });
        assert_decided(&decision, &Outcome::plain(Kind::SignedOut), &[end(session().id)], case);
    }
}

// RF-14: a token that two sessions of one second share is dead after the answer.
#[test]
fn a_token_that_names_no_session_ends_every_session_for_which_it_stands() {
    let live = || knowing(Some(TOKEN), None);
    let twin = || Session { id: id(0x12), ..live() };
    let all = Change::EndSessionsOfToken {
        user: USER,
        dialect: DIALECT.to_owned(),
        token: TOKEN,
        at: NOW,
        cause: EndCause::Logout,
    };
    for bearer in nameless() {
        for (case, found, by_refresh, ended) in [
            ("access token", live(), None, session().id),
            ("access token of before", knowing(Some(NEXT_TOKEN), Some(TOKEN)), None, session().id),
            ("both", live(), Some(genuine(live())), session().id),
            ("both, and a twin", live(), Some(genuine(twin())), twin().id),
        ] {
            let by_access = Some(borne_by(bearer.clone(), found));
            let decision = decide(&Around::new().ctx(), &Facts { by_access, by_refresh });
            let changes = [end(ended), all.clone()];
            assert_decided(&decision, &Outcome::plain(Kind::SignedOut), &changes, &format!("{bearer:?}: {case}"));
        }
        let unknown = Facts { by_access: Some(borne_by(bearer.clone(), session())), by_refresh: None };
        assert_refused(&decide(&Around::new().ctx(), &unknown), Kind::InvalidToken, "a token of nobody");
        let apart = Facts { by_access: Some(borne_by(bearer, live())), by_refresh: Some(genuine(other())) };
        assert_refused(&decide(&Around::new().ctx(), &apart), Kind::InvalidRefresh, "two sessions");
    }
}

// RF-10
#[test]
fn other_tokens_end_nothing() {
    let namesake = Session { id: SessionId { user: UserId(8), ..session().id }, ..session() };
    let forged = || (Some(session()), Proof::Forged);
    let live = || Some(bearing(session()));
    let nobody = || Some((Bearer::Session(session().id), None));
    let (access, refresh) = (Kind::InvalidToken, Kind::InvalidRefresh);
    for (case, by_access, by_refresh, kind) in [
        ("none", None, None, Kind::MissingToken),
        ("access token of no session", nobody(), None, access),
        ("the same, good refresh token", nobody(), Some(genuine(session())), access),
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
            (Some(bearing(dead.clone())), None, Kind::InvalidToken),
            (Some(bearing(dead.clone())), Some(genuine(session())), Kind::InvalidToken),
            (Some(bearing(dead.clone())), Some(genuine(dead.clone())), Kind::InvalidToken),
            (None, Some(genuine(dead.clone())), Kind::InvalidRefresh),
            (Some(bearing(session())), Some(genuine(dead.clone())), Kind::InvalidRefresh),
        ] {
            let decision = decide(&Around::new().ctx(), &Facts { by_access, by_refresh });
            assert_refused(&decision, kind, &case);
        }
    }
}
