//! What ends sessions, against what uses them: in a forced order, all at once, and where tokens name no session.

use myna_core::change::Change;
use myna_core::ops::Decision;
use myna_core::user::Status;
use myna_store::CommitError;

use super::*;

const NAMELESS: &str = include_str!("../../../tests/dialects/nameless/dialect.toml");
const JSON: (&str, &str) = ("content-type", "application/json");

/// How a dialect's clients sign in, refresh and sign out.
struct Api {
    dialect: &'static str,
    login: fn(&Bench) -> Call,
    refresh: fn(&Bench, &str) -> Call,
    logout: fn(&Bench, &Tokens) -> Call,
}

/// Opaque refresh tokens beside JWTs that name their session, tokens that stay the same, JWTs that name none.
const APIS: [Api; 3] = [
    Api {
        dialect: DIALECT,
        login: |bench| bench.call(LOGIN, &[], "name=ada&secret=correct+horse+battery"),
        refresh: |bench, token| bench.call(REFRESH, &[("x-refresh-token", token)], ""),
        logout: |bench, tokens| {
            bench.call(("DELETE", "/everything/session"), &[("x-access-token", &access(tokens))], "")
        },
    },
    Api {
        dialect: LOOSE,
        login: |bench| bench.call(("POST", "/loose/login"), &[JSON], CREDENTIALS),
        refresh: |bench, token| bench.call(("POST", "/loose/refresh"), &[JSON], &refresh_body(token)),
        logout: |bench, tokens| bench.call(("POST", "/loose/logout"), &[JSON], &refresh_body(&refresh(tokens))),
    },
    Api {
        dialect: NAMELESS,
        login: |bench| bench.call(("POST", "/nameless/login"), &[JSON], CREDENTIALS),
        refresh: |bench, token| bench.call(("POST", "/nameless/refresh"), &[JSON], &refresh_body(token)),
        logout: |bench, tokens| nameless(bench, ("POST", "/nameless/logout"), &access(tokens)),
    },
];
const CREDENTIALS: &str = r#"{"name": "ada", "password": "correct horse battery"}"#;

fn access(tokens: &Tokens) -> String {
    tokens.access.as_ref().unwrap().text.clone()
}

fn refresh(tokens: &Tokens) -> String {
    tokens.refresh.as_ref().unwrap().text.clone()
}

fn refresh_body(token: &str) -> String {
    format!(r#"{{"refresh": "{token}"}}"#)
}

fn nameless(bench: &Bench, route: (&str, &str), token: &str) -> Call {
    bench.call(route, &[("authorization", &format!("Bearer {token}"))], "")
}

async fn kind(bench: &Bench, call: &Call) -> Kind {
    bench.app.run(call).await.unwrap().outcome.kind
}

async fn whoami(bench: &Bench, token: &str) -> Kind {
    kind(bench, &nameless(bench, ("GET", "/nameless/me"), token)).await
}

impl Bench {
    /// The user as altered now.
    async fn set(&self, id: UserId, alter: impl FnOnce(&mut User)) {
        let mut user = self.app.store.load_known_by_id(id).await.unwrap().unwrap().user;
        alter(&mut user);
        let decision = admin_user::decide_set(user, Vec::new(), None, self.app.clock.now());
        self.app.commit(decision.changes).await.unwrap();
    }

    async fn signed_in(api: &Api) -> (Self, Tokens) {
        let bench = Self::of(api.dialect, 1, 8).await;
        bench.add("ada", BCRYPT).await;
        let tokens = bench.app.run(&(api.login)(&bench)).await.unwrap().tokens;
        (bench, tokens)
    }
}

/// What ends every session of the user.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Ending {
    Logout,
    Disable,
    Delete,
}

impl Ending {
    const ALL: [Self; 3] = [Self::Logout, Self::Disable, Self::Delete];

    async fn happen(self, bench: &Bench, logout: &Call) {
        match self {
            Self::Logout => assert_eq!(kind(bench, logout).await, Kind::SignedOut),
            Self::Disable => bench.set(UserId(7), |user| user.status = Status::Disabled).await,
            Self::Delete => drop(bench.app.commit(vec![Change::DeleteUser(UserId(7))]).await.unwrap()),
        }
    }
}

// RF-05, RF-09, F15: a refresh that had decided before the end was answered is not committed after it.
#[tokio::test]
async fn a_refresh_that_decided_before_an_end_comes_to_nothing_after_it() {
    for api in &APIS {
        for ending in Ending::ALL {
            let (bench, tokens) = Bench::signed_in(api).await;
            let call = (api.refresh)(&bench, &refresh(&tokens));
            let Decision { outcome, changes } = bench.app.decide(&call, bench.app.clock.now()).await.unwrap();
            assert_eq!((outcome.kind, changes.is_empty()), (Kind::Refreshed, false));
            ending.happen(&bench, &(api.logout)(&bench, &tokens)).await;
            let stale = bench.app.commit(changes).await;
            assert!(matches!(stale, Err(CommitError::Conflict(_))), "{ending:?}: {stale:?}");
            assert_eq!(kind(&bench, &call).await, Kind::InvalidRefresh, "{ending:?}");
        }
    }
}

