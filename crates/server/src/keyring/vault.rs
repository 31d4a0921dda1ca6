//! Keys in the database, each encrypted with the key-encryption key and bound to its name: `root`, and
//! `<dialect>.<use>.<number>`. A number is taken once, so that of several nodes that lack the same key one makes it.

use myna_core::change::Change;
use myna_core::key::SealedKey;
use myna_store::{CommitError, Store};
use myna_tokens::crypto::digest;
use myna_tokens::seal::{SealError, SealingKey, sealed_with};
use zeroize::Zeroizing;

use super::folder::Folder;
use super::stock::{Kept, KeptKey, Root, Stock};
use super::{KeyringError, NewKey, Use};
use crate::config::KeyEncryption;

const ROOT: &str = "root";

/// The database, and what opens the keys in it.
pub(crate) struct Vault {
    store: Store,
    encryption: KeyEncryption,
    /// Where the keys would be without a key-encryption key.
    folder: Folder,
}

/// What became of a new encryption.
pub(crate) struct Reencrypted {
    /// The id of the key-encryption key that is used now.
    pub(crate) with: String,
    /// How many keys were encrypted anew.
    pub(crate) altered: usize,
    /// How many there are.
    pub(crate) all: usize,
}

impl Vault {
    pub(super) const fn new(store: Store, encryption: KeyEncryption, folder: Folder) -> Self {
        Self { store, encryption, folder }
    }

    /// Every row, and what tells whether one has changed.
    pub(super) async fn rows(&self) -> Result<(Vec<SealedKey>, [u8; 32]), KeyringError> {
        let rows = self.store.load_keys().await?;
        let mut all = Vec::new();
        for SealedKey { name, sealed } in &rows {
            for text in [name, sealed] {
                all.extend(text.len().to_be_bytes());
                all.extend(text.as_bytes());
            }
        }
        Ok((rows, digest(&all)))
    }

    /// Opens every row.
    ///
    /// # Errors
    /// [`KeyringError`] for the first that cannot be read.
    pub(super) fn open(&self, rows: Vec<SealedKey>) -> Result<Stock, KeyringError> {
        let mut stock = Stock { root: None, keys: Vec::new() };
        for row in rows {
            let plain = self.open_row(&row)?;
            if row.name == ROOT {
                let root = <[u8; 32]>::try_from(plain.as_slice()).map_err(|_| self.no_root())?;
                stock.root = Some(Zeroizing::new(root));
                continue;
            }
            let (dialect, purpose, _) = parts(&row.name).ok_or_else(|| damaged(&row))?;
            let (dialect, json) = (dialect.to_owned(), plain);
            stock.keys.push(KeptKey::open(&dialect, purpose, &json, Kept::Row(row))?);
        }
        Ok(stock)
    }

