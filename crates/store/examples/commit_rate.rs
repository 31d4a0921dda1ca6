//! Prints how many durable one-row commits a second the writer makes for 64 callers, and how many come of committing
//! one by one: `cargo run --release -p myna-store --example commit_rate -- <empty folder>`.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use myna_core::change::Change;
use myna_core::mail::{Letter, QueuedMail};
use myna_core::time::Timestamp;
use myna_store::{CommitError, Opening, Store};
use tokio::task::JoinSet;

const CALLERS: u64 = 64;
const EACH: u64 = 100;
const ONE_BY_ONE: u64 = 1000;
const INSERT: &str = "INSERT INTO mail (id, letter, created_at, due_at, failures) VALUES (?1, 'nobody', 0, 0, 0)";

fn id(caller: u64, number: u64) -> [u8; 16] {
    // The reversed half comes first, so that keys are spread as random ones are.
    ((u128::from((caller * 1_000_003 + number).reverse_bits()) << 64) | u128::from(caller)).to_be_bytes()
}

async fn together(store: &Store) -> Result<f64, CommitError> {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            for number in 0..EACH {
                let mail = QueuedMail {
                    id: id(caller, number),
                    letter: Letter::Nobody,
                    created_at: Timestamp(0),
                    due_at: Timestamp(0),
                    failures: 0,
                };
                store.commit(vec![Change::QueueMail(mail)]).await?;
            }
            Ok::<_, CommitError>(())
        });
    }
    callers.join_all().await.into_iter().collect::<Result<(), _>>()?;
    Ok((CALLERS * EACH) as f64 / start.elapsed().as_secs_f64())
}

fn one_by_one(folder: &Path) -> Result<f64, rusqlite::Error> {
    let db = rusqlite::Connection::open(folder.join("myna.db"))?;
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
    let start = Instant::now();
    for number in 0..ONE_BY_ONE {
        db.prepare_cached(INSERT)?.execute([id(CALLERS, number)])?;
    }
    Ok(ONE_BY_ONE as f64 / start.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name an empty folder")?;
    let folder = Path::new(&folder);
    let store = Store::open(folder, Opening::Create)?;
    let shared = together(&store).await?;
    let counts = store.commit_counts();
    let alone = one_by_one(folder)?;
    writeln!(
        std::io::stdout(),
        "{CALLERS} callers: {shared:.0}/s ({:.1} callers a commit); one by one: {alone:.0}/s; ratio {:.1}",
        counts.callers as f64 / counts.commits as f64,
        shared / alone
    )?;
    Ok(())
}
