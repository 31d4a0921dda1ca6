//! What the database itself may do to a store: it dies and a standby takes its place, a standby freezes, a wait for it is
//! cancelled, a primary does not know that it was replaced. No acknowledged change is lost, and nothing is acknowledged
//! that could be.

use std::time::{Duration, Instant};

use myna_core::change::{Change, Conflict};
use myna_core::id::{SessionId, UserId};
use myna_core::session::EndCause;
use myna_core::time::Timestamp;
use myna_store::{CommitError, Opening, Store, StoreError};
use myna_verify::postgres::{Feed, Postgres, USER, address};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::load::{Load, NOW, PATIENCE, logout, registration, rotation, session};

/// A primary, its standby, and a store that knows both.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    store: Store,
}

impl Pair {
    async fn start(feed: Feed) -> Self {
        let primary = Postgres::start("fsync = off").await.unwrap();
        primary.database("myna").await.unwrap();
        let standby = primary.standby(feed).await.unwrap();
        let both = address(&[primary.port(), standby.port()], USER, "myna");
        let store = Store::connect(&both, Opening::Create).await.unwrap();
        Self { primary, standby, store }
    }

    async fn fail_over(&self) {
        self.primary.kill().await.unwrap();
        self.standby.promote().await.unwrap();
    }

    /// A user with one session.
    async fn signed_in(&self, number: i64) -> SessionId {
        let session = session(UserId(number));
        self.store.commit(registration(&session, Timestamp(NOW))).await.unwrap();
        session.id
    }
}

/// Commits of which one can see whether they are done.
fn committing(store: &Store, change: Change) -> JoinHandle<Result<(), CommitError>> {
    let store = store.clone();
    tokio::spawn(async move { store.commit(vec![change]).await.map(drop) })
}

async fn generation(store: &Store, id: SessionId) -> i64 {
    store.load_session(id).await.unwrap().unwrap().session.generation
}

// ST-06, MN-06, MN-08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_loses_nothing_that_was_acknowledged() {
    let pair = Pair::start(Feed::Synchronous).await;
    let load = Load::begin(&pair.store);
    load.goes_on(300).await;
    pair.primary.kill().await.unwrap();
    // I11: a node that starts just now does not give up.
    let both = address(&[pair.primary.port(), pair.standby.port()], USER, "myna");
    let starting = tokio::spawn(async move { Store::connect(&both, Opening::MustExist).await.map(drop) });
    pair.standby.promote().await.unwrap();
    starting.await.unwrap().unwrap();
    load.goes_on(300).await;
    let outcome = load.end().await;
    println!("{} acknowledged, {} in doubt, outage {:?}", outcome.acknowledged, outcome.in_doubt, outcome.outage);
    assert!(outcome.broken.is_empty(), "{:?}", outcome.broken);
}

// MN-06: the same with a standby that was promised nothing. A test that saw no loss here would prove nothing above.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asynchronous_standby_loses_and_the_loss_is_seen() {
    let pair = Pair::start(Feed::Asynchronous).await;
    let load = Load::begin(&pair.store);
    load.goes_on(100).await;
    pair.standby.cut_off().await.unwrap();
    load.goes_on(300).await;
    pair.fail_over().await;
    load.goes_on(100).await;
    let outcome = load.end().await;
    println!("{} of {} lost, outage {:?}", outcome.broken.len(), outcome.acknowledged, outcome.outage);
    assert!(!outcome.broken.is_empty());
}

// ST-06: what a standby has not confirmed is unknown, and never a success. When the standby is back, the very same list is
// confirmed by what it has left, and not done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_standby_makes_a_change_unknown() {
    let pair = Pair::start(Feed::Synchronous).await;
    let (long, short) = (pair.signed_in(1).await, pair.signed_in(2).await);
    pair.standby.freeze().await.unwrap();
    let blocked = |change: &str, count: u32| {
        let waits = format!("wait_event_type = 'Lock' AND query LIKE 'UPDATE session SET {change}%'");
        format!("SELECT count(*) >= {count} FROM pg_stat_activity WHERE {waits}")
    };
    // Its first try waits for the standby; those after it wait for the first.
    let mut given_up = committing(&pair.store, rotation(long, 0, Timestamp(NOW + 1)));
    let third_try = blocked("generation", 2);
    let early = tokio::select! {
        told = &mut given_up => Some(told.unwrap()),
        blocked = pair.primary.until(&third_try, "t", PATIENCE) => blocked.map(|()| None).unwrap(),
    };
    let confirmed = committing(&pair.store, logout(short, Timestamp(NOW + 2)));
    let told = if let Some(told) = early { told } else { given_up.await.unwrap() };
    assert_eq!(told, Err(CommitError::Store(StoreError::Unknown)));
    pair.primary.until(&blocked("ended_at", 1), "t", PATIENCE).await.unwrap();
    // What waits is seen by nobody.
    assert_eq!(generation(&pair.store, long).await, 0);
    assert!(!confirmed.is_finished());
    pair.standby.thaw().await.unwrap();
    confirmed.await.unwrap().unwrap();
    for (id, again) in [(long, rotation(long, 0, Timestamp(NOW + 3))), (short, logout(short, Timestamp(NOW + 3)))] {
        let again = pair.store.commit(vec![again]).await.unwrap_err();
        assert_eq!(again, CommitError::Conflict(Conflict::SessionChanged(id)));
    }
    assert_eq!(generation(&pair.store, long).await, 1);
    let logged_out = pair.store.load_session(short).await.unwrap().unwrap().session.ended;
    assert_eq!(logged_out, Some((Timestamp(NOW + 2), EndCause::Logout)));
}

