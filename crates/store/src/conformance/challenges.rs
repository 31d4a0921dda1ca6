//! Cases about challenges: one open one for each user, one answer for each.

use myna_core::change::{Change, Conflict};

use super::{NOW, RACERS, Verdict, challenge, conflict, later, race, stored_user};
use crate::Store;

// RS-05
pub(super) async fn one_of_many_answers_wins(store: Store) -> Verdict {
    let user = stored_user(&store).await?;
    let asked = challenge(user.id, 1);
    store.commit(vec![Change::InsertChallenge(asked.clone())]).await?;
    let facts = store.load_challenge(asked.id).await?.ok_or("lost")?;
    assert_eq!((&facts.user, &facts.challenge), (&user, &asked));
    let answer = Change::UseChallenge { id: asked.id, at: NOW };
    let (winners, losers) = race(&store, |_| vec![answer.clone()]).await?;
    assert_eq!((winners, losers.len()), (1, usize::from(RACERS) - 1));
    assert!(losers.iter().all(|loser| *loser == Conflict::ChallengeSpent(asked.id)));
    let facts = store.load_challenge(asked.id).await?.ok_or("lost")?;
    assert_eq!(facts.challenge.used_at, Some(NOW));
    Ok(())
}

// RS-07
pub(super) async fn a_new_challenge_voids_the_older(store: Store) -> Verdict {
    let (id, other) = (stored_user(&store).await?.id, stored_user(&store).await?.id);
    for asked in [challenge(other, 1), challenge(id, 1), challenge(id, 2)] {
        store.commit(vec![Change::InsertChallenge(asked)]).await?;
    }
    let answer = |of, number| Change::UseChallenge { id: challenge(of, number).id, at: NOW };
    let spent = |number| Conflict::ChallengeSpent(challenge(id, number).id);
    assert_eq!(conflict(&store, vec![answer(id, 1)]).await, spent(1));
    store.commit(vec![Change::VoidChallenges { user: id, at: NOW }]).await?;
    assert_eq!(conflict(&store, vec![answer(id, 2)]).await, spent(2));
    store.commit(vec![answer(other, 1)]).await?;
    // Asked all at once, one stays open: the last.
    race(&store, |number| vec![Change::InsertChallenge(challenge(id, 100 + number))]).await?;
    let (mut open, mut closed) = (0, 0);
    for number in 0..RACERS {
        let facts = store.load_challenge(challenge(id, 100 + number).id).await?;
        match facts.is_some_and(|facts| facts.challenge.is_open(NOW)) {
            true => open += 1,
            false => closed += 1,
        }
    }
    assert_eq!((open, closed), (1, RACERS - 1));
    Ok(())
}

pub(super) async fn an_expired_challenge_is_not_answered(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let asked = challenge(id, 1);
    store.commit(vec![Change::InsertChallenge(asked.clone())]).await?;
    for (answered, at) in [(asked.id, later(1000)), (challenge(id, 2).id, NOW)] {
        let changes = vec![Change::UseChallenge { id: answered, at }];
        assert_eq!(conflict(&store, changes).await, Conflict::ChallengeSpent(answered));
    }
    Ok(())
}
