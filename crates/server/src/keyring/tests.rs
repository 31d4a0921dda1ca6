//! Keys in both places: who makes them, who may read them, which one signs when.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use myna_core::change::Change;
use myna_core::key::SealedKey;
use myna_core::secret::Secret;
use myna_store::{Opening, Store};
use myna_tokens::{Expiry, Rules};
use tempfile::TempDir;

use super::*;
use crate::config::KeyEncryption;

const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);
const PACE: Keys = Keys { poll: Duration::from_secs(10), lead: Duration::from_mins(15) };

fn later(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn needs() -> Vec<Need> {
    let need = |dialect: &str, purpose, algorithm| Need { dialect: dialect.to_owned(), purpose, algorithm };
    vec![need("shop", Use::Access, Algorithm::Es256), need("shop", Use::Refresh, Algorithm::Hs256)]
}

fn encryption(keys: &[u8]) -> KeyEncryption {
    let digits: Vec<String> = keys.iter().map(|key| format!("{key:02x}00").repeat(16)).collect();
    KeyEncryption::parse(&Secret::new(digits.join(","))).unwrap()
}

/// A data folder with a database in it.
struct Data {
    folder: TempDir,
    store: Store,
}

impl Data {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("data"), Opening::Create).unwrap();
        Self { folder, store }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Keys in the database, with these key-encryption keys.
    async fn place(&self, keys: &[u8]) -> Place {
        Place::of(self.path(), Some(&encryption(keys)), &self.store).await.unwrap()
    }

    async fn vault(&self, keys: &[u8]) -> Box<vault::Vault> {
        let Place::Database(vault) = self.place(keys).await else { panic!("a folder") };
        vault
    }

    async fn open(&self, keys: &[u8]) -> Result<Keyring, KeyringError> {
        Keyring::open(self.place(keys).await, PACE, needs(), NOW).await
    }

    async fn without_encryption(&self) -> Result<Keyring, KeyringError> {
        Keyring::open(Place::of(self.path(), None, &self.store).await?, PACE, needs(), NOW).await
    }
}

/// What the reset key, the access key and the key rings amount to.
fn shown(keys: &Keyring) -> (String, String, String) {
    let ring = |purpose, algorithm| keys.ring("shop", purpose, algorithm).unwrap().signing().kid().to_owned();
    let token = myna_tokens::refresh::RefreshToken { user: 1, handle: [2; 16], generation: 3 };
    let reset = myna_tokens::opaque::hex(&keys.reset().mint(&token, &[4; 16], b"reset"));
    (reset, ring(Use::Access, "ES256"), ring(Use::Refresh, "HS256"))
}

fn signing(keys: &Keyring) -> String {
    shown(keys).1
}

async fn rotate(place: &Place, now: Timestamp, lead: Duration) -> String {
    let need = &needs()[0];
    let from = place.load().await.unwrap().signs_from(need, now, lead);
    let new = NewKey::generate(need, now, from).unwrap();
    place.add(&new).await.unwrap();
    new.key.kid().to_owned()
}

// MN-03: whoever is late takes the keys of whoever was first, all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_start_at_once_have_the_same_keys() {
    let data = Arc::new(Data::new());
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let data = Arc::clone(&data);
        nodes.spawn(async move { shown(&data.open(&[1]).await.unwrap()) });
    }
    let seen: std::collections::HashSet<_> = nodes.join_all().await.into_iter().collect();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(data.store.load_keys().await.unwrap().len(), 3, "the root key and one for each need");
    let again = data.open(&[1]).await.unwrap();
    assert!(seen.contains(&shown(&again)), "a dead node comes back with the same keys");
}

async fn refused(data: &Data, keys: &[u8]) -> String {
    data.open(keys).await.err().unwrap().to_string()
}

#[tokio::test]
async fn keys_that_cannot_be_read_are_no_start() {
    let data = Data::new();
    drop(data.open(&[1]).await.unwrap());
    // Another key-encryption key, or none.
    let other = refused(&data, &[2]).await;
    let ids = [1, 2].map(|key| encryption(&[key]).keys()[0].id().to_owned());
    assert!(ids.iter().all(|id| other.contains(id)) && other.contains("key_encryption_key"), "{other}");
    let none = data.without_encryption().await.err().unwrap();
    assert!(matches!(none, KeyringError::NoEncryptionKey), "{none}");
    assert!(!data.path().join("keys").exists(), "nothing was made");
    // A row under another name, an altered row, no root key.
    let rows = data.store.load_keys().await.unwrap();
    let [root, access, _] = rows.as_slice() else { panic!("{rows:?}") };
    let put = async |key: &SealedKey, sealed: &str| {
        let while_sealed = data.store.load_keys().await.unwrap();
        let while_sealed = while_sealed.into_iter().find(|row| row.name == key.name).unwrap().sealed;
        let key = SealedKey { name: key.name.clone(), sealed: sealed.to_owned() };
        data.store.commit(vec![Change::ReplaceKey { key, while_sealed }]).await.unwrap();
    };
    assert_eq!((root.name.as_str(), access.name.as_str()), ("root", "shop.access.1"));
    for damaged in [&root.sealed, "nothing", &format!("{}AAAA", access.sealed)] {
        put(access, damaged).await;
        let said = refused(&data, &[1]).await;
        assert!(said.contains("`shop.access.1` in the database cannot be read") && said.contains("damaged"), "{said}");
    }
    put(access, &access.sealed).await;
    data.store.commit(vec![Change::DeleteKey(root.clone())]).await.unwrap();
    let said = refused(&data, &[1]).await;
    assert!(said.contains("`root`") && said.contains("every session ends"), "{said}");
    assert_eq!(data.store.load_keys().await.unwrap().len(), 2, "no other root key was made");
}

