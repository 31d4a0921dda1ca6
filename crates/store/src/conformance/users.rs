//! Cases about users, identifiers, roles and passwords.

use myna_core::change::{Change, Conflict};
use myna_core::id::UserId;
use myna_core::identifier::Canonical;
use myna_core::secret::Secret;
use myna_core::session::EndCause;
use myna_core::user::{Role, Status, User};

use super::{
    NOW, RACERS, Verdict, begin, challenge, conflict, later, name, password, race, session, stored_user, user,
};
use crate::{CommitError, Store, StoreError};

fn role(id: i64, name: &str) -> Role {
    Role { id, name: name.to_owned(), permissions: vec!["read \"all\"".to_owned(), "write".to_owned()] }
}

fn canonical(text: &str) -> Result<Canonical, &'static str> {
    Canonical::of(text).ok_or("no identifier")
}

pub(super) async fn a_user_comes_back_as_it_went_in(store: Store) -> Verdict {
    let id = store.allocate_user_id().await?;
    let (reader, admin) = (role(1, "reader"), role(2, "admin"));
    let user = User {
        middle_name: Some("ſ \u{1f426} '\"".to_owned()),
        photo: Some("ada.png".to_owned()),
        must_change_password: true,
        roles: vec![reader.clone(), admin.clone()],
        updated_at: later(1),
        ..user(id)
    };
    let changes = vec![
        Change::PutRole(admin.clone()),
        Change::PutRole(reader.clone()),
        Change::InsertUser(Box::new(user.clone())),
        password(id, None, "$hash$"),
    ];
    store.commit(changes).await?;
    let known = store.load_known_by_id(id).await?.ok_or("lost")?;
    assert_eq!(known.user, user);
    let stored = known.password.ok_or("no password")?;
    assert_eq!((stored.hash.expose().as_str(), stored.changed_at), ("$hash$", NOW));
    for spelling in [format!("PERSON{id}@example.COM"), format!("Person-{id}")] {
        let named = store.load_known(&canonical(&spelling)?).await?.ok_or(spelling)?;
        assert_eq!(named.user, user);
        assert!(named.password.is_some());
    }
    let free = canonical("nobody@example.com")?;
    assert!(store.load_known(&free).await?.is_none());
    let asked = [free, canonical(&format!("person-{id}"))?];
    assert_eq!(store.load_taken(&asked).await?, [false, true]);
    assert_eq!(store.load_roles().await?, [reader, admin.clone()]);
    assert_eq!(store.load_role_by_name("admin").await?, Some(admin));
    assert_eq!(store.load_role_by_name("Admin").await?, None);
    store.commit(vec![Change::ClearMustChange(id)]).await?;
    let known = store.load_known_by_id(id).await?.ok_or("lost")?;
    assert!(!known.user.must_change_password);
    Ok(())
}

pub(super) async fn a_list_of_changes_is_all_or_nothing(store: Store) -> Verdict {
    let id = store.allocate_user_id().await?;
    let end = Change::EndSession { id: name(id, 9), at: NOW, cause: EndCause::Logout };
    let changes = vec![Change::InsertUser(Box::new(user(id))), password(id, None, "h"), end];
    assert_eq!(conflict(&store, changes).await, Conflict::SessionChanged(name(id, 9)));
    assert!(store.load_known_by_id(id).await?.is_none());
    // The id was not used up by an attempt that failed.
    store.commit(vec![Change::InsertUser(Box::new(user(id)))]).await?;
    Ok(())
}

// LG-10, RS-04
pub(super) async fn an_identifier_has_one_user(store: Store) -> Verdict {
    let first = stored_user(&store).await?;
    let other = store.allocate_user_id().await?;
    let taken = canonical(&format!("person-{}", first.id))?;
    for (email, username) in [
        (None, Some(format!("PERSON-{}", first.id))),
        (Some(format!("person-{}", first.id)), None),
        (None, Some(format!("\u{ff30}erson-{}", first.id))),
    ] {
        let thief = User { email, username, ..user(other) };
        let changes = vec![Change::InsertUser(Box::new(thief))];
        assert_eq!(conflict(&store, changes).await, Conflict::IdentifierTaken(taken.clone()));
    }
    let second = stored_user(&store).await?;
    let thief = User { username: first.username, ..second };
    let changes = vec![Change::UpdateUser(Box::new(thief))];
    assert_eq!(conflict(&store, changes).await, Conflict::IdentifierTaken(taken));
    Ok(())
}

