//! Files that are refused: a folder of dialects and, beside each, what is told of it, `NAME.txt`. `UPDATE=1 cargo test -p
//! myna-dialect --test behaviour` writes what is told anew; read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use myna_dialect::compile;
use myna_dialect::diagnostic::{Source, render};

/// The dialects of a folder of `tests`.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder)).expect("folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

/// Every file of the folder is refused, and told as it is written beside it.
#[expect(clippy::disallowed_methods, reason = "the switch of these tests alone")]
pub(crate) fn all_are_told(folder: &str) {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in files(folder) {
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        let source = Source::new(format!("tests/{folder}/{name}"), fs::read_to_string(&path).expect("text"));
        let Err(faults) = compile(&source, Some("d")) else {
            wrong.push(format!("--- {name}\nis accepted"));
            continue;
        };
        let shown = render(&source, &faults, false);
        // What is shown to the operator cannot steer a terminal or turn letters around.
        let steers =
            |c: &char| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if let Some(c) = shown.chars().find(steers) {
            wrong.push(format!("--- {name}\nis shown with {}", c.escape_unicode()));
        }
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &shown).expect("written");
        }
        if fs::read_to_string(&expected).unwrap_or_default() != shown {
            wrong.push(format!("--- {name}\n{shown}"));
        }
    }
    assert!(wrong.is_empty(), "not as expected (UPDATE=1 rewrites):\n{}", wrong.join("\n"));
}
