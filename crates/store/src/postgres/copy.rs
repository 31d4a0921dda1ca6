//! What a copy needs of a server: all of its rows as they were at one moment, in the order of their keys, and a connection
//! that writes very many. Both go by COPY's binary format, whose tuples are our rows.

use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use futures_util::future::try_join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio_postgres::Error;

use super::address::Address;
use super::connection::{Link, failure, parameters};
use super::pool::Pool;
use super::schema;
use crate::Opening;
use crate::copy::{BATCH_ROWS, Batch, END, Kind, Table, Tuple};
use crate::engine::{Row, Value};
use crate::error::{OpenError, StoreError};
use crate::schema::Applied;

/// A connection that works for a long time, whatever the server's limits are; with room to order a table.
const SETTINGS: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; \
    SET work_mem = '64MB'; SET application_name = 'myna store copy'";
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// What comes first in the binary format: its name, flags, and the length of an extension, which is none.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How many bytes are sent at once.
const PIECE_BYTES: usize = 1 << 18;
/// How many statements are under way at once.
const PIPELINED: usize = 500;

/// A server that is copied from or to.
pub(crate) struct End {
    pool: Pool,
    link: Link,
}

impl End {
    /// Connects.
    pub(crate) async fn open(address: &str) -> Result<Self, OpenError> {
        let pool = Pool::new(Address::parse(address)?)?;
        let link = pool.open_one().await?;
        schema::check_version(&link).await?;
        link.client().batch_execute(SETTINGS).await.map_err(|error| failure(&error))?;
        Ok(Self { pool, link })
    }

    /// The steps of the schema that are applied; `None` without a schema.
    pub(crate) async fn applied(&self) -> Result<Option<Vec<Applied>>, OpenError> {
        if !schema::is_present(&self.link, self.pool.address()).await? {
            return Ok(None);
        }
        let applied = schema::applied(&self.link, self.pool.address()).await?;
        Ok((!applied.is_empty()).then_some(applied))
    }

    /// What it means that there is no schema.
    pub(crate) fn without_schema(&self) -> OpenError {
        OpenError::NoSchema { address: self.pool.address().shown() }
    }

    /// Whether it has the table of the mark.
    pub(crate) async fn has_mark(&self) -> Result<bool, StoreError> {
        schema::has_mark(&self.link).await
    }

    /// Brings the schema forward.
    pub(crate) async fn migrate(&self) -> Result<(), OpenError> {
        schema::prepare(&self.link, self.pool.address(), Opening::Create).await
    }

    /// Runs a query and folds its rows.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let rows = self.link.client().query(sql, &parameters(values)).await.map_err(|error| failure(&error))?;
        for row in &rows {
            fold(&Row::Postgres(row))?;
        }
        Ok(())
    }

    /// Runs a statement once for each list of values; how many rows it altered.
    pub(crate) async fn execute(&self, sql: &str, lists: &[Vec<Value<'_>>]) -> Result<u64, StoreError> {
        let client = self.link.client();
        let run = async {
            let statement = client.prepare(sql).await?;
            let mut altered = 0;
            for some in lists.chunks(PIPELINED) {
                let sent: Vec<_> = some.iter().map(|values| parameters(values)).collect();
                let under_way = sent.iter().map(|values| client.execute(&statement, values));
                altered += try_join_all(under_way).await?.iter().sum::<u64>();
            }
            Ok(altered)
        };
        run.await.map_err(|error: Error| failure(&error))
    }

    /// Makes a table.
    pub(crate) async fn create(&self, sql: &str) -> Result<(), OpenError> {
        self.link.client().batch_execute(sql).await.map_err(|error| schema::refused(&error, self.pool.address()))
    }

    /// Runs a script; a transaction's `COMMIT` has to go by [`commit`](Self::commit).
    pub(crate) async fn script(&self, sql: &str) -> Result<(), StoreError> {
        self.link.client().batch_execute(sql).await.map_err(|error| failure(&error))
    }

    /// Makes durable what was done since `BEGIN`.
    pub(crate) async fn commit(&self) -> Result<(), StoreError> {
        self.script("COMMIT").await?;
        // Cancelled while it waited for its standby: reported as done, and perhaps it is not.
        if self.link.is_doubtful() { Err(StoreError::Unknown) } else { Ok(()) }
    }

    /// Inserts rows into a table.
    pub(crate) async fn insert(&self, table: &Table, rows: &[Tuple]) -> Result<(), StoreError> {
        for row in rows {
            refuse_zero(table, row)?;
        }
        let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.name, table.columns());
        self.send(&copy, rows).await.map_err(|error| failure(&error))
    }

    async fn send(&self, copy: &str, rows: &[Tuple]) -> Result<(), Error> {
        let mut sink = pin!(self.link.client().copy_in(copy).await?);
        let mut piece = BytesMut::with_capacity(PIECE_BYTES * 2);
        piece.put_slice(HEADER);
        for row in rows {
            piece.put_slice(&row.0);
            if piece.len() >= PIECE_BYTES {
                sink.send(piece.split().freeze()).await?;
            }
        }
        piece.put_slice(&END);
        sink.send(piece.freeze()).await?;
        sink.finish().await.map(drop)
    }

    /// Everything as it is at this moment.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, OpenError> {
        let link = self.pool.open_one().await?;
        let begun = async {
            link.client().batch_execute(SETTINGS).await?;
            link.client().batch_execute(BEGIN_SNAPSHOT).await?;
            // The moment is that of the first query.
            link.client().query("SELECT 1 FROM migration", &[]).await
        };
        begun.await.map_err(|error| failure(&error))?;
        Ok(Snapshot(Arc::new(link)))
    }
}

