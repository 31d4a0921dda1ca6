//! Rules of the operations, tested with plain values: one file an operation. Here are the user, the session and the
//! moment that all tests share, and how a decision is compared whole. No rule stands here.

mod admin_user;
mod bearer;
mod change_password;
mod input;
mod login;
mod logout;
mod refresh;
mod register;
mod request_password_reset;
mod reset_password;
mod sessions;

use std::time::Duration;

use super::Decision;
use super::input::Inputs;
use crate::change::Change;
use crate::id::{Handle, SessionId, UserId};
use crate::identifier::Canonical;
use crate::outcome::{Kind, Outcome};
use crate::policy::{Caller, Chance, Ctx, Policy, Rotation, Shown, Terms};
use crate::problem::{Field, Problem, ProblemKind};
use crate::secret::Secret;
use crate::session::{AccessDigest, AccessDigests, Bearer, EndCause, Session};
use crate::time::Timestamp;
use crate::user::{Known, Password, Role, Status, User};

/// The moment in which all tests decide.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const USER: UserId = UserId(7);
const IDLE: i64 = 3600;
const ABSOLUTE: i64 = 36_000;
const GRACE: i64 = 30;
const GENERATION: i64 = 5;
const DIALECT: &str = "north";
const OLD_HASH: &str = "$old$";
const NEW_HASH: &str = "$new$";

/// `seconds` after [`NOW`].
const fn at(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds * 1_000_000)
}

/// The last moment before `point`.
const fn just_before(point: Timestamp) -> Timestamp {
    Timestamp(point.0 - 1)
}

/// The first moment after `point`.
const fn just_after(point: Timestamp) -> Timestamp {
    Timestamp(point.0 + 1)
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

const fn seconds(count: i64) -> Duration {
    Duration::from_secs(count.cast_unsigned())
}

/// Everything that is neither input nor fact, to be altered by a test before it decides.
struct Around {
    now: Timestamp,
    chance: Chance,
    policy: Policy,
    terms: Terms,
    shown: Shown,
    caller: Caller,
    fresh_user: Option<UserId>,
}

impl Around {
    fn new() -> Self {
        Self {
            now: NOW,
            chance: Chance { handle: [0xA1; 16], salt: [0xA2; 16], mail: [0xA3; 16] },
            policy: Policy { sessions_max: 3, password_age_max: None, reset_lifetime: seconds(900) },
            terms: Terms {
                dialect: DIALECT.to_owned(),
                idle: seconds(IDLE),
                absolute: seconds(ABSOLUTE),
                rotation: Rotation::Replay { grace: seconds(GRACE) },
                enumerable: false,
            },
            shown: Shown { session: true, refresh: true },
            caller: Caller { address: Some("192.0.2.1".to_owned()), agent: Some("agent".to_owned()) },
            fresh_user: None,
        }
    }

    /// Of a dialect with another profile.
    fn rotating(rotation: Rotation) -> Self {
        let mut around = Self::new();
        around.terms.rotation = rotation;
        around
    }

    fn ctx(&self) -> Ctx<'_> {
        Ctx {
            now: self.now,
            chance: self.chance.clone(),
            policy: &self.policy,
            terms: &self.terms,
            shown: self.shown,
            caller: &self.caller,
            fresh_user: self.fresh_user,
        }
    }

    /// The answer shows nothing of a session.
    fn without_tokens() -> Self {
        Self { shown: Shown::default(), ..Self::new() }
    }

    /// The session that a login or a registration begins here.
    fn begun(&self, user: UserId, device: Option<&str>) -> Session {
        Session {
            id: SessionId { user, handle: Handle([0xA1; 16]) },
            dialect: DIALECT.to_owned(),
            device: device.map(str::to_owned),
            salt: [0xA2; 16],
            generation: 0,
            created_at: NOW,
            rotated_at: NOW,
            used_at: NOW,
            idle_expires_at: at(IDLE),
            expires_at: at(ABSOLUTE),
            client_address: Some("192.0.2.1".to_owned()),
            client_agent: Some("agent".to_owned()),
            access: AccessDigests::default(),
            ended: None,
        }
    }
}

