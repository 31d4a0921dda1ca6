//! What a rotation costs: the statements that the engine is given for it, counted.

use std::sync::{Arc, Mutex};

use myna_core::id::{Handle, SessionId};
use myna_core::session::{AccessDigests, Session};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::*;
use crate::{Opening, Store};

/// Keeps the statements that its thread runs.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Sql(&self.0));
    }
}

struct Sql<'a>(&'a Mutex<Vec<String>>);

impl Visit for Sql<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

// One query, and one update of one row by its primary key; what stands around it is there once for all who commit together.
#[tokio::test]
async fn a_rotation_is_one_query_and_one_update() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = Store::open(&data, Opening::Create).unwrap();
    let session = |number| Session {
        id: SessionId { user: UserId(1), handle: Handle([number; 16]) },
        dialect: "plain".to_owned(),
        device: None,
        salt: [1; 16],
        generation: 0,
        created_at: Timestamp(1),
        rotated_at: Timestamp(1),
        used_at: Timestamp(1),
        idle_expires_at: Timestamp(100),
        expires_at: Timestamp(200),
        client_address: None,
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    };
    let begun = [1, 2].map(|number| Change::InsertSession(Box::new(session(number))));
    store.commit([vec![Change::InsertUser(Box::new(user(1)))], begun.into()].concat()).await.unwrap();
    let path = data.join("myna.db");
    let mut held = Held::new(path.clone(), Db::open(&path, Access::Write).unwrap()).unwrap();

    let kept = Kept::default();
    let listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(kept.clone()));
    let id = session(1).id;
    assert!(store.load_session(id).await.unwrap().is_some());
    let loaded = std::mem::take(&mut *kept.0.lock().unwrap());
    let rotate = Change::RotateSession { id, while_generation: 0, at: Timestamp(50), idle_expires_at: Timestamp(150) };
    let (answers, counts) = answers(&mut held, vec![Work::Changes(vec![rotate])]);
    let written = std::mem::take(&mut *kept.0.lock().unwrap());
    drop(listening);

    assert_eq!((loaded.len(), loaded[0].split(' ').next()), (1, Some("SELECT")), "{loaded:?}");
    assert_eq!((answers, counts.commits), (vec![Ok(Done::default())], 1));
    let updates: Vec<&String> = written.iter().filter(|sql| sql.starts_with("UPDATE session ")).collect();
    let around = ["BEGIN IMMEDIATE", "SAVEPOINT caller", "RELEASE caller", "COMMIT"];
    let others: Vec<&String> = written.iter().filter(|sql| !around.contains(&sql.as_str())).collect();
    assert_eq!((updates.len(), &others), (1, &updates), "{written:?}");
    // The other session of the user is as it was.
    assert_eq!(store.load_session(session(2).id).await.unwrap().unwrap().session, session(2));
    let mut plan = String::new();
    let explained = format!("EXPLAIN QUERY PLAN {}", updates[0]);
    let values: [crate::engine::Value<'_>; 5] = [1.into(), (&id.handle).into(), 1.into(), 60.into(), 160.into()];
    let read = |row: &crate::engine::Row<'_>| {
        plan += &row.text(3)?;
        Ok(())
    };
    held.db().unwrap().rows(&explained, &values, read).unwrap();
    assert!(plan.starts_with("SEARCH session USING PRIMARY KEY (user_id=? AND handle=?)"), "{plan}");
}
