//! The rules of single fields that hold in every dialect.

use super::*;
use crate::identifier::{EMAIL_BYTES_MAX, USERNAME_CHARS_MAX};
use crate::ops::input::NAME_CHARS_MAX;

const NAMES: [Field; 4] = [Field::FirstName, Field::MiddleName, Field::LastName, Field::Device];

#[test]
fn an_empty_value_is_none_and_the_first_value_counts() {
    let inputs = inputs(&[(Field::Email, ""), (Field::Username, "a"), (Field::Username, "b")]);
    assert!(!inputs.has(Field::Email) && inputs.text(Field::Email).is_none());
    assert_eq!(inputs.require(Field::Email).err(), Some(missing(Field::Email)));
    assert_eq!(inputs.text(Field::Username).as_deref(), Some("a"));
}

fn email_of(bytes: usize) -> String {
    let host = "@mail.example";
    "x".repeat(bytes - host.len()) + host
}

#[test]
fn a_field_has_a_longest_value() {
    let long = |max: usize| Some(ProblemKind::TooLong { max: max as u32 });
    // Code points, not bytes.
    let name = |chars: usize| "\u{e9}".repeat(chars);
    let mut cases = vec![
        (Field::Email, email_of(EMAIL_BYTES_MAX), None),
        (Field::Email, email_of(EMAIL_BYTES_MAX + 1), long(EMAIL_BYTES_MAX)),
        (Field::Username, name(USERNAME_CHARS_MAX), None),
        (Field::Username, name(USERNAME_CHARS_MAX + 1), long(USERNAME_CHARS_MAX)),
    ];
    for field in NAMES {
        cases.push((field, name(NAME_CHARS_MAX), None));
        cases.push((field, name(NAME_CHARS_MAX + 1), long(NAME_CHARS_MAX)));
    }
    for (field, text, kind) in cases {
        let problems: Vec<_> = kind.map(|kind| problem(field, kind)).into_iter().collect();
        assert_eq!(inputs(&[(field, &text)]).problems(), problems, "{field:?} {}", text.len());
    }
}

// RS-14: no name can begin a new header line.
#[test]
fn a_name_has_no_control_characters() {
    for field in NAMES {
        for text in ["a\rb", "a\nb", "a\0", "\u{7f}", "\u{85}"] {
            let wanted = [problem(field, ProblemKind::NotText)];
            assert_eq!(inputs(&[(field, text)]).problems(), wanted, "{field:?} {text:?}");
        }
        assert!(inputs(&[(field, "Zo\u{eb} O'Neil 3")]).problems().is_empty());
    }
}

#[test]
fn what_proves_something_is_never_judged_by_its_shape() {
    let long = "\r\n\0".repeat(5000);
    for field in Field::ALL.into_iter().filter(|field| field.is_secret()).chain([Field::Identifier]) {
        assert!(inputs(&[(field, &long)]).problems().is_empty(), "{field:?}");
    }
}
