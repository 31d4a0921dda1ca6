//! The suite that every engine must pass: what a commit applies, which guard refuses what, who wins a race. Each case is
//! given an empty store of its own. Nothing here opens one or knows an engine.

mod bearers;
mod bulk;
mod challenges;
mod ids;
mod keys;
mod mails;
mod sessions;
mod sweeps;
mod users;

use std::error::Error;
use std::pin::Pin;

use myna_core::change::{Change, Conflict};
use myna_core::id::{Handle, SessionId, UserId};
use myna_core::secret::Secret;
use myna_core::session::{AccessDigests, Challenge, Session};
use myna_core::time::Timestamp;
use myna_core::user::User;
use tokio::task::JoinSet;

use crate::{CommitError, Store};

/// How a case ends: by `Err` when the store fails, by a panic of an assertion when it answers wrongly.
pub type Verdict = Result<(), Box<dyn Error + Send + Sync>>;

type Running = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// One rule that every engine keeps.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// Tries it.
    pub run: fn(Store) -> Running,
}

macro_rules! cases {
    ($($file:ident :: $case:ident),* $(,)?) => {
        /// Every case.
        pub const CASES: &[Case] = &[$(Case {
            name: concat!(stringify!($file), "::", stringify!($case)),
            run: |store| Box::pin($file::$case(store)),
        }),*];
    };
}

cases! {
    users::a_user_comes_back_as_it_went_in,
    users::a_list_of_changes_is_all_or_nothing,
    users::an_identifier_has_one_user,
    users::one_of_many_registrations_wins_an_identifier,
    users::an_update_replaces_names_and_roles,
    users::a_deleted_user_leaves_nothing,
    users::a_password_is_swapped_only_for_the_one_that_was_seen,
    users::one_of_many_password_swaps_wins,
    users::the_schema_refuses_what_code_forgot,
    users::users_are_listed_in_pages,
    users::users_are_listed_with_their_passwords,
    bulk::a_list_whose_guard_fails_is_skipped_or_the_last,
    bulk::a_fault_undoes_the_whole_transaction,
    bulk::others_write_meanwhile,
    ids::an_id_never_comes_back,
    ids::ids_may_be_named_in_any_order,
    ids::fresh_ids_are_unique_under_load,
    ids::a_named_id_in_a_reserved_block_costs_one_conflict,
    sessions::a_session_comes_back_as_it_went_in,
    bearers::a_bearer_is_found_by_each_of_its_names,
    bearers::a_session_knows_its_last_two_access_tokens,
    bearers::a_shared_token_ends_every_session_that_knows_it,
    sessions::one_of_many_rotations_wins,
    sessions::a_dead_session_is_neither_rotated_nor_touched,
    sessions::an_end_and_a_rotation_agree,
    sessions::an_end_and_a_touch_agree,
    sessions::a_new_password_with_a_session_and_a_refresh_agree,
    sessions::one_of_many_new_passwords_begins_a_session,
    sessions::a_device_has_one_live_session,
    sessions::a_disabled_user_begins_no_session,
    sessions::a_login_and_a_disabling_agree,
    sessions::a_login_and_a_deletion_agree,
    sessions::the_cap_holds_for_logins_at_once,
    sessions::all_sessions_but_one_end,
    sessions::a_commit_tells_which_sessions_it_has_ended,
    sessions::the_oldest_sessions_end_beyond_the_cap,
    sessions::a_tie_at_the_cap_never_ends_the_new_session,
    sessions::sessions_are_paged_and_found_by_the_beginning_of_a_handle,
    challenges::one_of_many_answers_wins,
    challenges::a_new_challenge_voids_the_older,
    challenges::an_expired_challenge_is_not_answered,
    keys::one_of_many_makes_a_key,
    keys::a_key_is_altered_only_as_it_was_seen,
    mails::mails_wait_until_they_are_due,
    sweeps::only_the_long_dead_are_swept,
    sweeps::a_sweep_of_many_steps_reaches_every_row,
}

/// The present of the cases.
pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// How many callers race.
const RACERS: u8 = 64;

/// So many seconds after it.
pub const fn later(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds * 1_000_000)
}

fn user(id: UserId) -> User {
    User {
        email: Some(format!("Person{id}@Example.com")),
        username: Some(format!("person-{id}")),
        first_name: Some("Ada".to_owned()),
        last_name: Some("Lovelace".to_owned()),
        attributes: "{\"tier\":1}".to_owned(),
        ..User::blank(id, NOW)
    }
}

/// A new user in the store.
async fn stored_user(store: &Store) -> Result<User, Box<dyn Error + Send + Sync>> {
    let user = user(store.allocate_user_id().await?);
    store.commit(vec![Change::InsertUser(Box::new(user.clone()))]).await?;
    Ok(user)
}

/// A session of a user, with a handle and a salt by its number.
pub fn session(user: UserId, number: u8, device: Option<&str>) -> Session {
    Session {
        id: name(user, number),
        dialect: "plain".to_owned(),
        device: device.map(str::to_owned),
        salt: [number; 16],
        generation: 0,
        created_at: NOW,
        rotated_at: NOW,
        used_at: later(i64::from(number)),
        idle_expires_at: later(1000),
        expires_at: later(2000),
        client_address: Some("192.0.2.1".to_owned()),
        client_agent: None,
        access: AccessDigests::default(),
        ended: None,
    }
}

fn challenge(user: UserId, number: u8) -> Challenge {
    Challenge { id: name(user, number), salt: [number; 16], created_at: NOW, expires_at: later(1000), used_at: None }
}

const fn name(user: UserId, number: u8) -> SessionId {
    SessionId { user, handle: Handle([number; 16]) }
}

fn begin(session: &Session) -> Change {
    Change::InsertSession(Box::new(session.clone()))
}

fn password(user: UserId, while_hash: Option<&str>, hash: &str) -> Change {
    Change::SetPassword {
        user,
        while_hash: while_hash.map(|old| Secret::new(old.to_owned())),
        hash: Secret::new(hash.to_owned()),
        changed_at: Some(NOW),
    }
}

/// The guard that refuses `changes`. Applied changes and other failures fail the case.
async fn conflict(store: &Store, changes: Vec<Change>) -> Conflict {
    let result = store.commit(changes).await;
    assert!(matches!(result, Err(CommitError::Conflict(_))), "no conflict but {result:?}");
    match result {
        Err(CommitError::Conflict(conflict)) => conflict,
        Ok(_) | Err(CommitError::Store(_)) => Conflict::MailGone,
    }
}

/// Commits what `changes` makes for each racer, all at once. The conflicts of the losers, and how many won.
async fn race(store: &Store, changes: impl Fn(u8) -> Vec<Change>) -> Result<(usize, Vec<Conflict>), CommitError> {
    let mut racers = JoinSet::new();
    for number in 0..RACERS {
        let store = store.clone();
        let changes = changes(number);
        racers.spawn(async move { store.commit(changes).await });
    }
    let (mut winners, mut losers) = (0, Vec::new());
    for result in racers.join_all().await {
        match result {
            Ok(_) => winners += 1,
            Err(CommitError::Conflict(conflict)) => losers.push(conflict),
            Err(error @ CommitError::Store(_)) => return Err(error),
        }
    }
    Ok((winners, losers))
}
