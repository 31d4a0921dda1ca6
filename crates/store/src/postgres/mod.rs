//! The engine across a network: PostgreSQL, or what speaks its protocol and keeps its promises.
//!
//! Any number of nodes share one database and know nothing of each other. What makes that right is in the statements:
//! each guarded write is one row and one condition, under READ COMMITTED; no advisory lock, no notification.

pub(crate) mod address;
mod batch;
mod commit;
mod connection;
pub(crate) mod copy;
mod pool;
pub(crate) mod schema;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::Opening;
use crate::engine::{Answer, Row, Value};
use crate::error::{CommitError, OpenError, StoreError};
use crate::ids;
use crate::sweep;
use crate::work::{CommitCounts, Done, Work};
use address::Address;
use batch::{Batches, Rotation};
use connection::{failure, is_lost};
use pool::{Pool, abandon};

/// How long one query may take.
const QUERY_MAX: Duration = Duration::from_secs(4);
/// How long a query is asked again while there is no primary, and how long a start waits for one.
const PATIENCE: Duration = Duration::from_secs(6);
const PAUSE: Duration = Duration::from_millis(50);

/// An open database.
pub(crate) struct Postgres {
    shared: Arc<Shared>,
    batches: Batches,
}

/// What the tasks of an open database share.
pub(crate) struct Shared {
    pool: Pool,
    callers: AtomicU64,
    commits: AtomicU64,
}

impl Postgres {
    /// Connects, brings the schema forward, and tells what makes the database less safe than it could be.
    pub(crate) async fn open(address: &str, opening: Opening) -> Result<Self, OpenError> {
        let pool = Pool::new(Address::parse(address)?)?;
        let give_up = Instant::now() + PATIENCE;
        loop {
            match prepare(&pool, opening).await {
                // It went away meanwhile. A step that was begun is done, or will be.
                Err(OpenError::Store(StoreError::Unreachable(_))) if Instant::now() + PAUSE < give_up => {
                    sleep(PAUSE).await;
                }
                prepared => break prepared?,
            }
        }
        pool.watch();
        let shared = Arc::new(Shared { pool, callers: AtomicU64::new(0), commits: AtomicU64::new(0) });
        Ok(Self { batches: Batches::start(&shared), shared })
    }

    /// The names of the machines in an address.
    pub(crate) fn hosts(address: &str) -> Result<Vec<String>, OpenError> {
        Address::parse(address).map(|address| address.names())
    }

    /// Runs a query and folds its rows.
    pub(crate) async fn rows(
        &self,
        sql: &'static str,
        values: &[Value<'_>],
        mut fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for row in &self.shared.query(sql, values).await? {
            fold(&Row::Postgres(row))?;
        }
        Ok(())
    }

    /// Does `work`, all or none, and returns when it is durable.
    pub(crate) async fn run(&self, work: Work) -> Answer {
        match work {
            Work::Changes(changes) => match Rotation::of(&changes) {
                Some(rotation) => self.rotate(rotation, changes).await,
                None => self.commit(changes, false).await,
            },
            Work::ReserveIds(count) => self.shared.reserve(count).await.map_err(CommitError::from),
            Work::Forget(dead) => self.shared.forget(&dead).await.map_err(CommitError::from),
            Work::Nothing => Ok(Done::default()),
        }
    }

    /// How well callers share transactions.
    pub(crate) fn counts(&self) -> CommitCounts {
        CommitCounts {
            callers: self.shared.callers.load(Ordering::Relaxed),
            commits: self.shared.commits.load(Ordering::Relaxed),
        }
    }
}

impl Shared {
    /// Asks until somebody answers: a question can be repeated.
    async fn query(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let error = match self.ask(sql, values).await {
                Ok(rows) => return Ok(rows),
                Err(error @ StoreError::Unreachable(_)) => error,
                Err(error) => return Err(error),
            };
            if Instant::now() + PAUSE >= give_up {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let lease = self.pool.lease().await?;
        let lost = match timeout(QUERY_MAX, lease.query(sql, values)).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) if is_lost(&error) => connection::told(&error),
            Ok(Err(error)) => return Err(failure(&error)),
            Err(_) => format!("no answer within {QUERY_MAX:?}"),
        };
        abandon(lease);
        Err(StoreError::Unreachable(lost))
    }

    async fn exists(&self, sql: &'static str, values: &[Value<'_>]) -> Result<bool, StoreError> {
        Ok(!self.query(sql, values).await?.is_empty())
    }

    /// A block that was reserved without anybody hearing of it is lost, and no loss: the next one is taken.
    async fn reserve(&self, count: i64) -> Result<Done, StoreError> {
        let rows = self.query(ids::RESERVE, &ids::reserve_values(count)).await?;
        let next = rows.first().ok_or(StoreError::NoIdLeft)?;
        let first_id = Row::Postgres(next).integer(0)? - count;
        Ok(Done { first_id: Some(first_id), ended: Vec::new() })
    }

    /// Deletes a few rows; what was not deleted is looked at again some day.
    async fn forget(&self, dead: &sweep::Dead) -> Result<Done, StoreError> {
        self.once(&sweep::steps(dead)).await.map(|()| Done::default())
    }

    /// Notes a durable transaction of so many callers.
    fn count(&self, callers: u64) {
        self.callers.fetch_add(callers, Ordering::Relaxed);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }
}

async fn prepare(pool: &Pool, opening: Opening) -> Result<(), OpenError> {
    let link = pool.open_one().await?;
    schema::take_over(&link, pool.address()).await?;
    schema::prepare(&link, pool.address(), opening).await
}

/// The value of a column.
pub(crate) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a tokio_postgres::Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// The sixteen bytes of a column.
pub(crate) fn bytes(row: &tokio_postgres::Row, at: usize) -> Result<[u8; 16], StoreError> {
    sixteen(column(row, at)?)
}

/// The sixteen bytes of a column, if there are any.
pub(crate) fn maybe_bytes(row: &tokio_postgres::Row, at: usize) -> Result<Option<[u8; 16]>, StoreError> {
    column::<Option<&[u8]>>(row, at)?.map(sixteen).transpose()
}

fn sixteen(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt(format!("{} bytes where 16 should be", bytes.len())))
}
