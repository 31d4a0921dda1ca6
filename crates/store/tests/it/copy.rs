//! A whole store from one engine to the other and back: every row, also after a copy that was broken off, and nothing that
//! is in use is ever overwritten.

use std::path::Path;
use std::sync::mpsc;

use myna_core::change::Change;
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::key::SealedKey;
use myna_core::mail::{Letter, QueuedMail};
use myna_core::secret::Secret;
use myna_core::session::{Challenge, EndCause};
use myna_core::user::{Role, User};
use myna_store::conformance::{NOW, later, session};
use myna_store::{Copy, CopyError, CopyNote, CopyPhase, CopyReport, OnConflict, OpenError, Opening, Place, Store};
use myna_verify::postgres::Postgres;
use rusqlite::types::Value;
use tokio::task::LocalSet;

fn folder(path: &Path) -> Place {
    Place::parse(&format!("sqlite:{}", path.display())).unwrap()
}

async fn copy(from: &Place, to: &Place) -> Result<CopyReport, CopyError> {
    Copy::new(from.clone(), to.clone())?.run(&mut |_| {}).await
}

fn role(name: &str) -> Role {
    Role { id: 7, name: name.to_owned(), permissions: vec!["read".to_owned(), "schreiben\u{fc}".to_owned()] }
}

fn user(id: i64) -> User {
    User {
        // In no order, and with bytes that every collation but one would order otherwise.
        email: Some(format!("{}{}.ä-{id}@example.com", if id % 2 == 0 { "_" } else { "Z" }, id * 7919 % 1000)),
        username: (id % 3 == 0).then(|| format!("person-{id}")),
        first_name: Some("\u{1f426} ''\"\\ \n\t".to_owned()),
        last_name: Some(String::new()),
        attributes: "{\"tier\":1}".to_owned(),
        roles: if id % 2 == 0 { vec![role("admin")] } else { Vec::new() },
        ..User::blank(UserId(id), later(id))
    }
}

/// Something in every table, and every column once with nothing in it and once with something.
async fn fill(store: &Store) {
    store.commit(vec![Change::PutRole(role("admin"))]).await.unwrap();
    let hash = |id| Change::SetPassword {
        user: UserId(id),
        while_hash: None,
        hash: Secret::new(format!("$argon2id${id}")),
        changed_at: Some(NOW),
    };
    for id in 1..=40 {
        store.commit(vec![Change::InsertUser(Box::new(user(id))), hash(id)]).await.unwrap();
    }
    // Deleted: its id stays used.
    store.commit(vec![Change::DeleteUser(UserId(9))]).await.unwrap();
    store.allocate_user_id().await.unwrap();
    for number in [1, 200, 3] {
        let device = (number == 3).then_some("téléphone");
        let begun = session(UserId(2), number, device);
        store.commit(vec![Change::InsertSession(Box::new(begun))]).await.unwrap();
    }
    let id = session(UserId(2), 200, None).id;
    let rotate = Change::RotateSession { id, while_generation: 0, at: later(3), idle_expires_at: later(1500) };
    let end = Change::EndSession { id: session(UserId(2), 1, None).id, at: later(4), cause: EndCause::Logout };
    store.commit(vec![rotate, end]).await.unwrap();
    let id = SessionId { user: UserId(2), handle: Handle([5; 16]) };
    let challenge = Challenge { id, salt: [6; 16], created_at: NOW, expires_at: later(9), used_at: None };
    let reset = QueuedMail {
        id: [1; 16],
        letter: Letter::PasswordReset { challenge: id, to: "Ada <ada@example.com>".to_owned() },
        created_at: NOW,
        due_at: later(1),
        failures: 2,
    };
    let nobody = QueuedMail { id: [255; 16], letter: Letter::Nobody, ..reset.clone() };
    let key = SealedKey { name: "root".to_owned(), sealed: "…".to_owned() };
    let queued = [Change::QueueMail(reset), Change::QueueMail(nobody), Change::InsertKey(key)];
    store.commit([vec![Change::InsertChallenge(challenge)], queued.to_vec()].concat()).await.unwrap();
}

