//! Cases about sessions: guards of rotation and end, devices, the cap.

use myna_core::change::{Change, Conflict, Reuse};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::secret::Secret;
use myna_core::session::{AccessDigest, AccessDigests, EndCause, Session};
use myna_core::time::Timestamp;
use myna_core::user::{Status, User};
use tokio::task::JoinSet;

use super::{NOW, RACERS, Verdict, begin, conflict, later, name, password, race, session, stored_user};
use crate::{CommitError, Ended, Sessions, Store};

fn rotate(id: SessionId, generation: i64, at: Timestamp) -> Change {
    Change::RotateSession { id, while_generation: generation, at, idle_expires_at: later(1500) }
}

pub(super) const fn end(id: SessionId, cause: EndCause) -> Change {
    Change::EndSession { id, at: NOW, cause }
}

pub(super) async fn loaded(store: &Store, id: SessionId) -> Result<Session, Box<dyn std::error::Error + Send + Sync>> {
    Ok(store.load_session(id).await?.ok_or("the session is lost")?.session)
}

pub(super) async fn a_session_comes_back_as_it_went_in(store: Store) -> Verdict {
    let user = stored_user(&store).await?;
    let access = AccessDigests { newest: Some(AccessDigest([1; 16])), before: Some(AccessDigest([2; 16])) };
    let session = Session { access, ..session(user.id, 1, Some("phone")) };
    store.commit(vec![begin(&session)]).await?;
    let facts = store.load_session(session.id).await?.ok_or("lost")?;
    assert_eq!((&facts.user, &facts.session), (&user, &session));
    assert_eq!(store.list_sessions(user.id, NOW).await?, std::slice::from_ref(&session));
    let touch = Change::TouchSession { id: session.id, at: later(10), idle_expires_at: later(1010) };
    store.commit(vec![rotate(session.id, 0, later(5)), touch]).await?;
    let touched = Session {
        generation: 1,
        rotated_at: later(5),
        used_at: later(10),
        idle_expires_at: later(1010),
        ..session.clone()
    };
    assert_eq!(loaded(&store, session.id).await?, touched);
    store.commit(vec![end(session.id, EndCause::Reuse)]).await?;
    // ST-11: an ended session is still known.
    let ended = Some((NOW, EndCause::Reuse));
    assert_eq!(loaded(&store, session.id).await?, Session { ended, ..touched });
    assert!(store.list_sessions(user.id, NOW).await?.is_empty());
    Ok(())
}

pub(super) async fn one_of_many_rotations_wins(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let session = session(id, 1, None);
    store.commit(vec![begin(&session)]).await?;
    for generation in 0..4 {
        let (winners, losers) = race(&store, |_| vec![rotate(session.id, generation, NOW)]).await?;
        assert_eq!((winners, losers.len()), (1, usize::from(RACERS) - 1));
        assert!(losers.iter().all(|loser| *loser == Conflict::SessionChanged(session.id)));
        assert_eq!(loaded(&store, session.id).await?.generation, generation + 1);
    }
    Ok(())
}

// RF-07
pub(super) async fn a_dead_session_is_neither_rotated_nor_touched(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let idle = session(id, 1, None);
    let absolute = Session { idle_expires_at: later(2000), ..session(id, 2, None) };
    let ended = session(id, 3, None);
    store.commit(vec![begin(&idle), begin(&absolute), begin(&ended), end(ended.id, EndCause::Logout)]).await?;
    for (dead, at) in [(&idle, later(1000)), (&absolute, later(2000)), (&ended, NOW), (&session(id, 4, None), NOW)] {
        let touch = Change::TouchSession { id: dead.id, at, idle_expires_at: later(2000) };
        for change in [rotate(dead.id, 0, at), touch, Change::KeepSession { id: dead.id, at }] {
            assert_eq!(conflict(&store, vec![change]).await, Conflict::SessionChanged(dead.id));
        }
    }
    let last = Timestamp(later(1000).0 - 1);
    store.commit(vec![Change::KeepSession { id: idle.id, at: last }]).await?;
    assert_eq!(loaded(&store, idle.id).await?, idle);
    store.commit(vec![rotate(idle.id, 0, last)]).await?;
    Ok(())
}

