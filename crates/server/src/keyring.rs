//! The keys on disk: one folder, mode 0700, a file of mode 0600 for each key. What is missing is made at the first
//! start or by [`Keyring::adopt`]; what an operator imports while the server runs is picked up by [`Keyring::reload`].

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use myna_core::time::Timestamp;
use myna_dialect::Dialect;
use myna_tokens::access::AccessKey;
use myna_tokens::crypto::{NoRandomness, derive, digest, random};
use myna_tokens::opaque::hex;
use myna_tokens::refresh::RefreshKey;
use myna_tokens::{Algorithm, KeyError, KeyRing, SigningKey, StoredKey, VerifyingKey, jwks};
use zeroize::Zeroizing;

const ROOT_FILE: &str = "root.key";
const KEY_SUFFIX: &str = ".json";

/// What a key signs. Keys are never shared between uses (KY-05).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Use {
    /// Access tokens.
    Access,
    /// Refresh tokens that are written as JWTs.
    Refresh,
}

impl Use {
    /// The name in file names and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    /// Reads what [`name`](Self::name) writes.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Access, Self::Refresh].into_iter().find(|each| each.name() == name)
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a dialect needs a key for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Need {
    /// The dialect's name.
    pub(crate) dialect: String,
    /// For which tokens.
    pub(crate) purpose: Use,
    /// The algorithm that the dialect file states.
    pub(crate) algorithm: Algorithm,
}

/// Every key that `dialect` needs.
pub(crate) fn needs(dialect: &Dialect) -> Vec<Need> {
    let need = |purpose, name: &str| {
        let algorithm = name.parse().ok()?;
        Some(Need { dialect: dialect.name().to_owned(), purpose, algorithm })
    };
    let access = dialect.access().and_then(|profile| need(Use::Access, profile.algorithm()?));
    let refresh = dialect.refresh().and_then(|profile| need(Use::Refresh, profile.algorithm()?));
    access.into_iter().chain(refresh).collect()
}

/// The keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyringError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A file holds no key that can be used.
    #[error("{path}: {source}")]
    Key {
        /// Which.
        path: String,
        /// Why.
        source: KeyError,
    },
    /// A private file can be read by others.
    #[error("{path} can be read by others (mode {mode:o}); make it private: chmod 600 {path}")]
    Exposed {
        /// Which.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The root key is not 64 hexadecimal digits, or gone while other keys are there.
    #[error(
        "{path} is missing or damaged: expected 64 hexadecimal digits. Restore it from a backup; with another key every session ends"
    )]
    Root {
        /// Which.
        path: String,
    },
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

/// A key file and what is in it.
pub(crate) struct KeyFile {
    /// Whose key.
    pub(crate) need: Need,
    /// Its name in token headers.
    pub(crate) kid: String,
    /// When it was made or imported.
    pub(crate) created_at: Timestamp,
    key: Arc<SigningKey>,
}

type Rings = HashMap<Need, Arc<KeyRing>>;

/// The keys in use at one moment.
struct InUse {
    /// What the dialects need that are served now.
    served: Vec<Need>,
    /// Also for every need that was served before: a request that is in flight while the dialects are replaced signs and
    /// verifies with its own dialect's keys.
    rings: Rings,
}

/// All keys of the server.
pub(crate) struct Keyring {
    folder: PathBuf,
    in_use: ArcSwap<InUse>,
    /// Held by whoever replaces what is in use, so that no replacement is lost.
    replacing: Mutex<()>,
    access: AccessKey,
    refresh: RefreshKey,
    reset: RefreshKey,
}

