//! The commit: a list of statements in one transaction and one round trip, and what is done when nobody says whether it
//! has happened.
//!
//! All statements of a list are on their way before the first has answered; a guard that does not hold makes its statement
//! fail, and with it the transaction. No write is ever cancelled (a cancelled one is reported as done): what takes too long
//! is left to itself with its connection, and is *unknown*. The same list is then sent again. Its guards see to it that it
//! is not applied twice, and its [witness](crate::commit::witnesses) tells a conflict with others from one with itself.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use myna_core::change::{Change, Conflict};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Statement};

use super::connection::{Form, Link, failure, is_lost, is_passing, parameters};
use super::{Postgres, Shared};
use crate::commit::{Guard, IS_ACTIVE, Step, ended, steps, witnesses};
use crate::engine::{Answer, Row};
use crate::error::{CommitError, StoreError};
use crate::work::{Done, Ended};

/// How long one try may take before its outcome counts as unknown.
const TRY_MAX: Duration = Duration::from_secs(4);
/// How long a list is tried again while there is no primary, or nobody says what became of it.
const PATIENCE: Duration = Duration::from_secs(9);
/// How often the server may ask for another try.
const TRIES_MAX: u32 = 6;
/// A first wait before another try; each is twice the one before, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// Alters nothing, and is durable only when everything before it is.
const BARRIER: &str = "UPDATE id_block SET next = next WHERE name = 'user'";

/// What became of one try.
enum Tried {
    Done(Done),
    /// A guard did not hold; nothing has happened.
    Held(Conflict),
    /// Nothing has happened, and another try may go well.
    Again(StoreError),
    /// Nobody knows.
    Unknown(StoreError),
    /// Nothing has happened, and nothing will.
    Failed(StoreError),
}

impl Postgres {
    /// Applies `changes`, all or none. The work goes on when the caller stops waiting.
    pub(super) async fn commit(&self, changes: Vec<Change>, unsure: bool) -> Answer {
        let shared = Arc::clone(&self.shared);
        let work = tokio::spawn(async move { shared.settle(&changes, unsure).await });
        work.await.unwrap_or(Err(CommitError::Store(StoreError::Stopped)))
    }
}

