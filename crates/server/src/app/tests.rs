//! The executor over a real store: what only the whole road shows.

mod ends;
mod rotation;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, Method};
use myna_core::id::UserId;
use myna_core::identifier::Canonical;
use myna_core::ops::admin_user;
use myna_core::outcome::Kind;
use myna_core::policy::Caller;
use myna_core::time::Timestamp;
use myna_core::user::User;
use myna_dialect::Request;
use myna_dialect::diagnostic::Source;
use myna_passwords::Backend;
use myna_store::Opening;
use tempfile::TempDir;

use super::*;
use crate::config::Keys;
use crate::hashing::{Asker, Size};
use crate::keyring::{Place, needs};

const DIALECT: &str = include_str!("../../tests/dialects/everything/dialect.toml");
const OPAQUE: &str = include_str!("../../tests/dialects/opaque/dialect.toml");
const LOOSE: &str = include_str!("../../tests/dialects/loose/dialect.toml");
const LOGIN: (&str, &str) = ("POST", "/everything/phone/session");
const REFRESH: (&str, &str) = ("PUT", "/everything/phone/session");
/// `correct horse battery`, hashed by Python's bcrypt.
const BCRYPT: &str = "$2b$04$.uzfwTrBNjegqNoVXIwLLeuKt75vEhqb.o76Nb0vW7v4hbDE2a4yC";

const PACE: Keys = Keys { poll: Duration::from_secs(10), lead: Duration::from_mins(15) };

struct Bench {
    app: Arc<App>,
    dialect: Arc<Dialect>,
    _folder: TempDir,
}

impl Bench {
    async fn new(threads: usize, queue: usize) -> Self {
        Self::of(DIALECT, threads, queue).await
    }

    async fn of(dialect: &str, threads: usize, queue: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dialect = myna_dialect::compile(&Source::new("dialect.toml", dialect), None).unwrap();
        let clock = Clock::by_hand(Timestamp::from_seconds(1_767_225_600));
        let size = Size { threads, queue, patience: Duration::from_secs(60) };
        let place = Place::folder_of(folder.path());
        let app = App {
            store: Store::open(&folder.path().join("data"), Opening::Create).unwrap(),
            hashing: Hashing::start(size, Backend::Fast).unwrap(),
            keys: Keyring::open(place, PACE, needs(&dialect), clock.now()).await.unwrap(),
            clock,
            policy: Policy::default(),
            passwords: PasswordRules::new(Argon2Params::default(), strength::Policy::default()),
            mail_queued: Arc::new(Notify::new()),
        };
        Self { app: Arc::new(app), dialect: Arc::new(dialect), _folder: folder }
    }

    async fn add(&self, username: &str, hash: &str) {
        let now = self.app.clock.now();
        let user = User { username: Some(username.to_owned()), ..User::blank(UserId(7), now) };
        let hash = myna_core::secret::Secret::new(hash.to_owned());
        self.app.commit(admin_user::decide_add(user, Vec::new(), Some(hash), now).changes).await.unwrap();
    }

