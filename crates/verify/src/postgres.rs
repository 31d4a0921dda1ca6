//! A real PostgreSQL of its own for a run or a test: in a temporary folder, on a free port, stopped when it is dropped.
//! Debian's programs, and under the server's own user where we are root, since it refuses root.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::time::sleep;

/// Where Debian puts the programs, one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
const USER: &str = "postgres";
/// What a process had sent before it was killed is done by then.
const DRAINED_MAX: Duration = Duration::from_secs(20);

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
        let folder = tempfile::Builder::new().prefix("myna-verify-pg-").tempdir()?;
        give_away(folder.path()).await?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let postgres = Self { folder, port };
        let data = postgres.data();
        let flags = ["-U", USER, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8", "-D"];
        run(program("initdb").args(flags).arg(&data)).await?;
        let folder = postgres.folder.path().display();
        let settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\nmax_connections = 200\n\
             {settings}\n"
        );
        let path = data.join("postgresql.conf");
        std::fs::write(&path, std::fs::read_to_string(&path)? + "\n" + &settings)?;
        postgres.control(&["-w", "start"]).await?;
        Ok(postgres)
    }

    /// Makes an empty database and gives back its address.
    ///
    /// # Errors
    /// What the server says.
    pub async fn database(&self, name: &str) -> anyhow::Result<String> {
        self.sql(&format!("CREATE DATABASE {name}")).await?;
        Ok(self.address(USER, name))
    }

    /// Makes a role that may do anything.
    pub(crate) async fn role(&self, name: &str) -> anyhow::Result<()> {
        self.sql(&format!("CREATE ROLE {name} SUPERUSER LOGIN")).await.map(drop)
    }

    /// The address of a database for one of the roles.
    pub(crate) fn address(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Waits until nothing is done any more of what a role had asked for.
    pub(crate) async fn is_drained(&self, name: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + DRAINED_MAX;
        let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'");
        // While the server itself is down or starts, nobody can tell.
        while self.sql(&count).await.ok().as_deref() != Some("0") {
            ensure!(Instant::now() < deadline, "the connections of {name} are still there after {DRAINED_MAX:?}");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
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
        command.arg("-D").arg(self.data()).arg("-l").arg(self.folder.path().join("log")).args(arguments);
        run(&mut command).await.map(drop)
    }

    async fn sql(&self, text: &str) -> anyhow::Result<String> {
        let port = self.port.to_string();
        let flags = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port, "-U", USER];
        run(program("psql").args(flags).args(["-d", "postgres", "-c", text])).await
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl").into_std();
        stop.arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// A program of the newest server that is installed.
fn program(name: &str) -> Command {
    let found = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = found.map(|entry| entry.path().join("bin").join(name)).max();
    let path = newest.unwrap_or_else(|| PathBuf::from(name));
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
