//! Words: names that say nothing, text that must not be in the project, private keys. It reads names where they are
//! declared and never judges prose.

use crate::rules::Rules;
use crate::source::{code_only, production_lines, words};
use crate::tree::{File, Finding, Tree};

/// Names of files, modules, types and functions.
pub(crate) fn names(rules: &Rules, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let banned = |name: &str| words(name).into_iter().find(|word| rules.name_words.contains(word));
    for file in &tree.files {
        let parts = file.path.split('/').filter_map(|part| part.split('.').next());
        let what = |word| format!("`{word}` in a file name says nothing: name what it holds");
        let found = parts.filter_map(banned);
        findings.extend(found.map(|word| Finding::new(&file.path, 1, what(word))));
    }
    for file in tree.rust() {
        let code = code_only(&file.text);
        for (number, kind, name) in declarations(&code) {
            let prefixed = kind == "fn" && rules.function_prefixes.iter().any(|prefix| name.starts_with(prefix));
            let vague = prefixed || (kind != "fn" && banned(name).is_some());
            if vague && !rules.names_allowed.iter().any(|allowed| allowed == name) {
                let what = format!("`{kind} {name}` says nothing: name what it is or does (docs/GLOSSARY.md)");
                findings.push(Finding::new(&file.path, number, what));
            }
        }
    }
    findings
}

fn declarations(code: &str) -> Vec<(usize, &str, &str)> {
    const KINDS: [&str; 7] = ["fn", "mod", "struct", "enum", "trait", "type", "union"];
    let mut found = Vec::new();
    for (number, line) in production_lines(code) {
        let words: Vec<&str> = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').collect();
        let pairs = words.windows(2).filter(|pair| KINDS.contains(&pair[0]));
        found.extend(pairs.map(|pair| (number, pair[0], pair[1])));
    }
    found
}

/// Text that no file may hold, and private keys (KY-09).
pub(crate) fn text(rules: &Rules, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if !rules.lockfiles.iter().any(|lockfile| lockfile == name) {
            findings.extend(forbidden(rules, file));
        }
        findings.extend(private_keys(&rules.test_key_mark, file));
    }
    findings
}

fn forbidden(rules: &Rules, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        for word in rules.text_forbidden.iter().filter(|word| lower.contains(word.as_str())) {
            let what = format!("`{word}` is about one machine or one registry: leave it out, or say it in general");
            findings.push(Finding::new(&file.path, index + 1, what));
        }
    }
    findings
}

/// A PEM header alone is a label; with base64 after it, it is a key.
fn private_keys(mark: &str, file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if [".p12", ".pfx", ".key"].iter().any(|ending| file.path.ends_with(ending)) {
        let what = "a key file: leave it out, and make the key when the test runs";
        findings.push(Finding::new(&file.path, 1, what));
    }
    for (at, header) in file.text.match_indices("PRIVATE KEY") {
        let (before, after) = (&file.text[..at], &file.text[at + header.len()..]);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let body = after.strip_prefix(" BLOCK").unwrap_or(after).strip_prefix("-----");
        let Some(body) = body.filter(|_| line.contains("-----BEGIN ")) else {
            continue;
        };
        // In source text a line may end in `\n` or a quote.
        let body = body.replace("\\n", "").replace(['"', '\\', '\r', '\n', ' '], "");
        let base64 = body.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
        let marked = before.lines().rev().take(4).any(|line| line.contains(mark));
        if base64 >= 24 && !marked {
            let what = format!("a private key: make it when the test runs, or put `{mark}` above it");
            findings.push(Finding::new(&file.path, before.matches('\n').count() + 1, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_where_they_are_declared() {
        let table = [
            ("a.rs", "// a utils manager\nfn run(manager: u8) { service_fn(); \"struct Utils\"; }", 0),
            ("a.rs", "impl tower::Service for Door { type Future = X; fn target() {} }", 0),
            ("a.rs", "pub(crate) struct TokenManager;", 1),
            ("a.rs", "mod utils;\nenum Futils {}", 1),
            ("a.rs", "async fn get_user() {}\nfn get_forced() {}\nfn budget_left() {}", 1),
            ("crates/core/src/text_utils.rs", "", 1),
            ("contrib/utils/x.sh", "", 1),
            ("contrib/myna.manager", "", 0),
        ];
        for (path, text, expected) in table {
            let found = names(&Rules::sample(), &Tree::of(&[(path, text)]));
            assert_eq!(found.len(), expected, "{path} {text}: {found:?}");
        }
    }

    #[test]
    fn forbidden_text_is_found_outside_lockfiles() {
        let table = [("README.md", 1), ("web/Cargo.lock", 0)];
        for (path, expected) in table {
            let tree = Tree::of(&[(path, "fine\nsee https://Secret.example/x\n")]);
            assert_eq!(text(&Rules::sample(), &tree).len(), expected, "{path}");
        }
    }

    // KY-09
    #[test]
    fn private_keys_are_found() {
        let kind = "PRIVATE KEY";
        let body = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v".repeat(2);
        let table = [
            (format!("-----BEGIN {kind}-----\n{body}\n"), 1),
            (format!("let pem = \"-----BEGIN EC {kind}-----\\n{body}\";"), 1),
            (format!("-----BEGIN PGP {kind} BLOCK-----\n\n{body}\n"), 1),
            (format!("// tidy: test key, RFC 8037 A.1\n-----BEGIN {kind}-----\n{body}\n"), 0),
            (format!("const LABEL: &str = \"-----BEGIN {kind}-----\"; fn a() {{}}"), 0),
            (format!("The {kind}-----{body} of prose"), 0),
        ];
        for (content, expected) in table {
            assert_eq!(text(&Rules::sample(), &Tree::of(&[("a.txt", &content)])).len(), expected, "{content}");
        }
        assert_eq!(text(&Rules::sample(), &Tree::of(&[("tls/server.key", "")])).len(), 1);
    }
}
