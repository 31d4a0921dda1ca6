//! Answers that are lost on their way: the database has committed, and nobody hears of it (ST-06).

use std::time::Duration;

use myna_core::change::{Change, Reuse};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::key::SealedKey;
use myna_core::mail::{Letter, QueuedMail};
use myna_core::secret::Secret;
use myna_core::session::{AccessDigest, Challenge, EndCause};
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};
use myna_store::{OnConflict, Opening, Store, StoreError};
use myna_verify::postgres::{Postgres, Proxy, USER, address};
use tokio::time::sleep;

use crate::load::{Load, NOW, logout, registration, rotation, session};

/// A store whose answers can be lost.
async fn behind_a_proxy() -> (Postgres, Proxy, Store) {
    let postgres = Postgres::start("fsync = off").await.unwrap();
    postgres.database("myna").await.unwrap();
    let proxy = Proxy::start(postgres.port()).await.unwrap();
    let store = Store::connect(&address(&[proxy.port()], USER, "myna"), Opening::Create).await.unwrap();
    (postgres, proxy, store)
}

const USER_ID: UserId = UserId(1);

const fn at(micros: i64) -> Timestamp {
    Timestamp(NOW + micros)
}

fn name(number: u8) -> SessionId {
    SessionId { user: USER_ID, handle: Handle([number; 16]) }
}

fn begin(number: u8) -> Change {
    Change::InsertSession(Box::new(myna_core::session::Session { id: name(number), ..session(USER_ID) }))
}

fn user(email: &str, status: Status) -> Box<User> {
    Box::new(User {
        email: Some(email.to_owned()),
        status,
        roles: vec![Role { id: 1, name: "admin".to_owned(), permissions: Vec::new() }],
        updated_at: at(50),
        ..User::blank(USER_ID, at(0))
    })
}

fn hash(old: Option<&str>, new: &str) -> Change {
    let secret = |text: &str| Secret::new(text.to_owned());
    Change::SetPassword { user: USER_ID, while_hash: old.map(secret), hash: secret(new), changed_at: Some(at(3)) }
}

fn key(sealed: &str) -> SealedKey {
    SealedKey { name: "root".to_owned(), sealed: sealed.to_owned() }
}

fn ask(number: u8) -> Change {
    let challenge =
        Challenge { id: name(number), salt: [0; 16], created_at: at(1), expires_at: at(1_000_000), used_at: None };
    Change::InsertChallenge(challenge)
}

fn mail(number: u8, letter: Letter) -> Change {
    Change::QueueMail(QueuedMail { id: [number; 16], letter, created_at: at(1), due_at: at(1), failures: 0 })
}

/// Every kind of list that the server sends, one after the other; what each needs, those before it have made.
fn lists() -> Vec<(&'static str, Vec<Change>)> {
    let link = Letter::PasswordReset { challenge: name(8), to: "ada@example.com".to_owned() };
    let reuse = Reuse { id: name(5), at: at(9), presented: 0, current: 2 };
    let all = |except| Change::EndSessions { user: USER_ID, except, at: at(10), cause: EndCause::PasswordChanged };
    let token = AccessDigest([7; 16]);
    let role = Role { id: 1, name: "admin".to_owned(), permissions: vec!["read".to_owned()] };
    vec![
        ("a role", vec![Change::PutRole(role)]),
        ("a registration", registration(&session(USER_ID), at(0))),
        ("a login", vec![Change::ClearMustChange(USER_ID), begin(2), Change::NoteAccess { id: name(2), token }]),
        ("more logins", vec![begin(3), begin(4), begin(5), begin(6), begin(7)]),
        ("a rotation", vec![rotation(name(2), 0, at(2))]),
        ("a rotation with a token", vec![rotation(name(3), 0, at(2)), Change::NoteAccess { id: name(3), token }]),
        ("a use", vec![Change::TouchSession { id: name(3), at: at(3), idle_expires_at: at(9_000_000) }]),
        ("a logout", vec![logout(name(4), at(4))]),
        (
            "a logout by a token",
            vec![Change::EndSessionsOfToken {
                user: USER_ID,
                dialect: "plain".to_owned(),
                token,
                at: at(5),
                cause: EndCause::Logout,
            }],
        ),
        ("a reuse", vec![Change::EndReused(reuse)]),
        ("a mail to nobody", vec![mail(1, Letter::Nobody)]),
        ("a mail that is put off", vec![Change::DelayMail { id: [1; 16], until: at(100) }]),
        ("a mail that was sent", vec![Change::DropMail([1; 16])]),
        ("a link", vec![ask(8), mail(2, link)]),
        (
            "a reset",
            vec![
                Change::UseChallenge { id: name(8), at: at(9) },
                hash(None, "$two"),
                Change::VoidChallenges { user: USER_ID, at: at(9) },
                all(Some(Handle([7; 16]))),
            ],
        ),
        ("a change of password", vec![Change::KeepSession { id: name(7), at: at(9) }, hash(Some("$two"), "$three")]),
        ("all sessions", vec![all(None)]),
        ("a new name", vec![Change::UpdateUser(user("grace@example.com", Status::Active))]),
        ("a disabling", vec![Change::UpdateUser(user("grace@example.com", Status::Disabled)), all(None)]),
        ("a key", vec![Change::InsertKey(key("one"))]),
        ("a key encrypted anew", vec![Change::ReplaceKey { key: key("two"), while_sealed: "one".to_owned() }]),
        ("a key that goes", vec![Change::DeleteKey(key("two"))]),
        ("a deletion", vec![Change::DeleteUser(USER_ID)]),
    ]
}

