//! The files of the project, as the checks see them, and what a check reports. It reads; it never writes.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// One file: its path from the root, with `/`, and its text (bytes that are not UTF-8 are replaced).
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The crate whose source this is, and the path inside its `src`.
    pub(crate) fn place(&self) -> Option<(&str, &str)> {
        let path = self.path.strip_prefix("crates/").unwrap_or(&self.path);
        path.split_once("/src/")
    }
}

/// Every file that is in the repository or is about to be: tracked, or new and not ignored.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads what git lists under `root`. Fails where there is no git or no repository.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let listing = output(root, "git ls-files -z --cached --others --exclude-standard")?;
        let listing = String::from_utf8(listing)?;
        let mut files = Vec::new();
        for path in listing.split_terminator('\0') {
            let on_disk = root.join(path);
            // Listed but deleted, a link, or a folder of its own: nothing to read.
            if on_disk.symlink_metadata().is_ok_and(|data| data.is_file()) {
                let bytes = std::fs::read(&on_disk).with_context(|| format!("cannot read {path}"))?;
                let (path, text) = (path.to_owned(), String::from_utf8_lossy(&bytes).into_owned());
                files.push(File { path, text });
            }
        }
        Ok(Self { files })
    }

    /// A tree in memory, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |&(path, text): &(&str, &str)| (path.to_owned(), text.to_owned());
        let files = files.iter().map(owned).map(|(path, text)| File { path, text }).collect();
        Self { files }
    }

    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The first line of a file that starts so; 1 where there is none.
    pub(crate) fn line_of(&self, path: &str, start: &str) -> usize {
        let mut lines = self.file(path).into_iter().flat_map(|file| file.text.lines());
        let found = lines.position(|line| line.starts_with(start));
        found.map_or(1, |index| index + 1)
    }
}

/// What a program prints. Its arguments hold no blanks.
pub(crate) fn output(root: &Path, command: &str) -> anyhow::Result<Vec<u8>> {
    let mut words = command.split(' ');
    let mut program = Command::new(words.next().unwrap_or_default());
    let answer = program.args(words).current_dir(root).output().with_context(|| format!("cannot start {command}"))?;
    if !answer.status.success() {
        bail!("{command}: {}", String::from_utf8_lossy(&answer.stderr).trim());
    }
    Ok(answer.stdout)
}

/// One broken rule: where, what, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        let (path, what) = (path.into(), what.into());
        Self { path, line, what }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}
