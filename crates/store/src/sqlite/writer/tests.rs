//! One caller's trouble is nobody else's, and what cannot be committed is not answered as if it were.

mod price;

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::mail::{Letter, QueuedMail};
use myna_core::time::Timestamp;
use myna_core::user::{Role, User};

use super::*;
use crate::sqlite::connection::Access;
use crate::sqlite::schema::{MIGRATIONS, migrate};

const USERS: &str = "SELECT 1 FROM user_account WHERE id = $1";

fn database(folder: &tempfile::TempDir) -> Held {
    let path = folder.path().join("myna.db");
    std::fs::File::create(&path).unwrap();
    let db = Db::open(&path, Access::Write).unwrap();
    migrate(&db, MIGRATIONS).unwrap();
    Held::new(path, db).unwrap()
}

fn user(id: i64) -> User {
    User { username: Some(format!("user-{id}")), ..User::blank(UserId(id), Timestamp(0)) }
}

fn insert(user: User) -> Work {
    Work::Changes(vec![Change::InsertUser(Box::new(user))])
}

fn is_stored(held: &mut Held, id: i64) -> bool {
    held.db().unwrap().exists(USERS, &[id.into()]).unwrap()
}

/// Runs one batch and returns what each caller was answered.
fn answers(held: &mut Held, works: Vec<Work>) -> (Vec<Answer>, CommitCounts) {
    let counters = Counters::default();
    let (batch, waiting): (Vec<_>, Vec<_>) = works
        .into_iter()
        .map(|work| {
            let (answer, answered) = oneshot::channel();
            (Job { work, answer }, answered)
        })
        .unzip();
    run(held, batch, &counters);
    let answers = waiting.into_iter().map(|mut answered| answered.try_recv().unwrap()).collect();
    let counts = CommitCounts { callers: counters.callers.into_inner(), commits: counters.commits.into_inner() };
    (answers, counts)
}

#[test]
fn a_failed_guard_or_statement_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = database(&folder);
    let unknown_role = Role { id: 404, name: "unknown".to_owned(), permissions: Vec::new() };
    let refused = User { roles: vec![unknown_role], ..user(3) };
    let works = vec![insert(user(1)), insert(user(1)), insert(refused), Work::Nothing, insert(user(2))];
    let (answers, counts) = answers(&mut held, works);
    assert_eq!(answers[0], Ok(Done::default()));
    assert_eq!(answers[1], Err(Conflict::UserIdUsed(UserId(1)).into()));
    assert!(matches!(answers[2], Err(CommitError::Store(StoreError::Refused(_)))), "{answers:?}");
    assert_eq!(answers[3..], [Ok(Done::default()), Ok(Done::default())]);
    assert_eq!([1, 2, 3].map(|id| is_stored(&mut held, id)), [true, true, false]);
    // A sign of life that shares a transaction is a write, too.
    assert_eq!(counts, CommitCounts { callers: 3, commits: 1 });
    // The id of the refused one is free.
    assert_eq!(self::answers(&mut held, vec![insert(user(3))]).0, [Ok(Done::default())]);
}

#[test]
fn a_full_disk_hurts_who_needs_space_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = database(&folder);
    let big = || User { attributes: "x".repeat(1 << 20), ..user(2) };
    // The engine cannot have a page more than there are: to it, the disk is full.
    held.db().unwrap().script("PRAGMA max_page_count = 1").unwrap();
    let (answers, counts) = answers(&mut held, vec![insert(user(1)), insert(big()), insert(user(3))]);
    assert_eq!(answers, [Ok(Done::default()), Err(StoreError::Full.into()), Ok(Done::default())]);
    assert_eq!([1, 2, 3].map(|id| is_stored(&mut held, id)), [true, false, true]);
    assert_eq!(counts.callers, 2);
    assert!(!held.db().unwrap().in_transaction());
    held.db().unwrap().script("PRAGMA max_page_count = 1000000").unwrap();
    assert_eq!(self::answers(&mut held, vec![insert(big())]).0, [Ok(Done::default())]);
}