pub(super) async fn one_of_many_registrations_wins_an_identifier(store: Store) -> Verdict {
    let mut ids = Vec::new();
    for _ in 0..RACERS {
        ids.push(store.allocate_user_id().await?);
    }
    let email = format!("wanted{}@example.com", ids[0]);
    let (winners, losers) = race(&store, |number| {
        vec![Change::InsertUser(Box::new(User { email: Some(email.clone()), ..user(ids[usize::from(number)]) }))]
    })
    .await?;
    assert_eq!(winners, 1);
    let taken = Conflict::IdentifierTaken(canonical(&email)?);
    assert!(losers.iter().all(|loser| *loser == taken), "{losers:?}");
    Ok(())
}

pub(super) async fn an_update_replaces_names_and_roles(store: Store) -> Verdict {
    let mut user = stored_user(&store).await?;
    let old = canonical(&format!("person-{}", user.id))?;
    user.username = Some(format!("renamed-{}", user.id));
    user.email = None;
    user.status = Status::Disabled;
    user.roles = vec![role(7, "seven")];
    let changes = vec![
        Change::PutRole(role(7, "seven")),
        Change::PutRole(role(7, "seven")),
        Change::KeepUser { user: user.id, while_updated_at: user.updated_at },
        Change::UpdateUser(Box::new(user.clone())),
    ];
    store.commit(changes).await?;
    let fresh = canonical(&format!("renamed-{}", user.id))?;
    assert!(store.load_known(&old).await?.is_none());
    assert_eq!(store.load_known(&fresh).await?.ok_or("lost")?.user, user);
    assert_eq!(conflict(&store, vec![Change::PutRole(role(7, "other"))]).await, Conflict::RoleIdUsed(7));
    let stale = myna_core::time::Timestamp(user.updated_at.0 - 1);
    let changes = vec![Change::KeepUser { user: user.id, while_updated_at: stale }];
    assert_eq!(conflict(&store, changes).await, Conflict::UserChanged(user.id));
    let nobody = User { id: UserId(i64::MAX - 1), username: None, ..user };
    let changes = vec![Change::UpdateUser(Box::new(nobody))];
    assert_eq!(conflict(&store, changes).await, Conflict::UserGone(UserId(i64::MAX - 1)));
    Ok(())
}

pub(super) async fn a_deleted_user_leaves_nothing(store: Store) -> Verdict {
    let user = stored_user(&store).await?;
    let id = user.id;
    let changes =
        vec![password(id, None, "h"), begin(&session(id, 1, Some("phone"))), Change::InsertChallenge(challenge(id, 1))];
    store.commit(changes).await?;
    store.commit(vec![Change::DeleteUser(id)]).await?;
    assert!(store.load_known_by_id(id).await?.is_none());
    assert!(store.load_session(name(id, 1)).await?.is_none());
    assert!(store.load_challenge(name(id, 1)).await?.is_none());
    assert_eq!(store.load_taken(&user.identifiers()).await?, [false, false]);
    for change in [
        Change::DeleteUser(id),
        password(id, None, "h"),
        begin(&session(id, 2, None)),
        Change::InsertChallenge(challenge(id, 2)),
    ] {
        assert_eq!(conflict(&store, vec![change]).await, Conflict::UserGone(id));
    }
    Ok(())
}