/// This engine's texts hold no zero byte; the other engine's may.
fn refuse_zero(table: &Table, row: &Tuple) -> Result<(), StoreError> {
    for (field, (name, kind)) in row.fields().zip(table.columns) {
        if *kind == Kind::Text && field.is_some_and(|text| text.contains(&0)) {
            let key = table.shown_key(row);
            return Err(StoreError::Refused(format!(
                "{}.{name} of the row with {key} holds a zero byte, which PostgreSQL does not take: alter it in the source",
                table.name
            )));
        }
    }
    Ok(())
}

/// A database at one moment.
pub(crate) struct Snapshot(Arc<Link>);

impl Snapshot {
    /// The rows of a table in the order of their keys.
    pub(crate) fn rows(&self, table: &'static Table, rows: mpsc::Sender<Batch>) {
        let link = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Err(error) = receive(&link, table, &rows).await {
                // Nobody listens any more: the copy has ended.
                let _ = rows.send(Err(error)).await;
            }
        });
    }
}

async fn receive(link: &Link, table: &Table, rows: &mpsc::Sender<Batch>) -> Result<(), StoreError> {
    let (columns, order) = (table.columns(), table.order("\"C\""));
    let copy = format!("COPY (SELECT {columns} FROM {} ORDER BY {order}) TO STDOUT (FORMAT binary)", table.name);
    let stream = link.client().copy_out(&copy).await.map_err(|error| failure(&error))?;
    let mut stream = pin!(stream);
    let (mut decoder, mut batch) = (Decoder::default(), Vec::with_capacity(BATCH_ROWS));
    while let Some(piece) = stream.next().await {
        decoder.put(&piece.map_err(|error| failure(&error))?);
        while let Some(row) = decoder.next(table)? {
            batch.push(row);
        }
        if batch.len() >= BATCH_ROWS {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
            rows.send(Ok(full)).await.map_err(|_| StoreError::Stopped)?;
        }
    }
    if !decoder.is_ended {
        return Err(StoreError::Unexpected(format!("the rows of {} ended too early", table.name)));
    }
    rows.send(Ok(batch)).await.map_err(|_| StoreError::Stopped)
}

/// Finds the rows in a stream of COPY's binary format, wherever it is cut.
#[derive(Default)]
struct Decoder {
    bytes: BytesMut,
    has_header: bool,
    is_ended: bool,
}

impl Decoder {
    fn put(&mut self, piece: &Bytes) {
        self.bytes.put_slice(piece);
    }

    /// The next whole row.
    fn next(&mut self, table: &Table) -> Result<Option<Tuple>, StoreError> {
        let wrong = || StoreError::Unexpected(format!("the rows of {} are in an unknown form", table.name));
        if !self.has_header {
            if self.bytes.len() < HEADER.len() {
                return Ok(None);
            }
            if self.bytes.get(..HEADER.len()) != Some(HEADER.as_slice()) {
                return Err(wrong());
            }
            self.bytes.advance(HEADER.len());
            self.has_header = true;
        }
        let Some(count) = self.bytes.first_chunk::<2>() else { return Ok(None) };
        if *count == END {
            self.is_ended = true;
            return Ok(None);
        }
        if usize::try_from(i16::from_be_bytes(*count)) != Ok(table.columns.len()) {
            return Err(wrong());
        }
        let mut length = 2_usize;
        for _ in table.columns {
            let Some(field) = self.bytes.get(length..).and_then(<[u8]>::first_chunk::<4>) else { return Ok(None) };
            // Nothing has the length -1.
            length += 4 + usize::try_from(i32::from_be_bytes(*field)).unwrap_or(0);
        }
        if self.bytes.len() < length {
            return Ok(None);
        }
        Ok(Some(Tuple(self.bytes.split_to(length).freeze())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::{Encoder, TABLES};

    fn rows() -> Vec<Tuple> {
        let mut encoder = Encoder::new();
        let row = |number: i64| {
            encoder.begin(2);
            encoder.integer(number);
            match number % 2 {
                0 => encoder.null(),
                _ => encoder.integer(-number),
            }
            encoder.end()
        };
        (0..5).map(row).collect()
    }

    #[test]
    fn rows_are_found_wherever_the_stream_is_cut() {
        let table = TABLES.iter().find(|table| table.columns.len() == 2).unwrap();
        let mut whole = HEADER.to_vec();
        for row in rows() {
            whole.extend_from_slice(&row.0);
        }
        whole.extend_from_slice(&END);
        for size in 1..=whole.len() {
            let (mut decoder, mut found) = (Decoder::default(), Vec::new());
            for piece in whole.chunks(size) {
                decoder.put(&Bytes::copy_from_slice(piece));
                while let Some(row) = decoder.next(table).unwrap() {
                    found.push(row);
                }
            }
            assert!(decoder.is_ended && found == rows(), "pieces of {size}");
        }
        let mut decoder = Decoder::default();
        decoder.put(&Bytes::from_static(b"something else altogether"));
        assert!(decoder.next(table).is_err());
    }
}
