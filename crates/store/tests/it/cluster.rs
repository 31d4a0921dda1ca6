//! A real PostgreSQL of its own for a test: in a temporary folder, on a free port, stopped when it is dropped.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stands on it: what fails here fails the test")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where Debian puts the server's programs, one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
const USER: &str = "postgres";

/// A running server.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
}

impl Cluster {
    /// Makes and starts one; `settings` are lines of `postgresql.conf`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("myna-pg-").tempdir().unwrap();
        let cluster = Self { folder, port: free_port() };
        give_away(cluster.folder.path());
        let data = cluster.data();
        run(program("initdb")
            .args(["-U", USER, "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8", "-D"])
            .arg(&data));
        let mut lines = vec![
            format!("port = {}", cluster.port),
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!("unix_socket_directories = '{}'", cluster.folder.path().display()),
            "max_connections = 200".to_owned(),
        ];
        lines.extend(settings.iter().map(|line| (*line).to_owned()));
        let path = data.join("postgresql.conf");
        let written = fs::read_to_string(&path).unwrap() + "\n" + &lines.join("\n") + "\n";
        fs::write(&path, written).unwrap();
        cluster.pg_ctl(&["start", "-w"]);
        cluster
    }

    /// The address of a database of it.
    pub(crate) fn address(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and gives back its address.
    pub(crate) fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(name)
    }

    /// Runs statements as the superuser; what they print.
    pub(crate) fn sql(&self, database: &str, text: &str) -> String {
        let port = self.port.to_string();
        let args = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &port, "-U", USER];
        let output = run(program("psql").args(args).args(["-d", database, "-c", text]));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Stops or starts it, as `pg_ctl` says.
    pub(crate) fn pg_ctl(&self, args: &[&str]) {
        let log = self.folder.path().join("log");
        // A server that holds the test's output open would keep the test from ending.
        run(program("pg_ctl").arg("-D").arg(self.data()).arg("-l").arg(log).args(args).stdout(Stdio::null()));
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = program("pg_ctl");
        let _ = stop.arg("-D").arg(self.data()).args(["stop", "-m", "immediate"]).stdout(Stdio::null()).status();
    }
}

/// A program of the newest server that is installed; as root under the server's own user, since it refuses root.
fn program(name: &str) -> Command {
    let mut versions: Vec<PathBuf> = fs::read_dir(DEBIAN)
        .map(|found| found.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    versions.sort();
    let path = versions.last().map_or_else(|| PathBuf::from(name), |version| version.join("bin").join(name));
    if !is_root() {
        return Command::new(path);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(path).current_dir("/");
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error} (Debian: apt-get install postgresql)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn is_root() -> bool {
    fs::metadata("/proc/self").map(|found| std::os::unix::fs::MetadataExt::uid(&found) == 0).unwrap_or(false)
}

fn give_away(folder: &Path) {
    if is_root() {
        let id = |flag: &str| {
            let output = run(Command::new("id").args([flag, USER]).stdout(Stdio::piped()));
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
        };
        chown(folder, Some(id("-u")), Some(id("-g"))).unwrap();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
