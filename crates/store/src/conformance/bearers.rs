//! Cases about access tokens that name no session, and whom any token names.

use myna_core::change::Change;
use myna_core::id::{SessionId, UserId};
use myna_core::identifier::Canonical;
use myna_core::session::{AccessDigest, AccessDigests, Bearer, EndCause, Session};

use super::sessions::{end, loaded};
use super::{NOW, Verdict, begin, later, name, password, session, stored_user};
use crate::Store;

/// The bearers of a token that names no session: by the user's id, and by the name of [`stored_user`].
fn bearers(user: UserId, token: AccessDigest) -> [Option<Bearer>; 2] {
    let named = Canonical::of(&format!("person-{user}")).map(|name| Bearer::Named(name, token));
    [Some(Bearer::User(user, token)), named]
}

const fn note(id: SessionId, token: AccessDigest) -> Change {
    Change::NoteAccess { id, token }
}

/// The session that a bearer in the dialect `plain` is found to have.
async fn found(store: &Store, bearer: &Bearer) -> Result<Option<SessionId>, crate::StoreError> {
    Ok(store.load_bearer(bearer, "plain").await?.map(|facts| facts.session.id))
}

pub(super) async fn a_bearer_is_found_by_each_of_its_names(store: Store) -> Verdict {
    let user = stored_user(&store).await?;
    let token = AccessDigest([7; 16]);
    let session = session(user.id, 1, None);
    store.commit(vec![password(user.id, None, "h"), begin(&session), note(session.id, token)]).await?;
    let session = Session { access: AccessDigests { newest: Some(token), before: None }, ..session };
    for bearer in bearers(user.id, token).into_iter().flatten().chain([Bearer::Session(session.id)]) {
        let facts = store.load_bearer(&bearer, "plain").await?.ok_or("lost")?;
        assert_eq!((&facts.known.user, &facts.session), (&user, &session));
        assert!(facts.known.password.is_some());
    }
    let stranger = UserId(user.id.0 + 5000);
    let unknown = bearers(user.id, AccessDigest([8; 16])).into_iter().chain(bearers(stranger, token)).flatten();
    for bearer in unknown.chain([Bearer::Session(name(user.id, 2)), Bearer::Session(name(stranger, 1))]) {
        assert!(store.load_bearer(&bearer, "plain").await?.is_none(), "{bearer:?}");
    }
    for bearer in bearers(user.id, token).into_iter().flatten() {
        assert!(store.load_bearer(&bearer, "other").await?.is_none(), "RF-10: {bearer:?}");
    }
    Ok(())
}

// RF-14: the last two tokens of a session that has not ended are its own; the same token again is one token.
pub(super) async fn a_session_knows_its_last_two_access_tokens(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let (other, session) = (session(id, 2, None), session(id, 1, None));
    let tokens = [1, 2, 3].map(|number| AccessDigest([number; 16]));
    store.commit(vec![begin(&session), begin(&other)]).await?;
    for (noted, known) in [(0, &[0][..]), (0, &[0]), (1, &[0, 1]), (1, &[0, 1]), (2, &[1, 2])] {
        store.commit(vec![note(session.id, tokens[noted])]).await?;
        for (number, token) in tokens.into_iter().enumerate() {
            let expected = known.contains(&number).then_some(session.id);
            for bearer in bearers(id, token).into_iter().flatten() {
                assert_eq!(found(&store, &bearer).await?, expected, "noted {noted}: {number}");
            }
        }
    }
    store.commit(vec![end(session.id, EndCause::Logout)]).await?;
    for bearer in tokens.into_iter().flat_map(|token| bearers(id, token)).flatten() {
        assert_eq!(found(&store, &bearer).await?, None);
    }
    Ok(())
}

// RF-14: a token that sessions share is found by one that lives, and ends with all of them.
pub(super) async fn a_shared_token_ends_every_session_that_knows_it(store: Store) -> Verdict {
    let (id, namesake) = (stored_user(&store).await?.id, stored_user(&store).await?.id);
    let (token, other) = (AccessDigest([1; 16]), AccessDigest([2; 16]));
    let all = [1, 2, 3, 4].map(|number| session(id, number, None));
    let longest = Session { idle_expires_at: later(1500), ..session(id, 5, None) };
    let elsewhere = Session { dialect: "other".to_owned(), ..session(id, 6, None) };
    let foreign = session(namesake, 1, None);
    let mut changes: Vec<_> = all.iter().chain([&longest, &elsewhere, &foreign]).map(begin).collect();
    changes.extend([&all[0], &all[1], &longest, &elsewhere, &foreign].map(|session| note(session.id, token)));
    changes.extend([note(all[1].id, other), note(all[2].id, other)]);
    store.commit(changes).await?;
    assert_eq!(found(&store, &Bearer::User(id, token)).await?, Some(longest.id));
    let dialect = "plain".to_owned();
    let cause = EndCause::Logout;
    store.commit(vec![Change::EndSessionsOfToken { user: id, dialect, token, at: NOW, cause }]).await?;
    assert_eq!(found(&store, &Bearer::User(id, token)).await?, None);
    for (session, ended) in [(&all[0], true), (&all[1], true), (&all[2], false), (&all[3], false), (&longest, true)]
        .into_iter()
        .chain([(&elsewhere, false), (&foreign, false)])
    {
        assert_eq!(loaded(&store, session.id).await?.ended.is_some(), ended, "{:?}", session.id);
    }
    Ok(())
}