impl Shared {
    /// Tries until it is known what became of `changes`. `unsure`: they may have been applied already.
    async fn settle(&self, changes: &[Change], mut unsure: bool) -> Answer {
        let steps = steps(changes)?;
        let (give_up, mut tries, mut pause) = (Instant::now() + PATIENCE, 0, PAUSE);
        loop {
            let error = match self.attempt(&steps).await {
                Tried::Done(done) => {
                    self.count(1);
                    return Ok(done);
                }
                // A guard that does not hold, or a key that is there already: perhaps it is this very list that was first.
                Tried::Held(_) | Tried::Failed(_) if unsure => match self.was_applied(changes).await {
                    // Which sessions it has ended was in the answer that nobody heard.
                    Ok(true) => return Ok(Done::default()),
                    // Applied and overtaken, or never applied: whoever asked has to ask again.
                    Ok(false) => return Err(StoreError::Unknown.into()),
                    Err(error) => error,
                },
                Tried::Held(conflict) => return Err(self.named(conflict, &steps).await?.into()),
                Tried::Failed(error) => return Err(error.into()),
                Tried::Again(error) => error,
                Tried::Unknown(error) => {
                    unsure = true;
                    error
                }
            };
            tries += 1;
            let patient = Instant::now() + pause < give_up;
            let asked_too_often = tries >= TRIES_MAX && matches!(error, StoreError::Busy | StoreError::Refused(_));
            if !patient || asked_too_often {
                tracing::warn!(%error, tries, unsure, "a commit was given up");
                return Err(if unsure { StoreError::Unknown } else { error }.into());
            }
            sleep(pause + pause.mul_f64(fastrand::f64())).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Applies statements without a guard, once; what is not done is done another time.
    pub(super) async fn once(&self, steps: &[Step<'_>]) -> Result<(), StoreError> {
        match self.attempt(steps).await {
            Tried::Done(_) | Tried::Held(_) => Ok(()),
            Tried::Again(error) | Tried::Unknown(error) | Tried::Failed(error) => Err(error),
        }
    }

    async fn attempt(&self, steps: &[Step<'_>]) -> Tried {
        let (lease, turn) = match self.pool.lease_turn().await {
            Ok(leased) => leased,
            Err(error) => return Tried::Again(error),
        };
        let tried = match timeout(TRY_MAX, together(&lease, steps)).await {
            Ok(tried) if lease.is_doubtful() && !matches!(tried, Tried::Failed(_)) => {
                Tried::Unknown(StoreError::Unreachable("a commit did not reach its standby".to_owned()))
            }
            Ok(tried) => tried,
            Err(_) => Tried::Unknown(StoreError::Unreachable(format!("no answer within {TRY_MAX:?}"))),
        };
        if matches!(tried, Tried::Unknown(_)) {
            self.pool.leave(lease, turn);
        }
        tried
    }

    /// Whether `changes` have been applied, for good.
    async fn was_applied(&self, changes: &[Change]) -> Result<bool, StoreError> {
        let witnesses = witnesses(changes);
        if witnesses.is_empty() {
            return Ok(false);
        }
        for (sql, values) in witnesses {
            if !self.exists(sql, &values).await? {
                return Ok(false);
            }
        }
        // It is seen on this machine. That a second one has it, too, is certain once something later was made durable.
        self.once(&[Step::free(BARRIER, [])]).await.map(|()| true)
    }

    /// A user who is gone explains a conflict better than what the user was to begin.
    async fn named(&self, conflict: Conflict, steps: &[Step<'_>]) -> Result<Conflict, StoreError> {
        let asked = steps.iter().find_map(|step| match &step.guard {
            Guard::ActiveUser(user, known) if *known == conflict => Some(*user),
            Guard::ActiveUser(..) | Guard::None | Guard::Row(_) | Guard::Lock => None,
        });
        Ok(match asked {
            Some(user) if !self.exists(IS_ACTIVE, &[user.into()]).await? => Conflict::UserGone(user),
            _ => conflict,
        })
    }
}

/// One try on one connection.
async fn together(link: &Link, steps: &[Step<'_>]) -> Tried {
    let alone = steps.len() == 1;
    let mut statements = Vec::with_capacity(steps.len());
    for step in steps {
        let must_alter = !alone && matches!(step.guard, Guard::Row(_) | Guard::ActiveUser(..));
        let form = if must_alter { Form::MustAlter } else { Form::Plain };
        match link.prepared(step.sql, form).await {
            Ok(statement) => statements.push(statement),
            // Nothing was sent yet but what is to be sent.
            Err(error) if is_lost(&error) => return Tried::Again(failure(&error)),
            Err(error) => return Tried::Failed(failure(&error)),
        }
    }
    let results = if let ([step], [statement]) = (steps, statements.as_slice()) {
        vec![execute(link, statement, step).await]
    } else {
        transaction(link, steps, &statements).await
    };
    judged(steps, alone, results)
}

/// Sends everything at once and waits for every answer, in order.
async fn transaction(link: &Link, steps: &[Step<'_>], statements: &[Statement]) -> Vec<Result<Altered, Error>> {
    type Sent<'a> = Pin<Box<dyn Future<Output = Result<Altered, Error>> + Send + 'a>>;
    let client = link.client();
    let mut sent: Vec<Sent<'_>> = Vec::with_capacity(steps.len() + 2);
    sent.push(Box::pin(async { client.batch_execute("BEGIN").await.map(|()| Altered::Rows(0)) }));
    for (step, statement) in steps.iter().zip(statements) {
        sent.push(Box::pin(execute(link, statement, step)));
    }
    sent.push(Box::pin(async { client.batch_execute("COMMIT").await.map(|()| Altered::Rows(0)) }));
    let mut answers: Vec<Option<Result<Altered, Error>>> = sent.iter().map(|_| None).collect();
    // A request is sent when its future is first polled, so the first round sends them in this order.
    poll_fn(|context| {
        let mut open = false;
        for (sent, answer) in sent.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            match sent.as_mut().poll(context) {
                Poll::Ready(result) => *answer = Some(result),
                Poll::Pending => open = true,
            }
        }
        if open { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answers.into_iter().flatten().collect()
}

/// What a statement has altered.
enum Altered {
    /// So many rows.
    Rows(u64),
    /// Sessions, which it has ended.
    Sessions(Vec<Ended>),
}

impl Altered {
    fn is_nothing(&self) -> bool {
        match self {
            Self::Rows(count) => *count == 0,
            Self::Sessions(ended) => ended.is_empty(),
        }
    }
}

async fn execute(link: &Link, statement: &Statement, step: &Step<'_>) -> Result<Altered, Error> {
    let values = parameters(&step.values);
    let Some((user, cause)) = step.ends else {
        return link.client().execute(statement, &values).await.map(Altered::Rows);
    };
    let rows = link.client().query(statement, &values).await?;
    // A row that cannot be read is ended all the same, and nothing but the log misses it.
    let read = |row: &tokio_postgres::Row| ended(&Row::Postgres(row), user, cause).ok();
    Ok(Altered::Sessions(rows.iter().filter_map(read).collect()))
}

/// What the answers come to. Of several failures the first is the cause.
fn judged(steps: &[Step<'_>], alone: bool, results: Vec<Result<Altered, Error>>) -> Tried {
    let commit = results.len().saturating_sub(1);
    let mut done = Done::default();
    for (at, result) in results.into_iter().enumerate() {
        let step = if alone { steps.get(at) } else { at.checked_sub(1).and_then(|at| steps.get(at)) };
        let conflict = step.and_then(|step| match &step.guard {
            Guard::Row(conflict) | Guard::ActiveUser(_, conflict) => Some(conflict.clone()),
            Guard::None | Guard::Lock => None,
        });
        let error = match (result, conflict) {
            (Ok(altered), Some(conflict)) if alone && altered.is_nothing() => return Tried::Held(conflict),
            (Ok(Altered::Rows(_)), _) => continue,
            (Ok(Altered::Sessions(sessions)), _) => {
                done.ended.extend(sessions);
                continue;
            }
            (Err(error), Some(conflict)) if error.code() == Some(&SqlState::DIVISION_BY_ZERO) => {
                return Tried::Held(conflict);
            }
            (Err(error), _) => error,
        };
        return if is_lost(&error) {
            // Before COMMIT was answered nothing is durable, unless it was on its way already: which it was.
            Tried::Unknown(failure(&error))
        } else if is_passing(&error) || (error.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION) && at < commit) {
            tracing::debug!(error = %failure(&error), "the database asks for another try");
            Tried::Again(if is_passing(&error) { StoreError::Busy } else { failure(&error) })
        } else {
            Tried::Failed(failure(&error))
        };
    }
    Tried::Done(done)
}
