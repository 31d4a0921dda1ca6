//! Which dialects there are: the built-in ones, those of the gallery and those in the operator's folder. Finds and
//! compiles them; knows none of them by name.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use myna_dialect::case::{self, Case};
use myna_dialect::diagnostic::{Diagnostic, Source, did_you_mean, line_column, render};
use myna_dialect::{Dialect, Router, compile, openapi};

use crate::config;

/// Where a dialect comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Came with the program, and is served unless the configuration names others.
    Builtin,
    /// Came with the program, and is served only when the configuration names it.
    Gallery,
    /// The operator's own.
    Own,
}

/// A dialect that came with the program.
struct Shipped {
    origin: Origin,
    name: &'static str,
    text: &'static str,
    /// Its cases, each with the name of its file.
    cases: &'static [(&'static str, &'static str)],
}

/// A dialect's file, in the folder of its name.
const FILE: &str = "dialect.toml";

/// Every folder of `dialects/` and `dialects/gallery/`.
const SHIPPED: &[Shipped] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// A dialect file, found and not yet compiled.
pub(crate) struct Found {
    /// The dialect's name: that of its folder.
    pub(crate) name: String,
    /// Name and text of the file.
    pub(crate) source: Source,
    /// Its cases.
    pub(crate) cases: Vec<Source>,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

impl Found {
    /// The OpenAPI document of `dialect`, which this file compiled to, with its cases as examples. A case with faults
    /// gives none: `myna dialect test` names them.
    pub(crate) fn openapi(&self, dialect: &Dialect) -> serde_json::Value {
        // Of `login.case` and `login-of-a-disabled-user.case` the first is what a reader wants to see first.
        let mut sources: Vec<&Source> = self.cases.iter().collect();
        sources.sort_by_key(|source| source.name.len());
        let cases: Vec<Case> = sources.into_iter().filter_map(|source| case::parse(source).ok()).collect();
        openapi::document(&dialect.describe(), &cases)
    }
}

/// Dialect files that cannot be served; everything that is wrong with all of them.
#[derive(Debug)]
pub(crate) struct DialectFaults {
    drawn: String,
    faults: Vec<Blamed>,
}

/// One fault and where it is.
#[derive(Debug)]
struct Blamed {
    /// File, line and column; `None` where the fault is in no one place.
    place: Option<(String, usize, usize)>,
    message: String,
    help: Option<String>,
}

impl DialectFaults {
    /// Faults without a place in a file, one a line.
    fn plain(lines: Vec<String>) -> Self {
        let drawn = lines.join("\n");
        let faults = lines.into_iter().map(|message| Blamed { place: None, message, help: None }).collect();
        Self { drawn, faults }
    }

    /// One line in the log for each fault, so that what collects logs can point at the place.
    pub(crate) fn log(&self) {
        for Blamed { place, message, help } in &self.faults {
            let (file, line, column) = match place {
                Some((file, line, column)) => (Some(file), Some(line), Some(column)),
                None => (None, None, None),
            };
            tracing::error!(file, line, column, fault = message, help, "a dialect cannot be served");
        }
    }
}

impl fmt::Display for DialectFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.drawn)
    }
}

impl std::error::Error for DialectFaults {}

/// Every dialect there is, by name. One in the operator's folder stands in for one of the same name that came with the
/// program.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn all(folder: Option<&Path>) -> Result<Vec<Found>, DialectFaults> {
    let own = match folder {
        Some(folder) => own_folder(folder)?,
        None => Vec::new(),
    };
    let shipped = SHIPPED.iter().filter(|shipped| own.iter().all(|found| found.name != shipped.name));
    let mut found: Vec<Found> = shipped.map(from_shipped).collect();
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
    let Some(names) = &dialects.enabled else {
        return Ok(all.into_iter().filter(|found| found.origin != Origin::Gallery).collect());
    };
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
        return Err(DialectFaults::plain(unknown));
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
        let file = path.join(FILE);
        let missing = || format!("there is no dialect in the folder `{name}`: no {}", file.display());
        return if file.is_file() { read(&file) } else { Err(DialectFaults::plain(vec![missing()])) };
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
            Err(DialectFaults::plain(vec![format!("there is no dialect, file or folder `{name}`{hint}")]))
        }
    }
}

