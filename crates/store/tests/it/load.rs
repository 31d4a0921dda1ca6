//! A load of registrations, rotations and logouts, and a ledger of what was acknowledged: whatever happens to the database
//! meanwhile, the ledger is what it has to hold afterwards, no less and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use myna_core::change::Change;
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::secret::Secret;
use myna_core::session::{AccessDigests, EndCause, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_store::{CommitError, Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How many change the database at once.
const CLIENTS: u64 = 8;
/// Rotations of a session.
const ROTATIONS: i64 = 20;
/// The present, at first.
pub(crate) const NOW: i64 = 1_800_000_000_000_000;
const LATER: Timestamp = Timestamp(NOW + 3_600_000_000);
/// Nothing here takes so long, also on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A load that goes on until it is ended.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: JoinSet<Ledger>,
}

struct Shared {
    store: Store,
    is_over: AtomicBool,
    began: Instant,
    clock: AtomicI64,
    acknowledged: AtomicU64,
    /// In microseconds since the beginning.
    last: AtomicU64,
    longest: AtomicU64,
}

/// What somebody was told.
#[derive(Default)]
struct Ledger {
    sessions: Vec<Promised>,
    in_doubt: u64,
    /// Answers that nothing explains.
    wrong: Vec<String>,
}

/// What the database has to hold of one user.
struct Promised {
    id: SessionId,
    generation: i64,
    is_ended: bool,
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Changes that were acknowledged.
    pub(crate) acknowledged: u64,
    /// Changes of which the store did not know what had become, and which were sent again.
    pub(crate) in_doubt: u64,
    /// The longest time without an acknowledgement.
    pub(crate) outage: Duration,
    /// Promises that were not kept.
    pub(crate) broken: Vec<String>,
}

impl Load {
    pub(crate) fn begin(store: &Store) -> Self {
        let shared = Arc::new(Shared {
            store: store.clone(),
            is_over: AtomicBool::new(false),
            began: Instant::now(),
            clock: AtomicI64::new(NOW),
            acknowledged: AtomicU64::new(0),
            last: AtomicU64::new(0),
            longest: AtomicU64::new(0),
        });
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let client = Client { shared: Arc::clone(&shared), ledger: Ledger::default() };
            clients.spawn(client.live());
        }
        Self { shared, clients }
    }

    /// Waits for so many more acknowledgements.
    pub(crate) async fn goes_on(&self, more: u64) {
        let (wanted, deadline) = (self.shared.acknowledged.load(Ordering::SeqCst) + more, Instant::now() + PATIENCE);
        while self.shared.acknowledged.load(Ordering::SeqCst) < wanted {
            assert!(Instant::now() < deadline, "the store does not go on");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the load and compares the database with what was promised.
    pub(crate) async fn end(self) -> Outcome {
        let Self { shared, clients } = self;
        shared.is_over.store(true, Ordering::SeqCst);
        let ledgers = clients.join_all().await;
        let mut broken = Vec::new();
        let mut in_doubt = 0;
        for Ledger { sessions, in_doubt: doubts, wrong } in ledgers {
            in_doubt += doubts;
            broken.extend(wrong);
            for promised in sessions {
                broken.extend(promised.broken(&shared.store).await);
            }
        }
        let acknowledged = shared.acknowledged.load(Ordering::SeqCst);
        let outage = Duration::from_micros(shared.longest.load(Ordering::SeqCst));
        Outcome { acknowledged, in_doubt, outage, broken }
    }
}

impl Promised {
    /// How the database differs.
    async fn broken(&self, store: &Store) -> Option<String> {
        let Self { id, generation, is_ended } = self;
        let Some(facts) = store.load_session(*id).await.unwrap() else {
            return Some(format!("user {} is lost", id.user));
        };
        let found = (facts.session.generation, facts.session.ended.is_some());
        (found != (*generation, *is_ended)).then(|| format!("{}: {found:?}, not {:?}", id.user, (generation, is_ended)))
    }
}

/// One who changes the database and believes what is answered.
struct Client {
    shared: Arc<Shared>,
    ledger: Ledger,
}

impl Client {
    async fn live(mut self) -> Ledger {
        while !self.shared.is_over.load(Ordering::SeqCst) {
            let Ok(user) = self.shared.store.allocate_user_id().await else { continue };
            self.one_user(user).await;
        }
        self.ledger
    }

    /// Registers, rotates, and mostly signs out.
    async fn one_user(&mut self, user: UserId) {
        let session = session(user);
        let id = session.id;
        let mut promised = Promised { id, generation: 0, is_ended: false };
        if !self.commit(registration(&session, self.now())).await {
            return;
        }
        while promised.generation < ROTATIONS && !self.shared.is_over.load(Ordering::SeqCst) {
            if !self.commit(vec![rotation(id, promised.generation, self.now())]).await {
                return;
            }
            promised.generation += 1;
        }
        if user.0 % 4 != 0 {
            if !self.commit(vec![logout(id, self.now())]).await {
                return;
            }
            promised.is_ended = true;
        }
        self.ledger.sessions.push(promised);
    }

    /// Sends changes until they are acknowledged, as a client does that is told 503. Nobody else alters what they alter: a
    /// conflict is lawful only after the store has said that it does not know, and where the change is there.
    async fn commit(&mut self, changes: Vec<Change>) -> bool {
        let mut unsure = false;
        loop {
            match self.shared.store.commit(changes.clone()).await {
                Ok(_) => break,
                Err(CommitError::Conflict(_)) if unsure && is_applied(&self.shared.store, &changes).await => break,
                Err(CommitError::Store(StoreError::Unknown)) => unsure = true,
                Err(CommitError::Store(error)) if error.may_pass() => {}
                Err(error) => {
                    self.ledger.wrong.push(format!("{error} (unsure: {unsure})"));
                    return false;
                }
            }
            self.ledger.in_doubt += 1;
        }
        let now = u64::try_from(self.shared.began.elapsed().as_micros()).unwrap();
        let before = self.shared.last.fetch_max(now, Ordering::SeqCst);
        self.shared.longest.fetch_max(now.saturating_sub(before), Ordering::SeqCst);
        self.shared.acknowledged.fetch_add(1, Ordering::SeqCst);
        true
    }

    /// No two changes have the same time.
    fn now(&self) -> Timestamp {
        Timestamp(self.shared.clock.fetch_add(1, Ordering::SeqCst))
    }
}

/// Whether the last of `changes` is in the database.
async fn is_applied(store: &Store, changes: &[Change]) -> bool {
    let (id, generation, at, is_end) = match changes.last() {
        Some(Change::InsertSession(session)) => (session.id, 0, session.rotated_at, false),
        Some(Change::RotateSession { id, while_generation, at, .. }) => (*id, while_generation + 1, *at, false),
        Some(Change::EndSession { id, at, .. }) => (*id, 0, *at, true),
        _ => panic!("no such change is made here"),
    };
    loop {
        match store.load_session(id).await {
            Ok(None) => return false,
            Ok(Some(facts)) if is_end => return facts.session.ended == Some((at, EndCause::Logout)),
            Ok(Some(facts)) => return (facts.session.generation, facts.session.rotated_at) == (generation, at),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A session of a user, as it begins.
pub(crate) fn session(user: UserId) -> Session {
    let now = Timestamp(NOW);
    Session {
        id: SessionId { user, handle: Handle(u128::from(user.0.unsigned_abs()).to_be_bytes()) },
        dialect: "plain".to_owned(),
        device: None,
        salt: [0; 16],
        generation: 0,
        created_at: now,
        rotated_at: now,
        used_at: now,
        idle_expires_at: LATER,
        expires_at: LATER,
        client_address: None,
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    }
}

/// A new user with a password and a session.
pub(crate) fn registration(session: &Session, now: Timestamp) -> Vec<Change> {
    let user = session.id.user;
    let email = Some(format!("person{user}@example.com"));
    let hash = Secret::new(format!("$hash${user}"));
    vec![
        Change::InsertUser(Box::new(User { email, ..User::blank(user, now) })),
        Change::SetPassword { user, while_hash: None, hash, changed_at: Some(now) },
        Change::InsertSession(Box::new(session.clone())),
    ]
}

pub(crate) fn rotation(id: SessionId, generation: i64, at: Timestamp) -> Change {
    Change::RotateSession { id, while_generation: generation, at, idle_expires_at: LATER }
}

pub(crate) fn logout(id: SessionId, at: Timestamp) -> Change {
    Change::EndSession { id, at, cause: EndCause::Logout }
}
