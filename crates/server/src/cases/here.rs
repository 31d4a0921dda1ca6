//! A Myna for cases: one dialect, data in a temporary folder, a clock that stands until it is moved. Keys are made once a
//! dialect, data once a case.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use myna_core::change::Change;
use myna_core::mail::Letter;
use myna_core::ops::admin_user;
use myna_core::outcome::Kind;
use myna_core::policy::Policy;
use myna_core::secret::Secret;
use myna_core::time::Timestamp;
use myna_core::user::{Status, User};
use myna_dialect::Dialect;
use myna_dialect::case::{Action, Captures, Case, CaseRequest, RESET_TO, RESET_TOKEN};
use myna_passwords::{Argon2Params, Password, self_check, strength};
use myna_store::{Opening, Store};
use myna_tokens::crypto::random;
use tempfile::TempDir;
use tokio::sync::{Notify, watch};

use super::send::Remote;
use super::{Reply, Road, header_map};
use crate::app::{App, PasswordRules};
use crate::clock::Clock;
use crate::config::Keys;
use crate::dialects::{self, Found};
use crate::hashing::{self, Hashing, Size};
use crate::http::listener::{Bound, Limits, serve};
use crate::http::site::{Plain, RESERVED, Site};
use crate::http::wire::Wire;
use crate::keyring::{Keyring, Place, needs};

/// When every case begins.
const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// The server's own default.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// No key comes while a case runs.
const PACE: Keys = Keys { poll: Duration::from_secs(10), lead: Duration::from_mins(15) };
const PATIENCE: Duration = Duration::from_secs(10);

/// One dialect, ready for its cases.
pub(super) struct Here {
    dialect: Arc<Dialect>,
    keys: TempDir,
    road: Road,
    /// Hashing the same few passwords anew for every case would be most of a run.
    hashes: Mutex<HashMap<String, String>>,
}

/// One case's Myna.
pub(super) struct Bench {
    site: Arc<Site>,
    remote: Option<(Remote, watch::Sender<bool>)>,
    _data: TempDir,
}

impl Here {
    pub(super) fn new(found: &Found, road: Road) -> anyhow::Result<Self> {
        let compiled = dialects::compile_all(std::slice::from_ref(found), false)?;
        let dialect = compiled.into_iter().next().context("no dialect")?;
        Ok(Self { dialect, keys: tempfile::tempdir()?, road, hashes: Mutex::default() })
    }

    pub(super) async fn bench(&self, case: &Case) -> anyhow::Result<Bench> {
        let data = tempfile::tempdir()?;
        let store = Store::open(&data.path().join("data"), Opening::Create)?;
        let keys = Keyring::open(Place::folder_of(self.keys.path()), PACE, needs(&self.dialect), START).await?;
        let size = Size { threads: 1, queue: 64, patience: PATIENCE };
        let app = Arc::new(App {
            store,
            hashing: Hashing::start(size, self_check()?)?,
            keys,
            clock: Clock::by_hand(START),
            policy: Policy::default(),
            passwords: PasswordRules::new(Argon2Params::default(), strength::Policy::default()),
            mail_queued: Arc::new(Notify::new()),
        });
        for user in &case.users {
            let hash = match (&user.password_hash, &user.password) {
                (Some(hash), _) => Some(Secret::new(hash.clone())),
                (None, Some(password)) => Some(self.hash(password)?),
                (None, None) => None,
            };
            let decision = admin_user::decide_add(user.user(START), user.roles.clone(), hash, START);
            let made = app.store.commit(decision.changes).await;
            made.map_err(|error| anyhow::anyhow!("cannot make user {}: {error}", user.id))?;
        }
        let router = dialects::route(vec![Arc::clone(&self.dialect)], &RESERVED)?;
        let site = Arc::new(Site::new(app, router, PATIENCE, Vec::new()));
        let remote = match self.road {
            Road::Direct => None,
            Road::Http => Some(listen(&site)?),
        };
        Ok(Bench { site, remote, _data: data })
    }

    fn hash(&self, password: &str) -> anyhow::Result<Secret<String>> {
        let mut hashes = self.hashes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = hashes.get(password) {
            return Ok(Secret::new(hash.clone()));
        }
        let parsed = Password::parse(password)?;
        let salt = random()?;
        let hash =
            hashing::alone(self_check()?, |hasher| hasher.hash(parsed.as_bytes(), &salt, &Argon2Params::default()))??;
        hashes.insert(password.to_owned(), hash.stored_text().to_owned());
        Ok(Secret::new(hash.stored_text().to_owned()))
    }
}