#[tokio::test]
async fn a_running_node_keeps_its_keys_while_they_cannot_be_read() {
    let data = Data::new();
    let keys = data.open(&[1]).await.unwrap();
    let before = shown(&keys);
    for row in data.store.load_keys().await.unwrap() {
        data.store.commit(vec![Change::DeleteKey(row)]).await.unwrap();
    }
    assert!(matches!(keys.look(later(10)).await, Err(KeyringError::Root { .. })));
    assert_eq!(shown(&keys), before);
}

// MN-03, in both places: a new key is shown and verifies at once, signs when every node has it, and the old one goes on
// verifying.
#[tokio::test]
async fn a_new_key_signs_when_its_time_has_come() {
    let data = Data::new();
    let folder = tempfile::tempdir().unwrap();
    for place in [data.place(&[1]).await, Place::folder_of(folder.path())] {
        let is_database = matches!(place, Place::Database(_));
        let reopened = if is_database { data.place(&[1]).await } else { Place::folder_of(folder.path()) };
        let keys = Keyring::open(place, PACE, needs(), NOW).await.unwrap();
        let old = signing(&keys);
        assert!(!keys.look(later(1)).await.unwrap(), "nothing has changed");
        let new = rotate(&reopened, later(1), PACE.lead).await;
        assert_eq!(signing(&keys), old);
        assert!(keys.look(later(2)).await.unwrap());
        assert!(signing(&keys) == old && keys.jwks(later(2)).await.contains(&new), "shown, and not used");
        assert_eq!(keys.next_look(later(900)), Duration::from_secs(1), "not later than its time");
        assert!(!keys.look(later(900)).await.unwrap(), "a second too early");
        assert_eq!(signing(&keys), old);
        // A node that starts meanwhile sees the same.
        let late = Keyring::open(reopened, PACE, needs(), later(900)).await.unwrap();
        assert_eq!(signing(&late), old);
        assert!(keys.look(later(901)).await.unwrap() && late.look(later(901)).await.unwrap());
        assert_eq!((signing(&keys), signing(&late)), (new.clone(), new.clone()));
        assert!(keys.jwks(later(901)).await.contains(&old), "what it has signed is good");
        // A clock that is set back takes no key its turn.
        keys.adopt(needs(), NOW).await.unwrap();
        assert_eq!(signing(&keys), new);
    }
}

#[tokio::test]
async fn a_clock_that_lags_has_a_key_all_the_same() {
    let data = Data::new();
    let keys = data.open(&[1]).await.unwrap();
    let lags = Keyring::open(data.place(&[1]).await, PACE, needs(), Timestamp(NOW.0 - 60_000_000)).await.unwrap();
    assert_eq!(shown(&lags), shown(&keys));
}

