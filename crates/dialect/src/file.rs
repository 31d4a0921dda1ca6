//! A dialect file as it is written: TOML tables with the place of every key and value. It tells where things stand and
//! what is no lawful key; what the values mean is judged by `compile`.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, did_you_mean};

/// The faults found so far; compiling goes on after each, so that all are listed at once.
#[derive(Default)]
pub(crate) struct Faults(Vec<Diagnostic>);

/// More faults than people read at once; drawing each costs time (TH-18).
const FAULTS_MAX: usize = 100;

/// The first faults, and how many there are more.
pub(crate) fn bounded(mut faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let more = faults.len().saturating_sub(FAULTS_MAX);
    if more > 0 {
        faults.truncate(FAULTS_MAX);
        faults.push(Diagnostic::new(format!("and {more} more")));
    }
    faults
}

impl Faults {
    pub(crate) fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.0.push(Diagnostic::new(message).at(span));
    }

    pub(crate) fn add_with(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<Option<String>>) {
        self.0.push(Diagnostic::new(message).at(span).help(help));
    }

    /// In the order of the text; what several uses of one shape found is told once.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|fault| fault.span.as_ref().map(|span| (span.start, span.end)));
        self.0.dedup();
        bounded(self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn extend(&mut self, faults: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(faults);
    }
}

/// A string of the file.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) value: String,
    /// The whole value with its quotes.
    pub(crate) span: Range<usize>,
    /// Where the first byte of `value` stands; `None` when escapes make positions differ.
    pub(crate) base: Option<usize>,
}

impl Text {
    fn new(value: &str, span: Range<usize>, file: &str) -> Self {
        let raw = file.get(span.clone()).unwrap_or_default();
        let base = raw.find(value).filter(|_| !value.is_empty()).map(|at| span.start + at);
        Self { value: value.to_owned(), span, base }
    }

    /// Where these bytes of the value stand in the file.
    pub(crate) fn at(&self, inner: Range<usize>) -> Range<usize> {
        self.base.map_or_else(|| self.span.clone(), |base| base + inner.start..base + inner.end)
    }
}

/// One line that shows as it is: nothing in it steers a terminal, or turns the letters around it (Unicode TR 9, TR 36).
pub(crate) fn is_plain_line(text: &str) -> bool {
    let turns =
        |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.chars().any(|c| c.is_control() || turns(c))
}

/// A table of the file.
#[derive(Clone)]
pub(crate) struct Table<'t> {
    file: &'t str,
    table: &'t DeTable<'t>,
    pub(crate) span: Range<usize>,
}

impl<'t> Table<'t> {
    pub(crate) fn root(file: &'t str, table: &'t Spanned<DeTable<'t>>) -> Self {
        Self { file, table: table.get_ref(), span: 0..0 }
    }

    /// Every key but these is a fault.
    pub(crate) fn only(&self, known: &[&str], faults: &mut Faults) {
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let word: &str = key.get_ref();
            let list = || format!("known here: {}", known.join(", "));
            let help = did_you_mean(word, known.iter().copied()).unwrap_or_else(list);
            faults.add_with(key.span(), format!("unknown key `{word}`"), help);
        }
    }

    /// The keys in the order of the file.
    pub(crate) fn keys(&self) -> Vec<Text> {
        let mut keys: Vec<Text> =
            self.table.keys().map(|key| Text::new(key.get_ref(), key.span(), self.file)).collect();
        keys.sort_by_key(|key| key.span.start);
        keys
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Where the value of `key` stands; the table's own place without it.
    pub(crate) fn place(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    fn value(&self, key: &str) -> Option<(&'t DeValue<'t>, Range<usize>)> {
        self.table.get(key).map(|value| (value.get_ref(), value.span()))
    }

    pub(crate) fn text(&self, key: &str, faults: &mut Faults) -> Option<Text> {
        let (value, span) = self.value(key)?;
        match value.as_str() {
            Some(text) => Some(Text::new(text, span, self.file)),
            None => wrong_type(key, "a string", value, span, faults),
        }
    }

    /// The text, or the fault that it is missing.
    pub(crate) fn needed(&self, key: &str, faults: &mut Faults) -> Option<Text> {
        if !self.has(key) {
            faults.add(self.span.clone(), format!("`{key}` is missing"));
        }
        self.text(key, faults)
    }

    pub(crate) fn bool(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        let (value, span) = self.value(key)?;
        value.as_bool().or_else(|| wrong_type(key, "true or false", value, span, faults))
    }

    pub(crate) fn number(&self, key: &str, faults: &mut Faults) -> Option<u32> {
        let (value, span) = self.value(key)?;
        let number = value.as_integer().and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok());
        number.or_else(|| wrong_type(key, "a whole number, not negative", value, span, faults))
    }

    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.value(key).is_some_and(|(value, _)| value.is_table())
    }

    pub(crate) fn is_number(&self, key: &str) -> bool {
        self.value(key).is_some_and(|(value, _)| value.is_integer())
    }

    pub(crate) fn is_list(&self, key: &str) -> bool {
        self.value(key).is_some_and(|(value, _)| value.is_array())
    }

    pub(crate) fn is_bool(&self, key: &str) -> bool {
        self.value(key).is_some_and(|(value, _)| value.is_bool())
    }

    pub(crate) fn table(&self, key: &str, faults: &mut Faults) -> Option<Self> {
        let (value, span) = self.value(key)?;
        match value.as_table() {
            Some(table) => Some(Self { file: self.file, table, span }),
            None => wrong_type(key, "a table", value, span, faults),
        }
    }

    /// The tables of an array of tables.
    pub(crate) fn tables(&self, key: &str, faults: &mut Faults) -> Vec<Self> {
        let Some((value, span)) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.as_array() else {
            return wrong_type(key, "a list of tables", value, span, faults).unwrap_or_default();
        };
        let table = |each: &'t Spanned<DeValue<'t>>| {
            let (value, span) = (each.get_ref(), each.span());
            match value.as_table() {
                Some(table) => Some(Self { file: self.file, table, span }),
                None => wrong_type(key, "a list of tables", value, span, faults),
            }
        };
        array.iter().filter_map(table).collect()
    }

    /// One text or a list of texts.
    pub(crate) fn texts(&self, key: &str, faults: &mut Faults) -> Vec<Text> {
        let Some((value, span)) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.as_array() else {
            return self.text(key, faults).into_iter().collect();
        };
        let text = |each: &Spanned<DeValue<'_>>| match each.get_ref().as_str() {
            Some(text) => Some(Text::new(text, each.span(), self.file)),
            None => wrong_type(key, "a list of strings", value, span.clone(), faults),
        };
        array.iter().filter_map(text).collect()
    }
}

fn wrong_type<T>(key: &str, wanted: &str, value: &DeValue<'_>, span: Range<usize>, faults: &mut Faults) -> Option<T> {
    faults.add(span, format!("`{key}` must be {wanted}, this is of type {}", value.type_str()));
    None
}
