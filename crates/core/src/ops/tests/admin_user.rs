//! What an operator does to users.

use super::*;
use crate::ops::admin_user::{decide_add, decide_import, decide_set, problems};

fn put_role() -> Change {
    Change::PutRole(user().roles.remove(0))
}

fn set_password() -> Change {
    Change::SetPassword { user: USER, while_hash: None, hash: secret(NEW_HASH), changed_at: Some(NOW) }
}

#[test]
fn a_user_is_added_after_its_roles_and_before_its_password() {
    let insert = || Change::InsertUser(Box::new(user()));
    for (hash, changes) in
        [(None, vec![put_role(), insert()]), (Some(secret(NEW_HASH)), vec![put_role(), insert(), set_password()])]
    {
        let decision = decide_add(user(), user().roles, hash, NOW);
        assert_decided(&decision, &Outcome::plain(Kind::Registered), &changes, "add");
    }
}

#[test]
fn an_imported_user_keeps_the_time_of_its_password() {
    let insert = || Change::InsertUser(Box::new(user()));
    let changed_at = Timestamp(NOW.0 - 5);
    let password = Password { hash: secret(NEW_HASH), changed_at };
    let set =
        Change::SetPassword { user: USER, while_hash: None, hash: secret(NEW_HASH), changed_at: Some(changed_at) };
    for (password, changes) in [(None, vec![insert()]), (Some(password), vec![insert(), set])] {
        assert_decided(&decide_import(user(), password), &Outcome::plain(Kind::Registered), &changes, "import");
    }
}

// RF-09, RS-07, LG-11
#[test]
fn disabling_or_a_new_password_ends_every_session() {
    let update = |user| Change::UpdateUser(Box::new(User { updated_at: NOW, ..user }));
    // What an operator did in the meantime is not written over.
    let kept = || Change::KeepUser { user: USER, while_updated_at: user().updated_at };
    let void = || Change::VoidChallenges { user: USER, at: NOW };
    let end = || Change::EndSessions { user: USER, except: None, at: NOW, cause: EndCause::Operator };
    for (case, user, hash, changes) in [
        // RS-07: its address may be another now.
        ("altered", user(), None, vec![put_role(), kept(), update(user()), void()]),
        ("disabled", disabled(), None, vec![put_role(), kept(), update(disabled()), void(), end()]),
        (
            "new password",
            user(),
            Some(secret(NEW_HASH)),
            vec![put_role(), kept(), update(user()), set_password(), void(), end()],
        ),
        (
            "both",
            disabled(),
            Some(secret(NEW_HASH)),
            vec![put_role(), kept(), update(disabled()), set_password(), void(), end()],
        ),
    ] {
        let decision = decide_set(user, super::user().roles, hash, NOW);
        assert_decided(&decision, &Outcome::plain(Kind::Identified), &changes, case);
    }
}

#[test]
fn what_cannot_be_a_user_is_told_field_by_field() {
    let named = |email: Option<&str>, username: Option<&str>| User {
        email: email.map(str::to_owned),
        username: username.map(str::to_owned),
        ..user()
    };
    let odd = |text: &str| User {
        first_name: Some(text.to_owned()),
        middle_name: Some(text.to_owned()),
        last_name: Some(text.to_owned()),
        ..user()
    };
    let not_email = problem(Field::Email, ProblemKind::NotEmail);
    let not_username = problem(Field::Username, ProblemKind::NotUsername);
    for (user, wanted) in [
        (user(), &[][..]),
        (named(Some("a@b.example"), None), &[]),
        (named(None, Some("a")), &[]),
        (named(None, None), &[missing(Field::Email)]),
        (named(Some(""), Some("")), &[missing(Field::Email)]),
        (named(Some("a"), None), &[not_email]),
        // LG-10
        (named(None, Some("a@b.example")), &[not_username]),
        (named(Some("a"), Some("a b")), &[not_email, not_username]),
        // RS-14
        (
            odd("a\r\nBcc: b"),
            &[
                problem(Field::FirstName, ProblemKind::NotText),
                problem(Field::MiddleName, ProblemKind::NotText),
                problem(Field::LastName, ProblemKind::NotText),
            ],
        ),
    ] {
        assert_eq!(problems(&user), wanted, "{user:?}");
    }
}
