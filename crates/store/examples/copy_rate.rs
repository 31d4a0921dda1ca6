//! Prints how long a copy of many users with a session each takes: `cargo run --release -p myna-store --example copy_rate --
//! <empty folder> <target> [count]`. The target is written as for `myna store copy`; a second run copies the same users
//! again, to another one.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use myna_core::change::Change;
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::secret::Secret;
use myna_core::session::{AccessDigests, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_store::{Copy, CopyNote, OnConflict, Opening, Place, Store};

const COUNT: i64 = 1_000_000;
/// Coprime to any count below it: e-mails and handles come in no order.
const STRIDE: i64 = 1_000_000_007;
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn insert(number: i64, count: i64) -> Vec<Change> {
    let id = UserId(number);
    let user = User {
        email: Some(format!("person-{}@example.com", number * STRIDE % count)),
        username: Some(format!("person{number}")),
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        ..User::blank(id, NOW)
    };
    let hash = format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA${number:043}");
    let handle = (i128::from(number) * i128::from(STRIDE) * i128::from(STRIDE)).to_le_bytes();
    let session = Session {
        id: SessionId { user: id, handle: Handle(handle) },
        dialect: "passport".to_owned(),
        device: None,
        salt: handle,
        generation: 0,
        created_at: NOW,
        rotated_at: NOW,
        used_at: NOW,
        idle_expires_at: Timestamp(i64::MAX),
        expires_at: Timestamp(i64::MAX),
        client_address: Some("192.0.2.1".to_owned()),
        client_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned()),
        access: AccessDigests::default(),
        ended: None,
    };
    let changed_at = Some(NOW);
    vec![
        Change::InsertUser(Box::new(user)),
        Change::SetPassword { user: id, while_hash: None, hash: Secret::new(hash), changed_at },
        Change::InsertSession(Box::new(session)),
    ]
}

async fn fill(folder: &Path, count: i64) -> Result<(), Box<dyn Error>> {
    let store = Store::open(folder, Opening::Create)?;
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
    Ok(bulk.finish().await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = arguments.next().ok_or("name an empty folder, and where to copy it to")?;
    let target = arguments.next().ok_or("name where to copy it to")?;
    let count = arguments.next().map_or(Ok(COUNT), |count| count.parse())?;
    if source.starts_with("postgres") || Path::new(&source).join("myna.db").exists() {
        writeln!(std::io::stdout(), "what is there is copied")?;
    } else {
        fill(Path::new(&source), count).await?;
    }
    let source = if source.starts_with("postgres") { source } else { format!("sqlite:{source}") };
    let begun = Instant::now();
    let mut told = |note| {
        if let CopyNote::Begins(phase, rows) = note {
            let _ = writeln!(std::io::stdout(), "{:7.1} s  {phase:?} {rows} rows", begun.elapsed().as_secs_f64());
        }
    };
    let report = Copy::new(Place::parse(&source)?, Place::parse(&target)?)?.run(&mut told).await?;
    let (equal, written) = (report.is_equal(), report.written);
    let seconds = begun.elapsed().as_secs_f64();
    writeln!(std::io::stdout(), "{seconds:7.1} s  wrote {written} rows; equal: {equal}")?;
    Ok(())
}
