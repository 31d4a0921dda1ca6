//! The case about the queue of mails.

use std::slice;

use myna_core::change::{Change, Conflict};
use myna_core::mail::{Letter, QueuedMail};

use super::{NOW, Verdict, challenge, conflict, later, stored_user};
use crate::Store;

pub(super) async fn mails_wait_until_they_are_due(store: Store) -> Verdict {
    let id = stored_user(&store).await?.id;
    let reset = QueuedMail {
        id: [1; 16],
        letter: Letter::PasswordReset { challenge: challenge(id, 1).id, to: "Ada <ada@example.com>".to_owned() },
        created_at: NOW,
        due_at: later(1),
        failures: 0,
    };
    let nobody = QueuedMail { id: [2; 16], letter: Letter::Nobody, due_at: later(2), ..reset.clone() };
    store.commit(vec![Change::QueueMail(nobody.clone()), Change::QueueMail(reset.clone())]).await?;
    assert!(store.due_mail(NOW, 10).await?.is_empty());
    assert_eq!(store.due_mail(later(1), 10).await?, slice::from_ref(&reset));
    assert_eq!(store.due_mail(later(2), 10).await?, [reset.clone(), nobody.clone()]);
    assert_eq!(store.due_mail(later(2), 1).await?, slice::from_ref(&reset));
    let delay = Change::DelayMail { id: reset.id, until: later(9) };
    store.commit(vec![delay, Change::DropMail(nobody.id)]).await?;
    let delayed = QueuedMail { due_at: later(9), failures: 1, ..reset };
    assert_eq!(store.due_mail(later(9), 10).await?, [delayed]);
    assert_eq!(conflict(&store, vec![Change::DropMail(nobody.id)]).await, Conflict::MailGone);
    // The link of a deleted user is not sent.
    store.commit(vec![Change::DeleteUser(id)]).await?;
    assert!(store.due_mail(later(9), 10).await?.is_empty());
    Ok(())
}
