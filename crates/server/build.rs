//! Puts every folder of `dialects/` and of `dialects/gallery/` into the program, so that a dialect is added without
//! touching Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(clippy::disallowed_methods, reason = "this is how Cargo speaks with a build script")]
fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects").canonicalize()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let mut code = String::from("&[\n");
    for (part, origin) in [("", "Builtin"), ("gallery", "Gallery")] {
        for folder in sorted(&root.join(part)).unwrap_or_default() {
            if folder.join("dialect.toml").is_file() {
                write_shipped(&mut code, &folder, origin);
            }
        }
    }
    code.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("shipped.rs"), code)
}

fn write_shipped(code: &mut String, folder: &Path, origin: &str) {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = folder.join("dialect.toml");
    let _ = write!(code, "    Shipped {{ origin: Origin::{origin}, name: {name:?}, ");
    let _ = writeln!(code, "text: include_str!({file:?}), cases: &[");
    for case in sorted(&folder.join("cases")).unwrap_or_default() {
        if case.extension().is_some_and(|extension| extension == "case") {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let _ = writeln!(code, "        ({name:?}, include_str!({case:?})),");
        }
    }
    code.push_str("    ] },\n");
}

fn sorted(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}