pub(super) async fn an_end_and_a_rotation_agree(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    for number in 0..10 {
        let session = session(id, number, None);
        store.commit(vec![begin(&session)]).await?;
        let (ended, rotated) = tokio::join!(
            store.commit(vec![end(session.id, EndCause::Logout)]),
            store.commit(vec![rotate(session.id, 0, NOW)]),
        );
        ended?;
        let stored = loaded(&store, session.id).await?;
        assert_eq!(stored.ended, Some((NOW, EndCause::Logout)));
        match rotated {
            Ok(_) => assert_eq!(stored.generation, 1),
            Err(CommitError::Conflict(_)) => assert_eq!(stored.generation, 0),
            Err(error @ CommitError::Store(_)) => return Err(error.into()),
        }
        let again = vec![end(session.id, EndCause::Cap)];
        assert_eq!(conflict(&store, again).await, Conflict::SessionChanged(session.id));
    }
    Ok(())
}

// RF-14: a use that leaves the generation alone is a use of a live session, too; after the end is durable none is.
pub(super) async fn an_end_and_a_touch_agree(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let touch = |id, at| Change::TouchSession { id, at, idle_expires_at: later(1500) };
    for number in 0..10 {
        let session = session(id, number, None);
        store.commit(vec![begin(&session)]).await?;
        let mut uses = JoinSet::new();
        for at in 1..=8 {
            let (store, change) = (store.clone(), touch(session.id, later(100 + at)));
            uses.spawn(async move { store.commit(vec![change]).await });
        }
        store.commit(vec![end(session.id, EndCause::Logout)]).await?;
        let acknowledged = loaded(&store, session.id).await?;
        let late = touch(session.id, later(200));
        assert_eq!(conflict(&store, vec![late]).await, Conflict::SessionChanged(session.id));
        let mut used = 0;
        for result in uses.join_all().await {
            match result {
                Ok(_) => used += 1,
                Err(CommitError::Conflict(conflict)) => assert_eq!(conflict, Conflict::SessionChanged(session.id)),
                Err(error @ CommitError::Store(_)) => return Err(error.into()),
            }
        }
        // Whoever was told of success came before the end: nothing has moved since.
        let moved = acknowledged.idle_expires_at == later(1500);
        let stored = Session { ended: Some((NOW, EndCause::Logout)), ..acknowledged.clone() };
        assert_eq!((loaded(&store, session.id).await?, moved), (stored, used > 0));
        assert_eq!(acknowledged.generation, 0);
    }
    Ok(())
}

/// Ends all sessions of `user`, `asking` by itself, and begins `fresh`, as a new password does whose answer shows tokens.
fn begin_anew(user: UserId, asking: Option<SessionId>, fresh: &Session, old: Option<&str>, hash: &str) -> Vec<Change> {
    let cause = if asking.is_some() { EndCause::PasswordChanged } else { EndCause::PasswordReset };
    let mut changes = vec![password(user, old, hash)];
    changes.extend(asking.map(|id| end(id, cause)));
    changes.push(Change::EndSessions { user, except: None, at: NOW, cause });
    changes.push(begin(fresh));
    changes
}

// RF-09: whichever comes first, the token from before is worth nothing after it, and the new session lives.
pub(super) async fn a_new_password_with_a_session_and_a_refresh_agree(store: Store) -> Verdict {
    for (asks, last) in [(true, true), (true, false), (false, true), (false, false)] {
        let id = stored_user(&store).await?.id;
        let (own, other, fresh) = (session(id, 1, None), session(id, 2, None), session(id, 3, None));
        store.commit(vec![password(id, None, "old"), begin(&own), begin(&other)]).await?;
        let changes = begin_anew(id, asks.then_some(own.id), &fresh, asks.then_some("old"), "new");
        let touch = Change::TouchSession { id: other.id, at: NOW, idle_expires_at: later(1500) };
        let (rotation, set) = (vec![rotate(own.id, 0, NOW)], store.commit(changes));
        // `join!` begins in the order in which it is written.
        let (rotated, touched, set) = if last {
            tokio::join!(store.commit(rotation), store.commit(vec![touch]), set)
        } else {
            let (set, rotated, touched) = tokio::join!(set, store.commit(rotation), store.commit(vec![touch]));
            (rotated, touched, set)
        };
        // A rotation is no reason to refuse a new password.
        set?;
        for (result, session) in [(rotated, &own), (touched, &other)] {
            match result {
                Ok(_) => assert_eq!(loaded(&store, session.id).await?.idle_expires_at, later(1500)),
                Err(CommitError::Conflict(conflict)) => assert_eq!(conflict, Conflict::SessionChanged(session.id)),
                Err(error @ CommitError::Store(_)) => return Err(error.into()),
            }
        }
        assert_eq!(store.list_sessions(id, NOW).await?, std::slice::from_ref(&fresh), "asks: {asks}, last: {last}");
        for (old, generation) in [(&own, 0), (&own, 1), (&other, 0)] {
            let late = vec![rotate(old.id, generation, NOW)];
            assert_eq!(conflict(&store, late).await, Conflict::SessionChanged(old.id));
        }
        store.commit(vec![rotate(fresh.id, 0, NOW)]).await?;
    }
    Ok(())
}

