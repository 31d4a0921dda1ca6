//! `myna dialect new`: a folder with a dialect file and cases to go on from. Nothing is overwritten, and nothing is
//! written before all of it is known.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use toml::de::DeTable;

use super::shown;
use crate::cli::say;
use crate::dialects;

/// Start a dialect: a folder with a commented file and a case
///
/// It has no --watch: it writes once, and what you write after that is watched by check, test and docs.
#[derive(Args)]
pub(in crate::cli) struct New {
    /// The folder to make; its last part is the dialect's name
    folder: PathBuf,
    /// Start from this dialect, built-in, of the gallery, a folder or a file, with its comments and cases
    #[arg(long, value_name = "DIALECT")]
    like: Option<String>,
}

/// What is to be written.
struct Draft {
    text: String,
    /// File name and text.
    cases: Vec<(String, String)>,
}

impl New {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let folder = &self.folder;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let lawful = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(lawful) {
            bail!("`{name}`: a dialect's name is of small letters, digits, `_` and `-`, at most 64");
        }
        if folder.exists() {
            bail!("{} is there already; nothing was written", folder.display());
        }
        let draft = match &self.like {
            Some(like) => like_another(like, &name)?,
            None => minimal(&name),
        };
        write(folder, &draft)?;
        let (file, count) = (folder.join("dialect.toml"), draft.cases.len());
        say(format!("made {} and {count} cases", file.display()))?;
        let path = folder.display();
        Ok(say(format!("next: myna dialect check {path} --watch; myna dialect test {path} --watch"))?)
    }
}

fn minimal(name: &str) -> Draft {
    let named = |text: &str| text.replace("NAME", name);
    Draft {
        text: named(include_str!("new.toml")),
        cases: vec![("login.case".to_owned(), named(include_str!("new.case")))],
    }
}

/// Another dialect under a new name; its file is otherwise the same to the byte.
fn like_another(like: &str, name: &str) -> anyhow::Result<Draft> {
    let found = dialects::named(like, None).map_err(shown)?;
    let text = &found.source.text;
    let span = DeTable::parse(text).ok().and_then(|table| Some(table.get_ref().get("dialect")?.span()));
    let span = span.with_context(|| format!("{} names no dialect", found.source.name))?;
    let (before, after) = (text.get(..span.start).unwrap_or_default(), text.get(span.end..).unwrap_or_default());
    let case = |source: &myna_dialect::diagnostic::Source| {
        let file = Path::new(&source.name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        (file, source.text.clone())
    };
    Ok(Draft { text: format!("{before}\"{name}\"{after}"), cases: found.cases.iter().map(case).collect() })
}

fn write(folder: &Path, draft: &Draft) -> anyhow::Result<()> {
    let cases = folder.join("cases");
    let at = |path: &Path| format!("cannot write {}", path.display());
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).with_context(|| at(parent))?;
    }
    // Fails where somebody else made it since we looked.
    fs::create_dir(folder).with_context(|| at(folder))?;
    fs::create_dir(&cases).with_context(|| at(&cases))?;
    for (file, text) in draft
        .cases
        .iter()
        .map(|(file, text)| (cases.join(file), text))
        .chain([(folder.join("dialect.toml"), &draft.text)])
    {
        fs::write(&file, text).with_context(|| at(&file))?;
    }
    Ok(())
}
