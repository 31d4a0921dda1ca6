//! The mark that lies beside the database while it is open, and says that it is not whole without its WAL: a WAL that is
//! missing after a crash is then a loss that is told, and not an older database that is silently served (F25).
//!
//! Whoever has the database open holds a shared lock on the mark; the last one to close it lifts the mark first. Opening
//! and closing go through a gate, a lock on the folder, so that nobody sees half of either.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::folder::private;

const NAME: &str = "myna.db-open";
const TEXT: &str = "Myna has this database open, or was stopped by a crash. Until it has closed it, myna.db without \
                    myna.db-wal is not whole.\n";

/// Held while a database is opened or closed, by one process at a time.
pub(crate) struct Gate(File);

impl Gate {
    /// Waits until nobody else opens or closes the database of `folder`.
    pub(crate) fn enter(folder: &Path) -> io::Result<Self> {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(Self(folder))
    }
}

/// Our share of the mark.
pub(crate) struct Mark {
    folder: PathBuf,
    file: File,
}

impl Mark {
    /// Where the mark of `folder` lies.
    pub(crate) fn path(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    /// Lays the mark, durably, or shares the one that lies there. The WAL has to exist: it is durable before the mark is.
    pub(crate) fn lay(folder: &Path, gate: &Gate) -> io::Result<Self> {
        let mut file = private().read(true).create(true).truncate(false).open(Self::path(folder))?;
        if file.metadata()?.len() == 0 {
            gate.0.sync_all()?;
            file.write_all(TEXT.as_bytes())?;
            file.sync_all()?;
        }
        file.lock_shared()?;
        Ok(Self { folder: folder.to_owned(), file })
    }

    /// Lifts the mark if nobody else has the database open, and says whether it did. Only then may the WAL be taken into the
    /// database and removed: a mark that somebody else leaves behind must find it. The gate stays closed until the
    /// connections are closed, too.
    pub(crate) fn lift(&self) -> io::Result<(Gate, bool)> {
        let gate = Gate::enter(&self.folder)?;
        self.file.unlock()?;
        let is_last = self.file.try_lock().is_ok();
        if is_last {
            fs::remove_file(Self::path(&self.folder))?;
            gate.0.sync_all()?;
        }
        Ok((gate, is_last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_the_last_lifts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lay = || Mark::lay(folder.path(), &Gate::enter(folder.path()).unwrap()).unwrap();
        let (one, other) = (lay(), lay());
        let is_last = |mark: &Mark| mark.lift().unwrap().1;
        assert!(!is_last(&one) && Mark::path(folder.path()).exists());
        drop(one);
        assert!(is_last(&other) && !Mark::path(folder.path()).exists());
    }
}
