//! The shape of files: how long they are, how they open, how large a crate is in all, how
//! decision records are named. Function length and parameter counts are clippy's.

use std::collections::{BTreeMap, BTreeSet};

use crate::rules::Rules;
use crate::source::{code_only, is_test_file, production_lines};
use crate::tree::{Finding, Tree};

/// What was counted, for the closing line.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) files: usize,
    pub(crate) lines: usize,
    pub(crate) above_target: usize,
}

/// Length and opening of each Rust file, and the budget of each crate.
pub(crate) fn sizes(rules: &Rules, tree: &Tree) -> (Counts, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut counts = Counts::default();
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    for file in tree.rust() {
        if !file.text.trim_start().starts_with("//!") {
            let what = "open the file with a `//!` paragraph: what it holds, what it never does";
            findings.push(Finding::new(&file.path, 1, what));
        }
        if is_test_file(&file.path) {
            continue;
        }
        let lines = production_lines(&code_only(&file.text)).len();
        counts.files += 1;
        counts.lines += lines;
        counts.above_target += usize::from(lines > rules.file_lines_target);
        let operation = file.path.starts_with("crates/core/src/ops/");
        let most = if operation { rules.operation_lines_max } else { rules.file_lines_max };
        if lines > most {
            let what = format!("{lines} lines without tests, at most {most}: give one of its ideas its own file");
            findings.push(Finding::new(&file.path, most + 1, what));
        }
        if let Some((krate, _)) = file.place() {
            *totals.entry(krate).or_default() += lines;
        }
    }
    for (krate, lines) in totals {
        let most = rules.crates.get(krate).map_or(usize::MAX, |rule| rule.lines_max);
        if lines > most {
            let what = format!("crate `{krate}` has {lines} lines without tests, its budget is {most}: cut");
            findings.push(Finding::new("xtask/floors.toml", 1, what));
        }
    }
    (counts, findings)
}

/// Decision records: `docs/decisions/NNNN-title.md`, each number once, each with a `Status:` line.
pub(crate) fn decisions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers = BTreeSet::new();
    for file in &tree.files {
        let Some(name) = file.path.strip_prefix("docs/decisions/").filter(|name| *name != "README.md") else {
            continue;
        };
        let number = name.split_once('-').map(|(number, _)| number).filter(|number| is_number(number));
        let what = match number {
            None => Some("name it NNNN-title.md, with the next free number"),
            Some(number) if !numbers.insert(number) => Some("this number is taken: use the next free one"),
            Some(_) if !file.text.lines().any(is_status) => {
                Some("add a line `Status: accepted` (or proposed, or superseded by NNNN)")
            }
            Some(_) => None,
        };
        findings.extend(what.map(|what| Finding::new(&file.path, 1, what)));
    }
    findings
}

fn is_number(text: &str) -> bool {
    text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_status(line: &str) -> bool {
    let plain = line.trim_start_matches(['#', '-', '*', ' ']).to_ascii_lowercase();
    plain
        .strip_prefix("status")
        .is_some_and(|rest| rest.trim_start_matches('*').starts_with(':') || line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_openings() {
        let long = |lines: usize| format!("//! Doc.\n{}", "fn a() {}\n".repeat(lines - 1));
        let tests = format!("//! Doc.\nfn a() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn b() {}\n".repeat(90));
        let table = [
            ("crates/core/src/user.rs", long(10), 0),
            ("crates/core/src/user.rs", long(11), 1),
            ("crates/core/src/user.rs", tests, 0),
            ("crates/core/src/user/tests.rs", long(99), 0),
            ("crates/core/tests/it/main.rs", "fn a() {}".into(), 1),
            ("crates/core/src/ops/login.rs", long(7), 1),
            ("crates/core/src/user.rs", "\nfn a() {}".into(), 1),
        ];
        for (path, text, expected) in table {
            assert_eq!(sizes(&Rules::sample(), &Tree::of(&[(path, &text)])).1.len(), expected, "{path}\n{text}");
        }
        let two = Tree::of(&[("crates/core/src/a.rs", &long(6)), ("crates/core/src/b.rs", &long(7))]);
        let (counts, findings) = sizes(&Rules::sample(), &two);
        assert!(findings[0].to_string().starts_with("xtask/floors.toml:1: crate `core` has 13 lines"), "{findings:?}");
        assert_eq!((counts.files, counts.lines, counts.above_target), (2, 13, 2));
    }

    #[test]
    fn records_are_named_and_have_a_status() {
        let table = [
            ("docs/decisions/0001-trees.md", "# Trees\n\nStatus: accepted\n", 0),
            ("docs/decisions/0001-trees.md", "# Trees\n\n- **Status**: accepted\n", 0),
            ("docs/decisions/0001-trees.md", "# Trees\n\nThe status quo.\n", 1),
            ("docs/decisions/trees.md", "Status: accepted", 1),
            ("docs/decisions/0002-again.md", "Status: accepted", 1),
        ];
        for (path, text, expected) in table {
            let tree = Tree::of(&[("docs/decisions/0002-first.md", "Status: accepted"), (path, text)]);
            assert_eq!(decisions(&tree).len(), expected, "{path} {text}");
        }
    }
}
