//! Keys on disk: one folder, mode 0700, a file of mode 0600 for each key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use myna_tokens::crypto::digest;
use myna_tokens::opaque::hex;
use zeroize::Zeroizing;

use super::stock::{Kept, KeptKey, Root, Stock};
use super::{KeyringError, NewKey, Use};
use crate::config::hex_key;

const ROOT_FILE: &str = "root.key";
const KEY_SUFFIX: &str = ".json";

/// The folder.
pub(crate) struct Folder(PathBuf);

/// What tells that files came or went.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FolderMark {
    names: Vec<PathBuf>,
    /// A coarse clock may give two changes one time; then the names differ.
    changed_at: Option<SystemTime>,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder if it is missing.
    pub(super) fn prepare(&self) -> Result<(), KeyringError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0).map_err(|error| io_error(&self.0, error))
    }

    pub(crate) fn has_root(&self) -> bool {
        self.0.join(ROOT_FILE).exists()
    }

    pub(super) fn mark(&self) -> Result<FolderMark, KeyringError> {
        let changed_at = fs::metadata(&self.0).and_then(|metadata| metadata.modified()).ok();
        Ok(FolderMark { names: self.paths()?, changed_at })
    }

    /// Reads everything.
    ///
    /// # Errors
    /// [`KeyringError`] for the first file that cannot be used: better no start than a start without a key.
    pub(crate) fn load(&self) -> Result<Stock, KeyringError> {
        let root = if self.has_root() { Some(self.read_root()?) } else { None };
        let mut keys = Vec::new();
        for path in self.paths()? {
            if let Some((dialect, purpose)) = parts(&path) {
                let json = read_private(&path)?;
                keys.push(KeptKey::open(&dialect, purpose, &json, Kept::File(path))?);
            }
        }
        Ok(Stock { root, keys })
    }

    fn paths(&self) -> Result<Vec<PathBuf>, KeyringError> {
        let entries = fs::read_dir(&self.0).map_err(|error| io_error(&self.0, error))?;
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        Ok(paths)
    }

    fn read_root(&self) -> Result<Root, KeyringError> {
        let text = read_private(&self.0.join(ROOT_FILE))?;
        hex_key(text.trim_ascii()).ok_or_else(|| self.no_root())
    }

    /// Writes a root key where there is none.
    pub(super) fn write_root(&self, root: &Root) -> Result<(), KeyringError> {
        let text = Zeroizing::new(hex(&**root));
        write_private(&self.0.join(ROOT_FILE), text.as_bytes())
            // Another process made it just now: its key counts.
            .map_err(|error| if is_there(&error) { KeyringError::Changed } else { error })
    }

    pub(super) fn no_root(&self) -> KeyringError {
        KeyringError::Root { place: self.0.join(ROOT_FILE).display().to_string() }
    }

    /// Writes a key file.
    ///
    /// # Errors
    /// [`KeyringError`], also when there is this very key already.
    pub(super) fn save(&self, new: &NewKey) -> Result<(), KeyringError> {
        let json = new.to_json()?;
        let short = hex(&digest(new.key.kid().as_bytes())[..6]);
        let path = self.0.join(format!("{}.{}.{short}{KEY_SUFFIX}", new.need.dialect, new.need.purpose));
        write_private(&path, &json).map_err(|error| {
            if is_there(&error) { KeyringError::Known { kid: new.key.kid().to_owned() } } else { error }
        })
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), KeyringError> {
        let removed = fs::remove_file(path).and_then(|()| File::open(&self.0)?.sync_all());
        removed.map_err(|error| io_error(path, error))
    }
}

fn is_there(error: &KeyringError) -> bool {
    matches!(error, KeyringError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
}

/// Dialect and use from `<dialect>.<use>.<digest>.json`; `None` for other files.
fn parts(path: &Path) -> Option<(String, Use)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(KEY_SUFFIX)?;
    let (rest, _digest) = stem.rsplit_once('.')?;
    let (dialect, purpose) = rest.rsplit_once('.')?;
    Some((dialect.to_owned(), Use::parse(purpose)?))
}

fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let mode = fs::metadata(path).map_err(|e| io_error(path, e))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Exposed { path: path.display().to_string(), mode });
    }
    fs::read(path).map(Zeroizing::new).map_err(|e| io_error(path, e))
}

/// Writes a new file that only we can read, whole or not at all: a reader must never see half a key.
fn write_private(path: &Path, bytes: &[u8]) -> Result<(), KeyringError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(bytes)?;
        // Whoever owns the folder has to read it, also when root imports a key for the server's user.
        let owner = fs::metadata(folder)?;
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
            std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        }
        file.sync_all()?;
        // A link fails where a rename would overwrite.
        fs::hard_link(&draft, path)?;
        // Without this the name may be gone after a power cut, and with it every session.
        File::open(folder)?.sync_all()
    };
    let written = write();
    let _ = fs::remove_file(&draft);
    written.map_err(|e| io_error(path, e))
}

fn io_error(path: &Path, source: io::Error) -> KeyringError {
    KeyringError::Io { path: path.display().to_string(), source }
}
