//! A real PostgreSQL of its own for a run or a test: in a temporary folder, on a free port, stopped when it is dropped. The
//! programs are Debian's or those of another version. Where we are root it runs under its own user, since it refuses root.
//! It can have a standby that takes its place, be killed, and be frozen; a [`Proxy`] in front of it loses answers.

mod process;
mod proxy;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use crate::port;
use process::Processes;
pub use proxy::Proxy;

/// Where Debian puts the programs, one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Programs of another server, as far as they are in this folder (ci/postgres/run).
const CHOSEN: &str = "TEST_POSTGRES";
/// Who may do anything.
pub const USER: &str = "postgres";
/// How long a standby may take to be what it is to be, also on a busy machine.
const FOLLOWS_MAX: Duration = Duration::from_secs(60);
/// What a standby calls itself.
const STANDBY: &str = "copy";

/// How a standby gets what its primary writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feed {
    /// The primary answers when the standby has it, too.
    Synchronous,
    /// The primary answers at once.
    Asynchronous,
}

/// A running server.
pub struct Postgres {
    folder: tempfile::TempDir,
    port: u16,
}

impl Postgres {
    /// Makes one and starts it; `settings` are further lines of `postgresql.conf`.
    ///
    /// # Errors
    /// When its programs are missing or fail.
    pub async fn start(settings: &str) -> anyhow::Result<Self> {
        let postgres = Self::nothing().await?;
        let flags = ["-U", USER, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8", "-D"];
        run(program("initdb").args(flags).arg(postgres.data())).await?;
        postgres.set(&format!(
            "listen_addresses = '127.0.0.1'\nmax_connections = 200\nwal_keep_size = '256MB'\n\
             wal_retrieve_retry_interval = '100ms'\n{settings}\n"
        ))?;
        postgres.control(&["-w", "start"]).await?;
        Ok(postgres)
    }

    /// A second server that has everything this one has.
    ///
    /// # Errors
    /// What one of the two says.
    pub async fn standby(&self, feed: Feed) -> anyhow::Result<Self> {
        let standby = Self::nothing().await?;
        standby.follow(self, feed).await?;
        Ok(standby)
    }

    /// Becomes a standby of `primary`. This one must not run; what it had is thrown away.
    ///
    /// # Errors
    /// What one of the two says.
    pub async fn follow(&self, primary: &Self, feed: Feed) -> anyhow::Result<()> {
        let _ = std::fs::remove_dir_all(self.data());
        let from = format!("host=127.0.0.1 port={} user={USER} application_name={STANDBY}", primary.port);
        let flags = ["-X", "stream", "-c", "fast", "-R", "--no-sync", "-d", &from, "-D"];
        run(program("pg_basebackup").args(flags).arg(self.data())).await?;
        self.set("")?;
        self.control(&["-w", "start"]).await?;
        let wanted = match feed {
            Feed::Asynchronous => "state = 'streaming'",
            Feed::Synchronous => {
                // After the copy was made: who takes the primary's place waits for nobody.
                let name = format!("ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 ({STANDBY})'");
                primary.sql(&name).await?;
                primary.sql("SELECT pg_reload_conf()").await?;
                "sync_state = 'sync'"
            }
        };
        let count = format!("SELECT count(*) FROM pg_stat_replication WHERE {wanted}");
        primary.until(&count, "1", FOLLOWS_MAX).await
    }

    /// The standby takes its primary's place.
    ///
    /// # Errors
    /// When it does not.
    pub async fn promote(&self) -> anyhow::Result<()> {
        let done = self.sql("SELECT pg_promote(true, 60)").await?;
        ensure!(done == "t", "the standby was not promoted");
        Ok(())
    }

    /// The standby gets nothing more of what its primary writes.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn cut_off(&self) -> anyhow::Result<()> {
        self.sql("ALTER SYSTEM SET primary_conninfo = ''").await?;
        self.sql("SELECT pg_reload_conf()").await?;
        self.until("SELECT count(*) FROM pg_stat_wal_receiver", "0", FOLLOWS_MAX).await
    }

