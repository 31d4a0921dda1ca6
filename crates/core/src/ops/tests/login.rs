//! Sign in with identifier and password.

use super::*;
use crate::ops::login::{Input, decide};
use crate::policy::Verdict;

fn input(device: Option<&str>) -> Input {
    Input { identifier: None, password: secret("typed"), device: device.map(str::to_owned) }
}

const fn right() -> Verdict {
    Verdict::Match { rehash: None }
}

fn legacy() -> Verdict {
    Verdict::Match { rehash: Some(secret(NEW_HASH)) }
}

/// The password that was verified is still the stored one (RF-09).
fn kept() -> Change {
    Change::KeepPassword { user: USER, while_hash: secret(OLD_HASH) }
}

/// What begins the session, without a device.
fn begins(around: &Around, session: &Session) -> [Change; 2] {
    [
        Change::InsertSession(Box::new(session.clone())),
        Change::EndOldestSessions { user: USER, newest: Handle([0xA1; 16]), keep: around.policy.sessions_max, at: NOW },
    ]
}

// LG-01, LG-07, LG-11, PW-10
#[test]
fn every_failure_is_the_same_decision_and_alters_nothing() {
    let marked = User { must_change_password: true, ..user() };
    let without = |user| Known { user, password: None };
    let mut around = Around::new();
    around.policy.password_age_max = Some(seconds(1));
    for (case, known, verdict) in [
        ("unknown", None, Verdict::Mismatch),
        ("unknown, though something matched", None, legacy()),
        ("wrong", Some(known(user())), Verdict::Mismatch),
        ("wrong, must change", Some(known(marked)), Verdict::Mismatch),
        ("disabled", Some(known(disabled())), right()),
        ("disabled, old format", Some(known(disabled())), legacy()),
        ("disabled and wrong", Some(known(disabled())), Verdict::Mismatch),
        ("no password", Some(without(user())), Verdict::Mismatch),
        ("no password, though something matched", Some(without(user())), legacy()),
        ("disabled, no password", Some(without(disabled())), right()),
    ] {
        let decision = decide(&around.ctx(), &input(Some("phone")), known.as_ref(), verdict);
        assert_refused(&decision, Kind::InvalidCredentials, case);
    }
}

// LG-01: only where the dialect's terms say so, and never that a user is disabled to whoever has not the password.
#[test]
fn an_api_that_insists_is_told_what_failed() {
    let mut around = Around::new();
    around.terms.enumerable = true;
    for (known, verdict, kind) in [
        (None, Verdict::Mismatch, Kind::UnknownUser),
        (None, legacy(), Kind::UnknownUser),
        (Some(known(user())), Verdict::Mismatch, Kind::WrongPassword),
        (Some(known(disabled())), Verdict::Mismatch, Kind::WrongPassword),
        (Some(Known { user: disabled(), password: None }), right(), Kind::WrongPassword),
        (Some(known(disabled())), right(), Kind::UserDisabled),
        (Some(known(disabled())), legacy(), Kind::UserDisabled),
    ] {
        let decision = decide(&around.ctx(), &input(None), known.as_ref(), verdict);
        assert_refused(&decision, kind, kind.name());
    }
}

// RF-15
#[test]
fn a_login_begins_one_session_and_keeps_the_cap() {
    for sessions_max in [1, 3, 50] {
        let mut around = Around::new();
        around.policy.sessions_max = sessions_max;
        let session = around.begun(USER, None);
        let decision = decide(&around.ctx(), &input(None), Some(&known(user())), right());
        let outcome = Outcome::signed_in(Kind::SignedIn, user(), session.clone());
        let mut changes = vec![kept()];
        changes.extend(begins(&around, &session));
        assert_decided(&decision, &outcome, &changes, "signed in");
    }
}

#[test]
fn a_login_on_a_device_first_ends_the_session_that_the_device_had() {
    let around = Around::new();
    let session = around.begun(USER, Some("phone"));
    let mut changes = vec![
        kept(),
        Change::EndDeviceSession { user: USER, dialect: DIALECT.to_owned(), device: "phone".to_owned(), at: NOW },
    ];
    changes.extend(begins(&around, &session));
    let decision = decide(&around.ctx(), &input(Some("phone")), Some(&known(user())), right());
    let outcome = Outcome::signed_in(Kind::SignedIn, user(), session);
    assert_decided(&decision, &outcome, &changes, "device");
}

// LG-08: nothing that the client sends names the session.
#[test]
fn the_session_is_named_by_chance_alone() {
    let one = Around::new();
    let mut other = Around::new();
    other.chance.handle = [0xB1; 16];
    other.chance.salt = [0xB2; 16];
    let grants = [&one, &other].map(|around| {
        let decision = decide(&around.ctx(), &input(Some("phone")), Some(&known(user())), right());
        decision.outcome.grant.unwrap().session
    });
    let names = grants.map(|session| (session.id.handle.0, session.salt));
    assert_eq!(names, [([0xA1; 16], [0xA2; 16]), ([0xB1; 16], [0xB2; 16])]);
}