// I9, MN-05: changes that wait for a standby wait without limit. They are few, and everybody else is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_wait_leave_room_for_questions() {
    let pair = Pair::start(Feed::Synchronous).await;
    let few = address(&[pair.primary.port(), pair.standby.port()], USER, "myna") + "?connections=4";
    let store = Store::connect(&few, Opening::MustExist).await.unwrap();
    let mut sessions = Vec::new();
    for number in 1..=40 {
        sessions.push(pair.signed_in(number).await);
    }
    let before = connections(&pair.primary).await;
    pair.standby.freeze().await.unwrap();
    let spared = sessions.pop().unwrap();
    let asked: Vec<_> = sessions.iter().map(|id| committing(&store, logout(*id, Timestamp(NOW + 1)))).collect();
    let mut most = 0;
    while !asked.iter().all(JoinHandle::is_finished) {
        assert!(!has_ended(&store, sessions[0]).await.unwrap());
        most = most.max(connections(&pair.primary).await - before);
        sleep(Duration::from_millis(100)).await;
    }
    // Four in the pool, three of which nobody knows what they do, and one that looks for a better primary.
    assert!(most <= 8, "{most} connections");
    for told in asked {
        let told = told.await.unwrap();
        assert!(matches!(told, Err(CommitError::Store(StoreError::Unknown | StoreError::Unreachable(_)))), "{told:?}");
    }
    pair.standby.thaw().await.unwrap();
    store.commit(vec![rotation(spared, 0, Timestamp(NOW + 2))]).await.unwrap();
}

async fn connections(postgres: &Postgres) -> i64 {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'myna'";
    postgres.sql(count).await.unwrap().parse().unwrap()
}

// ST-06: PostgreSQL reports a cancelled wait as a success, with a warning (01000) beside it. It is none: the standby never
// hears of the change, and takes the primary's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_wait_is_no_success() {
    let pair = Pair::start(Feed::Synchronous).await;
    let id = pair.signed_in(1).await;
    pair.standby.cut_off().await.unwrap();
    let told = committing(&pair.store, rotation(id, 0, Timestamp(NOW + 1)));
    let cancel = "SELECT bool_and(pg_cancel_backend(pid)) FROM pg_stat_activity \
        WHERE wait_event = 'SyncRep' AND query LIKE 'UPDATE session%'";
    pair.primary.until(cancel, "t", PATIENCE).await.unwrap();
    // The store has seen its own change, and waits for something later to be on the standby.
    let barrier =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE 'UPDATE id_block%'";
    pair.primary.until(barrier, "t", PATIENCE).await.unwrap();
    assert!(!told.is_finished(), "{:?}", told.await);
    pair.fail_over().await;
    match told.await.unwrap() {
        Ok(()) => assert_eq!(generation(&pair.store, id).await, 1),
        // On a machine that is too busy to fail over while the store is patient.
        Err(error) => assert_eq!(error, CommitError::Store(StoreError::Unknown)),
    }
}

// MN-01: a primary that was replaced and does not know it takes writes as before, and its reads are of the past.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_was_replaced_is_refused() {
    let pair = Pair::start(Feed::Synchronous).await;
    let (ended, alive) = (pair.signed_in(1).await, pair.signed_in(2).await);
    // It waits for no standby any more: it would acknowledge everything.
    pair.primary.sql("ALTER SYSTEM SET synchronous_standby_names = ''").await.unwrap();
    pair.primary.sql("SELECT pg_reload_conf()").await.unwrap();
    pair.standby.promote().await.unwrap();
    let beside = address(&[pair.standby.port()], USER, "myna");
    let beside = Store::connect(&beside, Opening::MustExist).await.unwrap();
    beside.commit(vec![logout(ended, Timestamp(NOW + 1))]).await.unwrap();
    // One that comes now, and asks the old one first, believes the new one.
    let both = address(&[pair.primary.port(), pair.standby.port()], USER, "myna");
    let fresh = Store::connect(&both, Opening::MustExist).await.unwrap();
    assert!(has_ended(&fresh, ended).await.unwrap());
    // One that has connections to the old one finds out by itself.
    let deadline = Instant::now() + PATIENCE;
    while !has_ended(&pair.store, ended).await.unwrap() {
        assert!(Instant::now() < deadline, "the primary's successor is not noticed");
        sleep(Duration::from_millis(20)).await;
    }
    pair.store.commit(vec![rotation(alive, 0, Timestamp(NOW + 2))]).await.unwrap();
    assert_eq!(generation(&beside, alive).await, 1);
    // With the successor gone there is nobody left to ask, rather than the old one.
    pair.standby.kill().await.unwrap();
    let asked = [&pair.store, &fresh].map(|store| {
        let store = store.clone();
        tokio::spawn(async move { has_ended(&store, ended).await })
    });
    let written = committing(&fresh, rotation(alive, 1, Timestamp(NOW + 3)));
    for asked in asked {
        let answer = asked.await.unwrap();
        assert!(matches!(answer, Err(StoreError::Unreachable(_))), "{answer:?}");
    }
    let written = written.await.unwrap();
    assert!(matches!(written, Err(CommitError::Store(StoreError::Unreachable(_)))), "{written:?}");
    let past = format!("SELECT generation FROM session WHERE user_id = {}", alive.user);
    assert_eq!(pair.primary.sql_in("myna", &past).await.unwrap(), "0");
}

async fn has_ended(store: &Store, id: SessionId) -> Result<bool, StoreError> {
    Ok(store.load_session(id).await?.is_some_and(|facts| facts.session.ended.is_some()))
}
