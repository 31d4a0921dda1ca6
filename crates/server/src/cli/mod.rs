//! The command line. Each command parses, calls what the server itself is made of, and prints; no rule stands here.

mod check;
mod demo;
mod dialect;
mod init;
mod key;
mod log;
mod patroni;
mod reload;
mod serve;
mod session;
mod store;
mod user;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::config::{self, Config, ConfigFaults};
use crate::dialects::DialectFaults;

/// Lines at the end of `myna --help`.
const EXAMPLES: &str = "\
Examples:
  myna demo                         try it: five login APIs at once, with example users
  myna init                         write a commented myna.toml into this folder
  myna check                        look for every fault in the configuration, the dialects and the database
  myna serve                        serve what myna.toml says
  myna reload                       have the running server read its dialects again
  myna user add --email ada@example.com --first-name Ada
  myna session list ada@example.com where a user is signed in
  myna dialect new my-api           start a dialect of your own; --like spring starts from another
  myna dialect test ./my-api        prove your own dialect with its cases";

/// The login server that speaks your API.
///
/// A dialect is one text file that says which routes a login API has, how a request is read, how each outcome is
/// written and what its tokens contain. Myna serves any number of dialects at once over one store of users.
#[derive(Parser)]
#[command(name = "myna", version, after_help = EXAMPLES, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the configured dialects until SIGTERM or Ctrl-C
    Serve(serve::Serve),
    /// Try Myna: serve every built-in dialect with example users and a temporary data folder
    Demo(demo::Demo),
    /// Write a commented myna.toml with every setting
    Init(init::Init),
    /// Look for every fault in the configuration, the dialects and the database, without serving
    Check(check::Check),
    /// Have the running server read its dialects again; faults leave it as it is
    Reload(reload::Reload),
    /// Make, show, alter, disable and delete users; works while the server runs
    #[command(subcommand)]
    User(user::User),
    /// List, show and end sessions; works while the server runs
    #[command(subcommand)]
    Session(session::Session),
    /// List, import, rotate, remove and move signing keys; works while the server runs
    #[command(subcommand)]
    Key(key::Key),
    /// Copy a whole store to another place: from SQLite to PostgreSQL, and back
    #[command(subcommand)]
    Store(store::Store),
    /// List, show, start, check and test dialects
    #[command(subcommand)]
    Dialect(dialect::Dialect),
    /// Print a completion script: `myna completions bash > /etc/bash_completion.d/myna`
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// Where the configuration is.
#[derive(Args, Clone)]
struct Settings {
    /// Configuration file [default: ./myna.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder: database, keys [default: what the configuration says, else ./myna-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Settings {
    /// The configuration, with `more` over it.
    fn load(&self, more: &[(&str, &str)]) -> anyhow::Result<Config> {
        self.read(more).map_err(|faults| anyhow::anyhow!(Shown(faults.render(in_color()))))
    }

    fn read(&self, more: &[(&str, &str)]) -> Result<Config, ConfigFaults> {
        let data = self.data.as_ref().map(|path| path.display().to_string());
        let mut overrides = more.to_vec();
        if let Some(data) = &data {
            overrides.push(("data", data));
        }
        Config::load(self.config.as_deref(), config::environment(), &overrides)
    }

    /// The data folder alone: a configuration with a fault does not hide it if it is named.
    fn data_folder(&self) -> anyhow::Result<PathBuf> {
        match &self.data {
            Some(data) => Ok(data.clone()),
            None => Ok(self.load(&[])?.data),
        }
    }
}

/// A text that is shown as it is, without `error:` before it.
#[derive(Debug)]
struct Shown(String);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Shown {}

/// Runs the command; every fault becomes one text on standard error and an exit status that is not 0.
pub(crate) fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough (`myna user list | head`) is no fault.
        Err(error) if broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints to standard error why a command ends.
fn tell(error: &anyhow::Error) {
    let drawn = error.downcast_ref::<Shown>().map(ToString::to_string);
    let drawn = drawn.or_else(|| error.downcast_ref::<DialectFaults>().map(ToString::to_string));
    let text = drawn.unwrap_or_else(|| format!("myna: {}", causes(error)));
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

/// The error and its causes, each once: some name their cause in their own words.
fn causes(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| {
        let cause = cause.to_string();
        match text.as_str() {
            "" => cause,
            known if known.contains(&cause) => text,
            _ => text + ": " + &cause,
        }
    })
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(serve) => block_on(serve.run()),
        Command::Demo(demo) => block_on(demo.run()),
        Command::Init(init) => init.run(),
        Command::Check(check) => block_on(check.run()),
        Command::Reload(reload) => reload.run(),
        Command::User(user) => block_on(user.run()),
        Command::Session(session) => block_on(session.run()),
        Command::Key(key) => block_on(key.run()),
        Command::Store(store) => block_on(store.run()),
        Command::Dialect(dialect) => block_on(dialect.run()),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "myna", &mut io::stdout().lock());
            Ok(())
        }
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints to standard output.
fn say(text: impl AsRef<str>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.as_ref())
}

/// Prints to standard error what is no fault but should not stay so.
fn warn(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "myna: warning: {}", text.as_ref());
}

/// `1 case`, `2 cases`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Whether faults are drawn in colour.
fn in_color() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    // One key id in 64 does.
    #[test]
    fn a_key_id_may_begin_with_a_hyphen() {
        for arguments in [["-LjxMFL7e3S", "--force"], ["--force", "-LjxMFL7e3S"]] {
            let parsed = Cli::command().try_get_matches_from(["myna", "key", "remove"].into_iter().chain(arguments));
            let parsed = parsed.unwrap_or_else(|error| panic!("{error}"));
            let remove = parsed.subcommand_matches("key").and_then(|key| key.subcommand_matches("remove"));
            let remove = remove.expect("the command");
            assert!(remove.get_flag("force"));
            let id = remove.get_raw("kid").and_then(|mut values| values.next());
            assert_eq!(id.and_then(|id| id.to_str()), Some("-LjxMFL7e3S"));
        }
    }
}