/// Everything that is stored, in an order of its own.
async fn stored(postgres: &Postgres) -> Vec<String> {
    let mut tables = Vec::new();
    let of_users = ["user_account", "identifier", "user_role", "password", "session", "challenge", "mail"];
    for table in of_users.into_iter().chain(["role", "sealed_key"]) {
        let rows = format!("SELECT coalesce(string_agg(row::text, '; ' ORDER BY row::text), '') FROM {table} row");
        tables.push(format!("{table}: {}", postgres.sql_in("myna", &rows).await.unwrap()));
    }
    tables
}

// ST-06: whatever was asked, a lost answer is neither a failure nor a second time: the database is afterwards what it is
// when every answer comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_has_happened_once() {
    let ((lossy, proxy, store), (whole, _whole_proxy, beside)) = tokio::join!(behind_a_proxy(), behind_a_proxy());
    for (what, list) in lists() {
        let before = proxy.lost();
        beside.commit(list.clone()).await.unwrap();
        proxy.lose_next(1);
        let told = store.commit(list).await;
        assert!(told.is_ok(), "{what}: {told:?}");
        assert_eq!(proxy.lost() - before, 1, "{what}");
        assert_eq!(stored(&lossy).await, stored(&whole).await, "{what}");
    }
}

// ST-06: rotations that share a statement share the loss of its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rotations_whose_common_answer_is_lost_have_happened_once() {
    let (_postgres, proxy, store) = behind_a_proxy().await;
    let sessions: Vec<_> = (1..=32).map(|number| session(UserId(number))).collect();
    for session in &sessions {
        store.commit(registration(session, at(0))).await.unwrap();
    }
    for generation in 0..4 {
        proxy.lose_next(3);
        let rotate = |session: &myna_core::session::Session| {
            let (store, id) = (store.clone(), session.id);
            tokio::spawn(async move { store.commit(vec![rotation(id, generation, at(generation))]).await.map(drop) })
        };
        let rotating: Vec<_> = sessions.iter().map(rotate).collect();
        for rotating in rotating {
            rotating.await.unwrap().unwrap();
        }
        for session in &sessions {
            let stored = store.load_session(session.id).await.unwrap().unwrap().session;
            assert_eq!(stored.generation, generation + 1);
        }
    }
    assert!(proxy.lost() >= 4, "{}", proxy.lost());
}

// ST-06: an import names ids and times, and some users are there from the last time: that one is there says nothing of the
// others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_whose_answer_is_lost_is_not_taken_for_done() {
    let (_postgres, proxy, store) = behind_a_proxy().await;
    let import = |number| registration(&session(UserId(number)), at(0));
    store.commit(import(1)).await.unwrap();
    proxy.lose_next(1);
    let mut bulk = store.bulk().unwrap();
    let told = bulk.commit(vec![import(1), import(2)], OnConflict::Skip).await;
    assert_eq!((told, proxy.lost()), (Err(StoreError::Unknown), 1));
    assert!(store.load_known_by_id(UserId(2)).await.unwrap().is_none());
    let told = store.bulk().unwrap().commit(vec![import(1), import(2)], OnConflict::Skip).await.unwrap();
    assert!(told[0].is_err() && told[1].is_ok(), "{told:?}");
    assert!(store.load_known_by_id(UserId(2)).await.unwrap().is_some());
}

// ST-06, MN-05: connections that end in the middle of everything, and answers that never come, under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_network_loses_nothing_and_doubles_nothing() {
    let (_postgres, proxy, store) = behind_a_proxy().await;
    proxy.lose_each(20);
    let load = Load::begin(&store);
    for _ in 0..10 {
        load.goes_on(40).await;
        proxy.cut();
        sleep(Duration::from_millis(30)).await;
    }
    proxy.lose_each(0);
    let outcome = load.end().await;
    println!("{} answers lost, {outcome:?}", proxy.lost());
    assert!(proxy.lost() > 5 && outcome.broken.is_empty(), "{} lost, {:?}", proxy.lost(), outcome.broken);
}
