//! The conformance suite on PostgreSQL.

use myna_store::conformance::CASES;
use myna_store::{Opening, Store};
use myna_verify::postgres::Postgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_passes_every_case() {
    let postgres = Postgres::start("fsync = off").await.unwrap();
    for (number, case) in CASES.iter().enumerate() {
        let address = postgres.database(&format!("case{number}")).await.unwrap();
        let store = Store::connect(&address, Opening::Create).await.unwrap();
        println!("{}", case.name);
        (case.run)(store).await.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}
