//! How storing fails: by a guard ([`Conflict`]), by the database ([`StoreError`]), or before anything is open
//! ([`OpenError`]). No message here holds a stored value.

use std::path::PathBuf;

use myna_core::change::Conflict;

/// The database did not do what it was asked. Nothing of the caller's list was applied.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left. Writing works again as soon as there is some.
    #[error("the disk that holds the database is full")]
    Full,
    /// The files cannot be written.
    #[error("the database is read-only: {0}")]
    ReadOnly(String),
    /// The operator keeps it so, for as long as a copy takes.
    #[error("the store is kept read-only (`read_only = true`): nothing can be changed until that is taken back")]
    KeptReadOnly,
    /// Reading or writing the files failed.
    #[error("the database's files cannot be read or written: {0}")]
    Io(String),
    /// Another process held the database for longer than the store waits.
    #[error("another process holds the database")]
    Busy,
    /// The files or a stored value are damaged.
    #[error("the database is damaged: {0}; `myna check` says more, and a backup helps")]
    Corrupt(String),
    /// The schema does not allow the change: a fault of the caller, held off by the last line (ST-08).
    #[error("the schema refuses the change: {0}")]
    Refused(String),
    /// Every user id below the greatest integer was given out.
    #[error("no user id is left")]
    NoIdLeft,
    /// The writer is gone: it panicked, or the store was closed. The process should end.
    #[error("the store's writer has stopped")]
    Stopped,
    /// The database cannot be reached, or has no primary at the moment. Nothing was applied.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The database did not say whether the changes were applied. They may have been; asking again is safe.
    #[error("the database did not say whether a change was made")]
    Unknown,
    /// Something else, in the engine's words.
    #[error("the database failed: {0}")]
    Unexpected(String),
}

impl StoreError {
    /// Whether the same may work again without anybody mending Myna or its data.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Full
            | Self::ReadOnly(_)
            | Self::KeptReadOnly
            | Self::Io(_)
            | Self::Busy
            | Self::Unreachable(_)
            | Self::Unknown => true,
            Self::Corrupt(_) | Self::Refused(_) | Self::NoIdLeft | Self::Stopped | Self::Unexpected(_) => false,
        }
    }
}

/// Why a list of changes was not applied. Nothing of it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// A guard did not hold: load again and decide again.
    #[error("a guard did not hold: {0:?}")]
    Conflict(Conflict),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenError {
    /// The same, seen by somebody whose store is open already.
    pub(crate) fn while_open(self) -> StoreError {
        if let Self::Store(error) = self { error } else { StoreError::Unexpected(self.to_string()) }
    }
}

impl From<Conflict> for CommitError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

/// Why the database was not opened. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder once held a database and holds none now (F25).
    #[error(
        "the database {} is missing, although this folder holds an installation: put the database back from a \
         backup; to begin anew with no users, remove {} first",
        database.display(), marker.display()
    )]
    DatabaseMissing {
        /// Where the database should be.
        database: PathBuf,
        /// The file that says that there was one.
        marker: PathBuf,
    },
    /// A crash left the database to be completed from its WAL, and that is gone (F25).
    #[error(
        "{} is missing, although the database was not closed: what was written last is in it. Put it back beside the \
         database; if another program has taken it in, if the database is a backup, or if those writes shall be lost, \
         remove {} first",
        wal.display(), mark.display()
    )]
    WalMissing {
        /// The file that is missing.
        wal: PathBuf,
        /// The file that says that the database was open.
        mark: PathBuf,
    },
    /// There is no database, and none was to be made.
    #[error("there is no database {}: start the server once to make one, or name the right data folder", .0.display())]
    NoDatabase(PathBuf),
    /// The folder holds other people's files and others may read it (ST-12).
    #[error("{} is open to others and holds other files: name an own folder, or run `chmod 700` on it", .0.display())]
    FolderNotOurs(PathBuf),
    /// The folder or a file cannot be made, read or written.
    #[error("{}: {source}", path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The address of a PostgreSQL database cannot be used.
    #[error("the database's address: {problem}; expected postgres://USER:PASSWORD@HOST:PORT/NAME")]
    Address {
        /// What is wrong with it; nothing of the password.
        problem: String,
    },
    /// Nobody answers there, or not as a PostgreSQL that takes writes.
    #[error("the database at {host} cannot be used: {says}")]
    Unreachable {
        /// Where.
        host: String,
        /// What it says.
        says: String,
    },
    /// The server does not let the user in.
    #[error(
        "the database at {host} refuses the user `{user}`: {says}; look at the password in the address, and at pg_hba.conf"
    )]
    LoginRefused {
        /// Where.
        host: String,
        /// Who.
        user: String,
        /// What it says.
        says: String,
    },
    /// The server has no such database.
    #[error("there is no database `{database}` at {host}; make one: createdb -O {user} {database}")]
    NoSuchDatabase {
        /// Where.
        host: String,
        /// Which.
        database: String,
        /// Who is to own it.
        user: String,
    },
    /// The database has no schema of ours, and none was to be made.
    #[error("the database {address} holds no installation: start the server once to make one")]
    NoSchema {
        /// Which.
        address: String,
    },
    /// The database is half a copy of another.
    #[error(
        "this database is a copy of {of} that is not complete: run `myna store copy` again, with the same source and \
         target, until it says that every row is the same"
    )]
    CopyUnderWay {
        /// Of what.
        of: String,
    },
    /// The user may not do what is needed.
    #[error(
        "the user `{user}` lacks rights in the database `{database}` at {host}: {says}; as its owner or a superuser: \
         GRANT ALL ON SCHEMA public TO {user}, and the tables must be its own"
    )]
    MissingRights {
        /// Where.
        host: String,
        /// Which.
        database: String,
        /// Who.
        user: String,
        /// What the server says.
        says: String,
    },
    /// The server is older than those that were tried.
    #[error("{found} is too old: PostgreSQL 15 or newer is needed")]
    OldServer {
        /// What it calls itself.
        found: String,
    },
    /// A newer program has been here (ST-07).
    #[error("the database was made by a newer Myna: schema {found}, this one knows {known}; run the newer program")]
    NewerSchema {
        /// The database's schema.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// A migration that was applied is not the one that this program holds.
    #[error("migration {number} `{name}` of the database differs from this program's; run the program that made it")]
    MigrationChanged {
        /// Its number.
        number: i64,
        /// Its name in the database.
        name: String,
    },
    /// The engine that was linked can corrupt databases (ST-02).
    #[error("SQLite {found} is too old: 3.51.3 or newer is needed")]
    OldEngine {
        /// Its version.
        found: &'static str,
    },
    /// A safety setting did not take (ST-01).
    #[error("SQLite did not accept `{name} = {wanted}`: it says `{found}`; is the data folder on a network disk?")]
    Setting {
        /// Which.
        name: &'static str,
        /// What was asked for.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
