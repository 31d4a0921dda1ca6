//! Cases about very many changes of one caller: each list whole or not at all, beside everybody else's commits.

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::user::{Role, User};

use super::{Verdict, password, stored_user, user};
use crate::{OnConflict, Store, StoreError};

/// A user with a password.
fn insert(id: i64) -> Vec<Change> {
    vec![Change::InsertUser(Box::new(user(UserId(id)))), password(UserId(id), None, "$hash$")]
}

async fn stored(store: &Store, ids: impl IntoIterator<Item = i64>) -> Result<Vec<bool>, StoreError> {
    let mut stored = Vec::new();
    for id in ids {
        let known = store.load_known_by_id(UserId(id)).await?;
        assert!(known.as_ref().is_none_or(|known| known.password.is_some()), "user {id} without its password");
        stored.push(known.is_some());
    }
    Ok(stored)
}

// MG-10, LG-11
pub(super) async fn a_list_whose_guard_fails_is_skipped_or_the_last(store: Store) -> Verdict {
    let mut bulk = store.bulk()?;
    let first = bulk.reserve_user_ids(10).await?.start;
    let ids = || first..first + 4;
    // The third takes the name of the first; the id of the fourth is given again.
    let thief = User { username: Some(format!("PERSON-{first}")), ..user(UserId(first + 2)) };
    let lists = || vec![insert(first), insert(first + 1), vec![Change::InsertUser(Box::new(thief.clone()))]];
    let answers = bulk.commit(lists().into_iter().chain([insert(first + 3)]).collect(), OnConflict::Stop).await?;
    assert!(matches!(answers[..], [Ok(()), Ok(()), Err(Conflict::IdentifierTaken(_))]), "{answers:?}");
    assert_eq!(stored(&store, ids()).await?, [true, true, false, false]);
    let answers = bulk.commit(lists().into_iter().chain([insert(first + 3)]).collect(), OnConflict::Skip).await?;
    assert_eq!(answers[0], Err(Conflict::UserIdUsed(UserId(first))));
    assert!(matches!(answers[1..], [Err(_), Err(Conflict::IdentifierTaken(_)), Ok(())]), "{answers:?}");
    assert_eq!(stored(&store, ids()).await?, [true, true, false, true]);
    bulk.finish().await?;
    Ok(())
}

pub(super) async fn a_fault_undoes_the_whole_transaction(store: Store) -> Verdict {
    let mut bulk = store.bulk()?;
    let first = bulk.reserve_user_ids(10).await?.start;
    let unknown_role = Role { id: 999, name: "unknown".to_owned(), permissions: Vec::new() };
    let refused = User { roles: vec![unknown_role], ..user(UserId(first + 1)) };
    let lists = vec![insert(first), vec![Change::InsertUser(Box::new(refused))], insert(first + 2)];
    let result = bulk.commit(lists, OnConflict::Skip).await;
    assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}");
    assert_eq!(stored(&store, first..first + 3).await?, [false; 3]);
    let answers = bulk.commit(vec![insert(first)], OnConflict::Skip).await?;
    assert_eq!(answers, [Ok(())]);
    Ok(())
}

pub(super) async fn others_write_meanwhile(store: Store) -> Verdict {
    let mut bulk = store.bulk()?;
    let (mut named, mut fresh) = (Vec::new(), Vec::new());
    for round in 0..20 {
        let ids: Vec<i64> = bulk.reserve_user_ids(5).await?.collect();
        let lists = ids.iter().map(|id| insert(*id)).collect();
        let other = store.clone();
        let (answers, user) = tokio::join!(bulk.commit(lists, OnConflict::Stop), stored_user(&other));
        assert_eq!(answers?, vec![Ok(()); 5], "round {round}");
        named.extend(ids);
        fresh.push(user?.id.0);
    }
    bulk.finish().await?;
    assert!(stored(&store, named.iter().copied()).await?.into_iter().all(|stored| stored));
    named.extend(fresh);
    let count = named.len();
    named.sort_unstable();
    named.dedup();
    assert_eq!(named.len(), count, "an id was given twice");
    Ok(())
}
