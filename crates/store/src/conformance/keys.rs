//! Cases about the server's own keys.

use myna_core::change::{Change, Conflict};
use myna_core::key::SealedKey;

use super::{Verdict, conflict, race};
use crate::Store;

fn key(name: &str, sealed: &str) -> SealedKey {
    SealedKey { name: name.to_owned(), sealed: sealed.to_owned() }
}

// MN-03: nodes that start at once have one root key, and whoever came too late learns of it.
pub(super) async fn one_of_many_makes_a_key(store: Store) -> Verdict {
    assert!(store.load_keys().await?.is_empty());
    let made = |number: u8| vec![Change::InsertKey(key("root", &format!("racer {number}")))];
    let (winners, losers) = race(&store, made).await?;
    assert_eq!(winners, 1);
    assert!(losers.iter().all(|lost| *lost == Conflict::KeyNameTaken("root".to_owned())), "{losers:?}");
    let found = store.load_keys().await?;
    assert!(found.len() == 1 && found[0].sealed.starts_with("racer "), "{found:?}");
    Ok(())
}

pub(super) async fn a_key_is_altered_only_as_it_was_seen(store: Store) -> Verdict {
    let [first, second] = [key("spring.access.1", "first"), key("spring.access.2", "second")];
    store.commit(vec![Change::InsertKey(second.clone()), Change::InsertKey(first.clone())]).await?;
    assert_eq!(store.load_keys().await?, [first.clone(), second.clone()], "by name");
    let again =
        |from: &SealedKey, to: &str| Change::ReplaceKey { key: key(&from.name, to), while_sealed: from.sealed.clone() };
    store.commit(vec![again(&first, "anew"), again(&second, "anew")]).await?;
    // All or none: the second has changed meanwhile.
    let fresh = key("spring.access.1", "anew");
    let refused = conflict(&store, vec![again(&fresh, "lost"), again(&second, "lost")]).await;
    assert_eq!(refused, Conflict::KeyChanged(second.name.clone()));
    assert_eq!(conflict(&store, vec![Change::DeleteKey(second)]).await, refused);
    let anew = store.load_keys().await?;
    assert!(anew.iter().all(|key| key.sealed == "anew"), "nothing of a refused list is there");
    store.commit(vec![Change::DeleteKey(fresh.clone())]).await?;
    assert_eq!(conflict(&store, vec![Change::DeleteKey(fresh)]).await, Conflict::KeyChanged(first.name));
    assert_eq!(store.load_keys().await?.len(), 1);
    Ok(())
}