fn user() -> User {
    User {
        id: USER,
        email: Some("Ada@Mail.example".to_owned()),
        username: Some("Ada".to_owned()),
        first_name: Some("Ada".to_owned()),
        middle_name: Some("King".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        photo: Some("ada.png".to_owned()),
        status: Status::Active,
        must_change_password: false,
        roles: vec![Role { id: 2, name: "User".to_owned(), permissions: vec!["read".to_owned()] }],
        attributes: "{\"a\":1}".to_owned(),
        created_at: at(-9_000_000),
        updated_at: at(-8_000_000),
    }
}

fn disabled() -> User {
    User { status: Status::Disabled, ..user() }
}

fn known(user: User) -> Known {
    let password = Some(Password { hash: secret(OLD_HASH), changed_at: at(-1000) });
    Known { user, password }
}

/// A session in its middle age: used ten minutes ago, begun an hour ago.
fn session() -> Session {
    Session {
        id: id(0x11),
        dialect: DIALECT.to_owned(),
        device: None,
        salt: [0x22; 16],
        generation: GENERATION,
        created_at: at(-3600),
        rotated_at: at(-600),
        used_at: at(-600),
        idle_expires_at: at(IDLE - 600),
        expires_at: at(ABSOLUTE - 3600),
        client_address: None,
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    }
}

/// A session or challenge of the user.
const fn id(byte: u8) -> SessionId {
    SessionId { user: USER, handle: Handle([byte; 16]) }
}

/// An access token that names no session.
const TOKEN: AccessDigest = AccessDigest([0x33; 16]);
/// A later one of the same session.
const NEXT_TOKEN: AccessDigest = AccessDigest([0x34; 16]);

/// A session that knows `token` as its newest and `before` as the one before.
fn knowing(newest: Option<AccessDigest>, before: Option<AccessDigest>) -> Session {
    Session { access: AccessDigests { newest, before }, ..session() }
}

/// The bearers whose tokens name no session.
fn nameless() -> [Bearer; 2] {
    [Bearer::User(USER, TOKEN), Bearer::Named(Canonical::of("ada").unwrap(), TOKEN)]
}

/// Every way in which a session can be dead at [`NOW`], or of no use in the dialect.
fn unusable_sessions() -> Vec<(String, Session)> {
    let ended = EndCause::ALL.into_iter().map(|cause| {
        let session = Session { ended: Some((at(-1), cause)), ..session() };
        (format!("ended: {}", cause.name()), session)
    });
    let idle = Session { idle_expires_at: NOW, ..session() };
    let absolute = Session { expires_at: NOW, ..session() };
    let foreign = Session { dialect: "south".to_owned(), ..session() };
    let late = [("idle limit", idle), ("absolute limit", absolute), ("foreign dialect", foreign)];
    ended.chain(late.map(|(why, session)| (why.to_owned(), session))).collect()
}

fn inputs(fields: &[(Field, &str)]) -> Inputs {
    let mut inputs = Inputs::default();
    for (field, text) in fields {
        inputs.put(*field, (*text).to_owned());
    }
    inputs
}

const fn problem(field: Field, kind: ProblemKind) -> Problem {
    Problem { field, kind }
}

const fn missing(field: Field) -> Problem {
    problem(field, ProblemKind::Required)
}

/// The problems of a `parse` that must fail.
fn refused<T>(parsed: Result<T, Vec<Problem>>) -> Vec<Problem> {
    match parsed {
        Ok(_) => panic!("it was accepted"),
        Err(problems) => problems,
    }
}

/// Asserts that a decision is exactly this: the whole outcome, and every change in its order.
#[track_caller]
fn assert_decided(decision: &Decision, outcome: &Outcome, changes: &[Change], case: &str) {
    assert_eq!(&decision.outcome, outcome, "outcome: {case}");
    assert_eq!(shown(&decision.changes), shown(changes), "changes: {case}");
}

/// Asserts that a decision is the bare kind and alters nothing.
#[track_caller]
fn assert_refused(decision: &Decision, kind: Kind, case: &str) {
    assert_decided(decision, &Outcome::plain(kind), &[], case);
}

fn shown(changes: &[Change]) -> Vec<String> {
    changes.iter().map(show).collect()
}

/// A change as text, every value of it. Secrets have no `Debug` on purpose; the ones here are made up.
fn show(change: &Change) -> String {
    match change {
        Change::InsertUser(user) => format!("insert {user:?}"),
        Change::UpdateUser(user) => format!("update {user:?}"),
        Change::DeleteUser(user) => format!("delete {user:?}"),
        Change::SetPassword { user, while_hash, hash, changed_at } => {
            let (old, new) = (while_hash.as_ref().map(Secret::expose), hash.expose());
            format!("set password of {user:?} from {old:?} to {new} at {changed_at:?}")
        }
        Change::KeepPassword { user, while_hash } => format!("keep password {} of {user:?}", while_hash.expose()),
        Change::KeepUser { user, while_updated_at } => format!("keep {user:?} of {while_updated_at:?}"),
        Change::ClearMustChange(user) => format!("clear must change of {user:?}"),
        Change::InsertSession(session) => format!("insert {session:?}"),
        Change::RotateSession { id, while_generation, at, idle_expires_at } => {
            format!("rotate {id:?} from {while_generation} at {at:?} until {idle_expires_at:?}")
        }
        Change::TouchSession { id, at, idle_expires_at } => format!("touch {id:?} at {at:?} until {idle_expires_at:?}"),
        Change::KeepSession { id, at } => format!("keep {id:?} at {at:?}"),
        Change::NoteAccess { id, token } => format!("note {token:?} of {id:?}"),
        Change::EndSession { id, at, cause } => format!("end {id:?} at {at:?}: {cause:?}"),
        Change::EndReused(reuse) => format!("end {reuse:?}"),
        Change::EndSessions { user, except, at, cause } => {
            format!("end all of {user:?} but {except:?} at {at:?}: {cause:?}")
        }
        Change::EndSessionsOfToken { user, dialect, token, at, cause } => {
            format!("end all of {token:?} of {user:?} in {dialect:?} at {at:?}: {cause:?}")
        }
        Change::EndDeviceSession { user, dialect, device, at } => {
            format!("end device {device:?} of {user:?} in {dialect:?} at {at:?}")
        }
        Change::EndOldestSessions { user, newest, keep, at } => {
            format!("end all of {user:?} beyond {keep} with {newest:?} at {at:?}")
        }
        Change::InsertChallenge(challenge) => format!("insert {challenge:?}"),
        Change::UseChallenge { id, at } => format!("use {id:?} at {at:?}"),
        Change::VoidChallenges { user, at } => format!("void challenges of {user:?} at {at:?}"),
        Change::QueueMail(mail) => format!("queue {mail:?}"),
        Change::DropMail(id) => format!("drop mail {id:?}"),
        Change::DelayMail { id, until } => format!("delay mail {id:?} until {until:?}"),
        Change::PutRole(role) => format!("put {role:?}"),
        Change::InsertKey(key) => format!("insert {key:?}"),
        Change::ReplaceKey { key, while_sealed: _ } => format!("replace {key:?}"),
        Change::DeleteKey(key) => format!("delete {key:?}"),
    }
}
