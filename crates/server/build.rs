//! Puts every folder of `dialects/` into the program, so that a dialect is added without touching Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(clippy::disallowed_methods, reason = "this is how Cargo speaks with a build script")]
fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects").canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut code = String::from("&[\n");
    for folder in sorted(&root)?.iter().filter(|path| path.join("dialect.toml").is_file()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file = folder.join("dialect.toml");
        let _ = writeln!(code, "    Builtin {{ name: {name:?}, text: include_str!({file:?}), cases: &[");
        for case in sorted(&folder.join("cases")).unwrap_or_default() {
            if case.extension().is_some_and(|extension| extension == "case") {
                let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let _ = writeln!(code, "        ({name:?}, include_str!({case:?})),");
            }
        }
        code.push_str("    ] },\n");
    }
    code.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("builtin.rs"), code)
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
