//! `languages`, `[messages]`, `[codes]`, `[text]`: what people read, in one or every language of the dialect.

use myna_core::problem::ProblemKind;

use super::Compiler;
use crate::diagnostic::did_you_mean;
use crate::file::{Table, Text};
use crate::messages::{FILL_INS, unknown_fill_ins};
use crate::words::{Languages, Words};

/// So many languages a dialect has at most: each response with words holds them all.
const LANGUAGES_MAX: usize = 64;

/// Words as they are written: a text for each language that has one, the default first.
pub(super) struct Written(Vec<(usize, Text)>);

impl Written {
    /// The words, each text changed.
    pub(super) fn words(&self, languages: &Languages, change: impl Fn(&str) -> String) -> Words {
        let Some((_, first)) = self.0.first() else { return Words::one("") };
        if self.0.len() == 1 {
            return Words::one(change(&first.value));
        }
        let text = |at| self.0.iter().find(|(of, _)| *of == at).map_or(first, |(_, text)| text);
        Words::of((0..languages.0.len()).map(|at| change(&text(at).value)).collect())
    }
}

impl Compiler {
    pub(super) fn words_of_all(&mut self, root: &Table<'_>) {
        self.languages(root);
        self.messages(root);
        self.codes(root);
        self.texts(root);
    }

    fn languages(&mut self, root: &Table<'_>) {
        for tag in root.texts("languages", &mut self.faults) {
            // BCP 47, as far as anybody needs it here.
            let lawful = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
            if !tag.value.split('-').all(lawful) {
                let help = "a language is a tag such as \"en\" or \"pt-BR\"".to_owned();
                self.faults.add_with(tag.span, format!("`{}` is no language", tag.value.escape_debug()), help);
            } else if self.languages.0.iter().any(|known| known.eq_ignore_ascii_case(&tag.value)) {
                self.faults.add(tag.span, format!("the language `{}` is listed twice", tag.value));
            } else if self.languages.0.len() == LANGUAGES_MAX {
                self.faults.add(tag.span, format!("a dialect has at most {LANGUAGES_MAX} languages"));
                return;
            } else {
                self.languages.0.push(tag.value);
            }
        }
    }

    /// A text, or a table with a text for each language.
    pub(super) fn words(&mut self, table: &Table<'_>, key: &str) -> Option<Written> {
        if !table.is_table(key) {
            return Some(Written(vec![(0, table.text(key, &mut self.faults)?)]));
        }
        let by_language = table.table(key, &mut self.faults)?;
        if self.languages.0.is_empty() {
            let help = "list them: languages = [\"en\", \"de\"], the default first".to_owned();
            self.faults.add_with(by_language.span, "words by language, and the dialect has no languages", help);
            return None;
        }
        let known: Vec<String> = self.languages.0.clone();
        by_language.only(&known.iter().map(String::as_str).collect::<Vec<_>>(), &mut self.faults);
        if let Some(default) = known.first().filter(|default| !by_language.has(default)) {
            let message = format!("the words in the default language `{default}` are missing");
            self.faults.add(by_language.span.clone(), message);
        }
        let text = |(at, language): (usize, &String)| Some((at, by_language.text(language, &mut self.faults)?));
        Some(Written(known.iter().enumerate().filter_map(text).collect()))
    }

    /// Words that may have something filled in.
    pub(super) fn message(&mut self, table: &Table<'_>, key: &str) -> Option<Written> {
        let words = self.words(table, key)?;
        for (_, text) in &words.0 {
            self.prove_message(text);
        }
        Some(words)
    }

    fn prove_message(&mut self, words: &Text) {
        for name in unknown_fill_ins(&words.value) {
            let help = did_you_mean(name, FILL_INS).unwrap_or_else(|| format!("known here: {}", FILL_INS.join(", ")));
            let at = words.value.find(&format!("{{{name}}}")).unwrap_or_default();
            let span = words.at(at..at + name.len() + 2);
            self.faults.add_with(span, format!("a message has no `{{{name}}}` to fill in"), help);
        }
    }

    fn messages(&mut self, root: &Table<'_>) {
        let Some(table) = root.table("messages", &mut self.faults) else {
            return;
        };
        table.only(&ProblemKind::NAMES, &mut self.faults);
        for name in ProblemKind::NAMES.into_iter().filter(|name| table.has(name)) {
            if let Some(written) = self.message(&table, name) {
                self.messages.words.push((name, written.words(&self.languages, str::to_owned)));
            }
        }
    }

    fn codes(&mut self, root: &Table<'_>) {
        let Some(table) = root.table("codes", &mut self.faults) else {
            return;
        };
        table.only(&ProblemKind::NAMES, &mut self.faults);
        for name in ProblemKind::NAMES {
            if let Some(code) = table.text(name, &mut self.faults) {
                self.messages.codes.push((name, code.value));
            }
        }
    }

    fn texts(&mut self, root: &Table<'_>) {
        let table = root.table("text", &mut self.faults);
        for key in table.iter().flat_map(Table::keys) {
            let Some(written) = table.as_ref().and_then(|table| self.words(table, &key.value)) else {
                continue;
            };
            // They may stand in a header.
            for (_, text) in written.0.iter().filter(|(_, text)| text.value.chars().any(char::is_control)) {
                self.faults.add(text.span.clone(), "a text of `[text]` is one line");
            }
            self.texts.push((key.value, written.words(&self.languages, str::to_owned)));
        }
    }
}
