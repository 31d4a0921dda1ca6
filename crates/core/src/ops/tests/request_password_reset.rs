//! Ask for a reset link.

use super::*;
use crate::mail::{Letter, QueuedMail};
use crate::ops::request_password_reset::{Input, decide};
use crate::session::Challenge;

fn queued(letter: Letter) -> Change {
    Change::QueueMail(QueuedMail { id: [0xA3; 16], letter, created_at: NOW, due_at: NOW, failures: 0 })
}

// LG-04, LG-11: who cannot reset gets a mail to nobody, so that the queue is as long as for those who can.
#[test]
fn everybody_gets_the_same_answer_and_one_mail() {
    let no_email = User { email: None, ..user() };
    let mut answers = Vec::new();
    for (case, user, reaches) in [
        ("known", Some(user()), true),
        ("unknown", None, false),
        ("disabled", Some(disabled()), false),
        ("no address", Some(no_email), false),
    ] {
        let decision = decide(&Around::new().ctx(), user.as_ref());
        let mails: Vec<_> = decision.changes.iter().filter(|change| matches!(change, Change::QueueMail(_))).collect();
        assert_eq!(mails.len(), 1, "{case}");
        if !reaches {
            assert_eq!(shown(&decision.changes), shown(&[queued(Letter::Nobody)]), "{case}");
        }
        answers.push(decision.outcome);
    }
    for answer in answers {
        assert_eq!(answer, Outcome::plain(Kind::ResetRequested));
    }
}

// RS-03, RS-09: to the stored spelling, for a link that chance names and that dies in time.
#[test]
fn the_link_goes_to_the_stored_address() {
    let challenge = Challenge { id: id(0xA1), salt: [0xA2; 16], created_at: NOW, expires_at: at(900), used_at: None };
    let letter = Letter::PasswordReset { challenge: challenge.id, to: "Ada@Mail.example".to_owned() };
    let decision = decide(&Around::new().ctx(), Some(&user()));
    let changes = [Change::InsertChallenge(challenge), queued(letter)];
    assert_decided(&decision, &Outcome::plain(Kind::ResetRequested), &changes, "known");
}

#[test]
fn an_address_or_an_identifier_is_needed() {
    let not_email = problem(Field::Email, ProblemKind::NotEmail);
    // RS-02
    for (fields, problems) in [
        (&[][..], &[missing(Field::Email)][..]),
        (&[(Field::Email, "")], &[missing(Field::Email)]),
        (&[(Field::Username, "ada")], &[missing(Field::Email)]),
        (&[(Field::Email, "ada")], &[not_email]),
        (&[(Field::Email, "a@x.example,b@x.example")], &[not_email]),
        (&[(Field::Email, "ada"), (Field::Identifier, "ada")], &[not_email]),
    ] {
        assert_eq!(refused(Input::parse(&inputs(fields))), problems, "{fields:?}");
    }
    for (fields, name) in [
        (&[(Field::Email, "Ada@Mail.example")][..], Some("ada@mail.example")),
        (&[(Field::Identifier, "Ada")], Some("ada")),
        (&[(Field::Identifier, "ada"), (Field::Email, "eve@x.example")], Some("eve@x.example")),
        // LG-04: it cannot name anybody, and is answered like anybody.
        (&[(Field::Identifier, "a\0b")], None),
    ] {
        let input = Input::parse(&inputs(fields)).ok().unwrap();
        assert_eq!(input.identifier.as_ref().map(|name| name.as_str()), name, "{fields:?}");
    }
}
