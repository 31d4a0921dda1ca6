//! Cases about user ids: whoever gives one, no user ever gets another's (LG-11).

use std::collections::HashSet;

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::user::User;
use tokio::task::JoinSet;

use super::{Verdict, conflict, stored_user, user};
use crate::Store;

fn insert(id: UserId) -> Vec<Change> {
    vec![Change::InsertUser(Box::new(user(id)))]
}

// LG-11
pub(super) async fn an_id_never_comes_back(store: Store) -> Verdict {
    let first = stored_user(&store).await?;
    let used = Conflict::UserIdUsed(first.id);
    let namesake = User { email: None, username: Some(format!("other-{}", first.id)), ..first.clone() };
    let changes = vec![Change::InsertUser(Box::new(namesake))];
    assert_eq!(conflict(&store, changes).await, used, "while it is used");
    store.commit(vec![Change::DeleteUser(first.id)]).await?;
    assert_eq!(conflict(&store, insert(first.id)).await, used, "after its user is gone");
    assert_ne!(store.allocate_user_id().await?, first.id);
    assert!(store.load_is_id_used(first.id).await?);
    assert!(!store.load_is_id_used(UserId(first.id.0 + 1_000_000_000)).await?);
    Ok(())
}

pub(super) async fn ids_may_be_named_in_any_order(store: Store) -> Verdict {
    let far = store.allocate_user_id().await?.0 + 1_000_000;
    for id in [far, far - 2, far - 1, far + 500] {
        store.commit(insert(UserId(id))).await?;
    }
    store.commit(vec![Change::DeleteUser(UserId(far - 1))]).await?;
    let again = conflict(&store, insert(UserId(far - 1))).await;
    assert_eq!(again, Conflict::UserIdUsed(UserId(far - 1)));
    // What was reserved before may still be handed out; nothing reserved from now on lies below a named id.
    let mut fresh = store.allocate_user_id().await?;
    for _ in 0..200 {
        fresh = store.allocate_user_id().await?;
    }
    assert!(fresh.0 > far + 500, "{fresh}");
    Ok(())
}

pub(super) async fn fresh_ids_are_unique_under_load(store: Store) -> Verdict {
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..50 {
                ids.push(store.allocate_user_id().await?);
            }
            Ok::<_, crate::StoreError>(ids)
        });
    }
    let mut seen = HashSet::new();
    for ids in tasks.join_all().await {
        for id in ids? {
            assert!(id.0 > 0 && seen.insert(id), "{id} twice");
        }
    }
    assert_eq!(seen.len(), 800);
    Ok(())
}

pub(super) async fn a_named_id_in_a_reserved_block_costs_one_conflict(store: Store) -> Verdict {
    let held = store.allocate_user_id().await?;
    for ahead in 1..=3 {
        store.commit(insert(UserId(held.0 + ahead))).await?;
    }
    let fresh = store.allocate_user_id().await?;
    if fresh.0 == held.0 + 1 {
        assert_eq!(conflict(&store, insert(fresh)).await, Conflict::UserIdUsed(fresh));
    }
    let next = store.allocate_user_id().await?;
    store.commit(insert(next)).await?;
    store.commit(insert(held)).await?;
    Ok(())
}