    fn call(&self, (method, path): (&str, &str), headers: &[(&'static str, &str)], body: &str) -> Call {
        let method: Method = method.parse().unwrap();
        let router = myna_dialect::Router::new(vec![Arc::clone(&self.dialect)], &[]).unwrap();
        let myna_dialect::Found::Endpoint(found) = router.find(&method, path) else { panic!("{path}") };
        let headers: HeaderMap = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        let (query, body, params) = (None, body.as_bytes(), &found.params);
        let request = Request { method: &method, path, query, headers: &headers, body, params, origins: &[] };
        let inputs = self.dialect.decode(found.endpoint, &request).ok().unwrap().inputs;
        Call { dialect: Arc::clone(&self.dialect), endpoint: found.endpoint, inputs, caller: Caller::default() }
    }

    async fn login(&self, password: &str) -> Answered {
        let body = format!("name=ada&secret={password}");
        self.app.run(&self.call(LOGIN, &[], &body)).await.unwrap()
    }

    async fn stored_hash(&self) -> String {
        let known = self.app.store.load_known(&Canonical::of("ada").unwrap()).await.unwrap().unwrap();
        known.password.unwrap().hash.expose().clone()
    }
}

// PW-06, PW-10: a foreign hash goes at the first success, and only then.
#[tokio::test]
async fn a_bcrypt_hash_is_replaced_at_the_first_successful_login() {
    let bench = Bench::new(1, 8).await;
    bench.add("ada", BCRYPT).await;
    assert_eq!(bench.login("wrong").await.outcome.kind, Kind::InvalidCredentials);
    assert_eq!(bench.stored_hash().await, BCRYPT);
    assert_eq!(bench.login("correct+horse+battery").await.outcome.kind, Kind::SignedIn);
    let fresh = bench.stored_hash().await;
    assert!(fresh.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{fresh}");
    assert_eq!(bench.login("correct+horse+battery").await.outcome.kind, Kind::SignedIn);
    assert_eq!(bench.stored_hash().await, fresh, "a hash of today is left alone");
}

// RF-01, RF-02: of 64 racers with one token all are answered, and all with the same successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_refreshes_of_one_token_have_one_successor() {
    let bench = Bench::new(1, 8).await;
    bench.add("ada", BCRYPT).await;
    let first = bench.login("correct+horse+battery").await.tokens.refresh.unwrap().text;
    let barrier = Arc::new(tokio::sync::Barrier::new(64));
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (app, barrier) = (Arc::clone(&bench.app), Arc::clone(&barrier));
        let call = bench.call(REFRESH, &[("x-refresh-token", &first)], "");
        racers.spawn(async move {
            barrier.wait().await;
            let answered = app.run(&call).await.unwrap();
            assert_eq!(answered.outcome.kind, Kind::Refreshed);
            answered.tokens.refresh.unwrap().text
        });
    }
    let successors: std::collections::HashSet<String> = racers.join_all().await.into_iter().collect();
    assert_eq!(successors.len(), 1);
    assert!(!successors.contains(&first));
}

/// Runs `calls` at once, and `last` among them. How each of `calls` ended, and whether it had begun after `last` was answered.
async fn run_around(bench: &Bench, calls: Vec<Call>, last: Call) -> (Answered, Vec<(Kind, bool)>) {
    let answered = Arc::new(AtomicBool::new(false));
    let mut racers = tokio::task::JoinSet::new();
    let (app, over) = (Arc::clone(&bench.app), Arc::clone(&answered));
    let ending = tokio::spawn(async move {
        let answered = app.run(&last).await.unwrap();
        over.store(true, Ordering::SeqCst);
        answered
    });
    for call in calls {
        let (app, answered) = (Arc::clone(&bench.app), Arc::clone(&answered));
        racers.spawn(async move {
            let mut ends = Vec::new();
            // Until one has begun after the answer: however fast that was, some come before and some after.
            loop {
                let late = answered.load(Ordering::SeqCst);
                ends.push((app.run(&call).await.unwrap().outcome.kind, late));
                if late {
                    return ends;
                }
                // A refusal waits for nothing, and whoever never waits keeps the others from their turn.
                tokio::task::yield_now().await;
            }
        });
    }
    let ends = racers.join_all().await.into_iter().flatten().collect();
    (ending.await.unwrap(), ends)
}

/// Each racer was `done` before the answer that ended things, or `refused`.
fn assert_none_is_late(ends: Vec<(Kind, bool)>, done: Kind, refused: Kind) {
    for (kind, late) in ends {
        assert!(kind == refused || (kind == done && !late), "{kind:?}, late: {late}");
    }
}

// RF-14: a refresh token that is good again and again is good up to the answer to the logout, and never after.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_logout_is_answered_no_refresh_without_rotation_succeeds() {
    let json = [("content-type", "application/json")];
    let bench = Bench::of(LOOSE, 1, 8).await;
    bench.add("ada", BCRYPT).await;
    let body = r#"{"name": "ada", "password": "correct horse battery"}"#;
    let signed_in = bench.app.run(&bench.call(("POST", "/loose/login"), &json, body)).await.unwrap();
    let body = format!(r#"{{"refresh": "{}"}}"#, signed_in.tokens.refresh.unwrap().text);
    let refresh = || bench.call(("POST", "/loose/refresh"), &json, &body);
    assert_eq!(bench.app.run(&refresh()).await.unwrap().outcome.kind, Kind::Refreshed);
    let logout = bench.call(("POST", "/loose/logout"), &json, &body);
    let (signed_out, ends) = run_around(&bench, (0..16).map(|_| refresh()).collect(), logout).await;
    assert_eq!(signed_out.outcome.kind, Kind::SignedOut);
    assert_none_is_late(ends, Kind::Refreshed, Kind::InvalidRefresh);
}

// RF-05, RF-14: whatever refreshes meanwhile, on every device, nothing does once the end of all is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_logout_everywhere_is_answered_no_session_refreshes() {
    let bench = Bench::new(1, 8).await;
    bench.add("ada", BCRYPT).await;
    let (mut calls, mut asking) = (Vec::new(), None);
    for device in 0..8 {
        let path = format!("/everything/device-{device}/session");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let login = bench.call(("POST", &path), &form, "name=ada&secret=correct+horse+battery");
        let tokens = bench.app.run(&login).await.unwrap().tokens;
        calls.push(bench.call(("PUT", &path), &[("x-refresh-token", &tokens.refresh.unwrap().text)], ""));
        asking = tokens.access;
    }
    let bearer = format!("Bearer {}", asking.unwrap().text);
    let everywhere = bench.call(("DELETE", "/everything/sessions"), &[("authorization", &bearer)], "");
    let (signed_out, ends) = run_around(&bench, calls, everywhere).await;
    assert_eq!(signed_out.outcome.kind, Kind::SignedOut);
    assert_none_is_late(ends, Kind::Refreshed, Kind::InvalidRefresh);
    assert!(bench.app.store.list_sessions(UserId(7), bench.app.clock.now()).await.unwrap().is_empty());
}

