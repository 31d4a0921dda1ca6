//! Set a new password with the token of a reset link.

use super::*;
use crate::ops::NewPassword;
use crate::ops::refresh::Proof;
use crate::ops::reset_password::{Facts, Input, decide, is_open};
use crate::session::Challenge;

const BAD_TOKEN: Problem = problem(Field::ResetToken, ProblemKind::BadToken);

fn input(email: Option<&str>) -> Input {
    Input { token: secret("token"), password: secret("typed"), email: email.map(str::to_owned) }
}

fn challenge() -> Challenge {
    Challenge { id: id(0x33), salt: [0x44; 16], created_at: at(-60), expires_at: just_after(NOW), used_at: None }
}

fn facts() -> Facts {
    Facts { user: user(), challenge: challenge() }
}

fn hashed() -> NewPassword {
    NewPassword::Hashed(secret(NEW_HASH))
}

/// RF-09, RS-05, RS-07, RS-10: the link is spent, the mark is gone, other links and all sessions are dead; nobody is
/// signed in and no record is written.
fn changes() -> Vec<Change> {
    vec![
        Change::UseChallenge { id: id(0x33), at: NOW },
        Change::SetPassword { user: USER, while_hash: None, hash: secret(NEW_HASH), changed_at: Some(NOW) },
        Change::ClearMustChange(USER),
        Change::VoidChallenges { user: USER, at: NOW },
        Change::EndSessions { user: USER, except: None, at: NOW, cause: EndCause::PasswordReset },
    ]
}

// RF-09, RS-05, RS-07, RS-10
#[test]
fn a_good_token_sets_the_password_and_ends_every_session() {
    for email in [None, Some("Ada@Mail.example"), Some("ADA@mail.EXAMPLE")] {
        let (around, input) = (Around::without_tokens(), input(email));
        assert!(is_open(&around.ctx(), &input, Some(&facts()), Proof::Genuine), "{email:?}");
        let decision = decide(&around.ctx(), &input, Some(&facts()), Proof::Genuine, hashed());
        let outcome = Outcome::done(Kind::PasswordReset, user(), None);
        assert_decided(&decision, &outcome, &changes(), &format!("{email:?}"));
    }
}

// RF-09: the others end first, in the same transaction.
#[test]
fn an_answer_with_tokens_begins_a_session_after_all_others_have_ended() {
    let around = Around::new();
    let begun = around.begun(USER, None);
    let mut changes = changes();
    changes.push(Change::InsertSession(Box::new(begun.clone())));
    changes.push(Change::EndOldestSessions { user: USER, newest: Handle([0xA1; 16]), keep: 3, at: NOW });
    let facts = Facts { user: User { must_change_password: true, ..user() }, ..facts() };
    let decision = decide(&around.ctx(), &input(None), Some(&facts), Proof::Genuine, hashed());
    assert_decided(&decision, &Outcome::done(Kind::PasswordReset, user(), Some(begun)), &changes, "tokens");
}

// RS-05, RS-07, RS-10, LG-11: every bad token is the same, and no password is worth hashing for it.
#[test]
fn a_bad_token_is_refused_before_the_password_is_looked_at() {
    let with = |challenge| {
        let user = user();
        Some(Facts { user, challenge })
    };
    let late = Challenge { expires_at: NOW, ..challenge() };
    let used = Challenge { used_at: Some(at(-1)), ..challenge() };
    let asleep = Facts { user: disabled(), ..facts() };
    let nameless = Facts { user: User { email: None, ..user() }, ..facts() };
    let (mine, genuine) = (Some("ada@mail.example"), Proof::Genuine);
    for (case, email, facts, proof) in [
        ("unknown", mine, None, genuine),
        ("unknown and forged", None, None, Proof::Forged),
        ("forged", mine, Some(facts()), Proof::Forged),
        ("too old", mine, with(late), genuine),
        ("used or replaced", mine, with(used), genuine),
        ("disabled user", mine, Some(asleep), genuine),
        ("another's address", Some("eve@mail.example"), Some(facts()), genuine),
        ("no address at all", mine, Some(nameless), genuine),
        ("an impossible address", Some("a\0b"), Some(facts()), genuine),
    ] {
        let (around, input) = (Around::new(), input(email));
        assert!(!is_open(&around.ctx(), &input, facts.as_ref(), proof), "{case}");
        for password in [hashed(), NewPassword::Refused(ProblemKind::TooCommon), NewPassword::NotTried] {
            let decision = decide(&around.ctx(), &input, facts.as_ref(), proof, password);
            let outcome = Outcome::invalid(Kind::InvalidReset, vec![BAD_TOKEN]);
            assert_decided(&decision, &outcome, &[], case);
        }
    }
}

// PW-03: the link stays good for another try.
#[test]
fn a_weak_password_leaves_the_link_open() {
    let decision = decide(
        &Around::new().ctx(),
        &input(None),
        Some(&facts()),
        Proof::Genuine,
        NewPassword::Refused(ProblemKind::TooCommon),
    );
    let weak = problem(Field::Password, ProblemKind::TooCommon);
    assert_decided(&decision, &Outcome::invalid(Kind::WeakPassword, vec![weak]), &[], "weak");
}

#[test]
fn a_password_that_was_not_hashed_is_not_set() {
    let decision = decide(&Around::new().ctx(), &input(None), Some(&facts()), Proof::Genuine, NewPassword::NotTried);
    assert_decided(&decision, &Outcome::invalid(Kind::InvalidReset, vec![BAD_TOKEN]), &[], "not tried");
}

#[test]
fn every_failing_field_is_listed() {
    let (token, password) = (missing(Field::ResetToken), missing(Field::Password));
    for (fields, problems) in [
        (&[][..], &[token, password][..]),
        (&[(Field::Password, "x")], &[token]),
        (&[(Field::ResetToken, "t")], &[password]),
        (&[(Field::Email, "ada"), (Field::Password, "x")], &[problem(Field::Email, ProblemKind::NotEmail), token]),
        (
            &[(Field::Email, "ada"), (Field::Password, "x"), (Field::ResetToken, "t")],
            &[problem(Field::Email, ProblemKind::NotEmail)],
        ),
    ] {
        assert_eq!(refused(Input::parse(&inputs(fields))), problems, "{fields:?}");
    }
    let fields = [(Field::ResetToken, "t"), (Field::Password, " p "), (Field::Email, "a@b.example")];
    let Input { token, password, email } = Input::parse(&inputs(&fields)).ok().unwrap();
    assert_eq!((token.expose().as_str(), password.expose().as_str()), ("t", " p "));
    assert_eq!(email.as_deref(), Some("a@b.example"));
}