/// The real listener before the same site.
fn listen(site: &Arc<Site>) -> anyhow::Result<(Remote, watch::Sender<bool>)> {
    let bound = Bound::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None)?;
    let remote = Remote::new(&format!("http://{}", bound.local_addr()))?;
    let limits = Limits {
        header_timeout: PATIENCE,
        body_timeout: PATIENCE,
        request_timeout: PATIENCE,
        idle_timeout: PATIENCE,
        tls_timeout: PATIENCE,
        header_bytes: 16 * 1024,
        body_bytes: BODY_BYTES_MAX,
        max_connections: 16,
        shutdown_timeout: Duration::ZERO,
    };
    let (stop, stopping) = watch::channel(false);
    let wire =
        Arc::new(Wire { site: Arc::clone(site), limits: limits.clone(), trusted: Vec::new(), origins: Vec::new() });
    let answer = Arc::new(move |request, peer| Arc::clone(&wire).answer(request, peer));
    tokio::spawn(serve(vec![bound], limits, answer, stopping));
    Ok((remote, stop))
}

impl Bench {
    pub(super) async fn send(&self, request: CaseRequest) -> anyhow::Result<Reply> {
        if let Some((remote, _stop)) = &self.remote {
            return remote.send(request).await;
        }
        let (path, query) = match request.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (request.target, None),
        };
        let body = if request.body.len() > BODY_BYTES_MAX { Err(Kind::TooLarge) } else { Ok(request.body) };
        let plain = Plain {
            method: request.method,
            path,
            query,
            headers: header_map(request.headers)?,
            body,
            client: IpAddr::V4(Ipv4Addr::LOCALHOST),
            id: "0".repeat(16),
        };
        let answer = self.site.answer(plain).await;
        let headers = answer.headers.into_iter().map(|(name, value)| (name, value.as_bytes().to_vec())).collect();
        Ok(Reply { status: answer.status, headers: header_map(headers)?, body: answer.body })
    }

    /// Does what is no exchange.
    pub(super) async fn step(&mut self, action: &Action, captures: &mut Captures) -> Result<(), String> {
        let app = &self.site.app;
        match action {
            Action::Exchange(_) | Action::Jwt(_) => Ok(()),
            Action::Advance(span) => {
                app.clock.advance(*span);
                Ok(())
            }
            Action::ResetMail => self.reset_mail(captures).await.map_err(|error| format!("{error:#}")),
            Action::NoMail => match self.letters().await.map_err(|error| format!("{error:#}"))?.as_slice() {
                [] => Ok(()),
                letters => Err(format!("expected no mail, {} are queued", letters.len())),
            },
            Action::Disable(id) => self.set_status(*id, Status::Disabled).await.map_err(|error| format!("{error:#}")),
            Action::Enable(id) => self.set_status(*id, Status::Active).await.map_err(|error| format!("{error:#}")),
        }
    }

    /// The letters to somebody that were queued since the last look.
    async fn letters(&self) -> anyhow::Result<Vec<Letter>> {
        let app = &self.site.app;
        let due = app.store.due_mail(app.clock.now(), 100).await?;
        let drop = due.iter().map(|mail| Change::DropMail(mail.id)).collect();
        app.commit(drop).await.map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(due.into_iter().map(|mail| mail.letter).filter(|letter| *letter != Letter::Nobody).collect())
    }

    async fn reset_mail(&self, captures: &mut Captures) -> anyhow::Result<()> {
        let letters = self.letters().await?;
        let [Letter::PasswordReset { challenge, to }] = letters.as_slice() else {
            anyhow::bail!("expected one mail with a reset link, {} are queued", letters.len());
        };
        let facts = self.site.app.store.load_challenge(*challenge).await?.context("the mail's challenge is gone")?;
        captures.put(RESET_TOKEN, self.site.app.reset_token(&facts.challenge));
        captures.put(RESET_TO, to.clone());
        Ok(())
    }

    async fn set_status(&self, id: myna_core::id::UserId, status: Status) -> anyhow::Result<()> {
        let app = &self.site.app;
        let known = app.store.load_known_by_id(id).await?.with_context(|| format!("there is no user {id}"))?;
        let decision = admin_user::decide_set(User { status, ..known.user }, Vec::new(), None, app.clock.now());
        app.commit(decision.changes).await.map(drop).map_err(|error| anyhow::anyhow!("{error}"))
    }
}
