//! Which dialects there are: the built-in ones and those in the operator's folder. Finds and compiles them; knows none of
//! them by name.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use myna_dialect::diagnostic::{Source, did_you_mean, render};
use myna_dialect::{Dialect, Router, compile};

use crate::config;

/// A dialect that came with the program.
pub(crate) struct Builtin {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its file.
    pub(crate) text: &'static str,
    /// Its cases, each with the name of its file.
    pub(crate) cases: &'static [(&'static str, &'static str)],
}

/// Every folder of `dialects/`.
pub(crate) const BUILTIN: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// A dialect file, found and not yet compiled.
pub(crate) struct Found {
    /// The dialect's name: that of its folder.
    pub(crate) name: String,
    /// Name and text of the file.
    pub(crate) source: Source,
    /// Its cases.
    pub(crate) cases: Vec<Source>,
    /// Whether it came with the program.
    pub(crate) builtin: bool,
}

/// Dialect files that cannot be served; everything that is wrong with all of them.
#[derive(Debug)]
pub(crate) struct DialectFaults(String);

impl fmt::Display for DialectFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DialectFaults {}

/// Every dialect there is, by name. One in the operator's folder stands in for a built-in one of the same name.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn all(folder: Option<&Path>) -> Result<Vec<Found>, DialectFaults> {
    let own = match folder {
        Some(folder) => in_folder(folder)?,
        None => Vec::new(),
    };
    let builtin = BUILTIN.iter().filter(|builtin| own.iter().all(|found| found.name != builtin.name));
    let mut found: Vec<Found> = builtin.map(from_builtin).collect();
    found.extend(own);
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// The dialects that the configuration names; without names every built-in one and every own one.
///
/// # Errors
/// A name that there is no dialect for, with the nearest one.
pub(crate) fn enabled(dialects: &config::Dialects) -> Result<Vec<Found>, DialectFaults> {
    let all = all(dialects.folder.as_deref())?;
    let Some(names) = &dialects.enabled else { return Ok(all) };
    let known: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
    let unknown: Vec<String> = names
        .iter()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            let hint = did_you_mean(name, known.iter().copied()).map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("dialects.enabled: there is no dialect `{name}`{hint}")
        })
        .collect();
    if !unknown.is_empty() {
        return Err(DialectFaults(unknown.join("\n")));
    }
    Ok(all.into_iter().filter(|found| names.contains(&found.name)).collect())
}

/// The dialect of that name, or the one in the file or folder of that path.
///
/// # Errors
/// When there is neither.
pub(crate) fn named(name: &str, folder: Option<&Path>) -> Result<Found, DialectFaults> {
    let path = Path::new(name);
    if path.is_dir() {
        return read(&path.join("dialect.toml"));
    }
    if path.is_file() {
        return read(path);
    }
    let mut all = all(folder)?;
    let hint = did_you_mean(name, all.iter().map(|found| found.name.as_str()));
    match all.iter().position(|found| found.name == name) {
        Some(at) => Ok(all.swap_remove(at)),
        None => {
            let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            Err(DialectFaults(format!("there is no dialect, file or folder `{name}`{hint}")))
        }
    }
}

/// Compiles every file.
///
/// # Errors
/// Every fault of every file at once.
pub(crate) fn compile_all(found: &[Found], color: bool) -> Result<Vec<Arc<Dialect>>, DialectFaults> {
    let mut dialects = Vec::new();
    let mut faults = Vec::new();
    for each in found {
        match compile(&each.source, Some(&each.name)) {
            Ok(dialect) => dialects.push(Arc::new(dialect)),
            Err(diagnostics) => faults.push(render(&each.source, &diagnostics, color)),
        }
    }
    if faults.is_empty() { Ok(dialects) } else { Err(DialectFaults(faults.join("\n"))) }
}

/// One router over all; every overlap is listed, also with the server's own paths.
///
/// # Errors
/// The overlaps.
pub(crate) fn route(dialects: Vec<Arc<Dialect>>, reserved: &[&str]) -> Result<Router, DialectFaults> {
    Router::new(dialects, reserved).map_err(|overlaps| {
        let lines: Vec<String> = overlaps.iter().map(ToString::to_string).collect();
        DialectFaults(lines.join("\n"))
    })
}

fn from_builtin(builtin: &Builtin) -> Found {
    let file = |name: &str| format!("dialects/{}/{name}", builtin.name);
    Found {
        name: builtin.name.to_owned(),
        source: Source::new(file("dialect.toml"), builtin.text),
        cases: builtin.cases.iter().map(|(name, text)| Source::new(file(&format!("cases/{name}")), *text)).collect(),
        builtin: true,
    }
}

fn in_folder(folder: &Path) -> Result<Vec<Found>, DialectFaults> {
    let mut found = Vec::new();
    for path in sorted(folder)? {
        let file = path.join("dialect.toml");
        if file.is_file() {
            found.push(read(&file)?);
        }
    }
    Ok(found)
}

fn read(file: &Path) -> Result<Found, DialectFaults> {
    let text =
        |path: &Path| fs::read_to_string(path).map_err(|error| DialectFaults(format!("{}: {error}", path.display())));
    let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = absolute.parent().unwrap_or(Path::new("."));
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut cases = Vec::new();
    for path in sorted(&folder.join("cases")).unwrap_or_default() {
        if path.extension().is_some_and(|extension| extension == "case") {
            cases.push(Source::new(path.display().to_string(), text(&path)?));
        }
    }
    Ok(Found { name, source: Source::new(file.display().to_string(), text(file)?), cases, builtin: false })
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, DialectFaults> {
    let entries = fs::read_dir(folder).map_err(|error| DialectFaults(format!("{}: {error}", folder.display())))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