// RF-09, RF-14: of many changes at once one begins a session, and one that has signed out meanwhile begins none.
pub(super) async fn one_of_many_new_passwords_begins_a_session(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let own = session(id, 200, None);
    store.commit(vec![password(id, None, "old"), begin(&own)]).await?;
    let (winners, losers) =
        race(&store, |number| begin_anew(id, Some(own.id), &session(id, number, None), Some("old"), "new")).await?;
    assert_eq!((winners, losers.len()), (1, usize::from(RACERS) - 1));
    assert!(losers.iter().all(|loser| *loser == Conflict::PasswordChanged(id)), "{losers:?}");
    let live = store.list_sessions(id, NOW).await?;
    assert_eq!(live.len(), 1);
    store.commit(vec![end(live[0].id, EndCause::Logout)]).await?;
    let late = begin_anew(id, Some(live[0].id), &session(id, 201, None), Some("new"), "newer");
    assert_eq!(conflict(&store, late).await, Conflict::SessionChanged(live[0].id));
    assert!(store.list_sessions(id, NOW).await?.is_empty());
    Ok(())
}

pub(super) async fn a_device_has_one_live_session(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let first = session(id, 1, Some("phone"));
    store.commit(vec![begin(&first)]).await?;
    let second = session(id, 2, Some("phone"));
    assert_eq!(conflict(&store, vec![begin(&second)]).await, Conflict::DeviceBusy(id));
    let elsewhere = Session { dialect: "other".to_owned(), ..session(id, 3, Some("phone")) };
    store.commit(vec![begin(&elsewhere), begin(&session(id, 4, None)), begin(&session(id, 5, None))]).await?;
    let replace = |number| {
        let free =
            Change::EndDeviceSession { user: id, dialect: "plain".to_owned(), device: "phone".to_owned(), at: NOW };
        vec![free, begin(&session(id, number, Some("phone")))]
    };
    store.commit(replace(2)).await?;
    assert_eq!(loaded(&store, first.id).await?.ended, Some((NOW, EndCause::Replaced)));
    assert_eq!(loaded(&store, elsewhere.id).await?.ended, None);
    let (winners, losers) = race(&store, |number| vec![begin(&session(id, 100 + number, Some("tablet")))]).await?;
    assert_eq!((winners, losers.len()), (1, usize::from(RACERS) - 1));
    assert!(losers.iter().all(|loser| *loser == Conflict::DeviceBusy(id)));
    Ok(())
}

// LG-11
pub(super) async fn a_disabled_user_begins_no_session(store: Store) -> Verdict {
    let user = stored_user(&store).await?;
    let disabled = User { status: Status::Disabled, ..user.clone() };
    store.commit(vec![Change::UpdateUser(Box::new(disabled))]).await?;
    let changes = vec![begin(&session(user.id, 1, None))];
    assert_eq!(conflict(&store, changes).await, Conflict::UserGone(user.id));
    Ok(())
}

// LG-11: a login that is under way when its user is disabled leaves nothing alive.
pub(super) async fn a_login_and_a_disabling_agree(store: Store) -> Verdict {
    for _ in 0..20 {
        let user = stored_user(&store).await?;
        let disabled = User { status: Status::Disabled, ..user.clone() };
        let end = Change::EndSessions { user: user.id, except: None, at: NOW, cause: EndCause::Operator };
        let disable = vec![Change::UpdateUser(Box::new(disabled)), end];
        let (login, disabling) =
            tokio::join!(store.commit(vec![begin(&session(user.id, 1, None))]), store.commit(disable));
        disabling?;
        assert!(matches!(login, Ok(_) | Err(CommitError::Conflict(_))), "{login:?}");
        assert!(store.list_sessions(user.id, NOW).await?.is_empty());
    }
    Ok(())
}

pub(super) async fn a_login_and_a_deletion_agree(store: Store) -> Verdict {
    for _ in 0..20 {
        let user = stored_user(&store).await?;
        store.commit(vec![password(user.id, None, "h")]).await?;
        let begun = session(user.id, 1, None);
        let kept = Change::KeepPassword { user: user.id, while_hash: Secret::new("h".to_owned()) };
        let (login, deletion) =
            tokio::join!(store.commit(vec![kept, begin(&begun)]), store.commit(vec![Change::DeleteUser(user.id)]));
        deletion?;
        assert!(matches!(login, Ok(_) | Err(CommitError::Conflict(_))), "{login:?}");
        assert!(store.load_session(begun.id).await?.is_none());
    }
    Ok(())
}

