//! Puts the parts together: from a configuration to a running server. `serve` and `demo` both start here, so that a demo
//! is the real thing.

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use myna_core::policy::Policy;
use myna_passwords::{Argon2Params, Backend, self_check, strength};
use myna_store::{Opening, Store};
use tokio::sync::{Notify, watch};

use crate::app::{App, PasswordRules};
use crate::clock::Clock;
use crate::config::{Certificate, Config, Password};
use crate::dialects;
use crate::hashing::{Hashing, Size};
use crate::http::docs::Docs;
use crate::http::listener::{Bound, Limits, serve};
use crate::http::site::{RESERVED, Site};
use crate::http::tls;
use crate::http::wire::Wire;
use crate::jobs::{self, Jobs};
use crate::keyring::{Keyring, Place, needs};
use crate::mail::Mailer;
use crate::reload::{self, Control, Hangup, Reload, Written};

/// The file that `myna demo` leaves in a data folder that it makes.
pub(crate) const DEMO_MARK: &str = "demo";

/// A server whose listeners are bound and whose data is open; [`run`](Self::run) serves.
pub(crate) struct Server {
    /// The executor.
    pub(crate) app: Arc<App>,
    wire: Arc<Wire>,
    bound: Vec<Bound>,
    jobs: Jobs,
    reload: Arc<Reload>,
    control: Option<Control>,
}

impl Server {
    /// Binds the listeners first: a port that is taken is the likeliest fault, and nothing has been made by then. `written`
    /// tells at each reload which dialects are to be served.
    ///
    /// # Errors
    /// What is wrong and what to do about it.
    pub(crate) async fn new(config: &Config, written: Written) -> anyhow::Result<Self> {
        let found = dialects::enabled(&config.dialects)?;
        let compiled = dialects::compile_all(&found, false)?;
        let router = dialects::route(compiled, &RESERVED)?;
        dialects::warn(router.dialects());
        let clock = Clock::default();
        let mut bound = bind_all(&config.http.listen, "http.listen", &None)?;
        if config.data.join(DEMO_MARK).exists() {
            tracing::warn!(data = %config.data.display(), "this data was made by `myna demo`: everybody knows its users' passwords");
        }
        let store = open_store(config, Opening::Create).await?;
        if let Some(https) = &config.https {
            let tls = match &https.certificate {
                Certificate::Files { chain, key } => tls::server_config_from_pem(chain, key)?,
                Certificate::SelfSigned => {
                    let (tls, path) = tls::development_certificate(&config.data, clock.now())?;
                    tracing::warn!(
                        certificate = %path.display(),
                        "HTTPS with a self-signed development certificate; no client trusts it by itself"
                    );
                    tls
                }
            };
            bound.extend(bind_all(&https.listen, "https.listen", &Some(tls))?);
        }
        let needs = router.dialects().flat_map(|dialect| needs(dialect)).collect();
        let place = Place::of(&config.data, config.key_encryption.as_ref(), &store).await?;
        if let (Place::Folder(folder), Some(_)) = (&place, &config.database)
            && !folder.has_root()
        {
            let folder = folder.path().display();
            tracing::warn!(%folder, "new keys are made for this node alone: give every node the same folder, or set key_encryption_key");
        }
        let keys = Keyring::open(place, config.keys, needs, clock.now()).await?;
        let app = Arc::new(App {
            store,
            hashing: hashing(&config.password)?,
            keys,
            clock,
            policy: policy(config),
            passwords: password_rules(&config.password)?,
            mail_queued: Arc::new(Notify::new()),
        });
        let limits = limits(config);
        let docs = config.docs.then(|| Docs::new(config.dialects.folder.clone()));
        let site = Site::new(Arc::clone(&app), router, config.http.request_timeout, config.http.cors_origins.clone());
        let site = Arc::new(site.documented(docs));
        let reload = Arc::new(Reload::new(Arc::clone(&site), &found, written));
        let wire = Arc::new(Wire {
            site,
            limits,
            trusted: config.http.trusted_proxies.clone(),
            origins: config.http.cors_origins.clone(),
        });
        let mailer = match &config.smtp {
            Some(smtp) => Mailer::smtp(smtp)?,
            None => Mailer::folder(&config.mail_folder)?,
        };
        let link_base = config.reset.link_base.as_ref().map(|base| base.as_str().to_owned());
        let jobs = Jobs { app: Arc::clone(&app), mailer, link_base };
        let control = Control::bind(&config.data)
            .inspect_err(|error| tracing::warn!(%error, "no control socket: `myna reload` cannot ask, SIGHUP can"))
            .ok();
        Ok(Self { app, wire, bound, jobs, reload, control })
    }

