//! What an operation could have concluded, with values that try to leave their place.

use std::time::Duration;

use myna_core::id::{Handle, SessionId, UserId};
use myna_core::outcome::{Grant, Group, Kind, Listed, Outcome};
use myna_core::problem::{Field, Problem, ProblemKind};
use myna_core::session::{AccessDigests, Session};
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};
use myna_dialect::{Minted, Tokens};

use crate::entropy::Entropy;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// Values as a hostile user could have them stored.
const TEXTS: [&str; 12] = [
    "Alex",
    "",
    "\"},{\"admin\":true,\"x\":\"",
    "\\",
    "a\r\nSet-Cookie: a=b",
    "\u{202e}\u{2066}gnp.exe",
    "{user.id}{{}}{each errors}",
    "\u{0}\u{1}\u{7f}\u{85}\u{2028}\u{feff}\u{ffff}",
    "; Domain=.example; Path=/x",
    "😀é\u{301}",
    "<script>alert(1)</script>",
    "%0d%0a%00",
];
const ATTRIBUTES: [&str; 5] = ["{}", "{\"plan\":[1,{\"a\":null}],\"nick\":\"x\"}", "", "not JSON", "{\"a\":1,\"a\":2}"];

fn text(entropy: &mut Entropy<'_>) -> Option<String> {
    if entropy.once_in(4) {
        return None;
    }
    let text = entropy.of(&TEXTS);
    Some(if entropy.once_in(32) { text.repeat(500) } else { text.to_owned() })
}

fn time(entropy: &mut Entropy<'_>) -> Timestamp {
    entropy.of(&[NOW, Timestamp(0), Timestamp(-1), Timestamp(i64::MIN), Timestamp(i64::MAX)])
}

fn user(entropy: &mut Entropy<'_>) -> User {
    // The store holds no two roles of one name.
    let role = |entropy: &mut Entropy<'_>, number: usize| Role {
        id: i64::try_from(number).unwrap_or_default(),
        name: format!("{number}{}", text(entropy).unwrap_or_default()),
        permissions: (0..entropy.below(3)).filter_map(|_| text(entropy)).collect(),
    };
    let (id, now) = (entropy.of(&[7, 1, i64::MAX]), time(entropy));
    User {
        email: text(entropy),
        username: text(entropy),
        first_name: text(entropy),
        middle_name: text(entropy),
        last_name: text(entropy),
        photo: text(entropy),
        status: if entropy.once_in(2) { Status::Active } else { Status::Disabled },
        must_change_password: entropy.once_in(2),
        roles: (0..entropy.below(3)).map(|number| role(entropy, number)).collect(),
        attributes: entropy.of(&ATTRIBUTES).to_owned(),
        updated_at: time(entropy),
        ..User::blank(UserId(id), now)
    }
}

fn session(entropy: &mut Entropy<'_>) -> Session {
    Session {
        id: SessionId { user: UserId(7), handle: Handle([0xab; 16]) },
        dialect: "d".to_owned(),
        device: text(entropy),
        salt: [0; 16],
        generation: 1,
        created_at: NOW,
        rotated_at: NOW,
        used_at: NOW,
        idle_expires_at: NOW,
        expires_at: time(entropy),
        client_address: text(entropy),
        client_agent: text(entropy),
        access: AccessDigests::default(),
        ended: None,
    }
}

/// One of several sessions, told apart by the first byte of their names.
fn listed(entropy: &mut Entropy<'_>, number: usize) -> Listed {
    let mut session = session(entropy);
    session.id.handle.0[0] = u8::try_from(number).unwrap_or_default();
    Listed { session, is_current: number == 1 }
}

/// An outcome of this kind, with everything that it may carry.
pub(crate) fn outcome(kind: Kind, entropy: &mut Entropy<'_>) -> Outcome {
    let has = |group: Group| kind.groups().contains(&group);
    let mut outcome = Outcome::plain(kind);
    if has(Group::User) {
        outcome.user = Some(user(entropy).into());
    }
    if has(Group::Tokens) {
        outcome.grant = Some(Grant { session: session(entropy) });
    }
    if has(Group::Sessions) {
        outcome.sessions = (0..entropy.below(4)).map(|number| listed(entropy, number)).collect();
    }
    if has(Group::Errors) {
        outcome.problems = (0..entropy.below(6)).map(|_| problem(entropy)).collect();
    }
    if has(Group::Retry) {
        outcome.retry_after = Some(u32::from(entropy.byte()));
    }
    outcome
}

fn problem(entropy: &mut Entropy<'_>) -> Problem {
    let field = Field::ALL.get(entropy.below(Field::ALL.len())).copied().unwrap_or(Field::Password);
    let kinds = [
        ProblemKind::Required,
        ProblemKind::NotText,
        ProblemKind::NotEmail,
        ProblemKind::TooShort { min: 8 },
        ProblemKind::TooLong { max: u32::MAX },
        ProblemKind::Taken,
        ProblemKind::BadToken,
    ];
    Problem { field, kind: kinds.get(entropy.below(kinds.len())).copied().unwrap_or(ProblemKind::Required) }
}

/// Tokens as they would be minted.
pub(crate) fn tokens() -> Tokens {
    let minted = |text: &str, hours: u64| Minted {
        text: text.to_owned(),
        id: "0123456789abcdef".to_owned(),
        issued_at: NOW,
        expires_at: NOW + Duration::from_secs(hours * 3600),
    };
    Tokens { access: Some(minted("eyJ.eyJ.access", 1)), refresh: Some(minted("eyJ.eyJ.refresh", 24)) }
}
