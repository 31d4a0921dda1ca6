//! The readers: a few read-only connections, used on the calling thread. A point read costs less than handing it to
//! another thread would; nobody awaits while holding one.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use super::connection::{Access, Db};
use crate::engine::{Row, Value};
use crate::error::{OpenError, StoreError};

/// Read-only connections, made when they are first needed, at most two for each core.
pub(crate) struct Readers {
    path: PathBuf,
    most: usize,
    state: Mutex<State>,
    returned: Condvar,
}

struct State {
    idle: Vec<Db>,
    open: usize,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        let cores = thread::available_parallelism().map_or(2, usize::from);
        Self { path, most: cores * 2, state: Mutex::new(State { idle: Vec::new(), open: 0 }), returned: Condvar::new() }
    }

    /// Closes every connection.
    pub(crate) fn close(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).idle.clear();
    }

    /// The database's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs one query on an idle connection and folds its rows. Every call sees everything committed before it.
    pub(crate) fn rows(
        &self,
        sql: &str,
        values: &[Value<'_>],
        fold: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut lease = self.lease()?;
        let result = lease.db.as_ref().ok_or(StoreError::Stopped)?.rows(sql, values, fold);
        if matches!(result, Err(StoreError::Io(_) | StoreError::Corrupt(_) | StoreError::Unexpected(_))) {
            // A connection that has seen its files break may go on seeing them broken; a new one looks again.
            lease.db = None;
        }
        result
    }

    fn lease(&self) -> Result<Lease<'_>, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(db) = state.idle.pop() {
                return Ok(Lease { readers: self, db: Some(db) });
            }
            if state.open < self.most {
                break;
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.open += 1;
        drop(state);
        let mut lease = Lease { readers: self, db: None };
        lease.db = Some(Db::open(&self.path, Access::Read).map_err(OpenError::while_open)?);
        Ok(lease)
    }
}

/// A connection in use. Dropping it gives it back, or gives its place free when it is gone.
struct Lease<'a> {
    readers: &'a Readers,
    db: Option<Db>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.db.take() {
            Some(db) => state.idle.push(db),
            None => state.open -= 1,
        }
        drop(state);
        self.readers.returned.notify_one();
    }
}
