//! Every dialect file of the repository: the built-in ones, the gallery's, those of tests, the faulty and hostile ones.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders below the root whose `NAME/dialect.toml` are dialects without fault.
const DIALECTS: [&str; 3] = ["dialects", "dialects/gallery", "crates/server/tests/dialects"];
/// Folders of files that are refused.
const REFUSED: [&str; 2] = ["crates/dialect/tests/faulty", "crates/dialect/tests/hostile"];

/// Name and text of every dialect that has to compile.
pub fn dialects() -> Vec<(String, String)> {
    let folders = DIALECTS.iter().flat_map(|folder| entries(folder));
    let named = |path: PathBuf| {
        let text = fs::read_to_string(path.join("dialect.toml")).ok()?;
        Some((path.file_name()?.to_str()?.to_owned(), text))
    };
    folders.filter_map(named).collect()
}

/// Text of every file that has to be refused.
pub fn refused() -> Vec<String> {
    let files = REFUSED.iter().flat_map(|folder| entries(folder));
    let toml = files.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    toml.filter_map(|path| fs::read_to_string(path).ok()).collect()
}

fn entries(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = fs::read_dir(root.join(folder)).into_iter().flatten();
    let mut paths: Vec<PathBuf> = read.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}