// ST-05
#[test]
fn when_the_commit_fails_nobody_is_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = database(&folder);
    // A reference that is checked only at the commit, broken by every mail.
    held.db()
        .unwrap()
        .script(
            "CREATE TABLE whole (id INTEGER PRIMARY KEY);
         CREATE TABLE broken (id INTEGER REFERENCES whole (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER breaks AFTER INSERT ON mail BEGIN INSERT INTO broken VALUES (1); END;",
        )
        .unwrap();
    let mail =
        QueuedMail { id: [1; 16], letter: Letter::Nobody, created_at: Timestamp(0), due_at: Timestamp(0), failures: 0 };
    let works = vec![insert(user(1)), Work::Changes(vec![Change::QueueMail(mail)]), insert(user(2))];
    let (answers, counts) = answers(&mut held, works);
    for answer in &answers {
        assert!(matches!(answer, Err(CommitError::Store(StoreError::Refused(_)))), "{answers:?}");
    }
    assert_eq!([1, 2].map(|id| is_stored(&mut held, id)), [false, false]);
    assert_eq!(counts, CommitCounts { callers: 0, commits: 0 });
    assert!(!held.db().unwrap().in_transaction());
    assert_eq!(self::answers(&mut held, vec![insert(user(1))]).0, [Ok(Done::default())]);
}

#[tokio::test]
async fn a_writer_that_panicked_is_noticed() {
    let (queue, mut jobs) = mpsc::channel::<Job>(1);
    let thread = thread::spawn(move || {
        let _job = jobs.blocking_recv();
        panic!("as a test");
    });
    let writer = Writer { queue: Some(queue), thread: Some(thread), counters: Arc::default() };
    let stopped = Err(CommitError::Store(StoreError::Stopped));
    assert_eq!(writer.run(Work::Nothing).await, stopped, "while it waits for the answer");
    writer.stopped().await;
    assert_eq!(writer.run(Work::Nothing).await, stopped, "from then on");
}

// F5: a connection that its files have failed is not asked again; a new one is, and what was not answered is not done.
#[test]
fn a_connection_that_failed_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = database(&folder);
    held.db().unwrap().script("PRAGMA query_only = ON").unwrap();
    let (answers, counts) = answers(&mut held, vec![insert(user(1)), insert(user(2))]);
    for answer in &answers {
        assert!(matches!(answer, Err(CommitError::Store(StoreError::ReadOnly(_)))), "{answers:?}");
    }
    assert_eq!(counts.commits, 0);
    assert!(held.is_failing());
    // A sign of life is one only after a write worked.
    assert_eq!(
        self::answers(&mut held, vec![Work::Nothing]),
        (vec![Ok(Done::default())], CommitCounts { callers: 1, commits: 1 })
    );
    assert!(!held.is_failing());
    assert_eq!(
        self::answers(&mut held, vec![Work::Nothing]),
        (vec![Ok(Done::default())], CommitCounts { callers: 0, commits: 0 })
    );
    assert_eq!(self::answers(&mut held, vec![insert(user(2))]).0, [Ok(Done::default())]);
    assert_eq!([1, 2].map(|id| is_stored(&mut held, id)), [false, true]);
}

// F25: to write on into a file that nobody finds any more is to acknowledge and lose.
#[test]
fn nothing_is_written_while_a_file_is_not_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = database(&folder);
    assert_eq!(answers(&mut held, vec![insert(user(1))]).0, [Ok(Done::default())]);
    let elsewhere = folder.path().join("elsewhere");
    for (number, name) in (2..).zip(["myna.db", "myna.db-wal", "myna.db-shm"]) {
        let path = folder.path().join(name);
        std::fs::rename(&path, &elsewhere).unwrap();
        let gone = answers(&mut held, vec![insert(user(number))]).0;
        assert!(matches!(&gone[0], Err(CommitError::Store(StoreError::Io(text))) if text.contains(name)), "{gone:?}");
        std::fs::write(&path, "").unwrap();
        assert_eq!(answers(&mut held, vec![insert(user(number))]).0, gone, "replaced");
        std::fs::rename(&elsewhere, &path).unwrap();
        assert_eq!(answers(&mut held, vec![insert(user(number))]).0, [Ok(Done::default())], "back in its place");
    }
    assert_eq!([1, 2, 3, 4].map(|id| is_stored(&mut held, id)), [true; 4]);
}

// F5: what failed is written over by it, an import is durable with it, and a disk that cannot take it is not ready.
#[test]
fn a_sign_of_life_goes_to_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut held = database(&folder);
    let log = || std::fs::read(folder.path().join("myna.db-wal")).unwrap();
    for _ in 0..3 {
        let before = log();
        let db = held.db().unwrap();
        db.begin().unwrap();
        touch(db).unwrap();
        db.commit().unwrap();
        assert_ne!(log(), before);
    }
}