// RF-09: whatever refreshes meanwhile, a new password leaves one session, and it is the one whose tokens it shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_new_password_whose_answer_shows_tokens_leaves_its_own_session_alone() {
    let json = [("content-type", "application/json")];
    let bench = Bench::of(OPAQUE, 1, 8).await;
    bench.add("ada", BCRYPT).await;
    let body = r#"{"name": "ada", "password": "correct horse battery"}"#;
    let mut calls = Vec::new();
    let mut asking = None;
    for _ in 0..8 {
        let tokens = bench.app.run(&bench.call(("POST", "/opaque/login"), &json, body)).await.unwrap().tokens;
        let body = format!(r#"{{"refresh": "{}"}}"#, tokens.refresh.unwrap().text);
        calls.push(bench.call(("POST", "/opaque/refresh"), &json, &body));
        asking = tokens.access;
    }
    let bearer = format!("Bearer {}", asking.unwrap().text);
    let headers = [json[0], ("authorization", bearer.as_str())];
    let body = r#"{"old": "correct horse battery", "new": "another horse battery"}"#;
    let change = bench.call(("PUT", "/opaque/password"), &headers, body);
    let (changed, ends) = run_around(&bench, calls, change).await;
    assert_eq!(changed.outcome.kind, Kind::PasswordChanged);
    assert_none_is_late(ends, Kind::Refreshed, Kind::InvalidRefresh);
    let live = bench.app.store.list_sessions(UserId(7), bench.app.clock.now()).await.unwrap();
    let shown = changed.outcome.grant.unwrap().session.id;
    assert_eq!(live.iter().map(|session| session.id).collect::<Vec<_>>(), [shown]);
    let body = format!(r#"{{"refresh": "{}"}}"#, changed.tokens.refresh.unwrap().text);
    let refreshed = bench.app.run(&bench.call(("POST", "/opaque/refresh"), &json, &body)).await.unwrap();
    assert_eq!(refreshed.outcome.kind, Kind::Refreshed);
}

// PW-11: what cannot be hashed is an outcome, not a fault, and nothing was decided.
#[tokio::test]
async fn a_full_hashing_queue_is_told_as_overloaded() {
    let bench = Bench::new(1, 1).await;
    bench.add("ada", BCRYPT).await;
    let (release, hold) = std::sync::mpsc::channel::<()>();
    let (started, running) = tokio::sync::oneshot::channel();
    let app = Arc::clone(&bench.app);
    let busy = tokio::spawn(async move {
        let work = move |_: &mut _| {
            started.send(()).unwrap();
            let _ = hold.recv();
        };
        app.hashing.run(Asker::Unknown, work).await
    });
    running.await.unwrap();
    let app = Arc::clone(&bench.app);
    let waiting = tokio::spawn(async move { app.hashing.run(Asker::Unknown, |_| ()).await });
    tokio::task::yield_now().await;
    let answered = bench.login("correct+horse+battery").await;
    assert_eq!(answered.outcome.kind, Kind::Overloaded);
    assert!(answered.outcome.retry_after.is_some());
    drop(release);
    assert_eq!((busy.await.unwrap(), waiting.await.unwrap()), (Ok(()), Ok(())));
}

// What nobody learns of is not begun: a session whose tokens are not shown could be used and ended by nobody.
#[tokio::test]
async fn a_registration_begins_a_session_only_where_its_answer_shows_one() {
    let json = [("content-type", "application/json")];
    for (dialect, path, body, sessions) in [
        (OPAQUE, "/opaque/users", r#"{"name": "ada", "email": "a@b.example", "password": "correct horse battery"}"#, 0),
        (
            DIALECT,
            "/everything/users",
            r#"{"user": {"name": "ada", "secret": "correct horse battery"}, "version": 1}"#,
            1,
        ),
    ] {
        let bench = Bench::of(dialect, 1, 8).await;
        let answered = bench.app.run(&bench.call(("POST", path), &json, body)).await.unwrap();
        assert_eq!(answered.outcome.kind, Kind::Registered);
        let live = bench.app.store.list_sessions(UserId(1), bench.app.clock.now()).await.unwrap();
        assert_eq!((live.len(), answered.tokens.access.is_some()), (sessions, sessions == 1), "{path}");
    }
}
