//! Reads `myna.toml` into the layers: syntax errors, unknown keys and wrong values all at once, each with its place.
//! What is shown of the file has its secrets blotted out.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use myna_core::secret::Secret;
use myna_dialect::diagnostic::{Diagnostic, Source, line_column};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::layers::{Layers, suggestion};
use super::settings::{Kind, SETTINGS, find, keys};
use super::value::from_toml;

/// A larger file is no configuration.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// A larger file is no password.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Reads the file at `path`, if it can be read.
pub(super) fn add_path(layers: &mut Layers, path: &Path) {
    let name = path.display().to_string();
    match read_limited(path, FILE_BYTES_MAX) {
        Ok(text) => add_text(layers, &name, &text),
        Err(message) => layers.faults.push(&Source::new(name, ""), Diagnostic::new(message)),
    }
}

/// The secret in the file at `path`, without the line end that editors put there.
pub(super) fn secret(path: &Path) -> Result<Secret<String>, String> {
    let text = read_limited(path, SECRET_FILE_BYTES_MAX).map_err(|problem| format!("{}: {problem}", path.display()))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err(format!("{}: the file is empty", path.display()));
    }
    Ok(Secret::new(line.to_owned()))
}

/// Why a file with a key for everything is not to be used: everybody on this machine can read it. Its group may: that is how
/// a server that runs without rights is given secrets.
pub(super) fn exposed(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let path = path.display();
    (mode & 0o007 != 0)
        .then(|| format!("{path} can be read by others (mode {mode:o}); make it private: chmod 600 {path}"))
}

fn read_limited(path: &Path, bytes_max: u64) -> Result<Zeroizing<String>, String> {
    use std::io::Read as _;
    let cannot = |error: std::io::Error| format!("the file cannot be read: {error}");
    let mut text = Zeroizing::new(String::new());
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(bytes_max + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > bytes_max {
        return Err(format!("the file is larger than {bytes_max} bytes"));
    }
    Ok(text)
}

/// Reads the text of a configuration file.
pub(super) fn add_text(layers: &mut Layers, name: &str, text: &str) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut walk = Walk { found: Vec::new(), faults: Vec::new(), blots: secret_spans(text) };
    walk.table("", root.get_ref());

    let source = Source::new(name, blotted(text, &walk.blots));
    let reach = Reach::of(&source, &errors);
    for error in &errors {
        let fault = Diagnostic::new(format!("not TOML: {}", error.message()));
        let end = text.len();
        layers.faults.push(&source, fault.at(error.span().unwrap_or(end..end)));
    }
    for fault in walk.faults.into_iter().filter(|fault| reach.covers(&source, fault)) {
        layers.faults.push(&source, fault);
    }
    for (key, kind, written) in walk.found {
        let Some((setting, _)) = find(&key) else { continue };
        match from_toml(kind, written) {
            Ok(value) => layers.add_file_value(setting, value, &source, written.span()),
            Err(faults) => {
                let faults = faults.into_iter().filter(|fault| reach.covers(&source, fault));
                layers.refuse(setting, &source, faults.collect());
            }
        }
    }
}

/// How far the parsed tree can be believed when the file is not TOML: not on the lines with errors, and not at all
/// behind a broken section header, where every key would stand in the wrong section.
struct Reach {
    lines: Vec<usize>,
    end: usize,
}

impl Reach {
    fn of(source: &Source, errors: &[toml::de::Error]) -> Self {
        let starts = errors.iter().map(|error| error.span().map_or(source.text.len(), |span| span.start));
        let lines: Vec<usize> = starts.map(|start| line_column(source, start).0).collect();
        let is_header = |line: usize| {
            source.text.lines().nth(line.saturating_sub(1)).is_some_and(|text| text.trim_start().starts_with('['))
        };
        let end = lines.iter().copied().filter(|line| is_header(*line)).min().unwrap_or(usize::MAX);
        Self { lines, end }
    }

    fn covers(&self, source: &Source, fault: &Diagnostic) -> bool {
        let line = fault.span.as_ref().map_or(1, |span| line_column(source, span.start).0);
        line < self.end && !self.lines.contains(&line)
    }
}

struct Walk<'a, 'i> {
    found: Vec<(String, Kind, &'a Spanned<DeValue<'i>>)>,
    faults: Vec<Diagnostic>,
    /// What is not to be shown.
    blots: Vec<Range<usize>>,
}

impl<'a, 'i> Walk<'a, 'i> {
    fn table(&mut self, section: &str, table: &'a DeTable<'i>) {
        for (name, written) in table {
            let key =
                if section.is_empty() { name.get_ref().to_string() } else { format!("{section}.{}", name.get_ref()) };
            let is_section = keys().any(|known| known.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.')));
            match (find(&key), written.get_ref()) {
                (Some((_, kind)), _) => {
                    if kind == Kind::Secret {
                        self.blots.push(written.span());
                    }
                    self.found.push((key, kind, written));
                }
                (None, DeValue::Table(inner)) if is_section => self.table(&key, inner),
                (None, value) => {
                    // It may be a misspelled secret.
                    if !value.is_table() {
                        self.blots.push(written.span());
                    }
                    self.faults.push(unknown(section, name, &key, is_section));
                }
            }
        }
    }
}

fn unknown(section: &str, name: &Spanned<std::borrow::Cow<'_, str>>, key: &str, is_section: bool) -> Diagnostic {
    if is_section {
        let fault = Diagnostic::new(format!("`{key}` is a section, not a setting"));
        return fault.at(name.span()).help(format!("write [{key}] and its settings below"));
    }
    let fault = Diagnostic::new(format!("there is no setting `{key}`"));
    fault.at(name.span()).help(suggestion(section, name.get_ref()))
}

/// Where secrets stand as far as the letters tell: a line may be shown because it is *not* TOML, and then no parser
/// knows. From the `=` behind a secret's name to the end of the line or of the multi-line string.
fn secret_spans(text: &str) -> Vec<Range<usize>> {
    let secrets = SETTINGS.iter().filter(|setting| setting.kind == Kind::Secret);
    let mut spans = Vec::new();
    for name in secrets.map(super::settings::Setting::name) {
        for (at, _) in text.match_indices(name) {
            let rest = text.get(at + name.len()..).unwrap_or_default();
            let value = rest.trim_start_matches(['"', '\'', ' ', '\t']);
            if !value.starts_with('=') {
                continue;
            }
            let value = value.get(1..).unwrap_or_default().trim_start_matches([' ', '\t']);
            let start = text.len() - value.len();
            let quotes = ["\"\"\"", "'''"].into_iter().find(|quotes| value.starts_with(quotes));
            let length = match quotes {
                Some(quotes) => {
                    let closed = value.get(quotes.len()..).and_then(|rest| rest.find(quotes));
                    closed.map_or(value.len(), |at| quotes.len() + at)
                }
                None => value.find('\n').unwrap_or(value.len()),
            };
            spans.push(start..start + length);
        }
    }
    spans
}

/// The text with these bytes made `*`; every other byte stays where it is, so spans stay right.
fn blotted(text: &str, spans: &[Range<usize>]) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        let is_secret = spans.iter().any(|span| span.contains(&at)) && !"\r\n".contains(letter);
        if is_secret {
            shown.extend(std::iter::repeat_n('*', letter.len_utf8()));
        } else {
            shown.push(letter);
        }
    }
    shown
}
