//! Prints how many users a second an import writes: `cargo run --release -p myna-store --example import_rate -- <empty
//! folder> [count]`. Reading and proving a file's lines is not in it.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use myna_core::change::Change;
use myna_core::id::UserId;
use myna_core::secret::Secret;
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_store::{OnConflict, Opening, Store};

const COUNT: i64 = 1_000_000;
/// Coprime to any count below it: e-mails come in no order, as they do where users are listed by id.
const STRIDE: i64 = 1_000_000_007;

fn insert(number: i64, count: i64) -> Vec<Change> {
    let user = User {
        email: Some(format!("person-{}@example.com", number * STRIDE % count)),
        username: Some(format!("person{number}")),
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        ..User::blank(UserId(number), Timestamp(1))
    };
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA${number:043}");
    vec![
        Change::InsertUser(Box::new(user)),
        Change::SetPassword {
            user: UserId(number),
            while_hash: None,
            hash: Secret::new(hash),
            changed_at: Some(Timestamp(1)),
        },
    ]
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name an empty folder")?;
    let count = arguments.next().map_or(Ok(COUNT), |count| count.parse())?;
    let store = Store::open(Path::new(&folder), Opening::Create)?;
    let start = Instant::now();
    let mut bulk = store.bulk()?;
    let mut numbers = 1..=count;
    loop {
        let lists: Vec<_> = numbers.by_ref().take(bulk.room()).map(|number| insert(number, count)).collect();
        if lists.is_empty() {
            break;
        }
        if let Some(conflict) = bulk.commit(lists, OnConflict::Stop).await?.into_iter().find_map(Result::err) {
            return Err(format!("{conflict:?}: is the folder empty?").into());
        }
    }
    bulk.finish().await?;
    let seconds = start.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{count} users in {seconds:.1} s: {:.0}/s", count as f64 / seconds)?;
    Ok(())
}
