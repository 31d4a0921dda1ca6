//! The case about the sweep: what is long dead goes, and nothing else.

use myna_core::change::{Change, SESSION_KEPT_AFTER_END};
use myna_core::id::{Handle, SessionId};
use myna_core::session::{Challenge, EndCause, Session};
use myna_core::time::Timestamp;

use super::{NOW, Verdict, begin, challenge, later, name, session, stored_user};
use crate::{Store, Sweep};

async fn sweep_all(store: &Store, what: Sweep, now: Timestamp) -> Verdict {
    let mut after = store.sweep(what, None, now).await?;
    while after.is_some() {
        after = store.sweep(what, after, now).await?;
    }
    Ok(())
}

// ST-11
pub(super) async fn only_the_long_dead_are_swept(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let ended = |number, at| Session { ended: Some((at, EndCause::Logout)), ..session(id, number, None) };
    // Their idle limit is `later(1000)`.
    let all = [ended(1, NOW), ended(2, later(1)), session(id, 3, None)];
    let mut changes: Vec<_> = all.iter().map(begin).collect();
    changes.extend([1, 2].map(|number| Change::InsertChallenge(challenge(id, number))));
    store.commit(changes).await?;
    for (now, sessions, challenges) in [
        (Timestamp((NOW + SESSION_KEPT_AFTER_END).0 - 1), [true, true, true], [true, true]),
        (NOW + SESSION_KEPT_AFTER_END, [false, true, true], [false, true]),
        (later(999) + SESSION_KEPT_AFTER_END, [false, false, true], [false, true]),
        (later(1000) + SESSION_KEPT_AFTER_END, [false, false, false], [false, false]),
    ] {
        sweep_all(&store, Sweep::Sessions, now).await?;
        sweep_all(&store, Sweep::Challenges, now).await?;
        for (session, kept) in all.iter().zip(sessions) {
            assert_eq!(store.load_session(session.id).await?.is_some(), kept, "{:?} {now:?}", session.id);
        }
        for (number, kept) in [1, 2].into_iter().zip(challenges) {
            assert_eq!(store.load_challenge(name(id, number)).await?.is_some(), kept, "{number} {now:?}");
        }
    }
    Ok(())
}

pub(super) async fn a_sweep_of_many_steps_reaches_every_row(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let numbered = |number: u128| SessionId { user: id, handle: Handle(number.to_be_bytes()) };
    let asked = |number| Challenge { id: numbered(number), ..challenge(id, 0) };
    let changes = (0..1203).map(|number| Change::InsertChallenge(asked(number))).collect();
    store.commit(changes).await?;
    // All but the last are void since `NOW`.
    sweep_all(&store, Sweep::Challenges, NOW + SESSION_KEPT_AFTER_END).await?;
    for number in [0, 499, 500, 501, 999, 1000, 1201] {
        assert!(store.load_challenge(numbered(number)).await?.is_none(), "{number}");
    }
    assert!(store.load_challenge(numbered(1202)).await?.is_some());
    Ok(())
}
