//! The rows of the table, and what they share. Every row measures ours and its rival in turns, and takes the median of the
//! rounds, so that what else the machine does at the time hits both.

mod footprint;
mod import;
pub(crate) mod instructions;
mod isolation;
mod login;
mod overload;
mod postgres;
mod refresh;
mod verify;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::load::Span;
use crate::server::{self, Make, Server, Setup};
use crate::table::Finding;
use crate::world::{self, Cost};

/// The names of the rows, in the order in which they run, and what each is about.
pub(crate) const ROWS: [(&str, &str); 10] = [
    ("login", "logins at saturation, against what the cores can hash"),
    ("fresh", "logins against the same server with RustCrypto's Argon2 in fresh memory"),
    ("refresh", "durable rotations, against a bare group-commit writer"),
    ("postgres", "durable rotations over PostgreSQL, against pgbench, by two nodes, with very many users"),
    ("verify", "verifications of an access token, against an empty axum handler"),
    ("isolation", "refresh while hashing saturates the cores, against refresh alone"),
    ("overload", "four times the logins that can be hashed"),
    ("import", "users with ready hashes, into an empty database"),
    ("instructions", "a login with a hundred times the users, in instructions"),
    ("footprint", "memory, start and size"),
];

/// Users of an ordinary row.
const USERS: i64 = 10_000;

/// What a row needs.
pub(crate) struct Bench {
    /// Shorter and fewer rounds.
    pub(crate) quick: bool,
    binary: PathBuf,
    folder: TempDir,
}

impl Bench {
    /// Builds the server that is shipped.
    ///
    /// # Errors
    /// When it does not build.
    pub(crate) fn new(quick: bool) -> anyhow::Result<Self> {
        note("building the server");
        let binary = server::build(Make::Shipped)?;
        let parent = server::root().join("target/bench");
        Ok(Self { quick, binary, folder: tempfile::Builder::new().prefix("run-").tempdir_in(parent)? })
    }

    /// Runs the row of that name.
    ///
    /// # Errors
    /// When something could not be measured: a figure that includes failures is none.
    pub(crate) async fn row(&self, name: &str) -> anyhow::Result<Vec<Finding>> {
        match name {
            "login" => login::saturation(self).await,
            "fresh" => login::fresh_memory(self).await,
            "refresh" => refresh::run(self).await,
            "postgres" => postgres::run(self).await,
            "verify" => verify::run(self).await,
            "isolation" => isolation::run(self).await,
            "overload" => overload::run(self).await,
            "import" => import::run(self).await,
            "instructions" => instructions::run(self).await,
            "footprint" => footprint::run(self).await,
            other => anyhow::bail!("no row `{other}`"),
        }
    }

    const fn rounds(&self) -> usize {
        if self.quick { 3 } else { 7 }
    }

    fn span(&self) -> Span {
        Span::seconds(if self.quick { 1.5 } else { 4.0 })
    }

    /// How many users are very many.
    const fn very_many(&self) -> i64 {
        if self.quick { 100_000 } else { 1_000_000 }
    }

    /// A data folder with very many users, made once, and how many they are.
    async fn many_users(&self) -> anyhow::Result<(PathBuf, i64)> {
        let users = self.very_many();
        let data = self.room("many")?.join("data");
        if !data.exists() {
            note(&format!("making {users} users"));
            world::populate(&data, users, Cost::DEFAULT).await?;
        }
        Ok((data, users))
    }

    /// An empty folder of that name.
    fn room(&self, name: &str) -> anyhow::Result<PathBuf> {
        let room = self.folder.path().join(name);
        std::fs::create_dir_all(&room)?;
        Ok(room)
    }

    /// A server of its own for a row, with users.
    async fn server(&self, row: &str, cost: Cost) -> anyhow::Result<Server> {
        let room = self.room(row)?;
        let data = room.join("data");
        world::populate(&data, USERS, cost).await?;
        self.serve(&room, &data, cost)
    }

    fn serve(&self, room: &Path, data: &Path, cost: Cost) -> anyhow::Result<Server> {
        self.serve_with(room, data, cost, "")
    }

    /// With further lines of configuration.
    fn serve_with(&self, room: &Path, data: &Path, cost: Cost, settings: &str) -> anyhow::Result<Server> {
        Setup { binary: &self.binary, folder: room, data, cost, settings }.start()
    }

    /// The server's program.
    fn binary(&self) -> &Path {
        &self.binary
    }
}

/// Tells a person what goes on; nobody else.
pub(crate) fn note(text: &str) {
    let mut terminal = std::io::stderr();
    if terminal.is_terminal() {
        let _ = write!(terminal, "\r\x1b[2K{text} …");
        let _ = terminal.flush();
    }
}

fn rate(figure: f64) -> String {
    format!("{figure:.0} /s")
}

/// How many there are.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Lets what the last load left behind settle: checkpoints, closing connections.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}
