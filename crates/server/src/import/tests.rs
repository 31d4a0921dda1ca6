//! Whole imports into stores of their own: what is there afterwards, what was told. Nothing here reads a file.

use std::io::Cursor;

use myna_store::Opening;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const BCRYPT: &str = "$2y$10$abcdefghijklmnopqrstuuXkZBJcnqW0GIxfmCEKcDTHa.uYSJu7i";

fn empty() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Opening::Create).unwrap();
    (folder, store)
}

/// Imports `text` and returns the report and what was told of single lines.
async fn import(store: &Store, import: &Import, text: &str) -> (Report, Vec<(u64, String)>) {
    let mut told = Vec::new();
    let source = Box::new(Cursor::new(text.to_owned()));
    let mut note = |note: Note<'_>| match note {
        Note::Wrong { line, what } | Note::Met { line, what } => told.push((line, what.to_owned())),
        Note::Progress { .. } => {}
    };
    let report = import.run(store, source, &mut note).await.unwrap();
    (report, told)
}

const fn with(on_conflict: OnConflict) -> Import {
    Import { on_conflict, is_rehearsal: false, now: NOW }
}

async fn names(store: &Store) -> Vec<(i64, String)> {
    let users = store.list_users(UserId(0), 10_000).await.unwrap();
    users.into_iter().map(|user| (user.id.0, user.username.unwrap_or_default())).collect()
}

fn users(ids: impl IntoIterator<Item = i64>) -> String {
    ids.into_iter()
        .map(|id| format!("{{\"id\":{id},\"username\":\"u{id}\",\"password_hash\":\"{BCRYPT}\"}}\n"))
        .collect()
}

// MG-10
#[tokio::test]
async fn a_taken_name_stops_or_is_skipped_and_is_never_merged() {
    let text = "{\"id\":1,\"username\":\"Ada\"}\nnonsense\n{\"id\":2,\"username\":\"\u{ff21}da\"}\n{\"id\":3,\"username\":\"bob\"}\n";
    let taken = (3, "another user has the name `ada`".to_owned());
    for is_rehearsal in [true, false] {
        let (_folder, store) = empty();
        let stop = Import { is_rehearsal, ..with(OnConflict::Stop) };
        let (report, told) = import(&store, &stop, text).await;
        assert_eq!(report, Report { imported: 1, met: 1, wrong: 1, stopped_at: Some(3) });
        assert!(told.contains(&taken) && told.iter().any(|(line, _)| *line == 2), "{told:?}");
        let expected = if is_rehearsal { vec![] } else { vec![(1, "Ada".to_owned())] };
        assert_eq!(names(&store).await, expected);
    }
    for is_rehearsal in [true, false] {
        let (_folder, store) = empty();
        let skip = Import { is_rehearsal, ..with(OnConflict::Skip) };
        let (report, told) = import(&store, &skip, text).await;
        assert_eq!(report, Report { imported: 2, met: 1, wrong: 1, stopped_at: None });
        assert!(told.contains(&taken), "{told:?}");
        let expected = if is_rehearsal { vec![] } else { vec![(1, "Ada".to_owned()), (3, "bob".to_owned())] };
        assert_eq!(names(&store).await, expected);
    }
}

// LG-11
#[tokio::test]
async fn ids_are_kept_or_fresh_and_never_come_back() {
    let (_folder, store) = empty();
    // Fresh ids and named ones that lie where the fresh ones would.
    let mixed: String = (1..=40)
        .map(|number| match number % 2 {
            0 => format!("{{\"username\":\"n{number}\"}}\n"),
            _ => format!("{{\"id\":{number},\"username\":\"n{number}\"}}\n"),
        })
        .collect();
    let (report, told) = import(&store, &with(OnConflict::Stop), &mixed).await;
    assert_eq!((report.imported, told), (40, vec![]));
    let stored = names(&store).await;
    for number in (1..=40).step_by(2) {
        assert!(stored.contains(&(number, format!("n{number}"))), "{number}");
    }
    store.commit(vec![Change::DeleteUser(UserId(1))]).await.unwrap();
    for is_rehearsal in [true, false] {
        let again = Import { is_rehearsal, ..with(OnConflict::Stop) };
        let (report, told) = import(&store, &again, &users([1])).await;
        assert_eq!(report.stopped_at, Some(1));
        assert_eq!(told, [(1, "the id 1 was given out before".to_owned())]);
    }
}

#[tokio::test]
async fn an_import_that_was_broken_off_goes_on_where_it_was() {
    let (_folder, store) = empty();
    let (report, _) = import(&store, &with(OnConflict::Stop), &users(1..=1_300)).await;
    assert_eq!(report, Report { imported: 1_300, ..Report::default() });
    let (report, told) = import(&store, &with(OnConflict::Skip), &users(1..=2_000)).await;
    assert_eq!(report, Report { imported: 700, met: 1_300, ..Report::default() });
    assert_eq!(told.len(), 1_300);
    let known = store.list_known(UserId(0), 10_000).await.unwrap();
    assert_eq!(known.len(), 2_000);
    assert!(known.iter().all(|known| known.password.as_ref().is_some_and(|password| password.changed_at == NOW)));
}

#[tokio::test]
async fn a_role_is_made_once_and_never_altered() {
    let (_folder, store) = empty();
    let text = "{\"username\":\"a\",\"roles\":[{\"id\":7,\"name\":\"admin\",\"permissions\":[\"all\"]}]}\n\
                {\"username\":\"b\",\"roles\":[\"admin\",\"reader\"]}\n\
                {\"username\":\"c\",\"roles\":[{\"name\":\"admin\",\"permissions\":[\"none\"]}]}\n";
    let rehearsal = Import { is_rehearsal: true, ..with(OnConflict::Stop) };
    let (report, told) = import(&store, &rehearsal, text).await;
    assert_eq!((report.imported, report.wrong), (2, 1));
    assert!(told[0].1.contains("other permissions"), "{told:?}");
    assert_eq!(store.load_roles().await.unwrap(), []);
    assert_eq!(import(&store, &with(OnConflict::Stop), text).await, (report, told));
    let users = store.list_users(UserId(0), 10).await.unwrap();
    let roles: Vec<Vec<i64>> = users.iter().map(|user| user.roles.iter().map(|role| role.id).collect()).collect();
    assert_eq!(roles, [vec![7], vec![7, 8]]);
    assert_eq!(users[0].roles[0].permissions, ["all"]);
}

#[tokio::test]
async fn others_write_meanwhile() {
    let (_folder, store) = empty();
    let other = store.clone();
    let (report, ()) =
        tokio::join!(async { import(&store, &with(OnConflict::Stop), &users(1_000..=6_000)).await.0 }, async {
            for number in 0..50 {
                let id = other.allocate_user_id().await.unwrap();
                let user = User { username: Some(format!("other-{number}")), ..User::blank(id, NOW) };
                other.commit(vec![Change::InsertUser(Box::new(user))]).await.unwrap();
            }
        });
    assert_eq!(report.imported, 5_001);
    assert_eq!(names(&store).await.len(), 5_051);
}