async fn filled(path: &Path) -> Place {
    fill(&Store::open(path, Opening::Create).unwrap()).await;
    folder(path)
}

/// All rows of all tables, by the driver alone.
fn dump(path: &Path) -> Vec<(String, Vec<String>)> {
    let raw = raw(path);
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'store_copy' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut names = raw.prepare(names).unwrap();
    let names: Vec<String> = names.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rows = |name: &String| {
        let mut select = raw.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = select.column_count();
        let shown = |row: &rusqlite::Row<'_>| {
            Ok(format!("{:?}", (0..columns).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>()?))
        };
        let mut rows: Vec<String> = select.query_map((), shown).unwrap().map(Result::unwrap).collect();
        rows.sort();
        rows
    };
    names.iter().map(|name| (name.clone(), rows(name))).collect()
}

fn raw(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path.join("myna.db")).unwrap()
}

struct Ends {
    _folder: tempfile::TempDir,
    postgres: Postgres,
    sqlite: std::path::PathBuf,
    back: std::path::PathBuf,
}

impl Ends {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (sqlite, back) = (folder.path().join("data"), folder.path().join("back"));
        Self { _folder: folder, postgres: Postgres::start("fsync = off").await.unwrap(), sqlite, back }
    }

    async fn database(&self, name: &str) -> Place {
        Place::parse(&self.postgres.database(name).await.unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_across_and_back() {
    let ends = Ends::new().await;
    let from = filled(&ends.sqlite).await;
    let address = ends.postgres.database("across").await.unwrap();
    let to = Place::parse(&address).unwrap();
    let plan = Copy::new(from.clone(), to.clone()).unwrap().plan().await.unwrap();
    assert!(!plan.goes_on && plan.tables.contains(&("user_account", 39)), "{plan:?}");
    let report = copy(&from, &to).await.unwrap();
    assert!(report.is_equal() && report.removed == 0, "{report:?}");
    assert!(report.tables.iter().all(|table| table.source_rows > 0 && table.source_digest == table.target_digest));
    // What is complete and unused may be copied once more: nothing is written.
    let again = copy(&from, &to).await.unwrap();
    assert!(again.is_equal() && (again.written, again.removed) == (0, 0), "{again:?}");

    assert!(copy(&to, &folder(&ends.back)).await.unwrap().is_equal());
    // Every table that the schema has, and every column.
    assert_eq!(dump(&ends.back), dump(&ends.sqlite));
    assert_eq!(dump(&ends.back).len(), report.tables.len() + 1, "all but `migration` are copied");

    let store = Store::connect(&address, Opening::MustExist).await.unwrap();
    let id = session(UserId(2), 200, None).id;
    let rotate = Change::RotateSession { id, while_generation: 1, at: later(5), idle_expires_at: later(1500) };
    store.commit(vec![rotate]).await.unwrap();
    // LG-11: neither used nor reserved ids come again.
    assert!(store.allocate_user_id().await.unwrap().0 > 140);
    let in_use = copy(&from, &to).await.err().unwrap();
    assert!(matches!(in_use, CopyError::InUse(_)), "{in_use}");
    assert_eq!(store.load_session(id).await.unwrap().unwrap().session.generation, 2);
}

/// Very many users.
async fn crowd(path: &Path, count: i64) {
    let store = Store::open(path, Opening::Create).unwrap();
    let mut bulk = store.bulk().unwrap();
    let lists = (1..=count).map(|id| vec![Change::InsertUser(Box::new(User { roles: Vec::new(), ..user(id) }))]);
    bulk.commit(lists.collect(), OnConflict::Stop).await.unwrap();
    bulk.finish().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_broken_off_goes_on() {
    let ends = Ends::new().await;
    crowd(&ends.sqlite, 12_000).await;
    let address = ends.postgres.database("broken").await.unwrap();
    for (to, back) in [(Place::parse(&address).unwrap(), false), (folder(&ends.back), true)] {
        let from = folder(&ends.sqlite);
        let broken = Copy::new(from.clone(), to.clone()).unwrap();
        let broken = async move {
            let mut seen = 0;
            let mut told = |note| {
                if let CopyNote::Rows(rows) = note {
                    seen += rows;
                    // In the second table: the first ones are there.
                    assert!(seen <= 23_500, "broken off, as a test");
                }
            };
            broken.run(&mut told).await
        };
        let broken = LocalSet::new().run_until(async { tokio::task::spawn_local(broken).await }).await;
        assert!(broken.unwrap_err().is_panic());
        let half = match back {
            true => Store::open(&ends.back, Opening::MustExist).err(),
            false => Store::connect(&address, Opening::MustExist).await.err(),
        };
        assert!(matches!(half, Some(OpenError::CopyUnderWay { .. })), "{half:?}");
        let onward = copy(&to, &folder(&ends.back.join("onward"))).await.err().unwrap();
        assert!(matches!(onward, CopyError::HalfSource(_)), "{onward}");
        let other = ends.back.join("other");
        drop(Store::open(&other, Opening::Create).unwrap());
        let other = copy(&folder(&other), &to).await.err().unwrap();
        assert!(matches!(other, CopyError::OtherSource { .. }), "{other}");
        let report = copy(&from, &to).await.unwrap();
        let all: u64 = report.tables.iter().map(|table| table.source_rows).sum();
        assert!(report.is_equal(), "{report:?}");
        assert!(report.written < all && report.written > 0, "{} of {all}", report.written);
    }
}

/// What a user of the source does while it is copied; a row of each kind of difference.
async fn live(store: &Store) {
    let named = |id, email: &str| {
        let user = User { email: Some(email.to_owned()), username: None, updated_at: later(90), ..user(id) };
        Change::UpdateUser(Box::new(user))
    };
    // Two users swap a name.
    let email = user(3).email.unwrap();
    store.commit(vec![named(3, "three@example.com")]).await.unwrap();
    store
        .commit(vec![named(4, &email), Change::PutRole(Role { permissions: Vec::new(), ..role("admin") })])
        .await
        .unwrap();
    store.commit(vec![Change::DeleteUser(UserId(5)), Change::DropMail([255; 16])]).await.unwrap();
    // A device gets another session.
    let end = Change::EndSession { id: session(UserId(2), 3, None).id, at: later(4), cause: EndCause::Replaced };
    let begin = Change::InsertSession(Box::new(session(UserId(2), 2, Some("téléphone"))));
    let id = session(UserId(2), 200, None).id;
    let rotate = Change::RotateSession { id, while_generation: 1, at: later(9), idle_expires_at: later(1500) };
    store.commit(vec![end, begin, rotate]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_is_found_out_and_only_differences_are_copied() {
    let ends = Ends::new().await;
    let from = filled(&ends.sqlite).await;
    let store = Store::open(&ends.sqlite, Opening::MustExist).unwrap();
    let address = ends.postgres.database("live").await.unwrap();
    let to = Place::parse(&address).unwrap();
    let (ask, asked) = tokio::sync::oneshot::channel();
    let (done, changed) = mpsc::channel();
    let task = tokio::spawn(async move {
        asked.await.unwrap();
        live(&store).await;
        done.send(()).unwrap();
    });
    let mut ask = Some(ask);
    let mut told = move |note| {
        if matches!(note, CopyNote::Begins(CopyPhase::Comparing, _)) {
            let ask = ask.take().unwrap();
            ask.send(()).unwrap();
            tokio::task::block_in_place(|| changed.recv()).unwrap();
        }
    };
    let report = Copy::new(from.clone(), to.clone()).unwrap().run(&mut told).await.unwrap();
    task.await.unwrap();
    let shown = report.differences.join("\n");
    assert!(!report.is_equal(), "{shown}");
    for part in [
        "user_account: the row with id 4 differs in email, updated_at",
        "identifier: the row with canonical three@example.com is missing in the target",
        "user_account: the row with id 5 is in the target only",
        "session: the row with user_id 2, handle 02020202020202020202020202020202 is missing in the target",
        "role: the row with id 7 differs in permissions",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let half = Store::connect(&address, Opening::MustExist).await.err().unwrap();
    assert!(matches!(half, OpenError::CopyUnderWay { .. }), "{half}");

    let report = copy(&from, &to).await.unwrap();
    assert!(report.is_equal(), "{report:?}");
    assert!((1..=30).contains(&report.written) && (1..=30).contains(&report.removed), "{report:?}");
    assert!(copy(&to, &folder(&ends.back)).await.unwrap().is_equal());
    assert_eq!(dump(&ends.back), dump(&ends.sqlite));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_runs_the_later_one_writes() {
    let ends = Ends::new().await;
    let from = filled(&ends.sqlite).await;
    let to = ends.database("twice").await;
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go, may_go) = mpsc::channel();
    let first = Copy::new(from.clone(), to.clone()).unwrap();
    let first = std::thread::spawn(move || {
        let mut begun = Some(begun);
        let mut told = move |note| {
            if matches!(note, CopyNote::Begins(CopyPhase::Copying, _)) {
                begun.take().unwrap().send(()).unwrap();
                may_go.recv().unwrap();
            }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(1).build().unwrap();
        runtime.block_on(first.run(&mut told))
    });
    has_begun.await.unwrap();
    assert!(copy(&from, &to).await.unwrap().is_equal());
    go.send(()).unwrap();
    let overtaken = first.join().unwrap().err().unwrap();
    assert!(matches!(overtaken, CopyError::TakenOver), "{overtaken}");
    assert!(copy(&from, &to).await.unwrap().is_equal());
}

// ST-07 among others: each is refused before anything is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_refused() {
    let ends = Ends::new().await;
    let from = filled(&ends.sqlite).await;
    let refused = async |from: &Place, to: &Place, part: &str| {
        let error = copy(from, to).await.err().unwrap().to_string();
        assert!(error.contains(part), "{part}: {error}");
        let planned = match Copy::new(from.clone(), to.clone()) {
            Ok(copy) => copy.plan().await.err().map(|error| error.to_string()),
            Err(same) => Some(same.to_string()),
        };
        assert_eq!(planned, Some(error));
    };
    refused(&from, &folder(&ends.sqlite.join("../data/myna.db")), "two places").await;
    refused(&folder(&ends.back), &ends.database("unmade").await, "the source: there is no database").await;

    let other = ends.back.join("other");
    let target = filled(&other).await;
    let before = dump(&other);
    refused(&from, &target, "never overwritten").await;
    assert_eq!(dump(&other), before);
    // LG-11: an id that was given out is data, too.
    let ids = ends.back.join("ids");
    Store::open(&ids, Opening::Create).unwrap().allocate_user_id().await.unwrap();
    refused(&from, &folder(&ids), "never overwritten").await;
    // A store that nobody used is as good as none.
    let fresh = ends.back.join("fresh");
    drop(Store::open(&fresh, Opening::Create).unwrap());
    assert!(copy(&from, &folder(&fresh)).await.unwrap().is_equal());

    raw(&other).execute("INSERT INTO migration (number, name, checksum) VALUES (999, 'future', '')", ()).unwrap();
    refused(&target, &ends.database("older").await, "newer Myna").await;
    raw(&other).execute("DELETE FROM migration WHERE number > 1", ()).unwrap();
    refused(&target, &ends.database("newer").await, "older Myna").await;

    // What the one engine keeps and the other does not.
    let zero = "UPDATE user_account SET first_name = 'a' || char(0) || 'b' WHERE id = 3";
    raw(&ends.sqlite).execute(zero, ()).unwrap();
    let to = ends.database("zero").await;
    let error = copy(&from, &to).await.err().unwrap().to_string();
    assert!(error.contains("user_account.first_name of the row with id 3"), "{error}");
}
