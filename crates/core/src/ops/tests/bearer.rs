//! What the bearer of an access token may do.

use super::*;
use crate::identifier::Canonical;
use crate::ops::bearer::{Facts, decide_renew, decide_userinfo, is_as_claimed};
use crate::session::Bearer;

#[test]
fn the_bearer_is_who_the_request_says_beside_the_token() {
    let known = facts(user(), Some(session()));
    let (number, uuid) = (USER.to_string(), format!("00000000-0000-8000-8000-{:012x}", USER.0));
    for (claimed, holds) in [
        (None, true),
        (Some(number.as_str()), true),
        (Some(uuid.as_str()), true),
        (Some("999"), false),
        (Some("me"), false),
        (Some(""), false),
    ] {
        assert_eq!(is_as_claimed(Some(&known), claimed), holds, "{claimed:?}");
        assert!(is_as_claimed(None, claimed), "{claimed:?}: that there is nobody is told by the decision");
    }
}

fn facts(user: User, session: Option<Session>) -> Facts {
    let known = known(user);
    Facts { known, session }
}

/// The bearers whose tokens name no session.
fn sessionless() -> [Bearer; 2] {
    [Bearer::User(USER), Bearer::Named(Canonical::of("ada").unwrap())]
}

// LG-11, RF-07, RF-10, RF-14
#[test]
fn a_token_that_stands_for_nobody_is_refused() {
    let by_session = Bearer::Session(session().id);
    let mut cases = vec![
        ("nothing known".to_owned(), by_session.clone(), None),
        ("session forgotten".to_owned(), by_session.clone(), Some(facts(user(), None))),
        ("another session".to_owned(), Bearer::Session(id(0x12)), Some(facts(user(), Some(session())))),
        ("disabled".to_owned(), by_session.clone(), Some(facts(disabled(), Some(session())))),
    ];
    for (case, session) in unusable_sessions() {
        cases.push((case, by_session.clone(), Some(facts(user(), Some(session)))));
    }
    for bearer in sessionless() {
        cases.push((format!("{bearer:?}, deleted"), bearer.clone(), None));
        cases.push((format!("{bearer:?}, disabled"), bearer, Some(facts(disabled(), None))));
    }
    let around = Around::new();
    for (case, bearer, facts) in cases {
        let userinfo = decide_userinfo(&around.ctx(), &bearer, facts.as_ref());
        assert_refused(&userinfo, Kind::InvalidToken, &case);
        let renew = decide_renew(&around.ctx(), &bearer, facts.as_ref());
        assert_refused(&renew, Kind::InvalidToken, &case);
    }
}

#[test]
fn userinfo_tells_who_it_is_and_alters_nothing() {
    let around = Around::new();
    let mut cases = vec![(Bearer::Session(session().id), facts(user(), Some(session())))];
    cases.extend(sessionless().map(|bearer| (bearer, facts(user(), None))));
    for (bearer, facts) in cases {
        let decision = decide_userinfo(&around.ctx(), &bearer, Some(&facts));
        assert_decided(&decision, &Outcome::identified(user()), &[], &format!("{bearer:?}"));
    }
}

// RF-07: a renewal is a use; the refresh token's generation is not its business.
#[test]
fn renew_moves_the_idle_limit_and_nothing_else() {
    for (left, idle_limit) in [(IDLE + 1, IDLE), (IDLE - 1, IDLE - 1)] {
        let old = Session { expires_at: at(left), idle_expires_at: at(60), ..session() };
        let next = Session { used_at: NOW, idle_expires_at: at(idle_limit), ..old.clone() };
        let touch = Change::TouchSession { id: session().id, at: NOW, idle_expires_at: at(idle_limit) };
        let bearer = Bearer::Session(session().id);
        let decision = decide_renew(&Around::new().ctx(), &bearer, Some(&facts(user(), Some(old))));
        let outcome = Outcome::signed_in(Kind::Renewed, user(), next);
        assert_decided(&decision, &outcome, &[touch], &format!("{left} s left"));
    }
}

#[test]
fn a_token_without_a_session_has_nothing_to_renew() {
    for bearer in sessionless() {
        let decision = decide_renew(&Around::new().ctx(), &bearer, Some(&facts(user(), None)));
        assert_refused(&decision, Kind::InvalidToken, &format!("{bearer:?}"));
    }
}
