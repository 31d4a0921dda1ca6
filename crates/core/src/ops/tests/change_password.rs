//! Set a new password with the old one.

use super::*;
use crate::ops::NewPassword;
use crate::ops::bearer::Facts;
use crate::ops::change_password::{Input, decide};
use crate::policy::Verdict;

fn facts(user: User, session: Session) -> Facts {
    Facts { known: known(user), session }
}

fn hashed() -> NewPassword {
    NewPassword::Hashed(secret(NEW_HASH))
}

const fn right() -> Verdict {
    Verdict::Match { rehash: None }
}

// PW-09, RF-09, RS-07: one transaction, whatever the client sent, with or without a device.
#[test]
fn the_others_end_and_the_own_session_stays() {
    let on_phone = Session { device: Some("phone".to_owned()), ..session() };
    let marked = User { must_change_password: true, ..user() };
    let (by_session, except) = (Bearer::Session(session().id), Some(session().id.handle));
    let [by_id, by_name] = nameless();
    let legacy = Verdict::Match { rehash: Some(secret("$unused$")) };
    for (case, bearer, facts, verdict) in [
        ("session", &by_session, facts(user(), session()), right()),
        ("device", &by_session, facts(user(), on_phone), right()),
        ("must change", &by_session, facts(marked, session()), right()),
        ("old format", &by_session, facts(user(), session()), legacy),
        ("user", &by_id, facts(user(), knowing(Some(TOKEN), None)), right()),
        ("named", &by_name, facts(user(), knowing(Some(NEXT_TOKEN), Some(TOKEN))), right()),
    ] {
        let changes = [
            Change::SetPassword {
                user: USER,
                while_hash: Some(secret(OLD_HASH)),
                hash: secret(NEW_HASH),
                changed_at: Some(NOW),
            },
            Change::ClearMustChange(USER),
            Change::VoidChallenges { user: USER, at: NOW },
            Change::EndSessions { user: USER, except, at: NOW, cause: EndCause::PasswordChanged },
        ];
        let decision = decide(&Around::without_tokens().ctx(), bearer, Some(&facts), &verdict, hashed());
        let outcome = Outcome::done(Kind::PasswordChanged, user(), None);
        assert_decided(&decision, &outcome, &changes, case);
    }
}

// RF-09, RF-14: tokens in the answer are of a new session, and whoever signed out meanwhile gets none: ending the own
// session is a guard.
#[test]
fn an_answer_with_tokens_begins_a_session_after_all_others_have_ended() {
    let on_phone = Session { device: Some("phone".to_owned()), ..session() };
    let (at, cause) = (NOW, EndCause::PasswordChanged);
    for (case, bearer, own) in [
        ("session", Bearer::Session(session().id), session()),
        ("device", Bearer::Session(session().id), on_phone),
        ("user", Bearer::User(USER, TOKEN), knowing(Some(TOKEN), None)),
    ] {
        let device = own.device.clone();
        let begun = Around::new().begun(USER, device.as_deref());
        let (old, hash) = (Some(secret(OLD_HASH)), secret(NEW_HASH));
        let mut changes = vec![
            Change::SetPassword { user: USER, while_hash: old, hash, changed_at: Some(NOW) },
            Change::ClearMustChange(USER),
            Change::VoidChallenges { user: USER, at },
        ];
        changes.push(Change::EndSession { id: own.id, at, cause });
        changes.push(Change::EndSessions { user: USER, except: None, at, cause });
        let dialect = DIALECT.to_owned();
        changes.extend(device.map(|device| Change::EndDeviceSession { user: USER, dialect, device, at }));
        changes.push(Change::InsertSession(Box::new(begun.clone())));
        changes.push(Change::EndOldestSessions { user: USER, newest: Handle([0xA1; 16]), keep: 3, at });
        let facts = facts(User { must_change_password: true, ..user() }, own);
        let decision = decide(&Around::new().ctx(), &bearer, Some(&facts), &right(), hashed());
        assert_decided(&decision, &Outcome::done(Kind::PasswordChanged, user(), Some(begun)), &changes, case);
    }
}

// LG-07, LG-11, RF-10, RF-14: the right password does not help a token that stands for nobody.
#[test]
fn a_token_that_stands_for_nobody_is_refused() {
    let by_session = Bearer::Session(session().id);
    let mut cases = vec![
        ("nothing known".to_owned(), by_session.clone(), None),
        ("disabled".to_owned(), by_session.clone(), Some(facts(disabled(), session()))),
        ("disabled, by id".to_owned(), Bearer::User(USER, TOKEN), Some(facts(disabled(), knowing(Some(TOKEN), None)))),
        ("an unknown token".to_owned(), Bearer::User(USER, TOKEN), Some(facts(user(), session()))),
    ];
    for (case, session) in unusable_sessions() {
        cases.push((case, by_session.clone(), Some(facts(user(), session))));
    }
    for (case, bearer, facts) in cases {
        for verdict in [right(), Verdict::Mismatch] {
            let decision = decide(&Around::new().ctx(), &bearer, facts.as_ref(), &verdict, hashed());
            assert_refused(&decision, Kind::InvalidToken, &case);
        }
    }
}

#[test]
fn the_old_password_must_be_right() {
    let without = Facts { known: Known { user: user(), password: None }, session: session() };
    let with = || facts(user(), session());
    for (case, facts, verdict, password) in [
        ("wrong", with(), Verdict::Mismatch, hashed()),
        ("wrong, not hashed", with(), Verdict::Mismatch, NewPassword::NotTried),
        // Whether the new one is weak is told only to who knows the old one.
        ("wrong and weak", with(), Verdict::Mismatch, NewPassword::Refused(ProblemKind::TooCommon)),
        ("has none", without, right(), hashed()),
        ("right, not hashed", with(), right(), NewPassword::NotTried),
    ] {
        let bearer = Bearer::Session(session().id);
        let decision = decide(&Around::new().ctx(), &bearer, Some(&facts), &verdict, password);
        assert_refused(&decision, Kind::InvalidCredentials, case);
    }
}

// PW-03
#[test]
fn a_weak_new_password_alters_nothing() {
    let kind = ProblemKind::TooShort { min: 15 };
    let decision = decide(
        &Around::new().ctx(),
        &Bearer::Session(session().id),
        Some(&facts(user(), session())),
        &right(),
        NewPassword::Refused(kind),
    );
    let outcome = Outcome::invalid(Kind::WeakPassword, vec![problem(Field::NewPassword, kind)]);
    assert_decided(&decision, &outcome, &[], "weak");
}

#[test]
fn every_missing_field_is_listed() {
    let (old, new) = (missing(Field::Password), missing(Field::NewPassword));
    for (fields, problems) in [
        (&[][..], &[old, new][..]),
        (&[(Field::NewPassword, "n")], &[old]),
        (&[(Field::Password, "o")], &[new]),
        (
            &[(Field::Password, "o"), (Field::NewPassword, "n"), (Field::Device, "a\0")],
            &[problem(Field::Device, ProblemKind::NotText)],
        ),
    ] {
        assert_eq!(refused(Input::parse(&inputs(fields))), problems, "{fields:?}");
    }
    let input = Input::parse(&inputs(&[(Field::Password, " o "), (Field::NewPassword, " n ")])).ok().unwrap();
    assert_eq!((input.password.expose().as_str(), input.new_password.expose().as_str()), (" o ", " n "));
}
