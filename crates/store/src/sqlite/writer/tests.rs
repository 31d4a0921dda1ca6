//! One caller's trouble is nobody else's, and what cannot be committed is not answered as if it were.

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::mail::{Letter, QueuedMail};
use myna_core::time::Timestamp;
use myna_core::user::{Role, Status, User};

use super::*;
use crate::sqlite::connection::Access;
use crate::sqlite::schema::{MIGRATIONS, migrate};

const USERS: &str = "SELECT 1 FROM user_account WHERE id = $1";

fn database(folder: &tempfile::TempDir) -> Db {
    let path = folder.path().join("myna.db");
    std::fs::File::create(&path).unwrap();
    let db = Db::open(&path, Access::Write).unwrap();
    migrate(&db, MIGRATIONS).unwrap();
    db
}

fn user(id: i64) -> User {
    User {
        id: UserId(id),
        email: None,
        username: Some(format!("user-{id}")),
        first_name: None,
        middle_name: None,
        last_name: None,
        photo: None,
        status: Status::Active,
        must_change_password: false,
        roles: Vec::new(),
        attributes: "{}".to_owned(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn insert(user: User) -> Work {
    Work::Changes(vec![Change::InsertUser(Box::new(user))])
}

fn is_stored(db: &Db, id: i64) -> bool {
    db.exists(USERS, &[id.into()]).unwrap()
}

/// Runs one batch and returns what each caller was answered.
fn answers(db: &Db, works: Vec<Work>) -> (Vec<Answer>, CommitCounts) {
    let counters = Counters::default();
    let (batch, waiting): (Vec<_>, Vec<_>) = works
        .into_iter()
        .map(|work| {
            let (answer, answered) = oneshot::channel();
            (Job { work, answer }, answered)
        })
        .unzip();
    run(db, batch, &counters);
    let answers = waiting.into_iter().map(|mut answered| answered.try_recv().unwrap()).collect();
    let counts = CommitCounts { callers: counters.callers.into_inner(), commits: counters.commits.into_inner() };
    (answers, counts)
}

#[test]
fn a_failed_guard_or_statement_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    let unknown_role = Role { id: 404, name: "unknown".to_owned(), permissions: Vec::new() };
    let refused = User { roles: vec![unknown_role], ..user(3) };
    let works = vec![insert(user(1)), insert(user(1)), insert(refused), Work::Nothing, insert(user(2))];
    let (answers, counts) = answers(&db, works);
    assert_eq!(answers[0], Ok(0));
    assert_eq!(answers[1], Err(Conflict::UserIdUsed(UserId(1)).into()));
    assert!(matches!(answers[2], Err(CommitError::Store(StoreError::Refused(_)))), "{answers:?}");
    assert_eq!(answers[3..], [Ok(0), Ok(0)]);
    assert_eq!([1, 2, 3].map(|id| is_stored(&db, id)), [true, true, false]);
    assert_eq!(counts, CommitCounts { callers: 2, commits: 1 });
    // The id of the refused one is free.
    assert_eq!(self::answers(&db, vec![insert(user(3))]).0, [Ok(0)]);
}

#[test]
fn a_full_disk_hurts_who_needs_space_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    let big = || User { attributes: "x".repeat(1 << 20), ..user(2) };
    // The engine cannot have a page more than there are: to it, the disk is full.
    db.script("PRAGMA max_page_count = 1").unwrap();
    let (answers, counts) = answers(&db, vec![insert(user(1)), insert(big()), insert(user(3))]);
    assert_eq!(answers, [Ok(0), Err(StoreError::Full.into()), Ok(0)]);
    assert_eq!([1, 2, 3].map(|id| is_stored(&db, id)), [true, false, true]);
    assert_eq!(counts.callers, 2);
    assert!(!db.in_transaction());
    db.script("PRAGMA max_page_count = 1000000").unwrap();
    assert_eq!(self::answers(&db, vec![insert(big())]).0, [Ok(0)]);
}

// ST-05
#[test]
fn when_the_commit_fails_nobody_is_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let db = database(&folder);
    // A reference that is checked only at the commit, broken by every mail.
    db.script(
        "CREATE TABLE whole (id INTEGER PRIMARY KEY);
         CREATE TABLE broken (id INTEGER REFERENCES whole (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER breaks AFTER INSERT ON mail BEGIN INSERT INTO broken VALUES (1); END;",
    )
    .unwrap();
    let mail =
        QueuedMail { id: [1; 16], letter: Letter::Nobody, created_at: Timestamp(0), due_at: Timestamp(0), failures: 0 };
    let works = vec![insert(user(1)), Work::Changes(vec![Change::QueueMail(mail)]), insert(user(2))];
    let (answers, counts) = answers(&db, works);
    for answer in &answers {
        assert!(matches!(answer, Err(CommitError::Store(StoreError::Refused(_)))), "{answers:?}");
    }
    assert_eq!([1, 2].map(|id| is_stored(&db, id)), [false, false]);
    assert_eq!(counts, CommitCounts { callers: 0, commits: 0 });
    assert!(!db.in_transaction());
    assert_eq!(self::answers(&db, vec![insert(user(1))]).0, [Ok(0)]);
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