    /// The addresses that are really listened on.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.bound.iter().map(Bound::local_addr).collect()
    }

    /// The dialects that are served.
    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.wire.site
    }

    /// Serves until the process is asked to stop, then finishes what is in flight. `hangup` says what SIGHUP does.
    ///
    /// # Errors
    /// When the listeners cannot be used.
    pub(crate) async fn run(self, hangup: Hangup) -> anyhow::Result<()> {
        let (stop, stopping) = watch::channel(false);
        let mut jobs = jobs::start(self.jobs, &stopping);
        jobs.spawn(reload::serve(self.reload, self.control, hangup, stopping.clone()));
        let limits = self.wire.limits.clone();
        let wire = self.wire;
        let answer = Arc::new(move |request, peer| Arc::clone(&wire).answer(request, peer));
        let app = Arc::clone(&self.app);
        let asked = tokio::spawn(async move {
            let asked = tokio::select! {
                () = asked_to_stop() => true,
                // Nothing can be made durable any more; a supervisor starts a process that can.
                () = app.store.stopped() => false,
            };
            tracing::info!("finishing what is in flight");
            // Nobody listens any more only when everything has ended already.
            let _ = stop.send(true);
            asked
        });
        let shutdown_timeout = limits.shutdown_timeout;
        let cut = serve(self.bound, limits, answer, stopping).await?;
        let ended = async { while jobs.join_next().await.is_some() {} };
        if tokio::time::timeout(shutdown_timeout, ended).await.is_err() {
            tracing::warn!("a job did not end in time");
        }
        if cut > 0 {
            tracing::warn!(connections = cut, "connections were cut because they did not finish in time");
        }
        anyhow::ensure!(asked.await.unwrap_or(false), "the store's writer has stopped: nothing can be kept any more");
        tracing::info!("stopped");
        Ok(())
    }
}

/// SIGTERM, or SIGINT from a keyboard.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

type Tls = Option<Arc<rustls::ServerConfig>>;

fn bind_all(addresses: &[SocketAddr], setting: &str, tls: &Tls) -> anyhow::Result<Vec<Bound>> {
    addresses
        .iter()
        .map(|address| {
            Bound::bind(*address, tls.clone()).map_err(|error| {
                if error.kind() == io::ErrorKind::AddrInUse {
                    let flag = setting.trim_end_matches(".listen");
                    return anyhow::anyhow!(
                        "{address} is taken by another program; choose another address ({setting}, --{flag})"
                    );
                }
                anyhow::anyhow!("cannot listen on {address} ({setting}): {error}")
            })
        })
        .collect()
}

/// The hashing threads, with a library that has just proven itself.
pub(crate) fn hashing(password: &Password) -> anyhow::Result<Hashing> {
    let proven = self_check()?;
    let backend = match password.backend {
        crate::config::Backend::Portable => Backend::Portable,
        crate::config::Backend::Fast => {
            if proven == Backend::Portable {
                tracing::warn!("the fast Argon2 library gave a wrong answer on this machine; using the portable one");
            }
            proven
        }
    };
    let size = Size {
        threads: password.threads.map_or(0, usize::from),
        queue: password.queue_max,
        patience: password.queue_timeout,
    };
    Hashing::start(size, backend).context("cannot start the hashing threads")
}

/// How new passwords are hashed and judged.
pub(crate) fn password_rules(password: &Password) -> anyhow::Result<PasswordRules> {
    let cost = Argon2Params::new(password.memory_kib, password.passes, password.lanes)?;
    let min_length = u32::try_from(password.length_min).unwrap_or(u32::MAX);
    Ok(PasswordRules::new(cost, strength::Policy { min_length }))
}

fn policy(config: &Config) -> Policy {
    Policy {
        sessions_max: config.session.sessions_max,
        password_age_max: config.password.age_max,
        reset_lifetime: config.reset.lifetime,
    }
}

fn limits(config: &Config) -> Limits {
    let http = &config.http;
    Limits {
        header_timeout: http.header_timeout,
        body_timeout: http.body_timeout,
        // The site gives up first and says so in the dialect's words; this is the belt.
        request_timeout: http.body_timeout + http.request_timeout + Duration::from_secs(2),
        idle_timeout: http.idle_timeout,
        tls_timeout: http.tls_timeout,
        header_bytes: http.header_bytes_max,
        body_bytes: http.body_bytes_max,
        max_connections: http.connections_max,
        shutdown_timeout: http.shutdown_timeout,
    }
}

/// The store that the configuration names. A command that needs data opens with [`Opening::MustExist`].
pub(crate) async fn open_store(config: &Config, opening: Opening) -> anyhow::Result<Store> {
    let data = &config.data;
    let store = match &config.database {
        None => {
            Store::open(data, opening).with_context(|| format!("cannot open the data folder {}", data.display()))?
        }
        Some(address) => {
            if opening == Opening::Create {
                // The keys are there, whatever the database is.
                let mut folder = DirBuilder::new();
                folder.recursive(true).mode(0o700);
                folder.create(data).with_context(|| format!("cannot make the data folder {}", data.display()))?;
            }
            Store::connect(address.expose(), opening).await.context("cannot open the database")?
        }
    };
    Ok(if config.read_only { store.kept_read_only() } else { store })
}
