//! What a loaded dialect keeps, counted by the allocator: bytes are the same on every machine. A file of its own, with one
//! test, so that no other allocates meanwhile.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::alloc::System;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use myna_dialect::diagnostic::Source;
use myna_dialect::{Dialect, Router, compile};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BYTES_MAX: usize = 64 * 1024;

/// Every dialect file below `dialects/`, the gallery's too.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects");
    let folders = [root.clone(), root.join("gallery")];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path().join("dialect.toml")).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    let name = |path: &Path| Some(path.parent()?.file_name()?.to_str()?.to_owned());
    paths.iter().map(|path| (name(path).expect("folder"), fs::read_to_string(path).expect("text"))).collect()
}

/// What is kept of what `make` makes, in bytes.
fn kept<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let region = Region::new(ALLOCATOR);
    let made = make();
    let change = region.change();
    (made, change.bytes_allocated - change.bytes_deallocated)
}

fn load(name: &str, text: &str) -> Arc<Dialect> {
    Arc::new(compile(&Source::new("file", text), Some(name)).expect(name))
}

/// The dialect under another name, at paths of its own.
fn copy(number: usize, name: &str, text: &str) -> (String, String) {
    let (new, folder) = (format!("d{number}"), format!(" /d{number}/"));
    let line = |line: &str| match line.split('=').next().unwrap_or_default().trim() {
        "dialect" => line.replace(&format!("\"{name}\""), &format!("\"{new}\"")),
        "route" => line.replace(" /", &folder),
        _ => line.to_owned(),
    };
    let text = text.lines().map(line).collect::<Vec<_>>().join("\n");
    (new, text)
}

/// What each of so many dialects keeps, its routes in the router included.
fn each(files: &[(String, String)], count: usize) -> usize {
    let copies: Vec<_> = (0..count).map(|n| copy(n, &files[n % files.len()].0, &files[n % files.len()].1)).collect();
    let (router, bytes) = kept(|| {
        let dialects = copies.iter().map(|(name, text)| load(name, text)).collect();
        Router::new(dialects, &["/healthz"]).expect("no overlap")
    });
    assert_eq!(router.dialects().count(), count);
    bytes / count
}

#[test]
fn a_loaded_dialect_is_small_and_a_thousand_are_no_larger_each() {
    let files = files();
    assert!(files.len() >= 5);
    for (name, text) in &files {
        let (dialect, bytes) = kept(|| load(name, text));
        assert!(bytes <= BYTES_MAX, "{name} keeps {bytes} bytes");
        assert!(bytes > text.len() / 8, "{name}: {bytes} bytes cannot be counted right");
        drop(dialect);
    }
    let (few, many) = (each(&files, files.len()), each(&files, 1_000 / files.len() * files.len()));
    assert!(many <= BYTES_MAX && many <= few + few / 10, "{many} bytes each of many, {few} of few");
}