impl Keyring {
    /// Opens the key folder and makes what is missing.
    ///
    /// # Errors
    /// [`KeyringError`]; nothing is overwritten.
    pub(crate) fn open(folder: &Path, needs: Vec<Need>, now: Timestamp) -> Result<Self, KeyringError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| io_error(folder, e))?;
        let root = root_key(folder)?;
        make_missing(folder, &needs, now)?;
        let rings = rings(folder, &needs)?;
        Ok(Self {
            folder: folder.to_owned(),
            in_use: ArcSwap::from_pointee(InUse { served: needs, rings }),
            replacing: Mutex::new(()),
            access: AccessKey::from_bytes(&derive(&root, "access tokens")),
            refresh: RefreshKey::from_bytes(&derive(&root, "refresh tokens")),
            reset: RefreshKey::from_bytes(&derive(&root, "reset tokens")),
        })
    }

    /// Reads the folder again; on a fault the keys in use stay.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub(crate) fn reload(&self) -> Result<(), KeyringError> {
        let replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        self.replace(self.in_use.load().served.clone(), &replacing)
    }

    /// Makes what is missing for dialects that are about to be served. The keys of those served so far stay in use.
    ///
    /// # Errors
    /// [`KeyringError`]; the keys in use stay as they were.
    pub(crate) fn adopt(&self, needs: Vec<Need>, now: Timestamp) -> Result<(), KeyringError> {
        let replacing = self.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        make_missing(&self.folder, &needs, now)?;
        self.replace(needs, &replacing)
    }

    fn replace(&self, served: Vec<Need>, _replacing: &MutexGuard<'_, ()>) -> Result<(), KeyringError> {
        let mut known: Vec<Need> = self.in_use.load().rings.keys().cloned().collect();
        known.extend(served.iter().filter(|need| !self.in_use.load().rings.contains_key(need)).cloned());
        let rings = rings(&self.folder, &known)?;
        self.in_use.store(Arc::new(InUse { served, rings }));
        Ok(())
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keys of a dialect for one use and the algorithm that its file states.
    pub(crate) fn ring(&self, dialect: &str, purpose: Use, algorithm: &str) -> Option<Arc<KeyRing>> {
        // A look-up by an owned name would cost an allocation; a handful of rings is scanned as fast.
        let in_use = self.in_use.load();
        let is_it =
            |need: &Need| need.purpose == purpose && need.dialect == dialect && need.algorithm.name() == algorithm;
        in_use.rings.iter().find(|(need, _)| is_it(need)).map(|(_, ring)| Arc::clone(ring))
    }

    /// The key of opaque access tokens.
    pub(crate) const fn access(&self) -> &AccessKey {
        &self.access
    }

    /// The key of refresh tokens.
    pub(crate) const fn refresh(&self) -> &RefreshKey {
        &self.refresh
    }

    /// The key of reset links.
    pub(crate) const fn reset(&self) -> &RefreshKey {
        &self.reset
    }

    /// The public keys of access tokens as a JWKS (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> String {
        let in_use = self.in_use.load();
        let mut access: Vec<_> = in_use.served.iter().filter(|need| need.purpose == Use::Access).collect();
        access.sort_by(|one, other| one.dialect.cmp(&other.dialect));
        jwks(access.iter().filter_map(|need| in_use.rings.get(need)).flat_map(|ring| ring.keys()))
    }
}

/// Makes a key for each need that has none.
fn make_missing(folder: &Path, needs: &[Need], now: Timestamp) -> Result<(), KeyringError> {
    let present = list(folder)?;
    for need in needs {
        if !present.iter().any(|file| file.need == *need) {
            let key = generate(need.algorithm).map_err(|e| key_error(folder, e))?;
            save(folder, need, &key, now)?;
            tracing::info!(dialect = need.dialect, purpose = need.purpose.name(), kid = key.kid(), "made a key");
        }
    }
    Ok(())
}

/// RSA keys of 2048 bits: what the clients of RS256 APIs expect, and three times cheaper to sign with than 3072.
fn generate(algorithm: Algorithm) -> Result<SigningKey, KeyError> {
    match algorithm {
        Algorithm::Rs256 => SigningKey::generate_rsa(myna_tokens::RsaBits::Bits2048),
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 | Algorithm::Es256 | Algorithm::EdDsa => {
            SigningKey::generate(algorithm)
        }
    }
}

