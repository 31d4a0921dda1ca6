//! Where the keys are kept: in the database where there is a key-encryption key, else in a folder.

use std::path::Path;

use myna_store::Store;
use myna_tokens::crypto::random;
use zeroize::Zeroizing;

use super::folder::{Folder, FolderMark};
use super::stock::{Kept, KeptKey, Root, Stock};
use super::vault::Vault;
use super::{KeyringError, NewKey};
use crate::config::KeyEncryption;

/// The folder's name within the data folder.
const FOLDER: &str = "keys";

/// Where the keys are kept.
pub(crate) enum Place {
    /// One folder, a file for each key.
    Folder(Folder),
    /// The database, encrypted.
    Database(Box<Vault>),
}

/// What tells whether keys have come or gone since somebody looked.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Folder(FolderMark),
    Rows([u8; 32]),
}

/// What was moved.
pub(crate) struct Moved {
    /// Whether the root key was, too; else it was there already.
    pub(crate) root: bool,
    /// How many other keys were; the rest was there already.
    pub(crate) keys: usize,
}

impl Place {
    /// Where the keys of the data folder `data` and of `store` are.
    ///
    /// # Errors
    /// [`KeyringError::NoEncryptionKey`] for keys in the database without a key-encryption key.
    pub(crate) async fn of(
        data: &Path,
        encryption: Option<&KeyEncryption>,
        store: &Store,
    ) -> Result<Self, KeyringError> {
        let folder = Folder::new(data.join(FOLDER));
        match encryption {
            Some(encryption) => Ok(Self::Database(Box::new(Vault::new(store.clone(), encryption.clone(), folder)))),
            None if store.load_keys().await?.is_empty() => Ok(Self::Folder(folder)),
            None => Err(KeyringError::NoEncryptionKey),
        }
    }

    /// The key folder of the data folder `data`.
    pub(crate) fn folder_of(data: &Path) -> Self {
        Self::Folder(Folder::new(data.join(FOLDER)))
    }

    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Folder(folder) => folder.path().display().to_string(),
            Self::Database(_) => "the database".to_owned(),
        }
    }

    pub(super) fn no_root(&self) -> KeyringError {
        match self {
            Self::Folder(folder) => folder.no_root(),
            Self::Database(vault) => vault.no_root(),
        }
    }

    pub(super) fn prepare(&self) -> Result<(), KeyringError> {
        match self {
            Self::Folder(folder) => folder.prepare(),
            Self::Database(_) => Ok(()),
        }
    }

    /// Everything that is kept.
    ///
    /// # Errors
    /// [`KeyringError`] for the first key that cannot be read.
    pub(crate) async fn load(&self) -> Result<Stock, KeyringError> {
        self.load_marked().await.map(|(stock, _)| stock)
    }

    pub(super) async fn load_marked(&self) -> Result<(Stock, Mark), KeyringError> {
        match self {
            Self::Folder(folder) => {
                // Before the keys: what comes while they are read is found at the next look.
                let mark = Mark::Folder(folder.mark()?);
                Ok((folder.load()?, mark))
            }
            Self::Database(vault) => {
                let (rows, mark) = vault.rows().await?;
                Ok((vault.open(rows)?, Mark::Rows(mark)))
            }
        }
    }

    /// Everything that is kept, if it is not what it was at `mark`.
    pub(super) async fn load_changed(&self, mark: &Mark) -> Result<Option<(Stock, Mark)>, KeyringError> {
        match self {
            Self::Folder(folder) => {
                if *mark == Mark::Folder(folder.mark()?) {
                    return Ok(None);
                }
                self.load_marked().await.map(Some)
            }
            Self::Database(vault) => {
                let (rows, found) = vault.rows().await?;
                if *mark == Mark::Rows(found) {
                    return Ok(None);
                }
                Ok(Some((vault.open(rows)?, Mark::Rows(found))))
            }
        }
    }

    /// Adds keys to `stock`, and a root key where there is none.
    ///
    /// # Errors
    /// [`KeyringError::Changed`] when somebody else did the same just now: load again.
    pub(super) async fn supply(&self, stock: &Stock, new: &[&NewKey]) -> Result<(), KeyringError> {
        let fresh: Option<Root> = match stock.root {
            Some(_) => None,
            // Beside keys of an earlier start it was lost, and a new one would end every session without a word.
            None if !stock.keys.is_empty() => return Err(self.no_root()),
            None => Some(Zeroizing::new(random::<32>()?)),
        };
        match self {
            Self::Folder(folder) => {
                if let Some(root) = &fresh {
                    folder.write_root(root)?;
                }
                new.iter().try_for_each(|new| folder.save(new))
            }
            Self::Database(vault) => {
                // Another folder's keys are not this database's: only an operator can say which count.
                if fresh.is_some() && vault.folder().has_root() {
                    let folder = vault.folder().path().display().to_string();
                    return Err(KeyringError::InFolder { folder });
                }
                vault.add(stock, fresh.as_ref(), new).await
            }
        }
    }

    /// Adds one key beside the others.
    ///
    /// # Errors
    /// [`KeyringError::Known`] when it is there.
    pub(crate) async fn add(&self, new: &NewKey) -> Result<(), KeyringError> {
        let stock = self.load().await?;
        if stock.root.is_none() {
            return Err(self.no_root());
        }
        if stock.keys.iter().any(|kept| is_same(kept, new)) {
            return Err(KeyringError::Known { kid: new.key.kid().to_owned() });
        }
        self.supply(&stock, &[new]).await
    }

    /// Takes a key away.
    ///
    /// # Errors
    /// [`KeyringError`]; it is still there then.
    pub(crate) async fn remove(&self, kept: &KeptKey) -> Result<(), KeyringError> {
        match (self, &kept.kept) {
            (Self::Folder(folder), Kept::File(path)) => folder.remove(path),
            (Self::Database(vault), Kept::Row(row)) => vault.delete(vec![row.clone()]).await,
            (Self::Folder(_), Kept::Row(_)) | (Self::Database(_), Kept::File(_)) => Err(KeyringError::Changed),
        }
    }
}

