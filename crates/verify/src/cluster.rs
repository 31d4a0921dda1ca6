//! What a cluster is: the servers that are driven, and what can be done to them. One node on embedded SQLite, or several over
//! one PostgreSQL; the rest of the checker knows only that there are nodes by number, that one that was killed does nothing
//! more of what it had begun, and that all of them read one clock.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::process::{Child, Command};

use crate::database::{Database, Standby};
use crate::history::NODES_MAX;
use crate::port;

/// What the nodes speak, by name.
const DIALECTS: [(&str, &str); 2] =
    [("verify", include_str!("dialects/verify.toml")), ("nameless", include_str!("dialects/nameless.toml"))];
/// How long a node may take until it answers, also on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// The nodes, their data and their clock.
pub struct Cluster {
    folder: tempfile::TempDir,
    binary: PathBuf,
    mutation: Option<String>,
    ports: Vec<u16>,
    processes: Vec<Mutex<Option<Child>>>,
    /// How far each node's clock is ahead of what is told to be the present, in microseconds.
    ahead: Vec<i64>,
    /// `None`: the embedded SQLite.
    database: Option<Database>,
}

/// Who an operator is to the database.
const OPERATOR: &str = "operator";

impl Cluster {
    /// One node on embedded SQLite; nothing runs yet. `mutation` names the guard that is taken out.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn embedded(binary: &Path, mutation: Option<&str>) -> anyhow::Result<Self> {
        Self::new(binary, mutation, 1, None)
    }

    /// So many nodes over a PostgreSQL of their own, which runs.
    ///
    /// # Errors
    /// When the files cannot be written or PostgreSQL cannot be started.
    pub async fn over_postgres(
        binary: &Path,
        mutation: Option<&str>,
        nodes: usize,
        standby: Standby,
    ) -> anyhow::Result<Self> {
        ensure!((1..=NODES_MAX).contains(&nodes), "1 to {NODES_MAX} nodes");
        let roles: Vec<String> = (0..nodes).map(name).chain([OPERATOR.to_owned()]).collect();
        Self::new(binary, mutation, nodes, Some(Database::start(&roles, standby).await?))
    }

    fn new(binary: &Path, mutation: Option<&str>, nodes: usize, database: Option<Database>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("myna-verify-").tempdir()?;
        for (name, text) in DIALECTS {
            let dialect = folder.path().join("dialects").join(name);
            std::fs::create_dir_all(&dialect)?;
            std::fs::write(dialect.join("dialect.toml"), text)?;
        }
        // Cheap hashes, as far as the settings go: this is about everything else. No session ends by the cap.
        let config = "data = \"data\"\n[dialects]\nfolder = \"dialects\"\nenabled = [\"verify\", \"nameless\"]\n\
            [password]\nmemory = \"7MiB\"\npasses = 5\nqueue_timeout = \"8s\"\n[mail]\nfolder = \"mail\"\n\
            [session]\ncap = 10000\n[log]\nlevel = \"warn\"\n";
        std::fs::write(folder.path().join("myna.toml"), config)?;
        // Held until all are drawn, so that they differ.
        let held: Vec<_> = (0..nodes).map(|_| port::held()).collect::<Result<_, _>>()?;
        let ports: Vec<u16> = held.iter().map(|held| Ok(held.local_addr()?.port())).collect::<std::io::Result<_>>()?;
        let processes = ports.iter().map(|_| Mutex::new(None)).collect();
        let mutation = mutation.map(str::to_owned);
        let ahead = vec![0; nodes];
        let cluster = Self { folder, binary: binary.to_owned(), mutation, ports, processes, ahead, database };
        cluster.set_clock(0)?;
        Ok(cluster)
    }

    /// Where each node listens.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// Where mails are written.
    pub fn mails(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    /// What the nodes have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Has the nodes' clocks differ for the rest of the run, each by so many microseconds at most. Commands of operators run
    /// beside the first node, by its clock.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub(crate) fn part_clocks(&mut self, most: i64, rng: &mut fastrand::Rng) -> std::io::Result<()> {
        self.ahead.fill_with(|| rng.i64(-most..=most));
        self.set_clock(0)
    }

    /// How far a node's clock is ahead.
    pub(crate) fn ahead(&self, node: usize) -> i64 {
        self.ahead.get(node).copied().unwrap_or_default()
    }

    /// Moves the clock of every node so many microseconds from this machine's.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_clock(&self, offset: i64) -> std::io::Result<()> {
        for (node, ahead) in self.ahead.iter().enumerate() {
            // Renamed, so that no node ever reads half a number.
            let draft = self.folder.path().join("clock.tmp");
            std::fs::write(&draft, offset.saturating_add(*ahead).to_string())?;
            std::fs::rename(draft, self.clock(node))?;
        }
        Ok(())
    }

    /// Starts a node and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start by itself (I11).
    pub async fn start(&self, node: usize) -> anyhow::Result<()> {
        let (port, process) = self.node(node)?;
        let log = std::fs::OpenOptions::new().append(true).create(true).open(self.folder.path().join("log"))?;
        let mut child = self
            .command(&name(node), node)
            .args(["serve", "--http", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let deadline = Instant::now() + START_MAX;
        while crate::client::status(port, "/readyz").await != Some(200) {
            if let Some(status) = child.try_wait()? {
                bail!("a node ended by itself at its start: {status}\n{}", self.log());
            }
            ensure!(Instant::now() < deadline, "a node was not ready within {START_MAX:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        *process.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(())
    }

    /// `kill -9`, and waits until the process is gone.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub async fn kill(&self, node: usize) -> anyhow::Result<()> {
        let (_, process) = self.node(node)?;
        let child = process.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut child = child.context("there is no node to kill")?;
        if let Some(status) = child.try_wait()? {
            bail!("a node ended by itself: {status}\n{}", self.log());
        }
        child.kill().await?;
        match &self.database {
            // What it had sent already is still done, or refused, by the database.
            Some(database) => database.is_drained(&name(node)).await,
            None => Ok(()),
        }
    }

    /// Stops a node for `span` in the middle of whatever it does; it goes on as if nothing had happened.
    ///
    /// # Errors
    /// When it has ended by itself.
    pub async fn pause(&self, node: usize, span: Duration) -> anyhow::Result<()> {
        let (_, process) = self.node(node)?;
        let id = process.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(Child::id);
        let id = id.context("there is no node to pause")?.to_string();
        for (signal, span) in [("-STOP", span), ("-CONT", Duration::ZERO)] {
            let status = Command::new("kill").args([signal, &id]).status().await?;
            ensure!(status.success(), "a node ended by itself\n{}", self.log());
            tokio::time::sleep(span).await;
        }
        Ok(())
    }

    /// The database of the nodes, if it is one to which connections lead.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// Runs a command of an operator to its end; whether it succeeded.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn operator(&self, arguments: &[&str]) -> anyhow::Result<bool> {
        let mut command = self.command(OPERATOR, 0);
        let output = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status().await?;
        Ok(output.success())
    }

    fn node(&self, node: usize) -> anyhow::Result<(u16, &Mutex<Option<Child>>)> {
        let port = self.ports.get(node).copied();
        port.zip(self.processes.get(node)).with_context(|| format!("there is no node {node}"))
    }

    fn clock(&self, node: usize) -> PathBuf {
        self.folder.path().join(format!("clock{node}"))
    }

    /// The program, as `role` to the database and with a node's clock.
    fn command(&self, role: &str, node: usize) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("MYNA_FAULTS_CLOCK", self.clock(node));
        if let Some(database) = &self.database {
            command.env("MYNA_DATABASE", database.address(role));
        }
        if let Some(mutation) = &self.mutation {
            command.env("MYNA_FAULTS_MUTATION", mutation);
        }
        command
    }
}

/// A node's name to the database.
fn name(node: usize) -> String {
    format!("node{node}")
}

/// Builds the server with what the checker needs in it, and gives back a copy that no other build replaces.
///
/// # Errors
/// When it cannot be built.
pub fn built() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--package", "myna-server", "--features", "faults"]);
    let status = cargo.current_dir(&root).status().context("cannot run cargo")?;
    ensure!(status.success(), "the server cannot be built");
    #[expect(clippy::disallowed_methods, reason = "cargo's own variable, not a setting of the server")]
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let copy = target.join("verify").join("myna");
    std::fs::create_dir_all(target.join("verify"))?;
    // A program that runs cannot be written over; its name can be given to another.
    let draft = copy.with_extension(std::process::id().to_string());
    std::fs::copy(target.join("debug").join("myna"), &draft)?;
    std::fs::rename(&draft, &copy)?;
    Ok(copy)
}
