//! `--watch`: runs a command again whenever a file of the dialects changes, until Ctrl-C.
//!
//! The few files of a dialect are looked at every 300 ms. What watches through the system (a crate of a dozen more) would
//! be told sooner by less than anybody notices, and misses changes on network folders and in containers' mounts.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::bail;

use super::tell;

const EVERY: Duration = Duration::from_millis(300);
/// Clears a terminal and its scrollback.
const CLEAR: &str = "\u{1b}[2J\u{1b}[3J\u{1b}[H";

/// What is seen of the files: which there are, how long, how old.
type Seen = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Runs `command` now and after every change of the dialects' files. Its errors are told, and end nothing.
///
/// # Errors
/// When a name is no file or folder: what came with the program does not change.
pub(super) async fn watch<F, W>(dialects: &[String], mut command: F) -> anyhow::Result<()>
where
    F: FnMut() -> W,
    W: Future<Output = anyhow::Result<()>>,
{
    if dialects.is_empty() {
        bail!("--watch needs a folder or file to watch: what came with the program does not change");
    }
    if let Some(name) = dialects.iter().find(|name| !Path::new(name).exists()) {
        bail!("--watch: there is no file or folder `{name}`; what came with the program does not change");
    }
    loop {
        let before = seen(dialects);
        if io::stdout().is_terminal() {
            write!(io::stdout().lock(), "{CLEAR}")?;
        }
        if let Err(error) = command().await {
            if super::broken_pipe(&error) {
                return Err(error);
            }
            tell(&error);
        }
        writeln!(io::stderr().lock(), "\nwatching {}; Ctrl-C ends", dialects.join(", "))?;
        loop {
            tokio::time::sleep(EVERY).await;
            let now = seen(dialects);
            // An editor may be half way through: wait until the files rest.
            if now != before {
                settled(dialects, now).await;
                break;
            }
        }
    }
}

async fn settled(dialects: &[String], mut last: Seen) {
    loop {
        tokio::time::sleep(EVERY / 3).await;
        let now = seen(dialects);
        if now == last {
            return;
        }
        last = now;
    }
}

fn seen(dialects: &[String]) -> Seen {
    dialects.iter().flat_map(|name| folders(Path::new(name))).flat_map(|path| files(&path)).map(look).collect()
}

/// What a name is for [`meant`](crate::dialects::meant): itself, every folder of a folder of dialects, or a case's dialect.
fn folders(path: &Path) -> Vec<PathBuf> {
    if path.extension().is_some_and(|extension| extension == "case") {
        let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        return absolute.parent().and_then(Path::parent).map(Path::to_owned).into_iter().collect();
    }
    let within = std::fs::read_dir(path).into_iter().flatten();
    let within = within.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join("dialect.toml").is_file());
    within.chain([path.to_owned()]).collect()
}

/// The file and the cases beside it.
fn files(path: &Path) -> Vec<PathBuf> {
    let (file, folder) = if path.is_dir() {
        (path.join("dialect.toml"), path.to_owned())
    } else {
        (path.to_owned(), path.parent().map(Path::to_owned).unwrap_or_default())
    };
    let cases = std::fs::read_dir(folder.join("cases")).into_iter().flatten();
    let mut files: Vec<PathBuf> = cases.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.push(file);
    files.sort();
    files
}

fn look(path: PathBuf) -> (PathBuf, u64, Option<SystemTime>) {
    let metadata = std::fs::metadata(&path).ok();
    let length = metadata.as_ref().map_or(0, std::fs::Metadata::len);
    (path, length, metadata.and_then(|metadata| metadata.modified().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_change_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let cases = folder.path().join("cases");
        let name = vec![folder.path().display().to_string()];
        let mut last = seen(&name);
        let steps: [&dyn Fn() -> io::Result<()>; 6] = [
            &|| std::fs::write(folder.path().join("dialect.toml"), "a"),
            &|| std::fs::write(folder.path().join("dialect.toml"), "ab"),
            &|| std::fs::create_dir(&cases).and_then(|()| std::fs::write(cases.join("a.case"), "")),
            &|| std::fs::rename(cases.join("a.case"), cases.join("b.case")),
            &|| std::fs::remove_file(cases.join("b.case")),
            &|| std::fs::remove_file(folder.path().join("dialect.toml")),
        ];
        for (at, step) in steps.iter().enumerate() {
            step().expect("done");
            let now = seen(&name);
            assert_ne!(now, last, "step {at}");
            last = now;
        }
        assert_eq!(seen(&name), last);
    }
}
