//! All faults of a configuration, each with the text it is in, and their rendering. No secret is ever in such a text:
//! the values of secrets and of unknown keys are blotted out before a source comes here.

use std::fmt;

use myna_dialect::diagnostic::{Diagnostic, Source, render_one, summary};

/// What is wrong with a configuration; at least one fault.
pub(crate) struct ConfigFaults {
    faults: Vec<(Source, Diagnostic)>,
}

impl ConfigFaults {
    pub(super) const fn new() -> Self {
        Self { faults: Vec::new() }
    }

    pub(super) fn push(&mut self, source: &Source, fault: Diagnostic) {
        self.faults.push((source.clone(), fault));
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.faults.len()
    }

    /// Every fault with its place, the file's first and in its order, then the sum; for people.
    pub(crate) fn render(&self, color: bool) -> String {
        let mut order: Vec<&Source> = Vec::new();
        for (source, _) in &self.faults {
            if !order.contains(&source) {
                order.push(source);
            }
        }
        let mut sorted: Vec<&(Source, Diagnostic)> = self.faults.iter().collect();
        sorted.sort_by_key(|(source, fault)| {
            let place = fault.span.as_ref().map(|span| (span.start, span.end));
            (order.iter().position(|other| *other == source), place)
        });
        let mut text: String = sorted.iter().map(|(source, fault)| render_one(source, fault, color) + "\n").collect();
        let name = match order.as_slice() {
            [only] => only.name.as_str(),
            _ => "the configuration",
        };
        text.push_str(&summary(self.len(), name));
        text
    }
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigFaults {}
