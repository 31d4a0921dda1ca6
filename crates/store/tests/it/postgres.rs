//! The conformance suite on PostgreSQL, and what connecting makes and refuses.

use myna_store::conformance::CASES;
use myna_store::{Opening, Store};

use crate::cluster::Cluster;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_passes_every_case() {
    let cluster = Cluster::start(&["fsync = off"]);
    let first = cluster.database("template");
    drop(Store::connect(&first, Opening::Create).await.unwrap());
    for (number, case) in CASES.iter().enumerate() {
        let name = format!("case{number}");
        let address = cluster.database(&name);
        let store = Store::connect(&address, Opening::Create).await.unwrap();
        println!("{}", case.name);
        (case.run)(store).await.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}
