//! Sign up.

use super::*;
use crate::ops::NewPassword;
use crate::ops::register::{Input, decide};

const NEW: UserId = UserId(41);
const SHORT: ProblemKind = ProblemKind::TooShort { min: 15 };
const TAKEN_EMAIL: Problem = problem(Field::Email, ProblemKind::Taken);
const TAKEN_USERNAME: Problem = problem(Field::Username, ProblemKind::Taken);
const WEAK: Problem = problem(Field::Password, SHORT);

fn input() -> Input {
    Input {
        email: Some("New@Mail.example".to_owned()),
        username: Some("New".to_owned()),
        password: secret("typed"),
        first_name: Some("N".to_owned()),
        middle_name: Some("E".to_owned()),
        last_name: Some("W".to_owned()),
        device: None,
    }
}

fn around() -> Around {
    Around { fresh_user: Some(NEW), ..Around::new() }
}

fn hashed() -> NewPassword {
    NewPassword::Hashed(secret(NEW_HASH))
}

// RS-13: an active user without role, mark, photo or attributes, whatever was sent.
fn made() -> User {
    User {
        id: NEW,
        email: Some("New@Mail.example".to_owned()),
        username: Some("New".to_owned()),
        first_name: Some("N".to_owned()),
        middle_name: Some("E".to_owned()),
        last_name: Some("W".to_owned()),
        photo: None,
        status: Status::Active,
        must_change_password: false,
        roles: Vec::new(),
        attributes: "{}".to_owned(),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn changes(user: &User, session: &Session) -> Vec<Change> {
    let device = session.device.clone().map(|device| Change::EndDeviceSession {
        user: NEW,
        dialect: DIALECT.to_owned(),
        device,
        at: NOW,
    });
    let mut changes = vec![
        Change::InsertUser(Box::new(user.clone())),
        Change::SetPassword { user: NEW, while_hash: None, hash: secret(NEW_HASH), changed_at: Some(NOW) },
    ];
    changes.extend(device);
    changes.push(Change::InsertSession(Box::new(session.clone())));
    changes.push(Change::EndOldestSessions { user: NEW, newest: Handle([0xA1; 16]), keep: 3, at: NOW });
    changes
}

// RS-13
#[test]
fn a_registration_makes_a_plain_user_and_signs_it_in() {
    let bare = Input { email: None, first_name: None, middle_name: None, last_name: None, ..input() };
    let bare_user = User { email: None, first_name: None, middle_name: None, last_name: None, ..made() };
    let phone = Input { device: Some("phone".to_owned()), ..input() };
    for (case, input, user) in
        [("all fields", input(), made()), ("a username alone", bare, bare_user), ("on a device", phone, made())]
    {
        let around = around();
        let session = around.begun(NEW, input.device.as_deref());
        let decision = decide(&around.ctx(), &input, &[], hashed());
        let outcome = Outcome::signed_in(Kind::Registered, user.clone(), session.clone());
        assert_decided(&decision, &outcome, &changes(&user, &session), case);
    }
}

// An answer that shows no tokens would begin a session that nobody could use or end.
#[test]
fn an_answer_without_tokens_begins_no_session() {
    let around = Around { shown: Shown::default(), ..around() };
    let phone = Input { device: Some("phone".to_owned()), ..input() };
    let decision = decide(&around.ctx(), &phone, &[], hashed());
    let mut changes = changes(&made(), &around.begun(NEW, None));
    changes.truncate(2);
    assert_decided(&decision, &Outcome::done(Kind::Registered, made(), None), &changes, "no tokens");
}

// PW-03: refused at registration as everywhere.
#[test]
fn a_refusal_lists_every_problem_and_alters_nothing() {
    let both = &[Field::Email, Field::Username][..];
    let refused = || NewPassword::Refused(SHORT);
    let taken = Kind::IdentifierTaken;
    for (fields, password, kind, problems) in [
        (&[Field::Email][..], NewPassword::NotTried, taken, &[TAKEN_EMAIL][..]),
        (&[Field::Username], NewPassword::NotTried, taken, &[TAKEN_USERNAME]),
        (both, NewPassword::NotTried, taken, &[TAKEN_EMAIL, TAKEN_USERNAME]),
        // The hash was made while another took the name.
        (&[Field::Email], hashed(), taken, &[TAKEN_EMAIL]),
        (&[], refused(), Kind::WeakPassword, &[WEAK]),
        (&[Field::Email], refused(), Kind::Invalid, &[TAKEN_EMAIL, WEAK]),
        (both, refused(), Kind::Invalid, &[TAKEN_EMAIL, TAKEN_USERNAME, WEAK]),
    ] {
        let decision = decide(&around().ctx(), &input(), fields, password);
        let outcome = Outcome::invalid(kind, problems.to_vec());
        assert_decided(&decision, &outcome, &[], &format!("{problems:?}"));
    }
}

#[test]
fn without_an_id_or_a_hash_nobody_is_made() {
    let no_id = Around::new();
    let decision = decide(&no_id.ctx(), &input(), &[], hashed());
    assert_refused(&decision, Kind::Fault, "no id");
    let decision = decide(&around().ctx(), &input(), &[], NewPassword::NotTried);
    assert_refused(&decision, Kind::Fault, "no hash");
}

// RS-13: what has another name is not bound.
#[test]
fn only_the_listed_fields_are_read() {
    let all: Vec<_> = Field::ALL.into_iter().map(|field| (field, field.name())).collect();
    let mut fields = vec![(Field::Email, "new@mail.example")];
    fields.extend(all.into_iter().filter(|(field, _)| *field != Field::Email));
    let parsed = Input::parse(&inputs(&fields)).ok().unwrap();
    let Input { email, username, password, first_name, middle_name, last_name, device } = parsed;
    assert_eq!(password.expose(), "password");
    let texts = [email, username, first_name, middle_name, last_name, device];
    let wanted = ["new@mail.example", "username", "first_name", "middle_name", "last_name", "device"];
    assert_eq!(texts, wanted.map(|text| Some(text.to_owned())));
}

#[test]
fn every_failing_field_is_listed() {
    let (email, password) = (missing(Field::Email), missing(Field::Password));
    let name = (Field::Username, "new");
    for (fields, problems) in [
        (&[][..], &[email, password][..]),
        (&[(Field::Password, "x")], &[email]),
        (&[name], &[password]),
        // An identifier is what a login is given; nobody signs up with it.
        (&[(Field::Identifier, "new"), (Field::Password, "x")], &[email]),
        (
            &[(Field::Email, "nobody"), (Field::FirstName, "a\r\nb"), name],
            &[problem(Field::Email, ProblemKind::NotEmail), problem(Field::FirstName, ProblemKind::NotText), password],
        ),
        // LG-10
        (
            &[(Field::Username, "ada@mail.example"), (Field::Password, "x")],
            &[problem(Field::Username, ProblemKind::NotUsername)],
        ),
        (
            &[(Field::Username, "ada\u{ff20}mail.example"), (Field::Password, "x")],
            &[problem(Field::Username, ProblemKind::NotUsername)],
        ),
    ] {
        assert_eq!(refused(Input::parse(&inputs(fields))), problems, "{fields:?}");
    }
    assert!(Input::parse(&inputs(&[name, (Field::Password, "x")])).is_ok());
}

// LG-10, RS-04: both names, each with its field, in the form in which they are compared.
#[test]
fn every_identifier_must_be_free_in_its_canonical_form() {
    let named = |input: &Input| -> Vec<_> {
        let names = input.identifiers().into_iter();
        names.map(|(field, name)| (field, name.as_str().to_owned())).collect()
    };
    let (email, username) = ((Field::Email, "new@mail.example".to_owned()), (Field::Username, "new".to_owned()));
    assert_eq!(named(&input()), [email, username.clone()]);
    let nameless = Input { email: None, ..input() };
    assert_eq!(named(&nameless), [username]);
}