// RF-05, F15: a logout that had decided before a refresh was answered ends the successor, too.
#[tokio::test]
async fn a_logout_that_decided_before_a_refresh_ends_its_successor() {
    for api in &APIS {
        let (bench, tokens) = Bench::signed_in(api).await;
        let logout = (api.logout)(&bench, &tokens);
        let Decision { outcome, changes } = bench.app.decide(&logout, bench.app.clock.now()).await.unwrap();
        assert_eq!(outcome.kind, Kind::SignedOut);
        let call = (api.refresh)(&bench, &refresh(&tokens));
        let refreshed = bench.app.run(&call).await.unwrap();
        assert_eq!(refreshed.outcome.kind, Kind::Refreshed);
        bench.app.commit(changes).await.unwrap();
        let successor = refreshed.tokens.refresh.map_or_else(|| refresh(&tokens), |token| token.text);
        assert_eq!(kind(&bench, &(api.refresh)(&bench, &successor)).await, Kind::InvalidRefresh);
        assert_eq!(kind(&bench, &call).await, Kind::InvalidRefresh);
    }
}

// RF-05, RF-09, F15: whoever goes on refreshing while the end is on its way holds nothing after its answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_chain_of_refreshes_outlives_an_end() {
    for api in &APIS {
        for ending in Ending::ALL {
            let (bench, tokens) = Bench::signed_in(api).await;
            let bench = Arc::new(bench);
            let (over, begun) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
            let chain = tokio::spawn({
                let (bench, over, begun) = (Arc::clone(&bench), Arc::clone(&over), Arc::clone(&begun));
                let (refresh_call, mut held) = (api.refresh, refresh(&tokens));
                async move {
                    loop {
                        let late = over.load(Ordering::SeqCst);
                        let done = bench.app.run(&refresh_call(&bench, &held)).await.unwrap();
                        assert!(!late || done.outcome.kind == Kind::InvalidRefresh, "{:?}", done.outcome.kind);
                        if late {
                            return held;
                        }
                        held = done.tokens.refresh.map_or(held, |token| token.text);
                        begun.notify_one();
                        tokio::task::yield_now().await;
                    }
                }
            });
            begun.notified().await;
            ending.happen(&bench, &(api.logout)(&bench, &tokens)).await;
            over.store(true, Ordering::SeqCst);
            let last = (api.refresh)(&bench, &chain.await.unwrap());
            assert_eq!(kind(&bench, &last).await, Kind::InvalidRefresh, "{ending:?}");
        }
    }
}

// RF-14, I4: the latest acceptance of an access token begins before the logout is answered, also where the token names no
// session.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_names_no_session_is_refused_once_its_logout_is_answered() {
    let api = &APIS[2];
    let (bench, tokens) = Bench::signed_in(api).await;
    let asks = (0..8).map(|_| nameless(&bench, ("GET", "/nameless/me"), &access(&tokens))).collect();
    let (signed_out, ends) = run_around(&bench, asks, (api.logout)(&bench, &tokens)).await;
    assert_eq!(signed_out.outcome.kind, Kind::SignedOut);
    assert_none_is_late(ends, Kind::Identified, Kind::InvalidToken);
}

// RF-14: two sessions of one second have the same claims, so that the token of one is the token of both.
#[tokio::test]
async fn a_logout_ends_the_sessions_that_share_its_token() {
    let api = &APIS[2];
    let (bench, one) = Bench::signed_in(api).await;
    let twin = bench.app.run(&(api.login)(&bench)).await.unwrap().tokens;
    bench.app.clock.advance(Duration::from_secs(1));
    let later = bench.app.run(&(api.login)(&bench)).await.unwrap().tokens;
    assert_eq!(kind(&bench, &(api.logout)(&bench, &one)).await, Kind::SignedOut);
    for (tokens, ended) in [(&one, true), (&twin, true), (&later, false)] {
        let expected = if ended { Kind::InvalidToken } else { Kind::Identified };
        assert_eq!(whoami(&bench, &access(tokens)).await, expected);
        let expected = if ended { Kind::InvalidRefresh } else { Kind::Refreshed };
        assert_eq!(kind(&bench, &(api.refresh)(&bench, &refresh(tokens))).await, expected);
    }
}

// LG-11, RF-14: a name that moved to somebody else carries no token with it, and its old owner's token is nobody's.
#[tokio::test]
async fn a_name_that_moved_carries_no_token_with_it() {
    let (bench, tokens) = Bench::signed_in(&APIS[2]).await;
    assert_eq!(whoami(&bench, &access(&tokens)).await, Kind::Identified);
    bench.set(UserId(7), |user| user.username = Some("eve".to_owned())).await;
    assert_eq!(whoami(&bench, &access(&tokens)).await, Kind::InvalidToken);
    let now = bench.app.clock.now();
    let heir = User { username: Some("ada".to_owned()), ..User::blank(UserId(8), now) };
    let hash = myna_core::secret::Secret::new(BCRYPT.to_owned());
    bench.app.commit(admin_user::decide_add(heir, Vec::new(), Some(hash), now).changes).await.unwrap();
    bench.app.clock.advance(Duration::from_secs(1));
    let theirs = bench.app.run(&(APIS[2].login)(&bench)).await.unwrap().tokens;
    assert_eq!(whoami(&bench, &access(&theirs)).await, Kind::Identified);
    assert_eq!(whoami(&bench, &access(&tokens)).await, Kind::InvalidToken);
}

// RF-06: what is stored of a token is no part of it.
#[tokio::test]
async fn a_digest_is_stored_only_where_tokens_name_no_session() {
    for api in &APIS {
        let (bench, _) = Bench::signed_in(api).await;
        let live = bench.app.store.list_sessions(UserId(7), bench.app.clock.now()).await.unwrap();
        assert_eq!(live[0].access.newest.is_some(), api.dialect == NAMELESS);
    }
}
