//! Whether the files that are open still are the ones that bear their names. What is written to a file that was removed
//! or replaced is acknowledged and lost, and another process would begin beside it (F25).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::error::{OpenError, StoreError};

/// The files of an open database, each with the device and the number that it had when it was opened.
pub(crate) struct Files(Vec<(PathBuf, (u64, u64))>);

impl Files {
    /// The database, its WAL and the WAL's index. All three exist while a connection is open.
    pub(crate) fn of(database: &Path) -> Result<Self, OpenError> {
        let known = |suffix: &str| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            let path = PathBuf::from(path);
            match fs::metadata(&path) {
                Ok(found) => Ok((path, (found.dev(), found.ino()))),
                Err(source) => Err(OpenError::Path { path, source }),
            }
        };
        Ok(Self(["", "-wal", "-shm"].into_iter().map(known).collect::<Result<_, _>>()?))
    }

    /// Looks at each again.
    pub(crate) fn verify(&self) -> Result<(), StoreError> {
        for (path, opened) in &self.0 {
            let found = fs::metadata(path).map(|found| (found.dev(), found.ino()));
            if found.as_ref().ok() != Some(opened) {
                return Err(StoreError::Io(format!(
                    "{} was removed or replaced while it is open: put it back, or restart Myna",
                    path.display()
                )));
            }
        }
        Ok(())
    }
}
