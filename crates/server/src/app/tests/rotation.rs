//! Profiles of rotation over the whole road: what racers get, what a reuse ends, what the log is told, what it costs.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;

use myna_core::change::Change;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

const JSON: (&str, &str) = ("content-type", "application/json");

/// The dialect of opaque tokens with `[session] rotation = "…"`.
async fn rotating(rotation: &str) -> Bench {
    let list = r#"insecure = ["reset_signs_in""#;
    let loosened = if rotation == "none" { format!(r#"{list}, "no_rotation""#) } else { list.to_owned() };
    let dialect = OPAQUE.replacen(list, &loosened, 1) + &format!("\n[session]\nrotation = \"{rotation}\"\n");
    Bench::of(&dialect, 1, 8).await
}

impl Bench {
    async fn opaque_login(&self) -> String {
        let body = r#"{"name": "ada", "password": "correct horse battery"}"#;
        let answered = self.app.run(&self.call(("POST", "/opaque/login"), &[JSON], body)).await.unwrap();
        answered.tokens.refresh.unwrap().text
    }

    fn refresh_call(&self, token: &str) -> Call {
        let caller = Caller { address: Some("192.0.2.7".to_owned()), agent: Some("tide/2".to_owned()) };
        let body = format!(r#"{{"refresh": "{token}"}}"#);
        Call { caller, ..self.call(("POST", "/opaque/refresh"), &[JSON], &body) }
    }

    /// The successor, or `None` when the token is refused.
    async fn refresh(&self, token: &str) -> Option<String> {
        let answered = self.app.run(&self.refresh_call(token)).await.unwrap();
        assert_eq!(answered.outcome.kind == Kind::Refreshed, answered.tokens.refresh.is_some());
        answered.tokens.refresh.map(|token| token.text)
    }
}

// RF-01: whatever the profile, the answers to 64 racers show at most one successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racers_share_one_successor_in_every_profile() {
    for rotation in ["replay", "until_used", "strict", "none"] {
        let bench = Arc::new(rotating(rotation).await);
        bench.add("ada", BCRYPT).await;
        let first = bench.opaque_login().await;
        let mut racers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let (bench, token) = (Arc::clone(&bench), first.clone());
            racers.spawn(async move { bench.refresh(&token).await });
        }
        let answers = racers.join_all().await;
        let answered = answers.iter().flatten().count();
        let successors: HashSet<&String> = answers.iter().flatten().collect();
        assert_eq!(successors.len(), 1, "{rotation}");
        assert_eq!(answered, if rotation == "strict" { 1 } else { 64 }, "{rotation}");
        assert_eq!(successors.contains(&first), rotation == "none", "{rotation}");
        // RF-03: a race is reuse only where no retry is lawful.
        let live = bench.app.store.list_sessions(UserId(7), bench.app.clock.now()).await.unwrap();
        assert_eq!(live.len(), usize::from(rotation != "strict"), "{rotation}");
    }
}

/// A writer that keeps what it is given.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// RF-03: the family ends and nothing else, and the log is told once, with everything but a token.
#[tokio::test]
async fn a_reuse_ends_the_family_alone_and_is_told_to_the_log() {
    let bench = rotating("replay").await;
    bench.add("ada", BCRYPT).await;
    let (first, other) = (bench.opaque_login().await, bench.opaque_login().await);
    let second = bench.refresh(&first).await.unwrap();
    bench.app.clock.advance(Duration::from_secs(11));
    let kept = Kept::default();
    let writer = kept.clone();
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    assert_eq!(bench.refresh(&first).await, None);
    assert_eq!(bench.refresh(&first).await, None);
    assert_eq!(bench.refresh(&second).await, None);
    drop(listening);
    let lines = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let told: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [line] = told.iter().filter(|line| line["target"] == "myna::reuse").collect::<Vec<_>>()[..] else {
        panic!("not one line: {lines}")
    };
    let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    assert_eq!((line["level"].as_str(), line["user.id"].as_i64()), (Some("WARN"), Some(7)));
    assert_eq!((&line["generation.presented"], &line["generation.current"]), (&0.into(), &1.into()));
    assert_eq!((text("client.address"), text("client.agent")), ("192.0.2.7".to_owned(), "tide/2".to_owned()));
    assert_eq!((text("session.dialect"), text("session.id").len()), ("opaque".to_owned(), 32));
    for token in [&first, &second] {
        assert!(!lines.contains(token.trim_start_matches("pat_")), "{lines}");
    }
    assert!(bench.refresh(&other).await.is_some(), "the user's other session goes on");
}

// The price of a rotation: one load, and one change of one row. What these come to in the database is the store's test.
#[tokio::test]
async fn a_rotation_is_one_change() {
    let bench = rotating("replay").await;
    bench.add("ada", BCRYPT).await;
    let token = bench.opaque_login().await;
    let decided = bench.app.decide(&bench.refresh_call(&token), bench.app.clock.now()).await.unwrap();
    assert!(matches!(decided.changes[..], [Change::RotateSession { while_generation: 0, .. }]));
    let second = bench.refresh(&token).await.unwrap();
    // A retry costs a load and no commit.
    let decided = bench.app.decide(&bench.refresh_call(&token), bench.app.clock.now()).await.unwrap();
    assert_eq!((decided.outcome.kind, decided.changes.len()), (Kind::Refreshed, 0));
    assert_eq!(bench.refresh(&token).await, Some(second));
}

// RF-16, LG-11: in every profile a refresh asks what a login asks, for the current token and for a retry.
#[tokio::test]
async fn a_disabled_user_refreshes_in_no_profile() {
    for rotation in ["replay", "until_used", "strict", "none"] {
        let bench = rotating(rotation).await;
        bench.add("ada", BCRYPT).await;
        let first = bench.opaque_login().await;
        let second = bench.refresh(&first).await.unwrap();
        let now = bench.app.clock.now();
        let known = bench.app.store.load_known_by_id(UserId(7)).await.unwrap().unwrap();
        let disabled = User { status: myna_core::user::Status::Disabled, ..known.user.clone() };
        // The record alone: that disabling ends every session, too, is not what refuses them here.
        bench.app.commit(vec![Change::UpdateUser(Box::new(disabled))]).await.unwrap();
        assert_eq!((bench.refresh(&first).await, bench.refresh(&second).await), (None, None), "{rotation}");
        let enabled = User { updated_at: now, ..known.user };
        bench.app.commit(vec![Change::UpdateUser(Box::new(enabled))]).await.unwrap();
        assert!(bench.refresh(&second).await.is_some(), "{rotation}");
    }
}
