//! What `xtask/floors.toml` holds, as types. It decides nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    pub(crate) file_lines_target: usize,
    pub(crate) file_lines_max: usize,
    pub(crate) operation_lines_max: usize,
    pub(crate) direct_dependencies_max: usize,
    pub(crate) name_words: Vec<String>,
    pub(crate) function_prefixes: Vec<String>,
    pub(crate) names_allowed: Vec<String>,
    pub(crate) text_forbidden: Vec<String>,
    pub(crate) lockfiles: Vec<String>,
    pub(crate) test_key_mark: String,
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    #[serde(rename = "crate")]
    pub(crate) crates: BTreeMap<String, CrateRule>,
    /// By crate: its modules, lowest floor first.
    pub(crate) modules: BTreeMap<String, Vec<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrateRule {
    pub(crate) lines_max: usize,
    pub(crate) imports: Vec<String>,
    pub(crate) forbids: Vec<String>,
    pub(crate) forbids_code: Vec<String>,
}

#[cfg(test)]
impl Rules {
    /// Small rules for tests.
    pub(crate) fn sample() -> Self {
        let text = r#"
            file_lines_target = 5
            file_lines_max = 10
            operation_lines_max = 6
            direct_dependencies_max = 2
            name_words = ["utils", "manager"]
            function_prefixes = ["get_"]
            names_allowed = ["get_forced"]
            text_forbidden = ["secret.example"]
            lockfiles = ["Cargo.lock"]
            test_key_mark = "tidy: test key"
            groups = { runtime = ["tokio"] }
            crate.core = { lines_max = 12, imports = [], forbids = ["runtime"], forbids_code = ["async fn"] }
            crate.store = { lines_max = 12, imports = ["core"], forbids = [], forbids_code = [] }
            modules.core = [["id", "time"], ["user"], ["ops"]]
        "#;
        toml::from_str(text).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_s_own_rules_are_sound() {
        let rules: Rules = toml::from_str(include_str!("../floors.toml")).unwrap();
        for (name, rule) in &rules.crates {
            assert!(rule.imports.iter().all(|import| rules.crates.contains_key(import)), "{name}: unknown import");
            assert!(rule.forbids.iter().all(|group| rules.groups.contains_key(group)), "{name}: unknown group");
        }
        for (krate, floors) in &rules.modules {
            let mut names: Vec<&String> = floors.iter().flatten().collect();
            let all = names.len();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), all, "{krate}: a module on two floors");
        }
    }
}