// PW-09: the new hash replaces only the one that was verified, and the password is not younger for it.
#[test]
fn an_old_hash_is_replaced_by_compare_and_swap() {
    let around = Around::new();
    let session = around.begun(USER, None);
    let mut changes = vec![Change::SetPassword {
        user: USER,
        while_hash: Some(secret(OLD_HASH)),
        hash: secret(NEW_HASH),
        changed_at: None,
    }];
    changes.extend(begins(&around, &session));
    let decision = decide(&around.ctx(), &input(None), Some(&known(user())), legacy());
    let outcome = Outcome::signed_in(Kind::SignedIn, user(), session);
    assert_decided(&decision, &outcome, &changes, "rehash");
}

#[test]
fn a_password_must_be_changed_by_mark_or_by_age() {
    let age = |limit: i64| Some(seconds(limit));
    for (case, marked, limit, changed_at, kind) in [
        ("young", false, None, at(-1), Kind::SignedIn),
        // PW-02: no expiry unless the operator wants it.
        ("very old, no limit", false, None, Timestamp(0), Kind::SignedIn),
        ("marked", true, None, at(-1), Kind::MustChangePassword),
        ("marked, age allowed", true, age(100), at(-1), Kind::MustChangePassword),
        ("exactly as old as allowed", false, age(100), at(-100), Kind::SignedIn),
        ("too old", false, age(100), just_before(at(-100)), Kind::MustChangePassword),
        ("set in the future", false, age(100), at(1000), Kind::SignedIn),
    ] {
        let mut around = Around::new();
        around.policy.password_age_max = limit;
        let user = User { must_change_password: marked, ..user() };
        let known = Known { user: user.clone(), password: Some(Password { hash: secret(OLD_HASH), changed_at }) };
        let session = around.begun(USER, None);
        let decision = decide(&around.ctx(), &input(None), Some(&known), right());
        let outcome = Outcome::signed_in(kind, user, session.clone());
        let mut changes = vec![kept()];
        changes.extend(begins(&around, &session));
        assert_decided(&decision, &outcome, &changes, case);
    }
}

// RF-07
#[test]
fn the_idle_limit_is_never_past_the_absolute_one() {
    for (idle, absolute, idle_limit) in [(10, 20, 10), (20, 20, 20), (30, 20, 20), (i64::MAX, 20, 20)] {
        let mut around = Around::new();
        around.terms.idle = seconds(idle);
        around.terms.absolute = seconds(absolute);
        let decision = decide(&around.ctx(), &input(None), Some(&known(user())), right());
        let session = decision.outcome.grant.unwrap().session;
        let limits = (session.idle_expires_at, session.expires_at);
        assert_eq!(limits, (at(idle_limit), at(absolute)), "{idle} {absolute}");
    }
}

#[test]
fn every_missing_field_is_listed() {
    let (identifier, password) = (missing(Field::Identifier), missing(Field::Password));
    for (fields, problems) in [
        (&[][..], &[identifier, password][..]),
        (&[(Field::Password, "x")], &[identifier]),
        (&[(Field::Identifier, "x")], &[password]),
        (&[(Field::Identifier, ""), (Field::Password, "x")], &[identifier]),
        (&[(Field::Identifier, "x"), (Field::Password, "")], &[password]),
        // Not what an identifier of a login is called.
        (&[(Field::Email, "a@b.example"), (Field::Password, "x")], &[identifier]),
    ] {
        assert_eq!(refused(Input::parse(&inputs(fields))), problems);
    }
}

// LG-01: text that cannot name anybody is an unknown user, not a problem of its own.
#[test]
fn an_impossible_identifier_is_an_unknown_user() {
    let long = "x".repeat(5000);
    for (text, named) in [(" ADA ", true), ("a\0b", false), (" ", false), (long.as_str(), false)] {
        let parsed = Input::parse(&inputs(&[(Field::Identifier, text), (Field::Password, " p ")]));
        let Ok(input) = parsed else { panic!("{text:?}") };
        let name = input.identifier.map(|canonical| canonical.as_str().to_owned());
        assert_eq!(name, named.then(|| "ada".to_owned()), "{text:?}");
        // PW-04: never trimmed.
        assert_eq!(input.password.expose(), " p ");
        assert_eq!(input.device, None);
    }
}

#[test]
fn a_device_is_taken_as_sent() {
    let fields = [(Field::Identifier, "ada"), (Field::Password, "x"), (Field::Device, "Phone 1")];
    let parsed = Input::parse(&inputs(&fields)).ok().unwrap();
    assert_eq!(parsed.device.as_deref(), Some("Phone 1"));
    let problems = refused(Input::parse(&inputs(&[(Field::Password, "x"), (Field::Device, "a\nb")])));
    let wanted = [problem(Field::Device, ProblemKind::NotText), missing(Field::Identifier)];
    assert_eq!(problems, wanted);
}
