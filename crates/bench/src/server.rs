//! The server under test: built with the profile that is shipped, started as a process of its own on a data folder, with
//! its default settings but for what a row says.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::world::Cost;

/// The features of the server that is only a rival: RustCrypto's Argon2 in memory that is fresh for each hash.
const FRESH_MEMORY: &str = "fresh-memory";
/// How long a start may take here before it counts as failed.
const START_MAX: Duration = Duration::from_secs(30);

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Make {
    /// What is shipped.
    Shipped,
    /// The same, hashing as many others do.
    FreshMemory,
}

/// Builds a server and returns where it lies.
///
/// # Errors
/// When it does not build.
pub(crate) fn build(make: Make) -> anyhow::Result<PathBuf> {
    let root = root();
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--profile", "dist", "--package", "myna-server"]).current_dir(&root);
    if make == Make::FreshMemory {
        cargo.args(["--features", FRESH_MEMORY]);
    }
    ensure!(cargo.status().context("cannot run cargo")?.success(), "the server does not build");
    let built = root.join("target/dist/myna");
    let kept = root.join("target/bench").join(match make {
        Make::Shipped => "myna",
        Make::FreshMemory => "myna-fresh-memory",
    });
    std::fs::create_dir_all(root.join("target/bench"))?;
    // Both builds have the same name in cargo's folder. A new file: the old one may still run somewhere.
    let _missing = std::fs::remove_file(&kept);
    std::fs::copy(built, &kept)?;
    Ok(kept)
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) start: Duration,
}

/// How a server is started.
pub(crate) struct Setup<'a> {
    /// The program.
    pub(crate) binary: &'a Path,
    /// Where its configuration and log go.
    pub(crate) folder: &'a Path,
    /// Its data.
    pub(crate) data: &'a Path,
    /// What a hash costs.
    pub(crate) cost: Cost,
    /// Further lines of its configuration, each a whole setting at the top of the file.
    pub(crate) settings: &'a str,
}

impl Setup<'_> {
    /// The command that serves on `address`.
    ///
    /// # Errors
    /// When the configuration cannot be written.
    pub(crate) fn command(&self, address: SocketAddr) -> anyhow::Result<(PathBuf, Vec<String>)> {
        let Self { binary, folder, data, cost, settings } = self;
        let dialects = folder.join("dialects");
        std::fs::create_dir_all(dialects.join("bench"))?;
        std::fs::write(dialects.join("bench/dialect.toml"), include_str!("bench.toml"))?;
        let (memory, passes) = (cost.memory_mib, cost.passes);
        let backend = if binary.ends_with("myna-fresh-memory") { "portable" } else { "fast" };
        let text = format!(
            "{settings}\ndata = {data:?}\nhttp.listen = [\"{address}\"]\ndialects.folder = {dialects:?}\n\
             dialects.enabled = [\"bench\"]\npassword.memory = \"{memory}MiB\"\npassword.passes = {passes}\n\
             password.backend = \"{backend}\"\n"
        );
        let config = folder.join("myna.toml");
        std::fs::write(&config, text)?;
        let arguments = vec!["serve".to_owned(), "--config".to_owned(), config.display().to_string()];
        Ok((binary.to_path_buf(), arguments))
    }

    /// Starts it and waits for its first answer.
    ///
    /// # Errors
    /// When it does not start; the log says why.
    pub(crate) fn start(&self) -> anyhow::Result<Server> {
        let address = free_address()?;
        let (program, arguments) = self.command(address)?;
        let log = self.folder.join("server.log");
        let begun = Instant::now();
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()
            .context("cannot start the server")?;
        let mut server = Server { child, address, start: Duration::ZERO };
        while !is_answering(address) {
            if server.child.try_wait()?.is_some() || begun.elapsed() > START_MAX {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("the server did not start:\n{log}");
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        server.start = begun.elapsed();
        Ok(server)
    }
}

impl Server {
    /// A figure of its memory in MiB, by the kernel's name: `VmRSS` is what it holds, `VmHWM` the most it ever held.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub(crate) fn memory_mib(&self, name: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("no such figure")?;
        Ok(kib / 1024.0)
    }

    /// Ends it as an operator would, and waits.
    ///
    /// # Errors
    /// When it ends badly.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().to_string();
        ensure!(Command::new("kill").args(["-TERM", &id]).status()?.success(), "cannot end the server");
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to end.
        let _ended = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// An address that is free now.
///
/// # Errors
/// Those of the system.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn is_answering(address: SocketAddr) -> bool {
    use std::io::Write as _;
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
