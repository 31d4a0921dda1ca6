//! What opening a data folder makes, keeps and refuses, and how callers share transactions.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use myna_core::change::{Change, Conflict};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::session::{AccessDigests, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_store::{CommitCounts, CommitError, OpenError, Opening, Store, StoreError};
use tokio::task::JoinSet;

fn user(id: UserId) -> User {
    User { email: Some(format!("person{id}@example.com")), updated_at: Timestamp(2), ..User::blank(id, Timestamp(1)) }
}

fn insert(id: UserId) -> Vec<Change> {
    vec![Change::InsertUser(Box::new(user(id)))]
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |found| found.permissions().mode() & 0o777)
}

#[tokio::test]
async fn data_survives_closing_and_opening() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    let id = store.allocate_user_id().await.unwrap();
    store.commit(insert(id)).await.unwrap();
    store.commit(vec![]).await.unwrap();
    store.check_ready().await.unwrap();
    drop(store);
    let store = Store::open(folder.path(), Opening::MustExist).unwrap();
    assert_eq!(store.load_known_by_id(id).await.unwrap().unwrap().user, user(id));
    // LG-11: also what was only handed out before is not handed out again.
    assert!(store.allocate_user_id().await.unwrap() > id);
    assert_eq!(store.commit(insert(id)).await, Err(CommitError::Conflict(Conflict::UserIdUsed(id))));
}

#[tokio::test]
async fn a_store_that_is_kept_read_only_is_read_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    let id = store.allocate_user_id().await.unwrap();
    store.commit(insert(id)).await.unwrap();
    let kept = store.kept_read_only();
    let refused = CommitError::Store(StoreError::KeptReadOnly);
    assert_eq!(kept.clone().commit(vec![Change::DeleteUser(id)]).await, Err(refused));
    assert_eq!(kept.allocate_user_id().await, Err(StoreError::KeptReadOnly));
    assert!(matches!(kept.bulk().err(), Some(OpenError::Store(StoreError::KeptReadOnly))));
    kept.check_ready().await.unwrap();
    assert_eq!(kept.load_known_by_id(id).await.unwrap().unwrap().user, user(id));
}

// ST-12
#[tokio::test]
async fn nobody_else_can_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let store = Store::open(&path, Opening::Create).unwrap();
    store.commit(insert(UserId(1))).await.unwrap();
    assert_eq!(mode(&path), 0o700);
    let files = || fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    assert!(files().any(|file| file.ends_with("myna.db-wal")));
    for file in files() {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    for file in files().chain([path.clone()]) {
        fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    }
    let _store = Store::open(&path, Opening::Create).unwrap();
    assert_eq!((mode(&path), mode(&path.join("myna.db"))), (0o700, 0o600));
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("letter"), "dear").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let refused = Store::open(&path, Opening::Create).err().unwrap();
    assert!(matches!(refused, OpenError::FolderNotOurs(_)), "{refused}");
    assert_eq!(mode(&path), 0o755);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
}

// F25
#[tokio::test]
async fn an_empty_database_never_takes_the_place_of_a_lost_one() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("myna.db");
    let never = Store::open(folder.path(), Opening::MustExist).err().unwrap();
    assert!(matches!(never, OpenError::NoDatabase(_)), "{never}");
    fs::write(&database, "").unwrap();
    let empty = Store::open(folder.path(), Opening::MustExist).err().unwrap();
    assert!(matches!(empty, OpenError::NoDatabase(_)), "{empty}");
    drop(Store::open(folder.path(), Opening::Create).unwrap());
    for opening in [Opening::Create, Opening::MustExist] {
        fs::remove_file(&database).unwrap();
        let lost = Store::open(folder.path(), opening).err().unwrap();
        assert!(matches!(lost, OpenError::DatabaseMissing { .. }), "{lost}");
        assert!(!database.exists());
        fs::write(&database, "").unwrap();
        let emptied = Store::open(folder.path(), opening).err().unwrap();
        assert!(matches!(emptied, OpenError::DatabaseMissing { .. }), "{emptied}");
    }
    fs::write(&database, "not a database".repeat(1000)).unwrap();
    let damaged = Store::open(folder.path(), Opening::Create).err().unwrap();
    assert!(matches!(damaged, OpenError::Store(StoreError::Corrupt(_))), "{damaged}");
}

// ST-07
#[test]
fn the_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path(), Opening::Create).unwrap());
    let raw = rusqlite::Connection::open(folder.path().join("myna.db")).unwrap();
    raw.execute("INSERT INTO migration (number, name, checksum) VALUES (999, 'future', '')", ()).unwrap();
    let newer = Store::open(folder.path(), Opening::Create).err().unwrap();
    assert!(matches!(newer, OpenError::NewerSchema { found: 999, .. }), "{newer}");
}

// ST-05: while another process writes, callers queue; then they share a transaction.
#[tokio::test]
async fn callers_that_queue_share_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("myna.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut callers = JoinSet::new();
    for id in 1..=64 {
        let store = store.clone();
        callers.spawn(async move { store.commit(insert(UserId(id))).await });
    }
    // This is the only thread: after some turns every caller has queued.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.commit_counts(), CommitCounts { callers: 0, commits: 0 });
    assert!(store.load_known_by_id(UserId(1)).await.unwrap().is_none());
    other.execute_batch("COMMIT").unwrap();
    for result in callers.join_all().await {
        result.unwrap();
    }
    let counts = store.commit_counts();
    assert_eq!(counts.callers, 64);
    assert!(counts.commits <= 2, "{counts:?}");
}

