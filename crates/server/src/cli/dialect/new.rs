//! `myna dialect new`: a folder with a dialect file and cases to go on from. Nothing is overwritten, and nothing is
//! written before all of it is known.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context as _, bail};
use clap::Args;
use myna_dialect::diagnostic::{Source, render};
use toml::de::DeTable;

use super::shown;
use crate::cases::{self, Report, Road};
use crate::cli::{Shown, counted, in_color, say};
use crate::clock::Clock;
use crate::dialects::{self, Found, Origin};
use crate::draft::{Draft, draft};

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
    /// Draft from pasted exchanges: requests and answers as plain HTTP, as a case writes them, or as `curl -v` prints
    /// them, several in a row; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "like")]
    from: Option<PathBuf>,
}

impl New {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let folder = &self.folder;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let lawful = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(lawful) {
            bail!("`{name}`: a dialect's name is of small letters, digits, `_` and `-`, at most 64");
        }
        if folder.exists() {
            bail!("{} is there already; nothing was written", folder.display());
        }
        let draft = match (&self.like, &self.from) {
            (Some(like), _) => like_another(like, &name)?,
            (None, Some(file)) => from_exchanges(file, &name)?,
            (None, None) => minimal(&name),
        };
        let proven = match &self.from {
            Some(_) => prove(folder, &name, draft).await?,
            None => Proven { draft, failures: Vec::new(), faults: None },
        };
        let draft = proven.draft;
        write(folder, &draft)?;
        let (file, count) = (folder.join("dialect.toml"), draft.cases.len());
        say(format!("made {} and {}", file.display(), counted(count, "case")))?;
        for left in &draft.left_out {
            say(format!("left out: {left}"))?;
        }
        for (case, why) in &proven.failures {
            say(format!("{case} does not hold yet; it is kept as {case}.todo\n{}", why.trim_end()))?;
        }
        if let Some(faults) = proven.faults {
            bail!(Shown(format!("{faults}\nthe draft was written, and these faults are left to mend")));
        }
        let path = folder.display();
        Ok(say(format!("next: myna dialect check {path} --watch; myna dialect test {path} --watch"))?)
    }
}

fn minimal(name: &str) -> Draft {
    let named = |text: &str| text.replace("NAME", name);
    Draft {
        text: named(include_str!("new.toml")),
        cases: vec![("login.case".to_owned(), named(include_str!("new.case")))],
        left_out: Vec::new(),
    }
}

fn from_exchanges(file: &Path, name: &str) -> anyhow::Result<Draft> {
    let (shown, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        ("standard input".to_owned(), bytes)
    } else {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        (file.display().to_string(), bytes)
    };
    let modified = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let since = modified.and_then(|time| Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs()));
    let pasted_at = since.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(Clock::default().now().seconds());
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        anyhow::anyhow!("{shown}:{}: this is not UTF-8", good.matches('\n').count() + 1)
    })?;
    let source = Source::new(shown, text);
    draft(name, &source, pasted_at).map_err(|faults| anyhow::anyhow!(Shown(render(&source, &faults, in_color()))))
}

/// A draft that was tried.
struct Proven {
    draft: Draft,
    /// Cases that do not hold, and why.
    failures: Vec<(String, String)>,
    faults: Option<String>,
}

/// Checks and tests a draft before it is written. A case that does not hold is kept under a name that is not run.
async fn prove(folder: &Path, name: &str, mut draft: Draft) -> anyhow::Result<Proven> {
    let source = Source::new(folder.join("dialect.toml").display().to_string(), draft.text.as_str());
    let cases = draft.cases.iter().map(|(file, text)| Source::new(file.as_str(), text.as_str())).collect();
    let found = [Found { name: name.to_owned(), source, cases, origin: Origin::Own }];
    if let Err(faults) = dialects::compile_all(&found, in_color()) {
        return Ok(Proven { draft, failures: Vec::new(), faults: Some(faults.to_string()) });
    }
    let report = Report { say: &mut |_| Ok(()), color: false };
    let failures = cases::run_here(&found, None, Road::Direct, report).await?.failures;
    for (file, _) in &mut draft.cases {
        if failures.iter().any(|(failed, _)| failed == file) {
            file.push_str(".todo");
        }
    }
    Ok(Proven { draft, failures, faults: None })
}

/// Another dialect under a new name; its file is otherwise the same to the byte.
fn like_another(like: &str, name: &str) -> anyhow::Result<Draft> {
    let found = dialects::named(like, None).map_err(shown)?;
    let text = &found.source.text;
    let span = DeTable::parse(text).ok().and_then(|table| Some(table.get_ref().get("dialect")?.span()));
    let span = span.with_context(|| format!("{} names no dialect", found.source.name))?;
    let (before, after) = (text.get(..span.start).unwrap_or_default(), text.get(span.end..).unwrap_or_default());
    let case = |source: &Source| {
        let file = Path::new(&source.name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        (file, source.text.clone())
    };
    Ok(Draft {
        text: format!("{before}\"{name}\"{after}"),
        cases: found.cases.iter().map(case).collect(),
        left_out: Vec::new(),
    })
}

/// Editors find the schema by this line; it lies beside the file, so that no network is needed and it is of this version.
const SCHEMA_LINE: &str = "#:schema ./dialect.schema.json\n";
const SCHEMA_FILE: &str = "dialect.schema.json";

fn write(folder: &Path, draft: &Draft) -> anyhow::Result<()> {
    let line = if draft.text.contains(SCHEMA_LINE.trim_end()) { "" } else { SCHEMA_LINE };
    let text = format!("{line}{}", draft.text);
    let schema = serde_json::to_string_pretty(&myna_dialect::schema())?;
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
        .chain([(folder.join("dialect.toml"), &text), (folder.join(SCHEMA_FILE), &schema)])
    {
        fs::write(&file, text).with_context(|| at(&file))?;
    }
    Ok(())
}