// MN-03, JT-05: a key that another node has just made is found by the first token that it signed; tokens that nobody has
// made cost one look in a second, however many there are.
#[tokio::test]
async fn a_token_of_an_unknown_key_costs_one_look_at_most() {
    let data = Data::new();
    let [one, two] = [data.open(&[1]).await.unwrap(), data.open(&[1]).await.unwrap()];
    let place = data.place(&[1]).await;
    let first = rotate(&place, later(1), Duration::ZERO).await;
    one.look(later(2)).await.unwrap();
    assert_eq!(signing(&one), first);
    let ring = one.ring("shop", Use::Access, "ES256").unwrap();
    let header = format!(r#"{{"alg":"ES256","kid":"{first}"}}"#);
    let token = ring.signing().sign(header.as_bytes(), br#"{"exp":9999999999}"#).unwrap();
    let rules = Rules { leeway_seconds: 0, expiry: Expiry::Enforce };
    let verifies = |keys: &Keyring| {
        let ring = keys.ring("shop", Use::Access, "ES256").unwrap();
        ring.verify(&token, NOW.seconds(), &rules).is_ok()
    };
    assert!(!verifies(&two));
    two.look_for_unknown(later(2)).await;
    assert!(verifies(&two));
    // Within the same second nobody looks again; after it, somebody does.
    let second = rotate(&place, later(2), Duration::ZERO).await;
    for _ in 0..100 {
        two.look_for_unknown(later(2)).await;
    }
    assert_eq!(signing(&two), first);
    two.look_for_unknown(later(3)).await;
    assert_eq!(signing(&two), second);
}

// MN-03: a node that was frozen for longer than the lead shows nobody what it knew before.
#[tokio::test]
async fn a_node_that_slept_looks_before_it_shows_its_keys() {
    let data = Data::new();
    let keys = data.open(&[1]).await.unwrap();
    let new = rotate(&data.place(&[1]).await, later(1), PACE.lead).await;
    assert!(!keys.jwks(later(20)).await.contains(&new), "within its pace it need not");
    assert!(keys.jwks(later(21)).await.contains(&new));
}

#[tokio::test]
async fn keys_move_into_the_database_and_back() {
    let data = Data::new();
    let before = shown(&data.without_encryption().await.unwrap());
    let kid = rotate(&Place::folder_of(data.path()), later(1), PACE.lead).await;
    let refused = data.open(&[1]).await.err().unwrap();
    assert!(matches!(refused, KeyringError::InFolder { .. }), "{refused}");
    assert!(data.store.load_keys().await.unwrap().is_empty());
    let moved = data.vault(&[1]).await.take_from_folder().await.unwrap();
    assert_eq!((moved.root, moved.keys), (true, 3));
    let keys = data.open(&[1]).await.unwrap();
    assert_eq!(shown(&keys), before);
    keys.look(later(1000)).await.unwrap();
    assert_eq!(signing(&keys), kid, "also one that waited comes to its turn");
    let again = data.vault(&[1]).await.take_from_folder().await.unwrap();
    assert_eq!((again.root, again.keys), (false, 0));
    // What was removed there must not come back out of the folder.
    let place = data.place(&[1]).await;
    let stock = place.load().await.unwrap();
    let gone = stock.keys.iter().find(|kept| kept.kid == before.1).unwrap();
    place.remove(gone).await.unwrap();
    let vault = data.vault(&[1]).await;
    for refused in [vault.take_from_folder().await, vault.give_to_folder().await] {
        assert!(matches!(refused.err().unwrap(), KeyringError::Leftover { kid, .. } if kid == before.1));
    }
    std::fs::remove_dir_all(data.path().join("keys")).unwrap();
    let moved = vault.give_to_folder().await.unwrap();
    assert_eq!((moved.root, moved.keys), (true, 2));
    assert!(data.store.load_keys().await.unwrap().is_empty());
    for file in std::fs::read_dir(data.path().join("keys")).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(shown(&data.without_encryption().await.unwrap()).0, before.0, "the same root key");
}

#[tokio::test]
async fn the_keys_of_two_installations_are_not_mixed() {
    let (data, other) = (Data::new(), Data::new());
    drop(other.without_encryption().await.unwrap());
    drop(data.open(&[1]).await.unwrap());
    std::fs::rename(other.path().join("keys"), data.path().join("keys")).unwrap();
    let vault = data.vault(&[1]).await;
    for refused in [vault.take_from_folder().await, vault.give_to_folder().await] {
        assert!(matches!(refused.err().unwrap(), KeyringError::TwoRoots { .. }));
    }
    assert_eq!(data.store.load_keys().await.unwrap().len(), 3);
}

#[tokio::test]
async fn the_key_encryption_key_is_changed_under_running_nodes() {
    let data = Data::new();
    let old = data.open(&[1]).await.unwrap();
    // Nodes get both keys, one after the other; what they make meanwhile, the others can read.
    let both = data.open(&[2, 1]).await.unwrap();
    let kid = rotate(&data.place(&[2, 1]).await, later(1), Duration::ZERO).await;
    old.look(later(2)).await.unwrap();
    assert_eq!(signing(&old), kid);
    let done = data.vault(&[2, 1]).await.reencrypt().await.unwrap();
    assert_eq!((done.altered, done.all, done.with.as_str()), (4, 4, encryption(&[2]).keys()[0].id()));
    assert_eq!(data.vault(&[2, 1]).await.reencrypt().await.unwrap().altered, 0);
    both.look(later(2)).await.unwrap();
    let new = data.open(&[2]).await.unwrap();
    new.look(later(2)).await.unwrap();
    assert_eq!(shown(&both), shown(&new));
    assert!(matches!(old.look(later(3)).await, Err(KeyringError::OtherEncryption { .. })));
    assert_eq!(signing(&old), kid, "and goes on with what it has");
    assert!(matches!(data.vault(&[3]).await.reencrypt().await, Err(KeyringError::OtherEncryption { .. })));
}

#[tokio::test]
async fn a_dump_of_the_database_holds_no_key() {
    let data = Data::new();
    drop(data.without_encryption().await.unwrap());
    data.vault(&[1]).await.take_from_folder().await.unwrap();
    let rows = data.store.load_keys().await.unwrap();
    let dump: String = rows.iter().map(|row| format!("{}{}", row.name, row.sealed)).collect();
    for file in std::fs::read_dir(data.path().join("keys")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(text.split('"').filter(|part| part.len() > 20).all(|part| !dump.contains(part)));
    }
}
