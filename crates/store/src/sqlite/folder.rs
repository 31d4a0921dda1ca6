//! The data folder: who may read it, which file is the database, and whether there should be one. It never opens the
//! database.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::mark::{Gate, Mark};
use crate::Opening;
use crate::error::OpenError;

const DATABASE: &str = "myna.db";
const WAL: &str = "myna.db-wal";
/// The files that SQLite lays beside the database; they inherit its mode.
const COMPANIONS: [&str; 2] = [WAL, "myna.db-shm"];
/// Written when the first database is complete: from then on its absence is a loss and not a beginning (F25).
const MARKER: &str = "installation";
const MARKER_TEXT: &str = "A Myna installation lives in this folder. While this file is here, Myna never begins with an \
                           empty database.\n";

/// A data folder that only its owner can read (ST-12), with a database file in it.
pub(crate) struct Folder {
    path: PathBuf,
    /// Whether the database has to hold a schema already.
    pub(crate) is_settled: bool,
}

impl Folder {
    /// Makes the folder and an empty database file where `opening` allows it.
    pub(crate) fn prepare(path: &Path, opening: Opening) -> Result<Self, OpenError> {
        let mut folder = Self { path: path.to_owned(), is_settled: false };
        let database = folder.database();
        if opening == Opening::Create {
            folder.make()?;
        }
        folder.is_settled = exists(&folder.marker())?;
        if !exists(&database)? {
            match opening {
                _ if folder.is_settled => return Err(folder.missing()),
                Opening::MustExist => return Err(OpenError::NoDatabase(database)),
                Opening::Create => create_private(&database)?,
            }
        }
        for name in COMPANIONS.into_iter().chain([DATABASE]) {
            close_to_others(&folder.path.join(name), 0o600)?;
        }
        Ok(folder)
    }

    pub(crate) fn database(&self) -> PathBuf {
        Self::database_of(&self.path)
    }

    /// Where the database of a folder is.
    pub(crate) fn database_of(path: &Path) -> PathBuf {
        path.join(DATABASE)
    }

    /// The refusal to begin anew.
    pub(crate) fn missing(&self) -> OpenError {
        OpenError::DatabaseMissing { database: self.database(), marker: self.marker() }
    }

    /// Goes through the gate: nobody else opens or closes the database meanwhile. Refuses a database whose WAL was lost
    /// while it was open.
    pub(crate) fn enter(&self) -> Result<Gate, OpenError> {
        let gate = Gate::enter(&self.path).map_err(|source| at(&self.path, source))?;
        let (mark, wal) = (Mark::path(&self.path), self.path.join(WAL));
        // A mark without a word was being laid, by a process that had done nothing yet.
        let is_marked = fs::metadata(&mark).is_ok_and(|found| found.len() > 0);
        if is_marked && !exists(&wal)? { Err(OpenError::WalMissing { wal, mark }) } else { Ok(gate) }
    }

    /// Notes that the database is open.
    pub(crate) fn mark(&self, gate: &Gate) -> Result<Mark, OpenError> {
        Mark::lay(&self.path, gate).map_err(|source| at(&Mark::path(&self.path), source))
    }

    /// Notes, durably, that there is a database here.
    pub(crate) fn settle(&self) -> Result<(), OpenError> {
        if self.is_settled {
            return Ok(());
        }
        let marker = self.marker();
        let write = || -> io::Result<()> {
            let mut file = private().create(true).truncate(true).open(&marker)?;
            file.write_all(MARKER_TEXT.as_bytes())?;
            file.sync_all()?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| at(&marker, source))
    }

    fn marker(&self) -> PathBuf {
        self.path.join(MARKER)
    }

    /// The folder comes to be with mode 0700. One that others can read is closed to them, unless it holds files of
    /// somebody else.
    fn make(&self) -> Result<(), OpenError> {
        let path = &self.path;
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| at(path, source))?;
        let mode = fs::metadata(path).map_err(|source| at(path, source))?.permissions().mode();
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let is_empty = fs::read_dir(path).map_err(|source| at(path, source))?.next().is_none();
        if !is_empty && !exists(&self.marker())? && !exists(&self.database())? {
            return Err(OpenError::FolderNotOurs(path.clone()));
        }
        close_to_others(path, 0o700)
    }
}

/// Makes files that only their owner can read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn create_private(path: &Path) -> Result<(), OpenError> {
    match private().create_new(true).open(path) {
        Ok(_) => Ok(()),
        // Another process was first.
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(at(path, source)),
    }
}

fn close_to_others(path: &Path, mode: u32) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(path, Permissions::from_mode(mode)).map_err(|source| at(path, source))
        }
        Ok(_) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(at(path, source)),
    }
}

fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(|source| at(path, source))
}

fn at(path: &Path, source: io::Error) -> OpenError {
    OpenError::Path { path: path.to_owned(), source }
}