// PW-09
pub(super) async fn a_password_is_swapped_only_for_the_one_that_was_seen(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let changes = vec![password(id, Some("none yet"), "b")];
    assert_eq!(conflict(&store, changes).await, Conflict::PasswordChanged(id));
    store.commit(vec![password(id, None, "a")]).await?;
    let rehash = Change::SetPassword {
        user: id,
        while_hash: Some(Secret::new("a".to_owned())),
        hash: Secret::new("b".to_owned()),
        changed_at: None,
    };
    store.commit(vec![rehash.clone()]).await?;
    let stored = store.load_known_by_id(id).await?.and_then(|known| known.password).ok_or("lost")?;
    assert_eq!((stored.hash.expose().as_str(), stored.changed_at), ("b", NOW));
    assert_eq!(conflict(&store, vec![rehash]).await, Conflict::PasswordChanged(id));
    // RF-09: a login that verified the old password begins no session any more.
    let keep = |hash: &str| Change::KeepPassword { user: id, while_hash: Secret::new(hash.to_owned()) };
    let late = vec![keep("a"), begin(&session(id, 1, None))];
    assert_eq!(conflict(&store, late).await, Conflict::PasswordChanged(id));
    assert!(store.list_sessions(id, NOW).await?.is_empty());
    store.commit(vec![keep("b"), begin(&session(id, 1, None))]).await?;
    assert_eq!(store.list_sessions(id, NOW).await?.len(), 1);
    store.commit(vec![password(id, None, "c")]).await?;
    Ok(())
}

pub(super) async fn one_of_many_password_swaps_wins(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    store.commit(vec![password(id, None, "old")]).await?;
    let (winners, losers) = race(&store, |number| vec![password(id, Some("old"), &format!("new {number}"))]).await?;
    assert_eq!((winners, losers.len()), (1, usize::from(RACERS) - 1));
    Ok(())
}

// ST-08
pub(super) async fn the_schema_refuses_what_code_forgot(store: Store) -> Verdict {
    let user = stored_user(&store).await?;
    let unknown_role = User { roles: vec![role(404, "unknown")], ..user.clone() };
    let mut longer_than_absolute = session(user.id, 1, None);
    longer_than_absolute.idle_expires_at = later(3000);
    for change in [
        Change::UpdateUser(Box::new(unknown_role)),
        Change::InsertUser(Box::new(super::user(UserId(0)))),
        Change::InsertUser(Box::new(super::user(UserId(-5)))),
        begin(&longer_than_absolute),
        password(user.id, None, ""),
    ] {
        let result = store.commit(vec![change]).await;
        assert!(matches!(result, Err(CommitError::Store(StoreError::Refused(_)))), "{result:?}");
    }
    assert_eq!(store.load_known_by_id(user.id).await?.ok_or("lost")?.user, user);
    Ok(())
}

pub(super) async fn users_are_listed_with_their_passwords(store: Store) -> Verdict {
    let mut first = stored_user(&store).await?;
    first.roles = vec![role(21, "twenty-one"), role(22, "twenty-two")];
    let mut changes: Vec<_> = first.roles.iter().cloned().map(Change::PutRole).collect();
    changes.extend([Change::UpdateUser(Box::new(first.clone())), password(first.id, None, "$hash$")]);
    store.commit(changes).await?;
    let second = stored_user(&store).await?;
    let listed = store.list_known(UserId(first.id.0 - 1), 10).await?;
    let hashes: Vec<_> = listed
        .iter()
        .map(|known| known.password.as_ref().map(|password| (password.hash.expose().as_str(), password.changed_at)))
        .collect();
    assert_eq!(hashes, [Some(("$hash$", NOW)), None]);
    let users: Vec<_> = listed.into_iter().map(|known| known.user).collect();
    assert_eq!(users, [first.clone(), second.clone()]);
    assert_eq!(store.list_known(first.id, 1).await?.len(), 1);
    assert!(store.list_known(second.id, 10).await?.is_empty());
    Ok(())
}

pub(super) async fn users_are_listed_in_pages(store: Store) -> Verdict {
    let mut expected = Vec::new();
    for _ in 0..5 {
        let mut user = stored_user(&store).await?;
        user.roles = vec![role(11, "eleven"), role(12, "twelve")];
        let mut changes: Vec<_> = user.roles.iter().cloned().map(Change::PutRole).collect();
        changes.push(Change::UpdateUser(Box::new(user.clone())));
        store.commit(changes).await?;
        expected.push(user);
    }
    let before = UserId(expected[0].id.0 - 1);
    assert_eq!(store.list_users(before, 3).await?, expected[..3]);
    assert_eq!(store.list_users(expected[2].id, 100).await?, expected[3..]);
    assert!(store.list_users(expected[4].id, 100).await?.is_empty());
    Ok(())
}