/// What `name` stands for where several may be meant: as [`named`], every dialect of a folder of such, or the dialect of a
/// case file with that case alone.
///
/// # Errors
/// When it is none of them.
pub(crate) fn meant(name: &str) -> Result<Vec<Found>, DialectFaults> {
    let path = Path::new(name);
    if path.is_dir() && !path.join(FILE).is_file() {
        let all = in_folder(path)?;
        if !all.is_empty() {
            return Ok(all);
        }
    }
    if path.extension().is_some_and(|extension| extension == "case") && path.is_file() {
        let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let file = absolute.parent().and_then(Path::parent).unwrap_or(Path::new("..")).join(FILE);
        if !file.is_file() {
            let why = format!("{name} is a case of no dialect: there is no {}", file.display());
            return Err(DialectFaults::plain(vec![why]));
        }
        let mut found = read(&file)?;
        found.cases.retain(|case| Path::new(&case.name) == absolute);
        return Ok(vec![found]);
    }
    Ok(vec![named(name, None)?])
}

/// The dialect of that name among those that can be served; `None` when it is there no more, or cannot be read.
pub(crate) fn of_name(name: &str, folder: Option<&Path>) -> Option<Found> {
    let own = folder.map(|folder| folder.join(name).join(FILE)).filter(|file| file.is_file());
    match own {
        Some(file) => read(&file).ok(),
        None => SHIPPED.iter().find(|shipped| shipped.name == name).map(from_shipped),
    }
}

/// Compiles every file.
///
/// # Errors
/// Every fault of every file at once.
pub(crate) fn compile_all(found: &[Found], color: bool) -> Result<Vec<Arc<Dialect>>, DialectFaults> {
    let mut dialects = Vec::new();
    let (mut drawn, mut faults) = (Vec::new(), Vec::new());
    for each in found {
        match compile(&each.source, Some(&each.name)) {
            Ok(dialect) => dialects.push(Arc::new(dialect)),
            Err(diagnostics) => {
                drawn.push(render(&each.source, &diagnostics, color));
                faults.extend(diagnostics.into_iter().map(|fault| blamed(&each.source, fault)));
            }
        }
    }
    if faults.is_empty() { Ok(dialects) } else { Err(DialectFaults { drawn: drawn.join("\n"), faults }) }
}

fn blamed(source: &Source, fault: Diagnostic) -> Blamed {
    let Diagnostic { span, message, help } = fault;
    let (line, column) = span.map_or((1, 1), |span| line_column(source, span.start));
    Blamed { place: Some((source.name.clone(), line, column)), message, help }
}

/// Says in the log which rules are loosened, and what that costs.
pub(crate) fn warn<'d>(dialects: impl Iterator<Item = &'d Arc<Dialect>>) {
    for dialect in dialects {
        for what in dialect.insecure() {
            tracing::warn!(dialect = dialect.name(), insecure = what.name(), "a rule is loosened: {}", what.cost());
        }
    }
}

/// One router over all; every overlap is listed, also with the server's own paths.
///
/// # Errors
/// The overlaps.
pub(crate) fn route(dialects: Vec<Arc<Dialect>>, reserved: &[&str]) -> Result<Router, DialectFaults> {
    Router::new(dialects, reserved).map_err(|overlaps| {
        let mut lines: Vec<String> = overlaps.iter().map(ToString::to_string).collect();
        lines.push(
            "one of them must have other paths, or not be served: dialects.enabled names those that are".to_owned(),
        );
        DialectFaults::plain(lines)
    })
}