/// Of several keys the youngest signs; all verify.
fn rings(folder: &Path, needs: &[Need]) -> Result<Rings, KeyringError> {
    let mut files = list(folder)?;
    files.sort_by_key(|file| std::cmp::Reverse(file.created_at));
    let mut rings = Rings::new();
    for need in needs {
        let mut keys = files.iter().filter(|file| file.need == *need).map(|file| Arc::clone(&file.key));
        let Some(signing) = keys.next() else { continue };
        let others: Vec<VerifyingKey> = keys.map(|key| key.verifying().clone()).collect();
        let ring = KeyRing::new(signing, others).map_err(|e| key_error(folder, e))?;
        rings.insert(need.clone(), Arc::new(ring));
    }
    Ok(rings)
}

/// Every key file in the folder, in the order of their names.
///
/// # Errors
/// [`KeyringError`] for the first file that cannot be used: better no start than a start without a key.
pub(crate) fn list(folder: &Path) -> Result<Vec<KeyFile>, KeyringError> {
    let entries = fs::read_dir(folder).map_err(|e| io_error(folder, e))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths.iter().filter_map(|path| Some((path, parts(path)?))).map(|(path, parts)| open(path, parts)).collect()
}

/// Dialect and use from `<dialect>.<use>.<digest>.json`; `None` for other files.
fn parts(path: &Path) -> Option<(String, Use)> {
    let stem = path.file_name()?.to_str()?.strip_suffix(KEY_SUFFIX)?;
    let (rest, _digest) = stem.rsplit_once('.')?;
    let (dialect, purpose) = rest.rsplit_once('.')?;
    Some((dialect.to_owned(), Use::parse(purpose)?))
}

fn open(path: &Path, (dialect, purpose): (String, Use)) -> Result<KeyFile, KeyringError> {
    let stored = StoredKey::parse(&read_private(path)?).map_err(|e| key_error(path, e))?;
    let key = SigningKey::from_stored(&stored).map_err(|e| key_error(path, e))?;
    Ok(KeyFile {
        need: Need { dialect, purpose, algorithm: key.algorithm() },
        kid: stored.kid().to_owned(),
        created_at: Timestamp(stored.created_at()),
        key: Arc::new(key),
    })
}

/// Writes a key file; the youngest key of a dialect and use signs from the next [`Keyring::reload`] on.
///
/// # Errors
/// [`KeyringError`], also when there is this very key already.
pub(crate) fn save(folder: &Path, need: &Need, key: &SigningKey, now: Timestamp) -> Result<PathBuf, KeyringError> {
    let stored = key.to_stored(now.0).map_err(|e| key_error(folder, e))?;
    let json = stored.to_json().map_err(|e| key_error(folder, e))?;
    let short = hex(&digest(key.kid().as_bytes())[..6]);
    let path = folder.join(format!("{}.{}.{short}{KEY_SUFFIX}", need.dialect, need.purpose));
    write_private(&path, &json)?;
    Ok(path)
}

fn root_key(folder: &Path) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    let path = folder.join(ROOT_FILE);
    if !path.exists() {
        // Beside keys of an earlier start it was lost, and a new one would end every session without a word.
        if !list(folder)?.is_empty() {
            return Err(KeyringError::Root { path: path.display().to_string() });
        }
        let fresh = Zeroizing::new(random::<32>()?);
        let text = Zeroizing::new(hex(&*fresh));
        match write_private(&path, text.as_bytes()) {
            Ok(()) => return Ok(fresh),
            // Another process made it just now: its key counts.
            Err(KeyringError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    let text = read_private(&path)?;
    parse_root(&text).ok_or_else(|| KeyringError::Root { path: path.display().to_string() })
}

fn parse_root(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim_ascii();
    let mut key = Zeroizing::new([0; 32]);
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
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

fn key_error(path: &Path, source: KeyError) -> KeyringError {
    KeyringError::Key { path: path.display().to_string(), source }
}
