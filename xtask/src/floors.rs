//! Who may import whom: crates by their manifests, modules by the paths in their code. The floors are data in
//! `xtask/floors.toml`; nothing about a single crate is written here.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rules::Rules;
use crate::source::{code_only, first_word, is_test_file, is_word, production_lines};
use crate::tree::{Finding, Tree};

/// Our crates are `myna-core`, …; the rules and the folders say `core`.
fn short(package: &str) -> &str {
    package.strip_prefix("myna-").unwrap_or(package)
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap_or_default()
}

/// The edges between crates, foreign ones included, from `cargo metadata --no-deps`. Tests may depend on what they like.
pub(crate) fn crates(rules: &Rules, metadata: &Value, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ours: BTreeSet<&str> = list(metadata, "packages").map(|package| short(name(package))).collect();
    let mut foreign = BTreeSet::new();
    for package in list(metadata, "packages") {
        let krate = short(name(package));
        let folder = if krate == "xtask" { "" } else { "crates/" };
        let manifest = format!("{folder}{krate}/Cargo.toml");
        let Some(rule) = rules.crates.get(krate) else {
            let what =
                format!("crate `{krate}` has no floor: give it a row in xtask/floors.toml and a decision record");
            findings.push(Finding::new(&manifest, 1, what));
            continue;
        };
        for dependency in list(package, "dependencies").filter(|one| one["kind"] != "dev") {
            let other = short(name(dependency)).to_owned();
            let holds = |group: &&String| rules.groups.get(*group).is_some_and(|names| names.contains(&other));
            let why = if !ours.contains(other.as_str()) {
                foreign.insert(name(dependency));
                rule.forbids.iter().find(holds).map(|group| format!("group `{group}`"))
            } else if rule.imports.contains(&other) {
                None
            } else {
                Some("not one of its `imports`".to_owned())
            };
            let line = tree.line_of(&manifest, name(dependency));
            let what =
                why.map(|why| format!("`{krate}` may not use `{other}` ({why}): move the code to a crate that may"));
            findings.extend(what.map(|what| Finding::new(&manifest, line, what)));
        }
    }
    let (count, most) = (foreign.len(), rules.direct_dependencies_max);
    if count > most {
        let what = format!("{count} direct dependencies, at most {most}: do without one");
        findings.push(Finding::new("Cargo.toml", 1, what));
    }
    findings
}

/// The edges between modules of the crates that have floors, and code that a crate must not hold.
pub(crate) fn modules(rules: &Rules, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !is_test_file(&file.path)) {
        let Some((krate, inside)) = file.place() else { continue };
        let code = code_only(&file.text);
        let lines = production_lines(&code);
        let forbidden = rules.crates.get(krate).map_or(&[][..], |rule| &rule.forbids_code);
        for (number, line) in &lines {
            for text in forbidden.iter().filter(|text| line.contains(text.as_str())) {
                let what = format!("`{text}` does not belong in `{krate}`: let the server do it, take the result");
                findings.push(Finding::new(&file.path, *number, what));
            }
        }
        let place = module_path(inside);
        if let (Some(floors), Some(from)) = (rules.modules.get(krate), place.first()) {
            if floor(floors, from).is_none() {
                let what = format!("module `{from}` has no floor: name it in xtask/floors.toml");
                findings.push(Finding::new(&file.path, 1, what));
            }
            for (number, to) in imports(&lines, place.len()) {
                let what = forbidden_edge(floors, from, &to);
                findings.extend(what.map(|what| Finding::new(&file.path, number, what)));
            }
        }
    }
    findings
}

fn module_path(inside: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
        parts.pop();
    }
    parts
}

fn floor(floors: &[Vec<String>], module: &str) -> Option<usize> {
    floors.iter().position(|names| names.iter().any(|name| name == module))
}

fn forbidden_edge(floors: &[Vec<String>], from: &str, to: &str) -> Option<String> {
    if to.starts_with(|first: char| first.is_ascii_uppercase()) {
        return Some(format!("`crate::{to}` hides its floor: import it through its module"));
    }
    let (here, there) = (floor(floors, from)?, floor(floors, to)?);
    let what =
        format!("`{from}` (floor {here}) may not import `{to}` (floor {there}): only lower floors; move the code down");
    (there >= here && from != to).then_some(what)
}