    /// `kill -9` of the server with all its processes; its data stays.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&self) -> anyhow::Result<()> {
        Processes::of(&self.data())?.kill().await?;
        // They name a process that is gone. Until its parent has looked, or if its number is used again, the next server
        // would take it for one that runs.
        let socket = self.folder.path().join(format!(".s.PGSQL.{}", self.port));
        for stale in [self.data().join("postmaster.pid"), socket.with_added_extension("lock"), socket] {
            let _missing = std::fs::remove_file(stale);
        }
        Ok(())
    }

    /// Stops all its processes where they are.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn freeze(&self) -> anyhow::Result<()> {
        Processes::of(&self.data())?.freeze().await
    }

    /// Lets a frozen server go on.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn thaw(&self) -> anyhow::Result<()> {
        Processes::of(&self.data())?.thaw().await
    }

    async fn nothing() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("myna-verify-pg-").tempdir()?;
        give_away(folder.path()).await?;
        let port = port::held()?.local_addr()?.port();
        Ok(Self { folder, port })
    }

    /// Adds lines to the settings. The last one of a name counts.
    fn set(&self, settings: &str) -> anyhow::Result<()> {
        let own = format!("port = {}\nunix_socket_directories = '{}'\n", self.port, self.folder.path().display());
        let path = self.data().join("postgresql.conf");
        std::fs::write(&path, std::fs::read_to_string(&path)? + "\n" + settings + &own)?;
        Ok(())
    }

    /// Makes an empty database and gives back its address.
    ///
    /// # Errors
    /// What the server says.
    pub async fn database(&self, name: &str) -> anyhow::Result<String> {
        self.sql(&format!("CREATE DATABASE {name}")).await?;
        Ok(address(&[self.port], USER, name))
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes a role that may do anything.
    pub(crate) async fn role(&self, name: &str) -> anyhow::Result<()> {
        self.sql(&format!("CREATE ROLE {name} SUPERUSER LOGIN")).await.map(drop)
    }

    /// Whether no role of that name is connected.
    pub(crate) async fn has_nobody(&self, name: &str) -> anyhow::Result<bool> {
        let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'");
        Ok(self.sql(&count).await? == "0")
    }

    /// Ends some connections, whatever they are doing.
    pub(crate) async fn cut(&self) -> anyhow::Result<()> {
        let some = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
            WHERE usename LIKE 'node%' ORDER BY random() LIMIT 6) some";
        self.sql(some).await.map(drop)
    }

    /// Ends the server without a word to anybody, and starts it again: it recovers from its log.
    pub(crate) async fn crash(&self) -> anyhow::Result<()> {
        self.control(&["-m", "immediate", "-w", "stop"]).await?;
        self.control(&["-w", "start"]).await
    }

    async fn control(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = program("pg_ctl");
        let log = self.folder.path().join("log");
        command.arg("-D").arg(self.data()).arg("-l").arg(&log).args(arguments);
        run(&mut command).await.map(drop).with_context(|| std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// Asks until the answer is `wanted`. While the server is down or starts, nobody can tell.
    ///
    /// # Errors
    /// When it never is.
    pub async fn until(&self, question: &str, wanted: &str, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            let answer = self.sql(question).await;
            if answer.as_deref().ok() == Some(wanted) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{question}: not {wanted} within {patience:?} but {answer:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a statement and gives back what it prints.
    ///
    /// # Errors
    /// What the server says.
    pub async fn sql(&self, text: &str) -> anyhow::Result<String> {
        self.sql_in("postgres", text).await
    }

    /// The same in another of its databases.
    ///
    /// # Errors
    /// What the server says.
    pub async fn sql_in(&self, database: &str, text: &str) -> anyhow::Result<String> {
        let port = self.port.to_string();
        let flags = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port, "-U", USER];
        run(program("psql").args(flags).args(["-d", database, "-c", text])).await
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Ok(processes) = Processes::of(&self.data()) {
            processes.thaw_now();
        }
        let mut stop = program("pg_ctl").into_std();
        stop.arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// The address of a database on servers that listen there, for one of the roles.
pub fn address(ports: &[u16], role: &str, database: &str) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("postgres://{role}@{}/{database}", hosts.join(","))
}

/// A program of the server that `TEST_POSTGRES` (a folder) names, else of the newest that is installed, run as the
/// server's user where we are root.
#[expect(clippy::disallowed_methods, reason = "a setting of the tests, not of the server")]
pub fn program(name: &str) -> Command {
    let chosen = std::env::var_os(CHOSEN).map(PathBuf::from);
    // What it does not bring is Debian's. One without a server is a mistake, and fails as such.
    let has = |folder: &PathBuf| folder.join(name).exists() || !folder.join("postgres").exists();
    let chosen = chosen.filter(has).map(|folder| folder.join(name));
    let found = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = || found.map(|entry| entry.path().join("bin").join(name)).max();
    let path = chosen.or_else(newest).unwrap_or_else(|| PathBuf::from(name));
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(path).current_dir("/");
    command
}

/// Runs a program to its end. Its output goes through a file: a server that it starts would keep a pipe open.
async fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = tempfile::NamedTempFile::new()?;
    let (out, error) = (output.reopen()?, output.reopen()?);
    let status = command.stdin(Stdio::null()).stdout(out).stderr(error).status().await;
    let status = status.with_context(|| format!("{command:?} (Debian: apt-get install postgresql)"))?;
    let text = std::fs::read_to_string(output.path())?;
    ensure!(status.success(), "{command:?}: {text}");
    Ok(text.trim().to_owned())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0)
}

async fn give_away(folder: &Path) -> anyhow::Result<()> {
    if is_root() {
        run(Command::new("chown").arg(format!("{USER}:")).arg(folder)).await?;
    }
    Ok(())
}