    fn open_row(&self, row: &SealedKey) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let SealedKey { name, sealed } = row;
        let id = sealed_with(sealed).map_err(|_| damaged(row))?;
        let keys = self.encryption.keys();
        let Some(key) = keys.iter().find(|key| key.id() == id) else {
            let ours: Vec<&str> = keys.iter().map(SealingKey::id).collect();
            let (name, sealed_with) = (name.clone(), id.to_owned());
            return Err(KeyringError::OtherEncryption { name, sealed_with, ours: ours.join(" and ") });
        };
        key.open(name, sealed).map_err(|source| KeyringError::Sealed { name: name.clone(), source })
    }

    /// Adds keys to `stock`, all or none; also the root key where there is none.
    ///
    /// # Errors
    /// [`KeyringError::Changed`] when somebody else did the same just now.
    pub(super) async fn add(&self, stock: &Stock, root: Option<&Root>, new: &[&NewKey]) -> Result<(), KeyringError> {
        let key = self.sealing().await?;
        let mut changes = Vec::new();
        let mut insert = |name: String, plain: &[u8]| -> Result<(), KeyringError> {
            let sealed = seal(key, &name, plain)?;
            changes.push(Change::InsertKey(SealedKey { name, sealed }));
            Ok(())
        };
        if let Some(root) = root {
            insert(ROOT.to_owned(), &**root)?;
        }
        let mut taken: Vec<(String, Use, u32)> = stock.keys.iter().filter_map(number).collect();
        for new in new {
            let (dialect, purpose) = (&new.need.dialect, new.need.purpose);
            let same = taken.iter().filter(|(name, of, _)| name == dialect && *of == purpose);
            let next = same.map(|(_, _, number)| *number).max().unwrap_or(0) + 1;
            insert(format!("{dialect}.{purpose}.{next}"), &new.to_json()?)?;
            taken.push((dialect.clone(), purpose, next));
        }
        self.commit(changes).await
    }

    /// The key-encryption key that is in use: while it is changed, nodes that do not know the new one yet must be able to
    /// read what we write.
    async fn sealing(&self) -> Result<&SealingKey, KeyringError> {
        let (rows, _) = self.rows().await?;
        let used = rows.iter().find(|row| row.name == ROOT).and_then(|root| sealed_with(&root.sealed).ok());
        let keys = self.encryption.keys();
        let key = keys.iter().find(|key| Some(key.id()) == used).or(keys.first());
        key.ok_or(KeyringError::NoEncryptionKey)
    }

    /// Encrypts everything with the first key-encryption key, all or none.
    ///
    /// # Errors
    /// [`KeyringError`]; nothing was altered.
    pub(crate) async fn reencrypt(&self) -> Result<Reencrypted, KeyringError> {
        let key = self.encryption.keys().first().ok_or(KeyringError::NoEncryptionKey)?;
        let (rows, _) = self.rows().await?;
        let all = rows.len();
        let mut changes = Vec::new();
        for row in rows {
            let plain = self.open_row(&row)?;
            if sealed_with(&row.sealed) != Ok(key.id()) {
                let sealed = seal(key, &row.name, &plain)?;
                let while_sealed = row.sealed;
                changes.push(Change::ReplaceKey { key: SealedKey { name: row.name, sealed }, while_sealed });
            }
        }
        let altered = changes.len();
        self.commit(changes).await?;
        Ok(Reencrypted { with: key.id().to_owned(), altered, all })
    }

    /// Takes rows away, all or none.
    ///
    /// # Errors
    /// [`KeyringError::Changed`] when one is not as it was.
    pub(super) async fn delete(&self, rows: Vec<SealedKey>) -> Result<(), KeyringError> {
        self.commit(rows.into_iter().map(Change::DeleteKey).collect()).await
    }

    async fn commit(&self, changes: Vec<Change>) -> Result<(), KeyringError> {
        match self.store.commit(changes).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict(_)) => Err(KeyringError::Changed),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Where the keys would be without a key-encryption key.
    pub(crate) const fn folder(&self) -> &Folder {
        &self.folder
    }

    #[expect(clippy::unused_self, reason = "as the folder's, which names itself")]
    pub(super) fn no_root(&self) -> KeyringError {
        KeyringError::Root { place: format!("the key `{ROOT}` in the database") }
    }
}

fn seal(key: &SealingKey, name: &str, plain: &[u8]) -> Result<String, KeyringError> {
    key.seal(name, plain).map_err(|source| KeyringError::Sealed { name: name.to_owned(), source })
}

fn damaged(row: &SealedKey) -> KeyringError {
    KeyringError::Sealed { name: row.name.clone(), source: SealError::Malformed }
}

fn parts(name: &str) -> Option<(&str, Use, u32)> {
    let (rest, number) = name.rsplit_once('.')?;
    let (dialect, purpose) = rest.rsplit_once('.')?;
    Some((dialect, Use::parse(purpose)?, number.parse().ok()?))
}

fn number(kept: &KeptKey) -> Option<(String, Use, u32)> {
    match &kept.kept {
        Kept::Row(row) => parts(&row.name).map(|(dialect, purpose, number)| (dialect.to_owned(), purpose, number)),
        Kept::File(_) => None,
    }
}