fn from_shipped(shipped: &Shipped) -> Found {
    let Shipped { origin, name, text, cases } = *shipped;
    let folder = if origin == Origin::Gallery { "dialects/gallery" } else { "dialects" };
    let file = |part: &str| format!("{folder}/{name}/{part}");
    Found {
        name: name.to_owned(),
        source: Source::new(file("dialect.toml"), text),
        cases: cases.iter().map(|(case, text)| Source::new(file(&format!("cases/{case}")), *text)).collect(),
        origin,
    }
}

/// The configured folder.
fn own_folder(folder: &Path) -> Result<Vec<Found>, DialectFaults> {
    let refused = |why: String| DialectFaults::plain(vec![format!("dialects.folder: {why}")]);
    if folder.join(FILE).is_file() {
        let shown = folder.display();
        return Err(refused(format!("`{shown}` is one dialect; name the folder around it, of NAME/{FILE}")));
    }
    if !folder.is_dir() {
        return Err(refused(format!("there is no folder `{}`", folder.display())));
    }
    in_folder(folder)
}

fn in_folder(folder: &Path) -> Result<Vec<Found>, DialectFaults> {
    let mut found = Vec::new();
    for path in sorted(folder)? {
        let file = path.join(FILE);
        if file.is_file() {
            found.push(read(&file)?);
        }
    }
    Ok(found)
}

fn read(file: &Path) -> Result<Found, DialectFaults> {
    let text = |path: &Path| {
        fs::read_to_string(path).map_err(|error| {
            let is_text = error.kind() != ErrorKind::InvalidData;
            let why = if is_text { error.to_string() } else { "this is not UTF-8".to_owned() };
            DialectFaults::plain(vec![format!("{}: {why}", path.display())])
        })
    };
    let absolute = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = absolute.parent().unwrap_or(Path::new("."));
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut cases = Vec::new();
    for path in sorted(&folder.join("cases")).unwrap_or_default() {
        if path.extension().is_some_and(|extension| extension == "case") {
            cases.push(Source::new(path.display().to_string(), text(&path)?));
        }
    }
    Ok(Found { name, source: Source::new(file.display().to_string(), text(file)?), cases, origin: Origin::Own })
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, DialectFaults> {
    let entries =
        fs::read_dir(folder).map_err(|error| DialectFaults::plain(vec![format!("{}: {error}", folder.display())]))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gallery_is_served_only_when_it_is_named() {
        let origins = |enabled: Option<&[&str]>| -> Vec<(String, Origin)> {
            let enabled = enabled.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            let found = super::enabled(&config::Dialects { enabled, folder: None }).unwrap();
            found.into_iter().map(|found| (found.name, found.origin)).collect()
        };
        assert!(all(None).unwrap().iter().any(|found| found.origin == Origin::Gallery));
        assert!(origins(None).iter().all(|(_, origin)| *origin == Origin::Builtin));
        let named = [("directus".to_owned(), Origin::Gallery), ("spring".to_owned(), Origin::Builtin)];
        assert_eq!(origins(Some(&["spring", "directus"])), named);
    }

    #[test]
    fn a_name_may_mean_a_dialect_a_folder_of_such_or_one_case() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects");
        let at = |part: &str| root.join(part).display().to_string();
        let names = |name: &str| -> Result<Vec<(String, usize)>, String> {
            let found = meant(name).map_err(|faults| faults.to_string())?;
            Ok(found.into_iter().map(|found| (found.name, found.cases.len())).collect())
        };
        assert!(names(&at("")).unwrap().len() > 5);
        assert!(names(&at("everything")).unwrap()[0].1 > 1);
        assert_eq!(names(&at("words/cases/login.case")).unwrap(), [("words".to_owned(), 1)]);
        assert!(names(&at("words/cases")).unwrap_err().starts_with("there is no dialect in the folder `"));
        assert!(names("sprong").unwrap_err().ends_with("did you mean `spring`?"));

        let faults = |folder: &str| all(Some(&root.join(folder))).err().unwrap().to_string();
        assert!(faults("words").ends_with("is one dialect; name the folder around it, of NAME/dialect.toml"));
        assert!(faults("nobody").starts_with("dialects.folder: there is no folder `"));
    }
}
