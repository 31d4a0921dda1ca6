//! What the bearer of an access token may do.

use super::*;
use crate::ops::bearer::{Facts, decide_renew, decide_userinfo, is_as_claimed};

#[test]
fn the_bearer_is_who_the_request_says_beside_the_token() {
    let known = facts(user(), session());
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

fn facts(user: User, session: Session) -> Facts {
    Facts { known: known(user), session }
}

// LG-11, RF-07, RF-10, RF-14
#[test]
fn a_token_that_stands_for_nobody_is_refused() {
    let by_session = Bearer::Session(session().id);
    let mut cases = vec![
        ("nothing known".to_owned(), by_session.clone(), None),
        ("another session".to_owned(), Bearer::Session(id(0x12)), Some(facts(user(), session()))),
        ("disabled".to_owned(), by_session.clone(), Some(facts(disabled(), session()))),
    ];
    for (case, session) in unusable_sessions() {
        cases.push((case, by_session.clone(), Some(facts(user(), session))));
    }
    for bearer in nameless() {
        let mut case = |case, facts| cases.push((format!("{bearer:?}, {case}"), bearer.clone(), facts));
        let live = || knowing(Some(TOKEN), None);
        case("of no session".to_owned(), None);
        case("disabled".to_owned(), Some(facts(disabled(), live())));
        case("a session that knows no token".to_owned(), Some(facts(user(), session())));
        case(
            "a token before the last two".to_owned(),
            Some(facts(user(), knowing(Some(NEXT_TOKEN), Some(NEXT_TOKEN)))),
        );
        for (why, session) in unusable_sessions() {
            case(why, Some(facts(user(), Session { access: live().access, ..session })));
        }
        // A name that moved to somebody else carries no token with it, whoever asks for it.
        let renamed = User { id: UserId(8), ..user() };
        case("the name of another user".to_owned(), Some(facts(renamed, live())));
    }
    let (gone, id) = (Canonical::of("eve").unwrap(), UserId(8));
    for bearer in [Bearer::Named(gone, TOKEN), Bearer::User(id, TOKEN)] {
        cases.push((format!("{bearer:?}"), bearer, Some(facts(user(), knowing(Some(TOKEN), None)))));
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
    let mut cases = vec![(Bearer::Session(session().id), facts(user(), session()))];
    for session in [knowing(Some(TOKEN), None), knowing(Some(NEXT_TOKEN), Some(TOKEN))] {
        cases.extend(nameless().map(|bearer| (bearer, facts(user(), session.clone()))));
    }
    for (bearer, facts) in cases {
        let decision = decide_userinfo(&around.ctx(), &bearer, Some(&facts));
        assert_decided(&decision, &Outcome::identified(user()), &[], &format!("{bearer:?}"));
    }
}

// RF-07: a renewal is a use; the refresh token's generation is not its business.
#[test]
fn renew_moves_the_idle_limit_and_nothing_else() {
    for (left, idle_limit) in [(IDLE + 1, IDLE), (IDLE - 1, IDLE - 1)] {
        let old = Session { expires_at: at(left), idle_expires_at: at(60), ..knowing(Some(TOKEN), None) };
        let next = Session { used_at: NOW, idle_expires_at: at(idle_limit), ..old.clone() };
        let touch = Change::TouchSession { id: session().id, at: NOW, idle_expires_at: at(idle_limit) };
        let outcome = Outcome::signed_in(Kind::Renewed, user(), next);
        let [by_id, by_name] = nameless();
        for bearer in [Bearer::Session(session().id), by_id, by_name] {
            let decision = decide_renew(&Around::new().ctx(), &bearer, Some(&facts(user(), old.clone())));
            assert_decided(&decision, &outcome, std::slice::from_ref(&touch), &format!("{bearer:?}, {left} s left"));
        }
    }
}