// RF-15: as logins come, with the guard of the password that each of them holds.
pub(super) async fn the_cap_holds_for_logins_at_once(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    store.commit(vec![password(id, None, "h")]).await?;
    let login = |number| {
        let kept = Change::KeepPassword { user: id, while_hash: Secret::new("h".to_owned()) };
        let begun = session(id, number, None);
        let cap = Change::EndOldestSessions { user: id, newest: begun.id.handle, keep: 5, at: NOW };
        vec![kept, begin(&begun), cap]
    };
    let (winners, losers) = race(&store, login).await?;
    assert_eq!((winners, losers), (usize::from(RACERS), Vec::new()));
    assert_eq!(store.list_sessions(id, NOW).await?.len(), 5);
    Ok(())
}

// RF-09
pub(super) async fn all_sessions_but_one_end(store: Store) -> Verdict {
    let (id, other) = (stored_user(&store).await?.id, stored_user(&store).await?.id);
    let all: Vec<_> = (1..=3).map(|number| session(id, number, None)).collect();
    let mut changes: Vec<_> = all.iter().map(begin).collect();
    changes.push(begin(&session(other, 1, None)));
    changes.push(Change::EndSessions {
        user: id,
        except: Some(all[1].id.handle),
        at: NOW,
        cause: EndCause::PasswordChanged,
    });
    store.commit(changes).await?;
    assert_eq!(store.list_sessions(id, NOW).await?, [all[1].clone()]);
    let everything = Change::EndSessions { user: id, except: None, at: later(1), cause: EndCause::PasswordReset };
    store.commit(vec![everything]).await?;
    assert_eq!(loaded(&store, all[0].id).await?.ended, Some((NOW, EndCause::PasswordChanged)));
    assert_eq!(loaded(&store, all[1].id).await?.ended, Some((later(1), EndCause::PasswordReset)));
    assert_eq!(store.list_sessions(other, NOW).await?.len(), 1);
    Ok(())
}

// Each with its cause, once, and none that had ended before or lives on.
pub(super) async fn a_commit_tells_which_sessions_it_has_ended(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let ended = |number, cause| Ended { id: name(id, number), dialect: "plain".to_owned(), cause };
    let [phone, again] = [1, 7].map(|number| session(id, number, Some("phone")));
    let mut begun: Vec<_> = (2..=6).map(|number| begin(&session(id, number, None))).collect();
    begun.push(begin(&phone));
    assert_eq!(store.commit(begun).await?, []);
    let device = |device: &str| Change::EndDeviceSession {
        user: id,
        dialect: "plain".to_owned(),
        device: device.to_owned(),
        at: NOW,
    };
    let oldest = |keep| Change::EndOldestSessions { user: id, newest: again.id.handle, keep, at: NOW };
    let told = store.commit(vec![device("tablet"), device("phone"), begin(&again), oldest(5)]).await?;
    assert_eq!(told, [ended(1, EndCause::Replaced), ended(2, EndCause::Cap)]);
    assert_eq!(store.commit(vec![oldest(5), rotate(name(id, 3), 0, NOW)]).await?, []);
    let reuse = Reuse { id: name(id, 3), at: NOW, presented: 0, current: 1 };
    let told = store.commit(vec![end(name(id, 4), EndCause::Logout), Change::EndReused(reuse.clone())]).await?;
    assert_eq!(told, [ended(4, EndCause::Logout), ended(3, EndCause::Reuse)]);
    assert_eq!(conflict(&store, vec![Change::EndReused(reuse)]).await, Conflict::SessionChanged(name(id, 3)));
    let cause = EndCause::PasswordChanged;
    let others = Change::EndSessions { user: id, except: Some(again.id.handle), at: NOW, cause };
    let mut told = store.commit(vec![others]).await?;
    told.sort_by_key(|ended| ended.id.handle.0);
    assert_eq!(told, [ended(5, cause), ended(6, cause)]);
    let all = Change::EndSessions { user: id, except: None, at: NOW, cause: EndCause::Operator };
    assert_eq!(store.commit(vec![all]).await?, [ended(7, EndCause::Operator)]);
    Ok(())
}