impl Vault {
    /// Copies the keys of the folder into the database, all or none. The folder stays as it is.
    ///
    /// # Errors
    /// [`KeyringError::TwoRoots`] for the folder of another installation.
    pub(crate) async fn take_from_folder(&self) -> Result<Moved, KeyringError> {
        let folder = self.folder();
        let source = folder.load()?;
        let root = source.root.as_ref().ok_or_else(|| folder.no_root())?;
        let here = self.open(self.rows().await?.0)?;
        if !self.compare_roots(&here, root)? {
            self.refuse_leftovers(&source, &here)?;
            return Ok(Moved { root: false, keys: 0 });
        }
        let mut new: Vec<NewKey> = source.keys.iter().map(KeptKey::copied).collect();
        // The older one first: their numbers tell the order in which they came.
        new.sort_by_key(|key| key.created_at);
        self.add(&here, Some(root), &new.iter().collect::<Vec<_>>()).await?;
        Ok(Moved { root: true, keys: new.len() })
    }

    /// Writes the keys of the database into the folder; once all are on the disk they go from the database.
    ///
    /// # Errors
    /// [`KeyringError::TwoRoots`] for the folder of another installation; the database is as it was then.
    pub(crate) async fn give_to_folder(&self) -> Result<Moved, KeyringError> {
        let folder = self.folder();
        let (rows, _) = self.rows().await?;
        let here = self.open(rows.clone())?;
        let root = here.root.as_ref().ok_or_else(|| self.no_root())?;
        folder.prepare()?;
        let there = folder.load()?;
        let fresh = self.compare_roots(&there, root)?;
        self.refuse_leftovers(&there, &here)?;
        if fresh {
            folder.write_root(root)?;
        }
        let mut keys = 0;
        for kept in &here.keys {
            let copy = kept.copied();
            if !there.keys.iter().any(|known| is_same(known, &copy)) {
                folder.save(&copy)?;
                keys += 1;
            }
        }
        self.delete(rows).await?;
        Ok(Moved { root: fresh, keys })
    }

    /// A key that was removed here must not come back from a folder that still has it.
    fn refuse_leftovers(&self, folder: &Stock, here: &Stock) -> Result<(), KeyringError> {
        let left = folder.keys.iter().find(|kept| {
            let copy = kept.copied();
            !here.keys.iter().any(|known| is_same(known, &copy))
        });
        match left {
            Some(KeptKey { kid, .. }) => {
                let (folder, kid) = (self.folder().path().display().to_string(), kid.clone());
                Err(KeyringError::Leftover { folder, kid })
            }
            None => Ok(()),
        }
    }

    /// Whether `stock` has no root key yet; one that it has must be this one.
    fn compare_roots(&self, stock: &Stock, root: &Root) -> Result<bool, KeyringError> {
        match &stock.root {
            None if stock.keys.is_empty() => Ok(true),
            Some(known) if myna_tokens::crypto::equal(&**known, &**root) => Ok(false),
            None | Some(_) => Err(KeyringError::TwoRoots { folder: self.folder().path().display().to_string() }),
        }
    }
}

/// Whether it is the same key for the same tokens.
fn is_same(kept: &KeptKey, new: &NewKey) -> bool {
    kept.need.dialect == new.need.dialect && kept.need.purpose == new.need.purpose && kept.kid == new.key.kid()
}