// ST-03, ST-04: two processes, one session, one winner, nobody told that the database is busy.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn races_between_two_stores_have_one_winner() {
    let folder = tempfile::tempdir().unwrap();
    let stores =
        [Store::open(folder.path(), Opening::Create).unwrap(), Store::open(folder.path(), Opening::MustExist).unwrap()];
    let id = SessionId { user: UserId(1), handle: Handle([1; 16]) };
    let session = Session {
        id,
        dialect: "plain".to_owned(),
        device: None,
        salt: [0; 16],
        generation: 0,
        created_at: Timestamp(1),
        rotated_at: Timestamp(1),
        used_at: Timestamp(1),
        idle_expires_at: Timestamp(100),
        expires_at: Timestamp(100),
        client_address: None,
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    };
    stores[0].commit(insert(id.user)).await.unwrap();
    stores[1].commit(vec![Change::InsertSession(Box::new(session))]).await.unwrap();
    let mut callers = JoinSet::new();
    for number in 0..64 {
        let store = stores[number % 2].clone();
        let rotate =
            Change::RotateSession { id, while_generation: 0, at: Timestamp(2), idle_expires_at: Timestamp(50) };
        callers.spawn(async move { store.commit(vec![rotate]).await });
    }
    let results = callers.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let changed = Err(CommitError::Conflict(Conflict::SessionChanged(id)));
    assert!(results.iter().all(|result| result.is_ok() || *result == changed), "{results:?}");
}

// F25: what was acknowledged last is in the WAL; without it the database is an older one.
#[tokio::test]
async fn a_database_that_was_not_closed_is_not_opened_without_its_wal() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // A crash, as far as the files go: what they were like while the store was open.
    let crashed = tempfile::tempdir().unwrap();
    let at = |name: &str| crashed.path().join(name);
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    store.commit(insert(UserId(1))).await.unwrap();
    for name in ["installation", "myna.db", "myna.db-wal", "myna.db-open"] {
        fs::copy(path(name), at(name)).unwrap();
    }
    // One that closes while others have it open leaves the mark, the last one does not.
    let other = Store::open(folder.path(), Opening::MustExist).unwrap();
    drop(other);
    assert!(path("myna.db-open").exists());
    drop(store);
    assert!(!path("myna.db-open").exists() && !path("myna.db-wal").exists());
    drop(Store::open(folder.path(), Opening::MustExist).unwrap());

    fs::rename(at("myna.db-wal"), at("elsewhere")).unwrap();
    for opening in [Opening::Create, Opening::MustExist] {
        let refused = Store::open(crashed.path(), opening).err().unwrap();
        assert!(matches!(refused, OpenError::WalMissing { .. }), "{refused}");
    }
    assert!(matches!(Store::examine(crashed.path()), Err(OpenError::WalMissing { .. })));
    assert!(!at("myna.db-wal").exists(), "looking makes no empty one");
    fs::rename(at("elsewhere"), at("myna.db-wal")).unwrap();
    let store = Store::open(crashed.path(), Opening::MustExist).unwrap();
    assert!(store.load_known_by_id(UserId(1)).await.unwrap().is_some());
    drop(store);
    assert!(!at("myna.db-open").exists());
}

// I11: a command closes the database, and the server beside it is killed in the middle of that. The server's share of the
// mark is all that is left of it then, and SQLite takes the command for the last one.
#[tokio::test]
async fn who_closes_beside_one_that_is_killed_leaves_a_database_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    store.commit(insert(UserId(1))).await.unwrap();
    let killed = fs::File::open(path("myna.db-open")).unwrap();
    killed.lock_shared().unwrap();
    drop(store);
    assert!(path("myna.db-open").exists() && path("myna.db-wal").exists());
    drop(killed);
    let store = Store::open(folder.path(), Opening::MustExist).unwrap();
    assert!(store.load_known_by_id(UserId(1)).await.unwrap().is_some());
}

// F25
#[tokio::test]
async fn damage_is_found_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Store::examine(folder.path()).unwrap(), None);
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    for id in 1..200 {
        store.commit(insert(UserId(id))).await.unwrap();
    }
    assert_eq!(Store::examine(folder.path()).unwrap(), Some(vec![]), "while it is open");
    drop(store);
    assert_eq!(Store::examine(folder.path()).unwrap(), Some(vec![]));
    let database = folder.path().join("myna.db");
    let raw = rusqlite::Connection::open(&database).unwrap();
    let page: i64 =
        raw.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'user_account'", (), |row| row.get(0)).unwrap();
    drop(raw);
    let mut bytes = fs::read(&database).unwrap();
    bytes[(usize::try_from(page).unwrap() - 1) * 4096..][..64].fill(0xA5);
    fs::write(&database, bytes).unwrap();
    let wrong = Store::examine(folder.path()).unwrap().unwrap();
    assert!(!wrong.is_empty());
    let store = Store::open(folder.path(), Opening::MustExist).unwrap();
    let unread = store.load_known_by_id(UserId(1)).await.err().unwrap();
    assert!(matches!(unread, StoreError::Corrupt(_)) && !unread.may_pass(), "{unread}");
}