// RF-15
pub(super) async fn the_oldest_sessions_end_beyond_the_cap(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let expired = Session { used_at: later(900), idle_expires_at: NOW, ..session(id, 9, None) };
    let mut changes: Vec<_> = [3, 1, 5, 2, 4].map(|number| begin(&session(id, number, None))).to_vec();
    changes.push(begin(&expired));
    changes.push(Change::EndOldestSessions { user: id, newest: name(id, 5).handle, keep: 2, at: NOW });
    store.commit(changes).await?;
    let live: Vec<_> = store.list_sessions(id, NOW).await?.iter().map(|session| session.id).collect();
    assert_eq!(live, [name(id, 5), name(id, 4)]);
    assert_eq!(loaded(&store, name(id, 3)).await?.ended, Some((NOW, EndCause::Cap)));
    // It was dead already, and takes nobody's place.
    assert_eq!(loaded(&store, expired.id).await?.ended, None);
    Ok(())
}

// RF-15: of sessions that were used at the same moment some end, as many as there are too many, and never the new one: it
// is not even when a clock that was set back makes it the oldest of all.
pub(super) async fn a_tie_at_the_cap_never_ends_the_new_session(store: Store) -> Verdict {
    for (used_at, created_at) in [(NOW, NOW), (later(-60), later(-60))] {
        for newest in [1, 3, 5] {
            let id = stored_user(&store).await?.id;
            let others: Vec<_> = (1..=5).filter(|number| *number != newest).collect();
            let old = |number: &u8| begin(&Session { used_at: NOW, created_at: NOW, ..session(id, *number, None) });
            store.commit(others.iter().map(old).collect()).await?;
            let new = Session { used_at, created_at, ..session(id, newest, None) };
            let cap = Change::EndOldestSessions { user: id, newest: new.id.handle, keep: 3, at: NOW };
            store.commit(vec![begin(&new), cap]).await?;
            let live: Vec<_> = store.list_sessions(id, NOW).await?.iter().map(|session| session.id).collect();
            assert_eq!(live.len(), 3, "{live:?}");
            assert!(live.contains(&new.id), "{newest}: {live:?}");
            for number in others {
                let session = loaded(&store, name(id, number)).await?;
                let expected = (!live.contains(&session.id)).then_some((NOW, EndCause::Cap));
                assert_eq!(session.ended, expected, "{number}");
            }
        }
    }
    Ok(())
}

pub(super) async fn sessions_are_paged_and_found_by_the_beginning_of_a_handle(store: Store) -> Verdict {
    let (one, other) = (stored_user(&store).await?.id, stored_user(&store).await?.id);
    let ended = session(one, 2, None);
    let expired = Session { idle_expires_at: NOW, ..session(one, 3, None) };
    let all = [session(one, 1, Some("phone")), ended, expired, session(one, 4, None), session(other, 1, None)];
    store.commit(all.iter().map(begin).collect()).await?;
    store.commit(vec![end(name(one, 2), EndCause::Cap)]).await?;
    let start = SessionId { user: UserId(one.0 - 1), ..name(one, 255) };
    let ids = |sessions: &[Session]| sessions.iter().map(|session| session.id).collect::<Vec<_>>();
    let everything = all.iter().map(|session| session.id).collect::<Vec<_>>();
    for (which, through, expected) in [
        (Sessions::All, other, everything.clone()),
        (Sessions::All, one, everything[..4].to_vec()),
        (Sessions::LiveAt(NOW), other, vec![name(one, 1), name(one, 4), name(other, 1)]),
        (Sessions::LiveAt(NOW), one, vec![name(one, 1), name(one, 4)]),
    ] {
        let mut found = Vec::new();
        let mut after = start;
        loop {
            let page = store.page_sessions(which, after, through, 2).await?;
            assert!(page.len() <= 2);
            let Some(last) = page.last() else { break };
            after = last.id;
            found.extend(ids(&page));
        }
        assert_eq!(found, expected, "{which:?} up to {through:?}");
    }
    for (beginning, limit, expected) in [
        ("", 9, vec![name(one, 1), name(other, 1), name(one, 2), name(one, 3), name(one, 4)]),
        ("", 2, vec![name(one, 1), name(other, 1)]),
        ("03", 9, vec![name(one, 3)]),
        ("030", 9, vec![name(one, 3)]),
        ("1", 9, vec![]),
    ] {
        let (first, last) = Handle::beginning_with(beginning).ok_or("no beginning")?;
        assert_eq!(ids(&store.sessions_between(first, last, limit).await?), expected, "{beginning}");
    }
    let (first, last) = Handle::beginning_with("0202").ok_or("no beginning")?;
    let found = store.sessions_between(first, last, 9).await?;
    assert_eq!(found[0], Session { ended: Some((NOW, EndCause::Cap)), ..all[1].clone() });
    Ok(())
}
