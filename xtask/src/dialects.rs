//! Every operation of the catalog is shown by at least one case of at least one dialect. It runs no case: that is
//! `myna dialect test`.

use crate::source::{code_only, first_word, words};
use crate::tree::{Finding, Tree};

const CATALOG: &str = "crates/core/src/catalog.rs";

/// An operation as a dialect binds it: its name and its `METHOD /path`.
type Binding = (String, String);

pub(crate) fn cases(tree: &Tree) -> Vec<Finding> {
    let operations = tree.file(CATALOG).map(|file| operations(&code_only(&file.text))).unwrap_or_default();
    if operations.is_empty() {
        let what = "no `enum Operation { … }` found, so cases cannot be checked: declare it here";
        return vec![Finding::new(CATALOG, 1, what)];
    }
    let mut findings = Vec::new();
    let mut shown = Vec::new();
    for file in tree.files.iter().filter(|file| format!("/{}", file.path).contains("/dialects/")) {
        let Some(folder) = file.path.strip_suffix("dialect.toml") else {
            continue;
        };
        let bindings = match toml::from_str::<toml::Value>(&file.text) {
            Ok(value) => bindings(&value),
            Err(error) => {
                let what = format!("not TOML: {}; `myna dialect check` says more", error.message());
                findings.push(Finding::new(&file.path, 1, what));
                continue;
            }
        };
        let is_case = |path: &str| path.starts_with(&format!("{folder}cases/")) && path.ends_with(".case");
        let cases = tree.files.iter().filter(|file| is_case(&file.path));
        let lines: Vec<&str> = cases.flat_map(|file| file.text.lines()).collect();
        let is_shown = |(_, route): &Binding| lines.iter().any(|line| is_request(route, line));
        shown.extend(bindings.into_iter().filter(is_shown).map(|(operation, _)| operation));
    }
    for (line, operation) in operations.iter().filter(|(_, operation)| !shown.contains(operation)) {
        let what = format!("no case of any dialect shows `{operation}`: write dialects/*/cases/*.case");
        findings.push(Finding::new(CATALOG, *line, what));
    }
    findings
}

/// The variants of `enum Operation`, in snake case, with their lines.
fn operations(code: &str) -> Vec<(usize, String)> {
    let lines = code.lines().enumerate().skip_while(|(_, line)| !line.contains("enum Operation {"));
    let body = lines.skip(1).take_while(|(_, line)| line.trim_end() != "}");
    let variants = body.map(|(index, line)| (index + 1, first_word(line)));
    let named = variants.filter(|(_, name)| name.starts_with(|first: char| first.is_ascii_uppercase()));
    named.map(|(line, name)| (line, words(&name).join("_"))).collect()
}

/// Every table that names both an operation and a route, wherever the dialect puts it.
fn bindings(value: &toml::Value) -> Vec<Binding> {
    let text = |key: &str| value.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let routes = match value.get("route") {
        Some(toml::Value::Array(routes)) => {
            routes.iter().filter_map(|route| Some(route.as_str()?.to_owned())).collect()
        }
        _ => text("route").into_iter().collect::<Vec<_>>(),
    };
    let operation = text("operation").unwrap_or_default();
    let mut found: Vec<Binding> = routes.into_iter().map(|route| (operation.clone(), route)).collect();
    if let Some(table) = value.as_table() {
        found.extend(table.values().flat_map(bindings));
    }
    if let Some(items) = value.as_array() {
        found.extend(items.iter().flat_map(bindings));
    }
    found
}

/// Whether a line of a case, such as `> POST /api/login?x=1`, is a request to the route. From the first `{` of a route
/// on, anything goes.
fn is_request(route: &str, line: &str) -> bool {
    let (start, open) = route.split_once('{').map_or((route, false), |(start, _)| (start, true));
    let rest = line.strip_prefix("> ").and_then(|request| request.strip_prefix(start));
    rest.is_some_and(|rest| open || rest.is_empty() || rest.starts_with([' ', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENUM: &str = "/// All.\npub enum Operation {\n    /// Renew.\n    Login,\n    ResetPassword,\n}\n";
    const DIALECT: &str = "[[endpoint]]\nroute = \"POST /a/{id}\"\noperation = \"login\"\n[[endpoint]]\nroute = [\"GET /c\", \"GET /b\"]\noperation = \"reset_password\"\n";

    #[test]
    fn each_operation_needs_a_case() {
        let table = [
            ("> POST /a/7?x=1\n\n> GET /b\n", vec![]),
            ("> POST /a/7\n", vec!["catalog.rs:5: no case of any dialect shows `reset_password`"]),
            ("> POST /a\n> GET /b HTTP/1.1\n", vec!["catalog.rs:4: no case of any dialect shows `login`"]),
            ("user {}\nPOST /a/7\n", vec!["catalog.rs:4: ", "catalog.rs:5: "]),
        ];
        for (case, expected) in table {
            let found = cases(&Tree::of(&[
                (CATALOG, ENUM),
                ("dialects/x/dialect.toml", DIALECT),
                ("dialects/x/cases/a.case", case),
            ]));
            assert_eq!(found.len(), expected.len(), "{case}: {found:?}");
            assert!(
                found.iter().zip(expected).all(|(finding, part)| finding.to_string().contains(part)),
                "{case}: {found:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_checked_is_a_finding() {
        assert_eq!(cases(&Tree::of(&[])).len(), 1);
        assert_eq!(cases(&Tree::of(&[(CATALOG, "//! Empty.")])).len(), 1);
        let broken = Tree::of(&[(CATALOG, ENUM), ("dialects/x/dialect.toml", "a = [")]);
        assert_eq!(cases(&broken).len(), 3);
    }
}
