//! The conformance suite on SQLite: each case with a store of its own. And two stores on one database.

use myna_store::conformance::CASES;
use myna_store::{Opening, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_passes_every_case() {
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data"), Opening::Create).unwrap();
        println!("{}", case.name);
        (case.run)(store).await.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}

// The command line and the server use one database at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_database_never_share_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let one = Store::open(&path, Opening::Create).unwrap();
    let two = Store::open(&path, Opening::MustExist).unwrap();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..250 {
        assert!(seen.insert(one.allocate_user_id().await.unwrap()));
        assert!(seen.insert(two.allocate_user_id().await.unwrap()));
    }
}