/// The modules of this crate that the lines name: `crate::x`, `crate::{x, y::Z}`, `super::x` as far as it leaves the
/// module, which lies `depth` below the root.
fn imports(lines: &[(usize, &str)], depth: usize) -> Vec<(usize, String)> {
    let text: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
    let mut found = Vec::new();
    for root in ["crate::".to_owned(), "super::".repeat(depth)] {
        for (at, _) in text.match_indices(&root) {
            let before = text[..at].bytes().last().unwrap_or(b' ');
            if !is_word(before) && before != b':' && before != b'$' {
                let number = lines[text[..at].matches('\n').count()].0;
                let names = first_names(&text[at + root.len()..]);
                found.extend(names.into_iter().map(|name| (number, name)));
            }
        }
    }
    found
}

/// The first name of a path, or of each path of a `{…}` list.
fn first_names(path: &str) -> Vec<String> {
    let mut names = vec![first_word(path.trim_start_matches('{'))];
    let mut depth = 0_u32;
    for (at, letter) in path.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 1 => names.push(first_word(&path[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !matches!(name.as_str(), "" | "self" | "super"));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(core: &str) -> Value {
        let text = format!(
            r#"{{"packages":[{{"name":"myna-core","dependencies":[{core}]}},{{"name":"myna-store","dependencies":[{{"name":"myna-core","kind":null}}]}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn crate_edges() {
        let rules = Rules::sample();
        let tree = Tree::of(&[("crates/core/Cargo.toml", "[dependencies]\nserde = 1\ntokio = 1\n")]);
        let table = [
            (r#"{"name":"serde","kind":null}"#, None),
            (r#"{"name":"tokio","kind":"dev"}"#, None),
            (r#"{"name":"tokio","kind":null}"#, Some("crates/core/Cargo.toml:3: `core` may not use `tokio`")),
            (r#"{"name":"myna-store","kind":null}"#, Some("crates/core/Cargo.toml:1: `core` may not use `store`")),
            (
                r#"{"name":"a","kind":null},{"name":"b","kind":null},{"name":"c","kind":null}"#,
                Some("Cargo.toml:1: 3 direct"),
            ),
        ];
        for (core, expected) in table {
            let found = crates(&rules, &metadata(core), &tree);
            assert_eq!(found.len(), usize::from(expected.is_some()), "{core}: {found:?}");
            assert!(expected.is_none_or(|start| found[0].to_string().starts_with(start)), "{core}: {found:?}");
        }
        let stranger: Value =
            serde_json::from_str(r#"{"packages":[{"name":"myna-extra","dependencies":[]}]}"#).unwrap();
        assert_eq!(crates(&rules, &stranger, &tree).len(), 1);
    }

    #[test]
    fn module_edges() {
        let table = [
            ("ops/login.rs", "use crate::id::UserId;\nuse crate::{time, user::{A, B}};\n", None),
            (
                "user.rs",
                "// use crate::ops\nconst A: &str = \"crate::ops\";\n#[cfg(test)]\nmod tests {\n    use crate::ops;\n}\n",
                None,
            ),
            (
                "user.rs",
                "\nuse crate::ops::Login;\n",
                Some("user.rs:2: `user` (floor 1) may not import `ops` (floor 2)"),
            ),
            ("user.rs", "use crate::{\n    id::UserId,\n    ops::Login,\n};\n", Some("user.rs:1: `user` (floor 1)")),
            ("id.rs", "use super::time::A;", Some("id.rs:1: `id` (floor 0) may not import `time` (floor 0)")),
            ("id.rs", "fn a() -> super::user::User {}", Some("id.rs:1: `id` (floor 0)")),
            ("user.rs", "use crate::UserId;", Some("user.rs:1: `crate::UserId` hides")),
            ("attic.rs", "", Some("attic.rs:1: module `attic` has no floor")),
            ("ops/login.rs", "async fn a() {}", Some("ops/login.rs:1: `async fn` does not belong")),
        ];
        for (path, text, expected) in table {
            let found = modules(&Rules::sample(), &Tree::of(&[(&format!("crates/core/src/{path}"), text)]));
            assert_eq!(found.len(), usize::from(expected.is_some()), "{path} {text}: {found:?}");
            let expected = expected.map(|start| format!("crates/core/src/{start}"));
            assert!(expected.is_none_or(|start| found[0].to_string().starts_with(&start)), "{path} {text}: {found:?}");
        }
    }
}
