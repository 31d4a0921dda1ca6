//! Statements that ask and answer challenges, and that fill and empty the queue of mails.

use myna_core::change::Conflict;
use myna_core::id::{SessionId, UserId};
use myna_core::mail::{Letter, QueuedMail};
use myna_core::session::Challenge;
use myna_core::time::Timestamp;

use super::{Guard, Step};
use crate::engine::Value;
use crate::load::mail::{NOBODY, PASSWORD_RESET};

const VOID: &str = "UPDATE challenge SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL";
const INSERT: &str = "INSERT INTO challenge (user_id, handle, salt, created_at, expires_at, used_at) \
    SELECT id, $2, $3, $4, $5, $6 FROM user_account WHERE id = $1 ON CONFLICT DO NOTHING";
const USE: &str = "UPDATE challenge SET used_at = $3 \
    WHERE user_id = $1 AND handle = $2 AND used_at IS NULL AND expires_at > $3";
const INSERT_MAIL: &str = "INSERT INTO mail (id, letter, challenge_user_id, challenge_handle, recipient, created_at, \
    due_at, failures) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const DROP_MAIL: &str = "DELETE FROM mail WHERE id = $1";
// Once, also if it is sent twice: a failure is counted with the time that it leads to.
const DELAY_MAIL: &str = "UPDATE mail SET due_at = $2, failures = failures + 1 WHERE id = $1 AND due_at <> $2";

pub(super) fn insert_challenge<'a>(challenge: &'a Challenge, steps: &mut Vec<Step<'a>>) {
    let Challenge { id, salt, created_at, expires_at, used_at } = challenge;
    steps.push(void_challenges(id.user, *created_at));
    let values = [
        id.user.into(),
        (&id.handle).into(),
        salt.into(),
        (*created_at).into(),
        (*expires_at).into(),
        (*used_at).into(),
    ];
    let guard = Guard::ActiveUser(id.user, Conflict::ChallengeSpent(*id));
    steps.push(Step { sql: INSERT, values: values.into(), guard, ends: None });
}

pub(super) fn use_challenge(id: &SessionId, at: Timestamp) -> Step<'_> {
    let values = [id.user.into(), (&id.handle).into(), at.into()];
    Step::guarded(USE, values, Conflict::ChallengeSpent(*id))
}

pub(super) fn void_challenges(user: UserId, at: Timestamp) -> Step<'static> {
    Step::free(VOID, [user.into(), at.into()])
}

pub(super) fn insert_mail(mail: &QueuedMail) -> Step<'_> {
    let QueuedMail { id, letter, created_at, due_at, failures } = mail;
    let (name, user, handle, to) = match letter {
        Letter::PasswordReset { challenge, to } => {
            (PASSWORD_RESET, challenge.user.into(), (&challenge.handle).into(), to.into())
        }
        Letter::Nobody => (NOBODY, Value::Null, Value::Null, Value::Null),
    };
    let values = [id.into(), name.into(), user, handle, to, (*created_at).into(), (*due_at).into(), (*failures).into()];
    Step::free(INSERT_MAIL, values)
}

pub(super) fn drop_mail(id: &[u8; 16]) -> Step<'_> {
    Step::guarded(DROP_MAIL, [id.into()], Conflict::MailGone)
}

pub(super) fn delay_mail(id: &[u8; 16], until: Timestamp) -> Step<'_> {
    Step::guarded(DELAY_MAIL, [id.into(), until.into()], Conflict::MailGone)
}
